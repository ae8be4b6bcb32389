"""The view of token attributions: its sentences have a linear toy's numbers, and the address says what is explained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from app import session
from app.figures.token_attribution import matrix
from app.interpret.answers import answers
from app.interpret.token_attribution import attribute
from app.interpret.words import Words
from app.view import Visit
from app.views import token_attribution as view
from app.views.token_attribution import VIEW
from models import gpt2
from models.bert.sentiment import PAPER as SENTIMENT
from models.transformer import PAPER as TRANSFORMER
from tests.interpret.test_token_attribution import Linear, fresh, vocabularies  # noqa: F401 (a fixture)
from tests.views.toys import said, serve, show

TEXT = "the cat and the"
PAPER = replace(gpt2.PAPER, slug="toy", probes=tuple(p for p in gpt2.PAPER.probes if p.path == "hook_embed"))


class Looking(Linear):
    """The linear toy of 1,024 tokens; it has no attention, and every answer is the token with the largest number."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(1024, 2).requires_grad_(False)
        self.embed.weight.copy_(torch.arange(2048).view(1024, 2) / 1000)

    def forward(self, ids):
        return self.hook_embed(self.embed(ids)).cumsum(1) @ self.embed.weight.T


@pytest.fixture
def visit(monkeypatch) -> Visit:
    serve(monkeypatch, {None: Looking()})
    tokens = len(PAPER.takes.tokens(TEXT))
    even = np.tril(np.ones((tokens, tokens), np.float32))
    monkeypatch.setattr("app.components.counted.rolled", lambda module, paper, x: even / even.sum(1, keepdims=True))
    return session.visit(PAPER, TEXT, "a text")


def test_it_explains_the_likeliest_answer_at_the_end_and_its_sums_are_right(visit):
    at = show(VIEW, visit)
    text = said(at)
    x, e = visit.x[0], np.arange(2048).reshape(1024, 2) / 1000
    counts = (e[x] - e[0]) @ e[1023]  # END, token 0, is the baseline
    scores = e[x].sum(0) @ e[1023], e[0] @ e[1023] * len(x)
    assert (
        f"All add up to {counts.sum():.3f}: the score is {scores[0]:.3f} here, {scores[1]:.3f} with “<|endoftext|>”"
        in text
    )
    best = PAPER.takes.tokens(TEXT)[int(counts.argmax())].text.strip()
    assert f"“{best}” speaks most for" in text and f"({counts.max():+.2f})" in text
    assert "Most alike: " in text
    assert "An answer knows nothing of what comes after it: that part is empty." in text
    assert not at.error


def test_place_and_target_come_from_the_address(visit):
    tokens = PAPER.takes.tokens(TEXT)
    at = show(VIEW, visit, place="1", target=str(tokens[2].id))
    assert at.selectbox(key="choose-place").value == "1"
    assert at.selectbox(key="choose-target").value == str(tokens[2].id)
    text = said(at)
    e = np.arange(2048).reshape(1024, 2) / 1000
    count = float((e[tokens[1].id] - e[0]) @ e[tokens[2].id])
    assert f"“the” speaks most for “{tokens[2].text.strip()}” ({count:+.2f})" in text
    assert "of how much each of 1 tokens counts" in text


def test_another_baseline_gives_other_numbers(visit):
    at = show(VIEW, visit, baseline="263")  # " the": two tokens of the text are that already
    text = said(at)
    assert "with “the” everywhere" in text
    assert at.selectbox(key="choose-baseline").value == "263"


@pytest.mark.parametrize(
    "address", [{"place": "99"}, {"place": "x", "target": "-1", "baseline": "no", "matrix": "Astrology"}]
)
def test_nonsense_falls_back(visit, address):
    at = show(VIEW, visit, **address)
    assert at.selectbox(key="choose-place").value == str(visit.x.shape[1] - 1)
    assert at.segmented_control(key="choose-matrix").value == "ShapleyValueSampling"


@pytest.mark.parametrize("matrix", ["rollout", "LayerIntegratedGradients", "FeatureAblation"])
def test_every_method_has_a_matrix(visit, matrix):
    at = show(VIEW, visit, matrix=matrix)
    assert at.segmented_control(key="choose-matrix").value == matrix
    assert "A row is an answer, a column a token of the input. Nothing counts more than" in said(at)


class Bent(Looking):
    """The same with a kink on the way, which takes integrated gradients many points."""

    def forward(self, ids):
        return (super().forward(ids) - 2).relu()


def test_the_matrix_has_the_strips_row_and_says_how_far_its_other_sums_are_off(monkeypatch, visit):
    serve(monkeypatch, {None: Bent()})
    drawn = []
    monkeypatch.setattr(view, "matrix", lambda values, *a, **k: drawn.append(values) or matrix(values, *a, **k))
    targets = tuple(answers(Bent(), PAPER, visit.x.copy()).explained.tolist())
    row = len(targets) - 2
    text = said(show(VIEW, visit, matrix="LayerIntegratedGradients", place=str(row)))
    asked = {"method": "LayerIntegratedGradients", "baseline": 0}
    one = attribute(Bent(), PAPER, visit.x, places=(row,), targets=(targets[row],), **asked)
    every = attribute(Bent(), PAPER, visit.x, places=tuple(range(row + 2)), targets=targets, steps=view.COARSE, **asked)
    np.testing.assert_array_equal(drawn[-1][row, : row + 1], one.values[0, : row + 1])
    np.testing.assert_array_equal(drawn[-1][-1], every.values[-1])
    assert np.abs(one.values[0] - every.values[row]).max() > 1e-3
    off = np.abs(every.delta)
    off[row] = 0
    worst = int(off.argmax())
    share = 100 * off[worst] / abs(every.scores[worst] - every.bare[worst])
    assert f"of 16 points of the way, to be quick; the worst of their sums is {off[worst]:.2g} logit off" in text
    assert f"logit off, {share:.2g} % of what its score changes by." in text


@pytest.mark.usefixtures("vocabularies")
def test_classes_are_explained_all_together(monkeypatch):
    paper = SENTIMENT
    serve(monkeypatch, {None: fresh("bert/sentiment")})
    at = show(VIEW, session.visit(paper, "not bad at all", "a text"), target="2")
    text = said(at)
    assert at.selectbox(key="choose-target").value == "2"
    assert "“[MASK]” everywhere" in text
    assert f"“{paper.scores.labels[2]}” (" in text
    assert not [s for s in at.selectbox if s.key == "choose-place"]


@pytest.mark.usefixtures("vocabularies")
def test_a_sentence_without_a_translation_gets_the_networks_own(monkeypatch):
    serve(monkeypatch, {None: fresh("transformer")})
    said_by_it = Words((), np.zeros(0), 0, "the bank of the river")
    monkeypatch.setattr("app.components.asked.words", lambda module, paper, x: said_by_it)
    at = show(VIEW, session.visit(TRANSFORMER, "where is the cat?", "a text"))
    assert "with “</s>” everywhere" in said(at)
    places = at.selectbox(key="choose-place").options
    assert [place.removeprefix("after ") for place in places[:4]] == ["<s>", "the", "bank", "of"]
