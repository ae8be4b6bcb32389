"""Places in order, and how far two orders agree."""

from __future__ import annotations

import numpy as np


def ranks(values: np.ndarray) -> np.ndarray:
    """The place of each value in order, from 1, as one axis; equal values share the mean of their places."""
    _, which, counts = np.unique(np.ravel(values), return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[which]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's: Pearson's correlation of the ranks, -1..1; NaN where one of them is constant."""
    x, y = (r - r.mean() for r in (ranks(a), ranks(b)))
    length = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip(x @ y / length, -1, 1)) if length else float("nan")
