"""Auxiliary classifiers: what is said of an input in the middle of a network, beside what it says at its end.

They serve the training (Szegedy et al. 2014, section 5) and are thrown away after it. Kept, they show how early an answer stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import nn

from app.interpret.prediction import probabilities
from app.interpret.trace import trace_heads
from models.paper import Paper

END = "the end"


@dataclass(frozen=True)
class Heads:
    """The answers of all heads and, last, of the network itself."""

    names: tuple[str, ...]  # "head4a", ..., "the end"
    probabilities: np.ndarray  # (heads + 1, classes)
    inside: Mapping[str, np.ndarray]  # what the heads' probes see, (1, ...) each

    @property
    def tops(self) -> tuple[int, ...]:
        """The class that each finds most likely."""
        return tuple(int(row.argmax()) for row in self.probabilities)


def heads(module: nn.Module, paper: Paper, x: np.ndarray) -> Heads:
    """x (1, ...) -> every head's answer. A head's last probe gives its scores."""
    seen = trace_heads(module, paper, x)
    last = {path.partition(".")[0]: path for path in seen.values}  # of each head, as they come in order
    scores = np.stack([*(seen.values[path][0] for path in last.values()), seen.scores[0]])
    return Heads((*last, END), probabilities(scores, paper.scores), seen.values)
