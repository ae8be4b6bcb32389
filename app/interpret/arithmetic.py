"""How one cell of a layer comes about: its window times its kernel plus its bias, worked out with this input's numbers.

Kernels are found by differentiating the cell, not by reading a module's weights, so a layer of any make explains itself:
a table of connections, subsampling with a coefficient, fixed random wiring, connections without weight sharing. What is
shown is only what holds: the sum is worked out anew in float64, also for other values than this input's, and a layer that
it does not reproduce is said to be of an unknown kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from app.interpret.fields import noise, windows
from app.interpret.stages import INPUT, SQUASHING, Stage, run
from models.paper import Paper

Kind = Literal["sum", "largest", "distance", "function", "copy", "unknown"]
TOLERANCE = 1e-4  # of the sum of the terms' sizes: float32 with some thousand terms
CURVE = 81  # points of a squashing function's curve


@dataclass(frozen=True)
class Part:
    """What one map of a source gives, or a source whose units are no maps, or maps of one cell.

    Maps: `window` and `weights` are (height, width), the window's first cell lies at `corner` of map `unit`; what a window
    has outside the map is left out, it is zero. Units: both are (k,), of the units listed in `units`; `unit` is -1.
    """

    source: str
    unit: int
    corner: tuple[int, int]
    window: np.ndarray
    weights: np.ndarray
    units: np.ndarray

    @property
    def terms(self) -> np.ndarray:
        """Window times weights, cell by cell, float64."""
        return self.window.astype(np.float64) * self.weights

    @property
    def shared(self) -> float | None:
        """The one number that all weights are, or None: a subsampling's coefficient."""
        first = float(self.weights.flat[0])
        return first if self.weights.size > 1 and bool((self.weights == first).all()) else None


@dataclass(frozen=True)
class Arithmetic:
    """One output cell worked out. `value` is what the network computed, `worked` the same from the parts.

    sum: all terms and the bias. largest: the largest cell of the window. distance: `sign` times the sum of (window -
    weights)^2. copy: the window's one cell. function: `argument` is the input cell; `curve` (2, k) holds the function
    around it; where the argument is itself worked out, `inner` says how. unknown: no parts, and `worked` is not a number.
    """

    path: str
    unit: int
    cell: tuple[int, ...]
    kind: Kind
    value: float
    worked: float
    parts: tuple[Part, ...] = ()
    bias: float = 0.0
    sign: int = 1
    argument: float = 0.0
    curve: np.ndarray = field(default_factory=lambda: np.zeros((2, 0), np.float32))
    inner: Arithmetic | None = None


@torch.no_grad()
def arithmetic(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    path: str,
    unit: int,
    cell: tuple[int, ...],
    sources: tuple[str, ...],
    joined: bool,
) -> Arithmetic:
    """Work out cell `cell` ((row, column), or () where units are no maps) of `unit` of the stage `path` on one input.

    `sources` and `joined` are those of the stage in `app.interpret.architecture.structure`.
    """
    given = torch.from_numpy(x)
    seen = run(module, given, {path, *sources} - {INPUT}) | {INPUT: given}
    values = [seen[source] for source in sources]
    end = _ending(module, path)
    stage = Stage(module, given, end, sources)
    at: tuple[Any, ...] = (slice(None), unit, *cell)
    value = float(seen[path][at])
    if joined:
        return _function(
            stage, values[0], path, unit, cell, value, int(np.ravel_multi_index(at[1:], seen[path].shape[1:]))
        )

    last = module.get_submodule(end)
    squashed = isinstance(last, SQUASHING)

    def pick(*given: Tensor) -> Tensor:
        return stage(*given, entering=squashed)[at]

    inner = _worked(pick, sources, values, Arithmetic(path, unit, cell, "unknown", float(pick(*values)), float("nan")))
    if not squashed or inner.kind == "unknown":
        return replace(inner, value=value)
    grid = _around(inner.value)
    result = float(last(torch.tensor([inner.worked])))
    curve = torch.stack([grid, last(grid.clone())]).numpy()
    return Arithmetic(path, unit, cell, "function", value, result, argument=inner.value, curve=curve, inner=inner)


def _ending(module: nn.Module, path: str) -> str:
    """The module whose output a stage's is: the last one of a sequence, at any depth, or the stage itself."""
    inner = module.get_submodule(path)
    while type(inner).forward is nn.Sequential.forward and len(inner._modules):
        name = list(inner._modules)[-1]
        path, inner = f"{path}.{name}", inner.get_submodule(name)
    return path


def _worked(
    pick: Callable[..., Tensor], sources: Sequence[str], values: Sequence[Tensor], cell: Arithmetic
) -> Arithmetic:
    """The cell that `pick` computes of the sources' values, as a sum or a distance; unknown if it is neither."""
    slopes, masks = _slopes(pick, values), _window(pick, values)
    offset = float(pick(*[torch.zeros_like(v) for v in values]))
    parts = tuple(p for which in zip(sources, values, slopes, masks, strict=True) for p in _parts(*which))
    for found in (_sum, _distance):
        answer = found(replace(cell, parts=parts), offset)
        if answer is not None and _holds(answer, pick, sources, values):
            return answer
    return cell


