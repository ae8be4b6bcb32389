"""A network cut into stages: its probes and what lies between them, which reads which, and each as a function.

Nothing is asked of a module but its output. Which stage reads which is found by holding all outputs at their values but
one; a stage becomes a function of the stages it reads by putting other values in the place of theirs. So a layer of any
make can be looked into: a sparse convolution, a sum of two branches, weights that a paper invented for itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.interpret.trace import expand
from models.paper import Paper

INPUT = "input"  # what the network is given, as a stage
SILENT = (
    nn.Flatten,
    nn.Unflatten,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
)  # they change no value: a stage only as a probe
SQUASHING = (nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid)  # cell by cell
FINISHING = (nn.BatchNorm2d, *SQUASHING)  # what they are given has done its work
TRIES = 3  # random replacements before a stage counts as deaf to another
MANY = 40  # stages; of a deeper network only those are kept that carry what is computed on, see `places`

Sources = tuple[tuple[str, tuple[str, ...]], ...]


class _Reached(Exception):
    """The forward pass came to the stage it was run for."""


@dataclass(frozen=True)
class Stage:
    """One stage as a function: `stage(values)` for one tensor (n, ...) a source gives its output (n, ...)."""

    module: nn.Module
    x: Tensor  # the input (1, ...); the forward pass needs one to get as far as the stage
    path: str
    sources: tuple[str, ...]

    def __call__(self, *values: Tensor, entering: bool = False) -> Tensor:
        """With `entering`, what the stage's last module is given, in place of what it makes of that."""
        held = dict(zip(self.sources, values, strict=True))
        x = held.pop(INPUT) if INPUT in held else self.x.expand(len(values[0]), *self.x.shape[1:])
        return run(self.module, x, (self.path,), held, until=self.path, entering=entering)[self.path]

    def cells(self, shape: tuple[int, ...], values: Tensor) -> Tensor:
        """For a stage that works cell by cell from one source of that `shape`: its output (k,) for input values (k,)."""
        size = math.prod(shape)
        rows = -(-len(values) // size)
        filled = torch.cat([values, values.new_zeros(rows * size - len(values))])
        return self(filled.view(rows, *shape)).flatten()[: len(values)]


def run(
    module: nn.Module,
    x: Tensor,
    watch: Collection[str],
    hold: Mapping[str, Tensor] | None = None,
    until: str = "",
    entering: bool = False,
) -> dict[str, Tensor]:
    """One forward pass: the outputs of the modules in `watch`, while those in `hold` put out the given values instead.

    What is watched is what a module would have put out, also where it is held, and arranged `by_unit`, as are the values
    that are held. The pass ends early at `until`; with `entering`, ahead of that module, with what it is given.
    `module` must be a private copy; it is left without hooks, also after an error.
    """
    hold = hold or {}
    modules = dict(module.named_modules())
    seen: dict[str, Tensor] = {}

    def hook(path: str) -> Callable[[nn.Module, object, Tensor], Tensor | None]:
        def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
            if path in watch:
                seen[path] = by_unit(output, x)
            if path == until:
                raise _Reached
            value = hold.get(path)
            return value if value is None or value.ndim == output.ndim else value[:, :, 0].mT

        return keep

    def enter(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[until] = by_unit(inputs[0], x)
        raise _Reached

    handles = [modules[path].register_forward_hook(hook(path)) for path in {*watch, *hold}]
    if entering:
        handles.append(modules[until].register_forward_pre_hook(enter))
    try:
        module(x)
    except _Reached:
        pass
    finally:
        for handle in handles:
            handle.remove()
    return seen


def noise(x: Tensor) -> Tensor:
    """Random values in the shape of x, the same each time: where nothing is alike by chance."""
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(0))


def by_unit(out: Tensor, x: Tensor) -> Tensor:
    """What a module puts out, units first: (n, units, ...). The tokens of a picture x are places: a row of cells a unit.

    So (n, tokens, units) becomes (n, units, 1, tokens); whatever else there is comes units first already.
    """
    return out.mT[:, :, None] if x.ndim == 4 and isinstance(out, Tensor) and out.ndim == 3 else out


@torch.no_grad()
def places(module: nn.Module, paper: Paper, x: Tensor) -> tuple[str, ...]:
    """Module paths of all stages, in the order of the forward pass.

    A stage is a probe, or a module without children that is neither inside a probe nor silent. Where those are too MANY to
    be seen at once, it is a probe that holds numbers for places and units alone: no queries, keys or heads, which have
    rooms of their own, not the parts of a probe's work, and not what is only normalised or squashed next. Where these are
    too many still, some probes are left out, the same ones in every block; the stream and the output stay. The stream is
    what the paper says, or what bears its usual name.
    """
    probes = expand(module, paper.probes)
    inside = tuple(f"{path}." for path in probes)
    leaves = [
        name
        for name, part in module.named_modules()
        if name and not list(part.children()) and not isinstance(part, SILENT) and not name.startswith(inside)
    ]
    seen = run(module, noise(x), {*probes, *leaves})
    found = [path for path, out in seen.items() if isinstance(out, Tensor) and out.is_floating_point()]
    if len(found) > MANY:
        flow = paper.stream or next((p.path for p in paper.probes if p.path.endswith("hook_resid_post")), "")
        stream = [p for p in found if p in probes and probes[p].path == flow]
        found = [p for p in _final(module, found, seen, stream) if p in probes]
        plain = {p: probes[p].path for p in found if not {"head", "query", "key"} & set(probes[p].axes)}
        found = _thinned(plain, flow)
    return tuple(found)


def _final(module: nn.Module, paths: list[str], seen: Mapping[str, Tensor], stream: Collection[str]) -> list[str]:
    """Without what the next one puts out again, or puts out normalised or squashed. Of two alike the `stream` stays."""
    kept: list[str] = []
    for path in paths:
        before = kept[-1] if kept else None
        if before and seen[before].shape == seen[path].shape:
            again = torch.equal(seen[before], seen[path])
            if again and before in stream:
                continue
            if again or isinstance(module.get_submodule(path), FINISHING):
                kept.pop()
        kept.append(path)
    return kept


def _thinned(declared: Mapping[str, str], stream: str) -> list[str]:
    """MANY of the paths at most: every second declared probe, or every third, ..., counted back from the output."""
    paths = list(declared)
    names = [name for name in dict.fromkeys(declared.values()) if name != stream][::-1]
    for every in range(1, len(names) + 1):
        kept = {*names[::every], stream}
        found = [path for path in paths if declared[path] in kept]
        if len(found) <= MANY:
            return found
    return paths[::-1][:: -(-len(paths) // MANY)][::-1]


@torch.no_grad()
def sources(module: nn.Module, x: Tensor, paths: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The stages (or the input) that each stage reads without another one in between.

    All outputs are held but one, which is replaced by noise: a stage whose own output now differs reads it.
    """
    clean = {path: out.clone() for path, out in run(module, x, paths).items()}
    found: dict[str, list[str]] = {path: [] for path in paths}
    for which in (INPUT, *paths):
        heard = _listeners(module, x, clean, which)
        for path in paths:
            if path in heard and path != which:
                found[path].append(which)
    return {path: tuple(read) for path, read in found.items()}


def _listeners(module: nn.Module, x: Tensor, clean: Mapping[str, Tensor], which: str) -> set[str]:
    """The stages whose output differs when `which` puts out noise and all others what they did."""
    generator = torch.Generator().manual_seed(0)
    value = x if which == INPUT else clean[which]
    heard: set[str] = set()
    for _ in range(TRIES if len(clean) < MANY // 2 else 1):
        noise = 3 * (value.std(correction=0) + 1) * torch.randn(value.shape, generator=generator).to(value)
        hold = dict(clean) if which == INPUT else {**clean, which: noise}
        seen = run(module, noise if which == INPUT else x, clean, hold)
        heard |= {path for path, out in seen.items() if path != which and not torch.equal(out, clean[path])}
    return heard
