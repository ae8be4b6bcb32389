"""What the network says: scores as probabilities, ranked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.paper import ClassScores, Paper


@dataclass(frozen=True)
class Prediction:
    """Scores and probabilities (classes,) of one input; `order` lists the classes from most to least likely."""

    scores: np.ndarray
    probabilities: np.ndarray
    order: np.ndarray
    labels: tuple[str, ...]

    @property
    def top(self) -> str:
        return self.labels[int(self.order[0])]


def probabilities(scores: np.ndarray, gives: ClassScores) -> np.ndarray:
    """(n, classes) scores -> probabilities of the same shape, as `gives.probability` says."""
    if gives.probability == "identity":
        return scores
    if gives.probability == "sigmoid":
        return 1 / (1 + np.exp(-scores))
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@torch.no_grad()
def predict(module: nn.Module, paper: Paper, x: np.ndarray) -> Prediction:
    """The network's answer to one input (1, ...)."""
    scores = module(torch.from_numpy(x)).numpy()
    p = probabilities(scores, paper.scores)[0]
    return Prediction(scores[0], p, np.argsort(-scores[0], kind="stable"), paper.scores.labels)  # p may round to 0
