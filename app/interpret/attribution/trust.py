"""Whether a map can be believed: how it agrees with others, and what happens when the pixels it names are taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import nn

from app.interpret.attribution.baselines import baseline as reference
from app.interpret.prediction import probabilities
from app.interpret.ranks import rank_correlation, ranks
from models.paper import Image, Paper

Array = np.ndarray
AT_ONCE = 64  # inputs in one forward pass
NOISE = 1e-6  # of a map's largest value: less is zero


def at_input(values: Array, paper: Paper) -> Array | None:
    """A map, summed over its channels, at the input's size: (height, width) or (units,). None where it has no place there.

    The smaller map of a layer is enlarged: each pixel takes the value of the layer's cell that it lies over.
    """
    if not isinstance(paper.takes, Image):
        return values if values.shape == paper.sized.shape else None
    if values.ndim != 3 or values.shape[1] * values.shape[2] == 1:
        return None
    flat = values.sum(0)
    rows, columns = (np.arange(want) * have // want for want, have in zip(paper.takes.size, flat.shape, strict=True))
    return flat[np.ix_(rows, columns)]


def likeness(a: Array, b: Array) -> float:
    """Spearman's rank correlation of two maps, signs included, over the parts where one of them at least is not zero.

    What is zero in both says nothing: a large empty ground would make any two maps alike. nan where nothing is left to rank.
    """
    a, b = _clean(a), _clean(b)
    some = (a != 0) | (b != 0)
    if not some.any():
        return float("nan")
    return rank_correlation(a[some], b[some])


def agreement(maps: Sequence[Array]) -> Array:
    """`likeness` of every two maps by how much each part counts, its sign aside: (n, n), symmetric."""
    sizes = [np.abs(m) for m in maps]
    found = np.eye(len(maps))
    for i, j in combinations(range(len(maps)), 2):
        found[i, j] = found[j, i] = likeness(sizes[i], sizes[j])
    return found


def _clean(values: Array) -> Array:
    """Flat, without what float32 leaves where zero is meant."""
    return np.where(np.abs(values) > NOISE * np.abs(values).max(), values, 0).ravel()


def consensus(maps: Sequence[Array]) -> Array:
    """Where all maps together say that it matters: each pixel's mean rank by size, 0 (last in all) to 1 (first in all)."""
    places = np.stack([ranks(_clean(np.abs(m))) for m in maps])
    return ((places.mean(0) - 1) / max(1, places.shape[1] - 1)).reshape(maps[0].shape).astype(np.float32)


@dataclass(frozen=True)
class Removal:
    """The target's probability as pixels are replaced by the baseline, a share of those that differ from it (points,).

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
    random = np.random.default_rng(random_seed)
    bare = reference(paper, x, baseline, random_seed)
    differs = (x != bare).any(axis=(0, 1) if x.ndim == 4 else 0).ravel()
    values = np.frombuffer(order, np.float32)[differs]
    first = np.lexsort((random.random(values.size), -values))
    orders = [first, first[::-1], *(random.permutation(values.size) for _ in range(chances))]
    share = np.linspace(0, 1, points)
    counts = (share * values.size).round().astype(int)
    rank = np.stack([np.argsort(o) for o in orders])  # (orders, pixels that differ): when each goes
    gone = np.zeros((len(orders), points, differs.size), bool)
    gone[..., differs] = rank[:, None] < counts[:, None]
    gone = gone.reshape(-1, 1, *x.shape[2:]) if x.ndim == 4 else gone.reshape(-1, *x.shape[1:])
    scores = []
    for start in range(0, len(gone), AT_ONCE):
        tick(start / len(gone))
        scores.append(module(torch.from_numpy(np.where(gone[start : start + AT_ONCE], bare, x))).numpy())
    p = probabilities(np.concatenate(scores), paper.scores)[:, target].reshape(len(orders), points)
    chance = p[2:]
    return Removal(*(a.astype(np.float32) for a in (share, p[0], p[1], chance.mean(0), chance.min(0), chance.max(0))))
