"""One moment of a training, seen through one input: what the network says, what a layer holds, and what it looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from app.interpret.prediction import Prediction, predict, probabilities
from app.interpret.trace import trace
from app.interpret.weights import Sheet, weights
from models.paper import ClassScores, Image, Paper

MAPS, UNITS = (
    100,
    400,
)  # kept of a layer with maps, or without: more can neither be told apart nor cached for every step


@dataclass(frozen=True)
class Moment:
    """One snapshot's view of one input.

    activations (units, height, width), (units, 1, 1) for units without a place; attribution (height, width), signed, in
    units of the target's score, or (0, 0) where the input is no picture.
    """

    prediction: Prediction
    activations: np.ndarray
    units: int  # how many the layer has; `activations` keeps the first ones
    attribution: np.ndarray
    by: str  # how the attribution was found: "input x gradient" or "occlusion"


def moment(module: nn.Module, paper: Paper, x: np.ndarray, layer: str, target: int) -> Moment:
    """What the network of this moment makes of `x` (1, ...): `layer` is a probe's path, `target` a class."""
    seen = trace(module, paper, x, (layer,)).values[layer][0]
    maps = seen.reshape(-1, *(seen.shape[1:] if seen.ndim == 3 else (1, 1)))
    found, by = np.zeros((0, 0), np.float32), ""
    if isinstance(paper.takes, Image):
        pair = input_x_gradient(module, x, target), "input x gradient"
        found, by = pair if pair[0].any() else (occlusion(module, paper.takes, x, target), "occlusion")
    return Moment(predict(module, paper, x), maps[: MAPS if seen.ndim == 3 else UNITS].copy(), len(maps), found, by)


@torch.no_grad()
def told_at(module: nn.Module, paper: Paper, x: np.ndarray, place: int) -> Prediction:
    """What the network of this moment says of a text `x` (1, ...): of all of it, or at one place. Tokens have no labels here."""
    if isinstance(paper.gives, ClassScores):
        return predict(module, paper, x)
    scores = module(torch.from_numpy(x))[0, place].numpy()
    return Prediction(scores, probabilities(scores, ClassScores(())), np.argsort(-scores, kind="stable"), ())


def input_x_gradient(module: nn.Module, x: np.ndarray, target: int) -> np.ndarray:
    """x * d score[target] / dx, summed over channels: (1, channels, height, width) -> (height, width).

    Zero everywhere where no gradient comes through (Shrikumar, Greenside, Kundaje 2016, arXiv 1605.01713, section 2).
    """
    given = torch.from_numpy(x.copy()).requires_grad_()
    with torch.enable_grad():
        score = module(given)[0, target]
        gradient = torch.autograd.grad(score, given, allow_unused=True)[0] if score.requires_grad else None
    return np.zeros(x.shape[2:], np.float32) if gradient is None else (given.detach() * gradient)[0].sum(0).numpy()


@torch.no_grad()
def occlusion(
    module: nn.Module, takes: Image, x: np.ndarray, target: int, side: int = 4, stride: int = 2
) -> np.ndarray:
    """How much the target's score falls when a square of `side` points is set to the ground of 0: (height, width).

    A point has the mean over all squares that cover it (Zeiler, Fergus 2013, arXiv 1311.2901, section 4.2).
    """
    ground = takes.normalise(np.zeros_like(x))
    height, width = x.shape[2:]
    corners = [(i, j) for i in range(1 - side, height, stride) for j in range(1 - side, width, stride)]
    covered = np.zeros((len(corners), height, width), bool)
    for square, (i, j) in zip(covered, corners, strict=True):
        square[max(i, 0) : i + side, max(j, 0) : j + side] = True
    covered = covered[covered.any((1, 2))]
    hidden = np.where(covered[:, None], ground, x)
    fall = module(torch.from_numpy(x))[0, target] - module(torch.from_numpy(hidden))[:, target]
    return np.tensordot(fall.numpy(), covered, 1).astype(np.float32) / np.maximum(covered.sum(0), 1)


def first_weights(module: nn.Module, paper: Paper, x: np.ndarray) -> Sheet:
    """The weights nearest to the input, of at most MAPS units; `x` is not looked at."""
    sheet = next(s for s in weights(module, paper, x) if s.trainable)
    if sheet.kind == "matrix":
        return sheet
    return replace(sheet, maps=sheet.maps[:MAPS].copy(), units=sheet.units[:MAPS], bias=sheet.bias[:MAPS])
