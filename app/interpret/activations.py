"""What every unit of a network put out for many inputs, and where one input stands among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from app.interpret.stages import INPUT, run
from models.paper import Paper

BATCH = 100  # inputs at a time, so that progress shows and memory stays small


@dataclass(frozen=True)
class Census:
    """By stage: `answers` (n, units), a map's largest value or the unit's own, for each of n inputs; and the `range`
    (smallest, largest) of all its cells over all inputs. The input itself is a stage with a range and no answers.
    """

    answers: Mapping[str, np.ndarray]
    range: Mapping[str, tuple[float, float]]


@torch.no_grad()
def census(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    paths: tuple[str, ...],
    tick: Callable[[float | None], None] = lambda _: None,
) -> Census:
    """Run the inputs `x` (n, ...) through the network and keep how each unit of the stages in `paths` answered."""
    answers: dict[str, list[np.ndarray]] = {path: [] for path in paths}
    low = dict.fromkeys(paths, np.inf)
    high = dict.fromkeys(paths, -np.inf)
    for start in range(0, len(x), BATCH):
        tick(start / len(x))
        for path, out in run(module, torch.from_numpy(x[start : start + BATCH]), paths).items():
            answers[path].append(answer(out.numpy()))
            low[path], high[path] = min(low[path], float(out.min())), max(high[path], float(out.max()))
    ends = {path: (low[path], high[path]) for path in paths}
    return Census({p: np.concatenate(a) for p, a in answers.items()}, {INPUT: (float(x.min()), float(x.max()))} | ends)


def answer(out: np.ndarray) -> np.ndarray:
    """(n, units, ...) -> float32 (n, units): the largest value of every map, or the unit's own value."""
    return out.reshape(*out.shape[:2], -1).max(2).astype(np.float32)


@dataclass(frozen=True)
class Standing:
    """One unit's answer to one input among its answers to many."""

    value: float
    above: float  # share of the many that it answered less strongly, 0..1
    below: float  # share that it answered more strongly
    most: np.ndarray  # indices of the inputs that drive it most, the strongest first
    least: np.ndarray  # and least, the weakest first


def standing(answers: np.ndarray, value: float, count: int = 6) -> Standing:
    """Where `value` stands among `answers` (n,), and which `count` of the many are at the ends.

    Ties are taken in the order of the inputs.
    """
    most, least = np.argsort(-answers, kind="stable")[:count], np.argsort(answers, kind="stable")[:count]
    return Standing(value, float((answers < value).mean()), float((answers > value).mean()), most, least)
