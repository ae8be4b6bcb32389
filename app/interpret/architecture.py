"""A network as a picture: its stages with shapes, parameters and receptive fields, and what a stage is on one input.

The structure is found by running the network, not by reading its modules: see `app.interpret.stages`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.fields import Sight, noise, sight, windows
from app.interpret.stages import INPUT, Stage, places, run, sources
from app.interpret.trace import expand
from models.paper import Paper

MANY = 40  # maps or units; between larger stages single connections are not listed
STEEP = 0.05  # a squashing function is saturated where its slope is below this share of its steepest
_NONE = np.zeros((0, 3), np.uint16)


@dataclass(frozen=True)
class Layer:
    """One stage. Shapes are those of one example, without the batch axis."""

    path: str
    kind: str  # the module's class; "" for the input
    text: str  # the module as torch prints it, on one line
    what: str  # the probe's sentence
    shape: tuple[int, ...]
    sources: tuple[str, ...]
    joined: bool  # cell by cell from its only source, without parameters: a squashing function, another layout
    trainable: int
    fixed: int  # numbers that belong to it and are not trained
    weights: tuple[tuple[str, tuple[int, ...]], ...]  # its parameters and fixed numbers by name, with their shapes
    field: tuple[int, int] | None  # height, width in pixels of the input that one cell depends on; None: no picture
    links: np.ndarray  # uint16 (k, 3): index of a source, one of its units, a unit here; empty: too many to list

    @property
    def units(self) -> int:
        return self.shape[0]

    @property
    def maps(self) -> bool:
        """Whether its units are maps with height and width."""
        return len(self.shape) == 3


@dataclass(frozen=True)
class Structure:
    """All stages in the order of the forward pass, the input first, and the network's parameters."""

    layers: tuple[Layer, ...]
    trainable: int
    fixed: int

    def __getitem__(self, path: str) -> Layer:
        return next(layer for layer in self.layers if layer.path == path)

    def base(self, path: str) -> str:
        """The stage that `path` is a cell-by-cell function of, followed back as far as that goes."""
        while self[path].joined and self[path].sources[0] != INPUT:
            path = self[path].sources[0]
        return path


def structure(module: nn.Module, paper: Paper, x: np.ndarray) -> Structure:
    """The network's stages. `x` (1, ...) may be any input: only its shape is used."""
    given = torch.zeros(1, *x.shape[1:])
    paths = places(module, paper, given)
    with torch.no_grad():
        shapes = {INPUT: tuple(x.shape[1:])} | {p: tuple(v.shape[1:]) for p, v in run(module, given, paths).items()}
    read, said = sources(module, given, paths), {p: probe.what for p, probe in expand(module, paper.probes).items()}
    sights = {INPUT: Sight.of_input(shapes[INPUT])}
    layers = [Layer(INPUT, "", "", "", shapes[INPUT], (), False, 0, 0, (), None, _NONE)]
    for path, before in zip(paths, (INPUT, *paths), strict=False):
        reads = read[path] or (before,)  # a stage whose weights are all zero hears nobody
        stage, own = Stage(module, given, path, reads), _own(module, path, paths)
        joined = bool(read[path]) and not own and _cell_by_cell(stage, shapes)
        sights[path] = sight(stage, shapes, [sights[s] for s in reads], joined)
        part = module.get_submodule(path)
        trainable = sum(t.numel() for t in own.values() if isinstance(t, nn.Parameter))
        layers.append(
            Layer(
                path=path,
                kind=type(part).__name__,
                text=" ".join(repr(part).split()),
                what=said.get(path, ""),
                shape=shapes[path],
                sources=reads,
                joined=joined,
                trainable=trainable,
                fixed=sum(t.numel() for t in own.values()) - trainable,
                weights=tuple((name, tuple(t.shape)) for name, t in own.items()),
                field=sights[path].size if len(shapes[INPUT]) == 3 else None,
                links=_links(stage, shapes, joined),
            )
        )
    fixed = sum(b.numel() for b in module.buffers() if b.is_floating_point())
    return Structure(tuple(layers), sum(p.numel() for p in module.parameters()), fixed)


def look(module: nn.Module, paper: Paper, x: np.ndarray, paths: tuple[str, ...]) -> dict[str, np.ndarray]:
    """What the stages put out for one input (1, ...): arrays without the batch axis, the input among them."""
    with torch.no_grad():
        seen = run(module, torch.from_numpy(x), paths)
    return {INPUT: x[0]} | {path: seen[path][0].numpy().copy() for path in paths}


