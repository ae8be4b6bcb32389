"""A network of one dense layer whose numbers can be worked out by hand, shown without a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from app import session
from app.interpret.copies import Copies
from app.view import View, Visit
from models import checkpoint
from models.paper import Claim, ClassScores, Fact, Image, Paper, Probe

Weights = list[list[float]]
MIDDLE = np.full((1, 1, 2, 2), 0.5, np.float32)


def card(takes: Image | Fact, gives: ClassScores, slug: str = "toy") -> Paper:
    return Paper(
        slug=slug,
        title="A toy",
        authors=("Ann Émile Person", "Bob Other"),
        year=2000,
        venue="Journal of Toys 12(3), 45-67",
        url="https://example.org/toy",
        track="Foundations",
        idea="One dense layer.",
        about="All that there is to say.",
        takes=takes,
        gives=gives,
        probes=(Probe("dense", ("batch", "unit"), "The scores."),),
        claims=(Claim("test_accuracy", 90.0, "Table 1", "toys", label="test accuracy"),),
        samples=(),
        dataset="mnist",
        twin="It has no bias.",
        deviations=("Ours is smaller.",),
    )


def picture(labels: tuple[str, ...], **more: object) -> Paper:
    return card(Image(1, (2, 2), labels, **more), ClassScores(labels))


class Dense(nn.Module):
    def __init__(self, weight: Weights, bias: list[float]) -> None:
        super().__init__()
        self.flat = nn.Flatten()
        self.dense = nn.Linear(len(weight[0]), len(weight))
        with torch.no_grad():
            self.dense.weight.copy_(torch.tensor(weight))
            self.dense.bias.copy_(torch.tensor(bias))
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(self.flat(x))


def serve(monkeypatch: pytest.MonkeyPatch, nets: Mapping[int | None, nn.Module]) -> None:
    """Let sessions find these networks, by step, where they look for trained ones; forget all answers."""
    pools = {step: Copies(net) for step, net in nets.items()}
    monkeypatch.setattr(session, "copies", lambda slug, step=None, twin=False, seed=0: pools[step])
    monkeypatch.setattr(checkpoint, "snapshots", lambda slug: tuple(sorted(s for s in nets if s is not None)))
    session._answers.clear()


def show(view: View, visit: Visit, **address: str) -> AppTest:
    """A view alone, as an address opens it."""

    def page(draw, visit):
        draw(visit)

    at = AppTest.from_function(page, kwargs={"draw": view.draw, "visit": visit}, default_timeout=60)
    for key, value in address.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def said(at: AppTest) -> str:
    """All sentences under figures."""
    return "\n".join(caption.value for caption in at.caption)
