"""Re-use: how much every layer takes from each of those before it, by its weights and on one input (DenseNet's Fig. 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.paper import Paper


@dataclass(frozen=True)
class Reuse:
    """A table a block, (sources, readers): 1 for what each reader takes most from, NaN where a source is not there yet.

    Source 0 is what the block was given, source s what its layer s made; reader r is its layer r + 1, the last one what
    reads the whole list behind the block.
    """

    weights: tuple[np.ndarray, ...]  # the mean size of the weights that a reader gives to the maps of a source
    here: tuple[np.ndarray, ...]  # the same times the mean size of these maps as the reader is given them


@torch.no_grad()
def reuse(module: Any, paper: Paper, x: np.ndarray) -> Reuse:
    """x (1, ...) -> both tables of every block, by `module.reuse`."""
    both = [module.reuse(), module.reuse(torch.from_numpy(x))]
    return Reuse(*(tuple(table / np.nanmax(table, 0) for table in tables) for tables in both))
