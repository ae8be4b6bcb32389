"""What an input is compared with, and which of its parts are taken away together."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from models.paper import Fact, Image, Paper

Array = np.ndarray


def choices(paper: Paper) -> dict[str, str]:
    """Names of the baselines that a network's inputs have, and what people call them; the first is the default."""
    takes = paper.sized
    if isinstance(takes, Fact):
        return {"zero": "no unit on", "mean": "mean of all facts"}
    names = ("bare ground", "full ink") if takes.ink else ("black", "white")
    found = {"zero": names[0], "one": names[1], "blurred": "this input, blurred", "noise": "uniform noise"}
    return found | ({"mean": "mean of the probe set"} if _probe_set(paper) is not None else {})


def baseline(paper: Paper, x: Array, name: str, seed: int = 0) -> Array:
    """The baseline of that name for an input x (1, ...), of its shape and as the network takes it. Raises KeyError."""
    if name not in choices(paper):
        raise KeyError(f"no baseline {name!r} for {paper.slug}")
    if name == "mean":
        return _mean(paper)
    if name == "blurred":
        return _blurred(x)
    if name == "noise":
        v = np.random.default_rng(seed).random(x.shape, np.float32)
    else:
        v = np.full(x.shape, 1.0 if name == "one" else 0.0, np.float32)
    takes = paper.sized
    return v if isinstance(takes, Fact) else takes.normalise(v)


def crowd(paper: Paper, x: Array, n: int) -> Array:
    """At most n usual inputs (n, ...), for methods that average over baselines: from the probe set, spread evenly.

    For facts: pairs of a person and a relation. Where there is no probe set: the bare ground with noise.
    """
    takes = paper.sized
    if isinstance(takes, Fact):
        people, relations = len(takes.people), len(takes.relations)
        pairs = np.arange(people * relations)
        all_of_them = np.zeros((len(pairs), people + relations), np.float32)
        all_of_them[pairs, pairs // relations] = all_of_them[pairs, people + pairs % relations] = 1
        return _spread(all_of_them, n)
    pictures = _probe_set(paper)
    if pictures is None:
        v = np.abs(np.random.default_rng(0).normal(0, 0.1, (n, *x.shape[1:]))).astype(np.float32)
        return takes.normalise(np.minimum(v, 1))
    return takes.from_pixels(_spread(pictures, n))


@lru_cache(maxsize=32)
def _mean(paper: Paper) -> Array:
    return crowd(paper, np.empty((1, *paper.sized.shape), np.float32), 500).mean(0, keepdims=True)


def _spread(rows: Array, n: int) -> Array:
    return rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int)]


def _probe_set(paper: Paper) -> Array | None:
    """uint8 pictures of the paper's data set, or None where it has no probe set that the network could take."""
    from models.data.probe import probe

    if not isinstance(paper.takes, Image):
        return None
    try:
        pictures = probe(paper.dataset).images
    except KeyError:
        return None
    channels = pictures.shape[3] if pictures.ndim == 4 else 1
    fits = channels == paper.takes.channels and all(
        h <= w for h, w in zip(pictures.shape[1:3], paper.takes.size, strict=True)
    )
    return pictures if fits else None


def _blurred(x: Array, sigma: float = 3.0) -> Array:
    """A Gaussian of `sigma` pixels over the picture, its edges repeated outwards."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(x, (0, 0, sigma, sigma), mode="nearest").astype(np.float32)


def side(paper: Paper) -> int:
    """The side of a patch in pixels, if nobody chooses one: an eighth of the picture's."""
    return max(1, round(min(paper.takes.size) / 8)) if isinstance(paper.takes, Image) else 1


def patches(paper: Paper, block: int, x: Array, bare: Array) -> Tensor:
    """int64 (1, 1, height, width): which patch of block x block pixels each pixel lies in, numbered from 0 without gaps.

    All channels of a pixel belong to one patch; the units of a fact are a patch each: (1, units). The patches in which
    the input (1, ...) is the baseline anyway are one patch together: taking them away changes nothing, so that apart they
    would only add to the cost, and to the noise of the methods that sample.
    """
    if isinstance(paper.takes, Image):
        rows, columns = (torch.arange(side) // block for side in paper.takes.size)
        cells = rows[:, None] * (int(columns[-1]) + 1) + columns
        differs = torch.from_numpy((x != bare).any(axis=(0, 1)))
    else:
        cells, differs = torch.arange(paper.sized.shape[0]), torch.from_numpy((x != bare)[0])
    alive = torch.bincount(cells[differs], minlength=int(cells.max()) + 1) > 0
    number = torch.where(alive, alive.cumsum(0) - 1, alive.sum())[cells]
    return number[None, None] if number.ndim == 2 else number[None]
