"""What every probe of a network saw on an input: one forward pass with hooks, on a private copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from models.paper import Paper, Probe


@dataclass(frozen=True)
class Trace:
    """Arrays by probe path, batch first, with the axes' names; `scores` is the network's output (n, classes)."""

    values: Mapping[str, np.ndarray]
    axes: Mapping[str, tuple[str, ...]]
    scores: np.ndarray


def expand(module: nn.Module, probes: Sequence[Probe]) -> dict[str, Probe]:
    """Probes by full module path, a `*` expanded over the modules there are. Raises KeyError for a path without one."""
    names = "\n".join(name for name, _ in module.named_modules())
    found: dict[str, Probe] = {}
    for probe in probes:
        if not (paths := _named(probe.path, names)):
            raise KeyError(f"no module {probe.path!r} in {type(module).__name__}")
        found |= dict.fromkeys(paths, probe)
    return found


@lru_cache(maxsize=4096)
def _named(pattern: str, names: str) -> list[str]:
    """Those names, a line each, that the pattern stands for. Kept, as it is asked at every question."""
    return re.findall(f"^{re.escape(pattern)}$".replace(r"\*", r"[^.\n]+"), names, re.MULTILINE)


@torch.no_grad()
def trace(module: nn.Module, paper: Paper, x: np.ndarray, paths: tuple[str, ...] | None = None) -> Trace:
    """Run `x` (n, ...) and keep what the probes' modules put out; `paths` keeps only some of them.

    `module` must be a private copy (`app.interpret.copies`); it is left without hooks, also after an error.
    """
    return _watched(module, paper.slug, expand(module, paper.probes), paths, module, x)


@torch.no_grad()
def trace_caption(module: Any, paper: Paper, text: str, paths: tuple[str, ...] | None = None) -> Trace:
    """What `caption_probes` see while a text is read that pictures are compared with; `scores` is its vector (1, units)."""
    assert paper.captions is not None, f"{paper.slug} compares no texts"
    probes, ids = expand(module, paper.caption_probes), paper.captions.parse(text)
    return _watched(module, paper.slug, probes, paths, module.encode_text, ids)


@torch.no_grad()
def trace_heads(module: Any, paper: Paper, x: np.ndarray) -> Trace:
    """What `head_probes` see on `x` (n, ...): the classifiers in the middle of a network, which its answer does without."""
    return _watched(module, paper.slug, expand(module, paper.head_probes), None, lambda x: module.all_scores(x)[0], x)


def _watched(
    module: nn.Module,
    slug: str,
    probes: dict[str, Probe],
    paths: tuple[str, ...] | None,
    run: Callable[[torch.Tensor], torch.Tensor],
    x: np.ndarray,
) -> Trace:
    wanted = probes if paths is None else {path: probes[path] for path in paths}
    values: dict[str, np.ndarray] = {}
    modules = dict(module.named_modules())

    def keep(path: str):
        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            values[path] = output.numpy().copy()  # else a piece keeps the whole, and who writes writes into the weights

        return hook

    handles = [modules[path].register_forward_hook(keep(path)) for path in wanted]
    try:
        scores = run(torch.from_numpy(x)).numpy()
    finally:
        for handle in handles:
            handle.remove()
    missing = wanted.keys() - values.keys()
    if missing:
        raise KeyError(f"{slug}: probes that the forward pass never reached: {', '.join(sorted(missing))}")
    return Trace({p: values[p] for p in wanted}, {p: q.axes for p, q in wanted.items()}, scores)
