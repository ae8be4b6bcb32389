"""Private copies of shared models. Hooks on a shared model are a data race between visitors, so nobody hooks one.

A copy shares the memory of every parameter and buffer with its original and owns all the rest: its modules with their
hooks and modes, and the tensor objects themselves with `requires_grad`, `grad` and the version counter by which autograd
notices that a tensor was written to. It is lent from a small pool and taken back only when clean.
"""

from __future__ import annotations

import copy
import operator
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
)
_INNER = (*_HOOKS, "_parameters", "_buffers", "_modules")


def private(module: nn.Module) -> nn.Module:
    """A copy of `module` whose parameters and buffers are tensors of its own over the very same memory."""
    memo: dict[int, Any] = {id(b): b.data for b in module.buffers()}
    for p in module.parameters():
        memo[id(p)] = type(p)(p.data, requires_grad=p.requires_grad)
    return copy.deepcopy(module, memo)


def _inside(module: nn.Module) -> list[dict[str, Any]]:
    """The attributes of a module and of all modules below it. Faster than `modules()`: it runs at every question."""
    found = [module.__dict__]
    for attributes in found:  # grows on the way
        found += [child.__dict__ for child in attributes["_modules"].values() if child is not None]
    return found


def state(module: nn.Module) -> list[Any]:
    """All that a method may leave changed: modes, hooks, attributes, where the weights lie, `requires_grad`, gradients."""
    found: list[Any] = [type(module)]
    for own in _inside(module):
        found += [own["training"], tuple(own), tuple(own["_modules"]), [len(own[hooks]) for hooks in _HOOKS]]
        found += [type(m) for m in own["_modules"].values()]
        found += [b is None or b.data_ptr() for b in own["_buffers"].values()]
        found += [p is None or (p.data_ptr(), p.requires_grad, p.grad is None) for p in own["_parameters"].values()]
    return found


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Leave `module` as it was, whatever happens inside: modes, hooks, attributes, `requires_grad`, no new gradients.

    For a private copy, whose hooks nobody else sets meanwhile. Captum tidies up after itself, but not always after an error.
    """
    own = _inside(module)
    inner = [attributes[name] for attributes in own for name in _INNER]
    empty = [d for d in inner if not d]
    filled = [(d, d.copy()) for d in (*filter(None, inner), *own)]
    needs = [(p, p.requires_grad, p.grad) for m in own for p in m["_parameters"].values() if p is not None]
    try:
        yield
    finally:
        for now in filter(None, empty):
            now.clear()
        for now, had in filled:
            if len(now) != len(had) or not all(map(operator.is_, now.values(), had.values())):
                now.clear()
                now.update(had)
        for p, required, grad in needs:
            if p.grad is not grad:
                p.grad = grad
            if p.requires_grad != required:
                p.requires_grad_(required)


class Copies:
    """A pool of private copies of one model, safe for many threads."""

    def __init__(self, module: nn.Module, keep: int = 4) -> None:
        self._module = module
        self.nbytes = sum(t.nbytes for t in (*module.parameters(), *module.buffers()))  # which all copies share
        self._state = state(module)
        self._keep = keep
        self._free: list[nn.Module] = []
        self._lock = threading.Lock()

    @contextmanager
    def lend(self) -> Iterator[nn.Module]:
        """A copy of one's own for the length of a `with`; a copy that comes back changed is thrown away."""
        with self._lock:
            mine = self._free.pop() if self._free else None
        mine = private(self._module) if mine is None else mine
        try:
            yield mine
        finally:
            if state(mine) == self._state:
                with self._lock:
                    if len(self._free) < self._keep:
                        self._free.append(mine)
