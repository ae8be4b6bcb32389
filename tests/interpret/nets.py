"""Small networks with their papers, for the tests of attribution: each can do, or lacks, something that methods need."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from models.paper import Claim, ClassScores, Fact, Image, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")


def paper(slug: str, takes: Image | Fact, probes: dict[str, tuple[str, ...]], classes: int = 3) -> Paper:
    labels = tuple("abcdefgh"[:classes])
    return Paper(
        slug=f"test-{slug}",
        title=slug,
        authors=("T. Est",),
        year=2000,
        venue="",
        url="",
        track="Foundations",
        idea="",
        about="",
        takes=takes,
        gives=ClassScores(labels),
        probes=tuple(Probe(path, axes) for path, axes in probes.items()),
        claims=(Claim("test_accuracy", None, "", ""),),
        samples=(),
        dataset="no such set",
        twin="",
    )


def image(side: int, channels: int = 1, ink: bool = True) -> Image:
    return Image(channels, (side, side), ("a", "b", "c"), (0.1,) * channels, (0.8,) * channels, ink=ink)


def picture(paper: Paper, seed: int = 0) -> np.ndarray:
    """Some strokes on a ground, (1, ...) as the network takes it."""
    random = np.random.default_rng(seed)
    v = random.random((1, *paper.takes.shape), np.float32)
    if isinstance(paper.takes, Fact):
        return v
    return paper.takes.normalise(v * (random.random(v.shape) < 0.5))


class Bend(nn.Module):
    """An activation that Captum does not know: a scaled tanh."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.5 * torch.tanh(0.7 * x)


class Step(nn.Module):
    """A threshold unit."""

    differentiable = False

    def forward(self, x: Tensor) -> Tensor:
        return (1 + torch.sign(x)) / 2


class Distance(nn.Module):
    """Minus the squared distance to a few points: additive, neither affine nor elementwise."""

    def __init__(self, width: int, points: int) -> None:
        super().__init__()
        self.register_buffer("points", torch.randn(points, width))

    def forward(self, x: Tensor) -> Tensor:
        return -(x[:, None] - self.points).square().sum(2)


class Product(nn.Module):
    """No part that any rule fits: each output is the product of two inputs."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x.roll(1, 1)


class Residual(nn.Module):
    """Adds outside of its modules, where LRP cannot see it."""

    def __init__(self) -> None:
        super().__init__()
        self.flat, self.inner, self.act, self.head = nn.Flatten(), nn.Linear(36, 36), nn.ReLU(), nn.Linear(36, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.flat(x)
        return self.head(y + self.act(self.inner(y)))


class Hidden(nn.Module):
    """Bends outside of its modules, where DeepLift cannot see it."""

    def __init__(self) -> None:
        super().__init__()
        self.flat, self.inner, self.head = nn.Flatten(), nn.Linear(36, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.sigmoid(3 * self.inner(self.flat(x))))


def make(name: str) -> tuple[nn.Module, Paper]:
    """A network with fixed random weights and its paper."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        module, card = _make(name)
    return module.eval().requires_grad_(False), card


def _make(name: str) -> tuple[nn.Module, Paper]:
    if name == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), paper(name, image(6), {"0": UNITS})
    if name == "relu":
        net = nn.Sequential(
            *(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.ReLU()), *(nn.Flatten(), nn.Linear(64, 3))
        )
        return net, paper(name, image(8), {"1": MAPS, "3": MAPS, "4": UNITS})
    if name == "pooled":
        net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 3))
        return net, paper(name, image(8, channels=2, ink=False), {"1": MAPS, "2": MAPS})
    if name == "bent":
        net = nn.Sequential(
            *(nn.Conv2d(1, 2, 3), Bend(), nn.AvgPool2d(2), nn.Sequential(nn.Flatten(), nn.Linear(18, 5))),
            *(Bend(), Distance(5, 3)),
        )
        return net, paper(name, image(8), {"1": MAPS, "2": MAPS, "4": UNITS})
    if name == "step":
        net = nn.Sequential(nn.Flatten(), nn.Linear(36, 40), Step(), nn.Linear(40, 3))
        return net, paper(name, image(6), {"1": UNITS, "2": UNITS, "3": UNITS})
    if name == "product":
        net = nn.Sequential(nn.Flatten(), nn.Linear(36, 6), Product(), nn.Linear(6, 3))
        return net, paper(name, image(6), {"1": UNITS})
    if name == "fact":
        net = nn.Sequential(nn.Linear(7, 6), nn.Sigmoid(), nn.Linear(6, 3))
        return net, paper(name, Fact(("A", "B", "C", "D"), ("x", "y", "z")), {"1": UNITS})
    net = Residual() if name == "residual" else Hidden()
    return net, paper(name, image(6), {"inner": UNITS})
