"""What a network's weights look like: kernels as pictures, first layers thrown back onto the retina, the rest as matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.paper import ClassScores, Fact, Image, Paper


@dataclass(frozen=True)
class Sheet:
    """The weights of one module. `maps` is (units, height, width), one picture a unit.

    kind "retina": the picture lies on the input, pixel by pixel. "filters": a unit's kernels side by side, one for every
    map it looks at, none between units that are not connected. "colours": so too, and the three maps are the picture's red,
    green and blue. "matrix": `maps` is (1, units, inputs).
    """

    path: str  # module path; "retina" for weights thrown back through fixed connections
    kind: str
    maps: np.ndarray
    units: tuple[str, ...]  # a name a unit
    inputs: tuple[str, ...]  # a name an input, for a matrix; else empty
    bias: np.ndarray  # (units,), empty where there is none
    trainable: bool
    channels: int = 1  # how many kernels stand side by side in a picture


@torch.no_grad()
def weights(module: nn.Module, paper: Paper, x: np.ndarray) -> tuple[Sheet, ...]:
    """One sheet for every module with a weight of 2 or 4 axes, in the order of the network. `x` is not looked at."""
    sheets = []
    retina = getattr(module, "retina", None)
    if callable(retina):
        maps = retina().numpy().astype(np.float32)
        sheets.append(Sheet("retina", "retina", maps, _names(paper, len(maps)), (), np.zeros(0, np.float32), True))
    for path, part in module.named_modules():
        weight = getattr(part, "weight", None)
        if path and isinstance(weight, torch.Tensor) and weight.ndim in (2, 4):
            sheets.append(_sheet(path, part, weight, paper))
    return tuple(sheets)


def _sheet(path: str, part: nn.Module, weight: torch.Tensor, paper: Paper) -> Sheet:
    values = weight.numpy().astype(np.float32)
    found = getattr(part, "bias", None)
    bias = found.numpy().astype(np.float32).reshape(-1) if isinstance(found, torch.Tensor) else np.zeros(0, np.float32)
    trainable = isinstance(weight, nn.Parameter) or any(isinstance(p, nn.Parameter) for p in part.parameters())
    names = _names(paper, len(values))
    if values.ndim == 4:
        units, channels, h, w = values.shape
        side_by_side = values.transpose(0, 2, 1, 3).reshape(units, h, channels * w)
        kind = "colours" if isinstance(paper.takes, Image) and paper.takes.shape[0] == channels == 3 else "filters"
        return Sheet(path, kind, side_by_side, names, (), bias, trainable, channels)
    if isinstance(paper.takes, Image) and values.shape[1] == np.prod(paper.takes.shape):
        c, h, w = paper.takes.shape
        return Sheet(path, "retina", values.reshape(-1, c * h, w), names, (), bias, trainable)
    return Sheet(path, "matrix", values[None], names, _inputs(paper, values.shape[1]), bias, trainable)


def coloured(sheet: Sheet) -> np.ndarray:
    """The kernels of a sheet of "colours" as pictures (units, h, w, 3) in 0..1, as Krizhevsky et al. (2012) print them.

    A weight of 0 is a middle grey, each kernel's largest weight, up or down, is full or no light.
    """
    units, h, w = sheet.maps.shape
    kernels = sheet.maps.reshape(units, h, sheet.channels, w // sheet.channels).transpose(0, 1, 3, 2)
    top = np.abs(kernels).max((1, 2, 3), keepdims=True)
    return 0.5 + kernels / (2 * np.where(top, top, 1))


def _names(paper: Paper, units: int) -> tuple[str, ...]:
    """The classes where there are as many units as classes, else numbers from 0."""
    labels = paper.gives.labels if isinstance(paper.gives, ClassScores) else ()
    return labels if len(labels) == units else tuple(str(i) for i in range(units))


def _inputs(paper: Paper, count: int) -> tuple[str, ...]:
    """What a matrix's columns stand for: the people or the relations of a fact where the count fits, else numbers."""
    if isinstance(paper.takes, Fact):
        for names in (paper.takes.people, paper.takes.relations, paper.takes.labels):
            if len(names) == count:
                return names
    return tuple(str(i) for i in range(count))
