"""Private copies of shared models. Hooks on a shared model are a data race between visitors, so nobody hooks one.

A copy shares every parameter and buffer with its original and owns all the rest: its modules, their hooks, their modes.
It is lent from a small pool and taken back only when clean.
"""

from __future__ import annotations

import copy
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


def private(module: nn.Module) -> nn.Module:
    """A copy of `module` with the very same parameter and buffer tensors."""
    shared = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in shared})


def state(module: nn.Module) -> list[Any]:
    """All that a method may leave changed: modes, hooks, attributes, `requires_grad`, and any gradient left behind."""
    inside = [
        (name, m.training, tuple(len(getattr(m, hooks)) for hooks in _HOOKS), frozenset(vars(m)), type(m))
        for name, m in module.named_modules()
    ]
    return inside + [(name, p.requires_grad, p.grad is None) for name, p in module.named_parameters()]


class Copies:
    """A pool of private copies of one model, safe for many threads."""

    def __init__(self, module: nn.Module, keep: int = 4) -> None:
        self._module = module
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
