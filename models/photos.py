"""What the papers trained on CIFAR-10 share: what their networks see, how it is varied, how right answers are counted.

    x, y = pictures("train")                                        # (50000, 3, 32, 32) as the network takes them
    for step in run:
        chosen = training.epoch_batch(len(x), BATCH, step, seed)
        seen = resized(crops_and_flips(x[chosen], order), side(step, STEPS))

Everything here is a function of tensors; random choices are drawn from the generator that is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import training
from models.checkpoint import Metric
from models.data import cifar10, scenes
from models.data.cifar10 import CIFAR, LABELS, MEAN, STD
from models.data.samples import FILES
from models.muon import Muon

__all__ = ["CIFAR", "LABELS"]

VALID = 5_000  # the last so many training pictures: a recipe is chosen on them, with a training on the others

GROWING = ((0.0, 16), (0.2, 24), (0.5, 32))  # the side of the pictures from each share of the training on

MUON = 0.6  # times the learning rate of all else: that of the kernels
MUON_DECAY = 0.01  # of the kernels, times their rate, at every step


@cache
def pictures(split: str) -> tuple[Tensor, Tensor]:
    """float32 (n, 3, 32, 32) as the networks take them, and classes (n,). Raises DataMissing.

    `split` is "train" (50,000) or "test" (10,000); "fit" is the training set without its last 5,000 pictures, "valid" are
    those.
    """
    if split in ("fit", "valid"):
        x, y = pictures("train")
        return (x[:-VALID], y[:-VALID]) if split == "fit" else (x[-VALID:], y[-VALID:])
    pixels, labels = cifar10.read(split)
    x = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return x.div_(255).sub_(mean).div_(std), torch.from_numpy(labels.copy())


def crops_and_flips(x: Tensor, order: torch.Generator, pad: int = 4, mode: str = "constant") -> Tensor:
    """Each picture moved by up to `pad` pixels in both directions, every other one mirrored; n c h w -> the same shape.

    What comes in at the border is 0, the mean colour, or with `mode="reflect"` the picture itself, mirrored.
    """
    n, _, height, width = x.shape
    down, across = torch.randint(2 * pad + 1, (2, n, 1), generator=order)
    mirrored = torch.rand(n, 1, generator=order) < 0.5
    rows = down + torch.arange(height)
    columns = across + torch.where(mirrored, torch.arange(width - 1, -1, -1), torch.arange(width))
    around = F.pad(x, (pad,) * 4, mode=mode)
    place = (rows[:, :, None] * around.shape[3] + columns[:, None, :]).view(n, 1, -1).to(x.device)
    return around.flatten(2).gather(2, place.expand(-1, x.shape[1], -1)).view(x.shape)


def resized(x: Tensor, side: int) -> Tensor:
    """(n, c, h, w) -> (n, c, side, side), smoothed before it is made smaller."""
    if x.shape[2:] == (side, side):
        return x
    return F.interpolate(x, (side, side), mode="bilinear", align_corners=False, antialias=True)


def optimiser(module: nn.Module, rate: float, decay: float, last: Tensor | None = None) -> training.Several:
    """Muon (Jordan 2024) for the kernels of all layers but the `last`, Nesterov's momentum for all else."""
    kernels = [p for p in module.parameters() if p.ndim == 4 and p is not last]
    others = [p for p in module.parameters() if p.ndim != 4 or p is last]
    return training.Several(
        Muon([{"params": kernels, "scale": MUON}], weight_decay=MUON_DECAY),
        torch.optim.SGD(others, lr=rate, momentum=0.9, nesterov=True, weight_decay=decay),
    )


def side(step: int, total: int, growing: Sequence[tuple[float, int]] = GROWING) -> int:
    """The side of the pictures at a step of a training that sees them small first: the last one begun."""
    return next(side for start, side in reversed(growing) if step >= start * total)


def answers(module: nn.Module, x: Tensor, size: int = 250) -> Tensor:
    """The class that the network finds most likely, for every picture: (n,)."""
    return training.outputs(module, x, size).argmax(1)


def right(module: nn.Module, x: Tensor, y: Tensor) -> int:
    """How many of the pictures are named rightly."""
    return int((answers(module, x) == y).sum())


def right_by_class(module: nn.Module, x: Tensor, y: Tensor) -> tuple[tuple[int, int], ...]:
    """For every class, how many of its pictures are named rightly, and how many there are."""
    said = answers(module, x)
    return tuple((int((said[y == i] == i).sum()), int((y == i).sum())) for i in range(len(LABELS)))


def measures(module: nn.Module, x: Tensor, y: Tensor, split: str = "test") -> dict[str, float]:
    """A row of the curve: cross-entropy in nats and accuracy in % on these pictures."""
    scores = training.outputs(module, x, 250)
    accuracy = 100 * (scores.argmax(1) == y).float().mean().item()
    return {f"{split}_loss": F.cross_entropy(scores, y).item(), f"{split}_accuracy": accuracy}


def share(name: str, count: int | Sequence[int], of: int, split: str = "test") -> Metric:
    """A metric in %: how many out of `of`, for one network or for every seed."""
    values = tuple(100 * c / of for c in ([count] if isinstance(count, int) else count))
    return Metric(name, values[0], of, "%", split, values if len(values) > 1 else ())


def one_of_each() -> np.ndarray:
    """The sample scene of every class, (10, 3, 32, 32): inputs of the golden outputs, which travel with the weights."""
    return np.concatenate([CIFAR.parse((FILES / sample.source).read_bytes()) for sample in scenes.SAMPLES])