@dataclass(frozen=True)
class Numbers:
    """A stage's output on one input, in numbers. Shares are of its cells, 0..1."""

    smallest: float
    mean: float
    largest: float
    zeros: float
    saturated: float | None  # None where it is no squashing function, or one without a slope


@torch.no_grad()
def numbers(
    module: nn.Module, paper: Paper, x: np.ndarray, path: str, sources: tuple[str, ...], joined: bool
) -> Numbers:
    """Smallest, mean and largest value of a stage on one input (1, ...), and how many cells are zero or saturated.

    A cell of a squashing function is saturated where the slope is below 5 % of the steepest that the function has.
    """
    given = torch.from_numpy(x)
    seen = run(module, given, {path, *sources} - {INPUT}) | {INPUT: given}
    out, flat = seen[path], None
    if joined:
        value = seen[sources[0]]
        stage = Stage(module, given, path, sources)
        slopes = _slopes(stage, tuple(value.shape[1:]), value.flatten()).abs()
        everywhere = _slopes(stage, tuple(value.shape[1:]), torch.linspace(-8, 8, 161)).abs()
        steep = STEEP * float(everywhere.max())
        if float(everywhere.min()) < steep:
            flat = float((slopes < steep).float().mean())
    zeros = float((out == 0).float().mean())
    return Numbers(float(out.min()), float(out.mean()), float(out.max()), zeros, flat)


@dataclass(frozen=True)
class Source:
    """The code of a class, and what it is to the stage."""

    code: str
    name: str
    own: bool  # the stage's own class; else the class of the network around it


def source(module: nn.Module, paper: Paper, x: np.ndarray, path: str) -> Source:
    """The source of the stage's class; for one of torch's own modules, of the class that places it."""
    names = path.split(".")
    for depth in range(len(names), -1, -1):
        kind = type(module.get_submodule(".".join(names[:depth])))
        if not kind.__module__.startswith("torch."):
            return Source(inspect.getsource(kind), kind.__name__, depth == len(names))
    kind = type(module.get_submodule(path))
    return Source(inspect.getsource(kind), kind.__name__, True)


def _own(module: nn.Module, path: str, paths: tuple[str, ...]) -> dict[str, Tensor]:
    """Parameters and fixed numbers below a stage's module that belong to no stage further in, by name within it."""
    inner = tuple(f"{p}." for p in paths if p.startswith(f"{path}."))
    part = module.get_submodule(path)
    tensors = [*part.named_parameters(), *((name, b) for name, b in part.named_buffers() if b.is_floating_point())]
    return {name: t for name, t in tensors if not f"{path}.{name}".startswith(inner)}


@torch.no_grad()
def _cell_by_cell(stage: Stage, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether each output cell depends on the input cell of the same place in the order of memory, and on no other."""
    if len(stage.sources) != 1 or np.prod(shapes[stage.sources[0]]) != np.prod(shapes[stage.path]):
        return False
    value = 2 * torch.randn(1, *shapes[stage.sources[0]], generator=torch.Generator().manual_seed(1))
    before = stage(value).flatten()
    for seed in range(3):
        touched = torch.rand(value.shape, generator=torch.Generator().manual_seed(seed)) < 0.5
        after = stage(torch.where(touched, value.flip(-1) + 3, value)).flatten()
        if not torch.equal(after[~touched.flatten()], before[~touched.flatten()]):
            return False
    return True


def _slopes(stage: Stage, shape: tuple[int, ...], values: Tensor) -> Tensor:
    """(k,) -> (k,) the derivative of a cell-by-cell stage at each value; zeros where it has none."""
    values = values.clone().requires_grad_()
    with torch.enable_grad():
        out = stage.cells(shape, values)
        return torch.autograd.grad(out.sum(), values)[0] if out.requires_grad else torch.zeros_like(values)


def _links(stage: Stage, shapes: Mapping[str, tuple[int, ...]], joined: bool) -> np.ndarray:
    """(k, 3) connections between units of sources and units here; empty where they are many or cannot be told."""
    units, there = shapes[stage.path][0], [shapes[s] for s in stage.sources]
    if units > MANY or any(shape[0] > MANY for shape in there):
        return _NONE
    if joined and units == there[0][0]:
        return np.array([(0, i, i) for i in range(units)], np.uint16)
    values = [noise(shape, seed=i).requires_grad_() for i, shape in enumerate(there)]
    with torch.enable_grad():
        out = stage(*values)
    if not out.requires_grad:
        return _NONE
    found = [
        (which, other, unit)
        for unit in range(units)
        for which, seen in enumerate(windows(out[:, unit], values))
        for other in seen.reshape(len(seen), -1).any(1).nonzero().flatten().tolist()
    ]
    return np.array(found, np.uint16).reshape(-1, 3)