def _slopes(pick: Callable[..., Tensor], values: Sequence[Tensor]) -> list[Tensor]:
    """The cell's derivative by every cell of every source, at these values: their shapes, without the batch axis."""
    leaves = [v.detach().clone().requires_grad_() for v in values]
    with torch.enable_grad():
        out = pick(*leaves)
        if not out.requires_grad:
            return [torch.zeros(v.shape[1:]) for v in values]
        grads = torch.autograd.grad(out.sum(), leaves, allow_unused=True)
    return [torch.zeros(v.shape[1:]) if g is None else g[0] for v, g in zip(values, grads, strict=True)]


def _window(pick: Callable[..., Tensor], values: Sequence[Tensor]) -> list[Tensor]:
    """Which cells of every source the cell depends on, whatever their values: masks of their shapes."""
    leaves = [noise(v.shape[1:], seed=i).requires_grad_() for i, v in enumerate(values)]
    with torch.enable_grad():
        out = pick(*leaves)
        return windows(out, leaves) if out.requires_grad else [torch.zeros(v.shape[1:]).bool() for v in values]


def _parts(source: str, value: Tensor, slope: Tensor, mask: Tensor) -> list[Part]:
    """The source's maps, or units, that the cell looks at."""
    mask = mask | (slope != 0)
    none = np.zeros(0, np.int64)
    if value.ndim != 4 or value[0, 0].numel() == 1:
        units = mask.flatten().nonzero().flatten().numpy()
        if not len(units):
            return []
        return [Part(source, -1, (0, 0), value.flatten().numpy()[units], slope.flatten().numpy()[units], units)]
    found = []
    for unit in mask.flatten(1).any(1).nonzero().flatten().tolist():
        rows, columns = mask[unit].any(1).nonzero(), mask[unit].any(0).nonzero()
        top, left = int(rows.min()), int(columns.min())
        box = (slice(top, int(rows.max()) + 1), slice(left, int(columns.max()) + 1))
        window, weights = value[0, unit][box].numpy().copy(), slope[unit][box].numpy().copy()
        found.append(Part(source, unit, (top, left), window, weights, none))
    return found


def _sum(cell: Arithmetic, offset: float) -> Arithmetic | None:
    """As a weighted sum; `offset` is the cell where all sources are zero. A single weight of 1 makes it a choice or a copy."""
    worked = sum(float(p.terms.sum()) for p in cell.parts) + offset
    weights = np.concatenate([p.weights.ravel() for p in cell.parts] or [np.zeros(0)])
    single = offset == 0 and (weights != 0).sum() == 1 and bool((weights[weights != 0] == 1).all())
    kind: Kind = "sum" if not single else "copy" if weights.size == 1 else "largest"
    return _filled(cell, kind, worked, cell.parts, bias=offset)


def _distance(cell: Arithmetic, offset: float) -> Arithmetic | None:
    """As sign * sum of (x - w)^2: its slope 2 sign (x - w) gives w. `offset` is sign * sum of w^2."""
    sign = 1 if offset >= 0 else -1
    parts = tuple(
        Part(p.source, p.unit, p.corner, p.window, p.window - sign * p.weights / 2, p.units) for p in cell.parts
    )
    worked = sign * sum(float(((p.window.astype(np.float64) - p.weights) ** 2).sum()) for p in parts)
    return _filled(cell, "distance", worked, parts, sign=sign)


def _filled(
    cell: Arithmetic, kind: Kind, worked: float, parts: tuple[Part, ...], bias: float = 0.0, sign: int = 1
) -> Arithmetic:
    return Arithmetic(cell.path, cell.unit, cell.cell, kind, cell.value, worked, parts, bias, sign)


def _holds(cell: Arithmetic, pick: Callable[..., Tensor], sources: Sequence[str], values: Sequence[Tensor]) -> bool:
    """Whether the parts give what the network gives, for this input and for values of another size."""
    for factor in (1.0, 2.0, -0.5):
        if cell.kind == "largest" and factor < 0:
            continue
        want = float(pick(*[factor * v for v in values]))
        terms = [_terms(cell, p, factor) for p in cell.parts]
        got = cell.sign * sum(float(t.sum()) for t in terms) + cell.bias
        size = 1 + sum(float(np.abs(t).sum()) for t in terms)
        if not abs(got - want) <= TOLERANCE * size:
            return False
    return True


def _terms(cell: Arithmetic, part: Part, factor: float) -> np.ndarray:
    window = factor * part.window.astype(np.float64)
    return (window - part.weights) ** 2 if cell.kind == "distance" else window * part.weights


def _around(argument: float) -> Tensor:
    reach = max(4.0, 1.25 * abs(argument))
    return torch.linspace(-reach, reach, CURVE)


def _function(
    stage: Stage, value: Tensor, path: str, unit: int, cell: tuple[int, ...], result: float, index: int
) -> Arithmetic:
    """A cell that is a function of the source's cell of the same place, with the function's curve around it."""
    argument = float(value.flatten()[index])
    grid = _around(argument)
    shape = tuple(value.shape[1:])
    curve = torch.stack([grid, stage.cells(shape, grid)]).numpy()
    worked = float(stage.cells(shape, torch.tensor([argument])))
    kind: Kind = "copy" if bool((curve[0] == curve[1]).all()) else "function"
    return Arithmetic(path, unit, cell, kind, result, worked, argument=argument, curve=curve)
