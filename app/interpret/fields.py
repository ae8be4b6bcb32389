"""Receptive fields: the part of the input picture that one cell of a stage depends on.

Measured, not read from kernel sizes: the cells of the sources from which a derivative reaches a cell are its window, and
windows are put together stage by stage. Random values and weights keep derivatives from vanishing by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from app.interpret.stages import Stage

Box = tuple[int, int, int, int]  # first row, last row, first column, last column

DRAWS = 16  # random values at which derivatives are taken
SAMPLED = 16  # units of a stage without height and width whose fields are measured


@dataclass(frozen=True)
class Sight:
    """Where in the input a stage looks: cell i of an axis at pixels step * i + low ... step * i + high.

    `grid` holds (step, low, high) for rows and for columns, None where cells have no place. `union` is the box that all
    cells together see, `size` the height and width of what one cell sees, in pixels.
    """

    grid: tuple[tuple[int, int, int], tuple[int, int, int]] | None
    union: Box
    size: tuple[int, int]

    @staticmethod
    def of_input(shape: tuple[int, ...]) -> Sight:
        """Every pixel sees itself; an input that is no picture has no places."""
        if len(shape) != 3:
            return Sight(None, (0, 0, 0, 0), (1, 1))
        return Sight(((1, 0, 0), (1, 0, 0)), (0, shape[1] - 1, 0, shape[2] - 1), (1, 1))

    def through(self, window: Tensor) -> Box | None:
        """The box in the input seen by the marked cells (channels, height, width) or (units,); None: none is marked."""
        if not window.any():
            return None
        if self.grid is None or window.ndim != 3:
            return self.union
        first, last, left, right = self.union
        rows, columns = window.any(0).any(1).nonzero(), window.any(0).any(0).nonzero()
        (down, above, below), (across, before, after) = self.grid
        top, bottom = down * int(rows.min()) + above, down * int(rows.max()) + below
        start, end = across * int(columns.min()) + before, across * int(columns.max()) + after
        return max(top, first), min(bottom, last), max(start, left), min(end, right)


def noise(shape: Sequence[int], count: int = DRAWS, seed: int = 0) -> Tensor:
    """Positive random values (count, ...), at which rectifiers let everything through; always the same ones."""
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed)).abs() + 0.1


def windows(out: Tensor, values: Sequence[Tensor]) -> list[Tensor]:
    """Which cells of each source the cells `out` (draws, ...) depend on: a mask of each one's shape, without draws."""
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    grads = torch.autograd.grad((weights * out).sum(), values, retain_graph=True, allow_unused=True)
    return [
        torch.zeros(v.shape[1:], dtype=torch.bool) if g is None else (g != 0).any(0)
        for v, g in zip(values, grads, strict=True)
    ]


def sight(stage: Stage, shapes: Mapping[str, tuple[int, ...]], before: Sequence[Sight], plain: bool) -> Sight:
    """What a stage sees, from what its sources see. `plain`: it works cell by cell from its only source.

    A stage without derivatives that is not plain is taken to see all that its sources see.
    """
    shape = shapes[stage.path]
    if plain:
        of = before[0]
        return of if len(shape) == len(shapes[stage.sources[0]]) else Sight(None, of.union, of.size)
    values = [noise(shapes[s], seed=i).requires_grad_() for i, s in enumerate(stage.sources)]
    with torch.enable_grad():
        out = stage(*values)
    everything = _union([of.union for of in before])
    if not out.requires_grad:
        return Sight(None, everything, _size(everything))

    def seen(cells: Tensor) -> Box:
        boxes = [of.through(w) for of, w in zip(before, windows(cells, values), strict=True)]
        return _union([box for box in boxes if box] or [everything])

    if len(shape) != 3:
        units = np.unique(np.linspace(0, shape[0] - 1, SAMPLED).astype(int))
        sizes = [_size(seen(out[:, int(i)])) for i in units]
        return Sight(None, seen(out), (max(h for h, _ in sizes), max(w for _, w in sizes)))
    row, column = shape[1] // 2, shape[2] // 2
    here = seen(out[:, :, row, column])
    above = seen(out[:, :, row - 1, column]) if row else here
    beside = seen(out[:, :, row, column - 1]) if column else here
    grid = (_axis(here[:2], above[:2], row), _axis(here[2:], beside[2:], column))
    return Sight(grid, seen(out), _size(here))


def _axis(here: tuple[int, int], before: tuple[int, int], at: int) -> tuple[int, int, int]:
    """(step, low, high) of an axis, from what cell `at` and the one before it see; the larger step where one is cut off."""
    step = max(here[0] - before[0], here[1] - before[1]) if at else 1
    return step, here[0] - step * at, here[1] - step * at


def _union(boxes: Sequence[Box]) -> Box:
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    return min(tops), max(bottoms), min(lefts), max(rights)


def _size(box: Box) -> tuple[int, int]:
    return box[1] - box[0] + 1, box[3] - box[2] + 1
