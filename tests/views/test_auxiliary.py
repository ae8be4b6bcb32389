"""The answers of auxiliary classifiers as a visitor meets them."""

from __future__ import annotations

import numpy as np
import torch

import models
from app import session
from app.interpret.auxiliary import END, Heads, heads
from app.view import fits
from app.views.auxiliary import VIEW, _story
from models import checkpoint
from models.data.samples import FILES
from tests.interpret.test_load import alike_for_all
from tests.views.toys import said, show

PAPER = models.paper("googlenet")
PICTURE = (FILES / PAPER.samples[0].source).read_bytes()
X = PAPER.takes.parse(PICTURE)


def test_it_fits_what_has_classifiers_in_the_middle():
    assert [paper.slug for paper in models.papers() if fits(VIEW, paper)] == ["googlenet"]


def test_every_head_says_what_it_says_alone():
    net = models.load("googlenet").module
    at = show(VIEW, session.visit(PAPER, PICTURE, "sample"))
    assert not at.exception
    text, record = said(at), checkpoint.read_record("googlenet")
    with torch.no_grad():
        main, *others = (scores[0].softmax(-1).numpy() for scores in net.all_scores(torch.from_numpy(X)))
    found = heads(net, PAPER, X)
    assert found.names == ("head4a", "head4c", END)
    assert np.allclose(found.probabilities, [*others, main], atol=1e-6)
    for row, metric in zip(
        found.probabilities, ("head_4a_test_accuracy", "head_4c_test_accuracy", "test_accuracy"), strict=True
    ):
        label = PAPER.scores.labels[int(row.argmax())].capitalize()
        right = record.metric(metric).value
        assert f"{label} with {100 * row.max():.1f} %. Of 10,000 test pictures it names {right:.1f} % rightly." in text
    assert f"The answer at the end is {PAPER.scores.labels[int(main.argmax())]}." in text


def test_the_story_says_since_when_the_answer_stands():
    visit = session.visit(PAPER, PICTURE, "sample")

    def told(*tops: int) -> str:
        return _story(visit, Heads(("head4a", "head4c", END), np.eye(10)[list(tops)], {}))

    assert "The answer at the end is cat. head4a says so already, and all behind it." in told(3, 3, 3)
    assert "head4c says so already. The heads" in told(5, 3, 3)
    assert "head4c says so already. The heads" not in told(3, 5, 3)
    assert "No head says so: the layers behind head4c make cat of dog." in told(3, 5, 3)


def test_many_visitors_get_what_each_would_get_alone():
    def fresh():
        torch.manual_seed(0)
        return models.build("googlenet").eval().requires_grad_(False)

    asked = np.random.default_rng(0).standard_normal((24, 1, 3, 32, 32)).astype(np.float32)
    alike_for_all(
        lambda module, i, **more: heads(module, PAPER, asked[i]).probabilities.tobytes(),
        fresh,
        len(asked),
        left=lambda i: False,
    )
