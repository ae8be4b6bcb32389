"""Where inputs lie in a layer's space: the probe set in two or three dimensions, and one more input among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from app.interpret.trace import trace
from models.paper import Paper


@dataclass(frozen=True)
class Space:
    """The probe set's vectors (n, d) and their positions (n, 2 or 3); for PCA the mean (d,) and axes (k, d)."""

    vectors: np.ndarray
    positions: np.ndarray
    mean: np.ndarray
    axes: np.ndarray  # empty for t-SNE, which has none
    explained: np.ndarray  # (k,) share of the variance on each axis; empty for t-SNE


@dataclass(frozen=True)
class Place:
    """One input in a space: its position (2 or 3,), the nearest of the probe set, and their distances in all d axes."""

    position: np.ndarray
    neighbours: np.ndarray
    distances: np.ndarray


def vectors(module: nn.Module, paper: Paper, x: np.ndarray, path: str) -> np.ndarray:
    """The layer's output for every input, flattened: float32 (n, d)."""
    return trace(module, paper, x, (path,)).values[path].reshape(len(x), -1).astype(np.float32)


def components(v: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PCA of vectors (n, d): their mean (d,), the axes (count, d) of most variance, and each one's share of it (count,)."""
    mean = v.mean(0)
    _, spread, axes = np.linalg.svd(v - mean, full_matrices=False)
    axes = axes[:count] * np.sign(axes[:count].sum(1, keepdims=True) + 1e-12)
    share = (spread**2 / max(float((spread**2).sum()), 1e-12))[:count]
    return mean, axes, share.astype(np.float32)


def space(
    module: nn.Module,
    paper: Paper,
    x: np.ndarray,
    path: str,
    method: str = "PCA",
    dimensions: int = 2,
    tick: Callable[[float | None], None] = lambda _: None,
) -> Space:
    """Lay the inputs `x` (n, ...) out by their vectors at `path`.

    PCA (Pearson 1901) is a rotation: distances shrink but never lie about their direction. t-SNE (van der Maaten and
    Hinton 2008; perplexity 30, fixed seed) keeps neighbours together and nothing else.
    """
    v = vectors(module, paper, x, path)
    if method == "PCA":
        mean, axes, share = components(v, dimensions)
        return Space(v, (v - mean) @ axes.T, mean, axes, share)
    tick(0.1)
    from sklearn.manifold import TSNE

    tick(0.2)
    perplexity = min(30.0, (len(v) - 1) / 3)
    laid = TSNE(dimensions, perplexity=perplexity, init="pca", random_state=0, max_iter=500).fit_transform(v)
    none = np.zeros(0, np.float32)
    return Space(v, laid.astype(np.float32), v.mean(0), none, none)


def place(among: Space, vector: np.ndarray, count: int = 8) -> Place:
    """Where `vector` (d,) lies, and its nearest neighbours by Euclidean distance in the layer's own space.

    On PCA's axes it is projected. t-SNE has no axes: it is put between its three nearest neighbours, weighted by nearness.
    """
    apart = np.linalg.norm(among.vectors - vector, axis=1)
    order = np.argsort(apart, kind="stable")[:count]
    if among.axes.size:
        position = (vector - among.mean) @ among.axes.T
    else:
        weight = 1 / (apart[order[:3]] + 1e-6)
        position = (among.positions[order[:3]] * weight[:, None]).sum(0) / weight.sum()
    return Place(position.astype(np.float32), order, apart[order])
