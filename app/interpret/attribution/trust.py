"""Whether a map can be believed: how it agrees with others, and what happens when the pixels it names are taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

from app.interpret.attribution.baselines import baseline as reference
from app.interpret.prediction import probabilities
from models.paper import Image, Paper

Array = np.ndarray
AT_ONCE = 64  # inputs in one forward pass


def at_input(values: Array, paper: Paper) -> Array | None:
    """A map, summed over its channels, at the input's size: (height, width) or (units,). None where it has no place there.

    The smaller map of a layer is enlarged: each pixel takes the value of the layer's cell that it lies over.
    """
    if not isinstance(paper.takes, Image):
        return values if values.shape == paper.takes.shape else None
    if values.ndim != 3 or values.shape[1] * values.shape[2] == 1:
        return None
    flat = values.sum(0)
    rows, columns = (np.arange(want) * have // want for want, have in zip(paper.takes.size, flat.shape, strict=True))
    return flat[np.ix_(rows, columns)]


def agreement(maps: Sequence[Array]) -> Array:
    """Spearman's rank correlation of every two maps, by how much each pixel counts (its sign aside): (n, n).

    nan where a map is the same everywhere and so ranks nothing.
    """
    ranks = np.stack([rankdata(np.abs(m), method="average").astype(np.float64) for m in map(np.ravel, maps)])
    ranks -= ranks.mean(1, keepdims=True)
    length = np.sqrt((ranks**2).sum(1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (ranks @ ranks.T / np.outer(length, length)).clip(-1, 1)


@dataclass(frozen=True)
class Removal:
    """The target's probability as pixels are replaced by the baseline, a share of them at each point (points,).

    `most` takes away first what the map says speaks most for the target, `least` last; `chance` is the mean over random
    orders, between `low` and `high` of them.
    """

    share: Array
    most: Array
    least: Array
    chance: Array
    low: Array
    high: Array

    def area(self, curve: Array) -> float:
        """Mean probability along a curve, 0 to 1: for `most`, the smaller the better the map knows what counts."""
        return float(np.trapezoid(curve, self.share))


@torch.no_grad()
def removal(
    module: nn.Module,
    paper: Paper,
    x: Array,
    *,
    order: bytes,
    target: int,
    baseline: str = "zero",
    points: int = 33,
    chances: int = 8,
    random_seed: int = 0,
    tick: Callable[[float | None], None] = lambda _: None,
) -> Removal:
    """Take pixels away from x (1, ...) in the order of a map: its values at the input's size as float32 bytes.

    Samek et al. 2017, arXiv 1509.06321; Petsiuk et al. 2018, arXiv 1806.07421 (deletion). Ties are broken at random.
    """
    values = np.frombuffer(order, np.float32)
    random = np.random.default_rng(random_seed)
    first = np.lexsort((random.random(values.size), -values))
    orders = [first, first[::-1], *(random.permutation(values.size) for _ in range(chances))]
    share = np.linspace(0, 1, points)
    counts = (share * values.size).round().astype(int)
    rank = np.stack([np.argsort(o) for o in orders])  # (orders, pixels): when each pixel goes
    gone = (rank[:, None] < counts[:, None]).reshape(-1, *x.shape[-2:] if x.ndim == 4 else x.shape[-1:])
    gone = gone[:, None] if x.ndim == 4 else gone
    bare = reference(paper, x, baseline, random_seed)
    scores = []
    for start in range(0, len(gone), AT_ONCE):
        tick(start / len(gone))
        scores.append(module(torch.from_numpy(np.where(gone[start : start + AT_ONCE], bare, x))).numpy())
    p = probabilities(np.concatenate(scores), paper.gives)[:, target].reshape(len(orders), points)
    chance = p[2:]
    return Removal(*(a.astype(np.float32) for a in (share, p[0], p[1], chance.mean(0), chance.min(0), chance.max(0))))
