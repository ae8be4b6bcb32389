"""The view of direct attribution: its sums are the network's own numbers, and a head's tokens are the head."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import models
from app import session
from app.components.answer import names
from app.components.credit import Credit
from app.figures.waterfall import plus, waterfall
from app.interpret.direct import direct
from app.view import Visit, fits
from app.views.direct_attribution import VIEW
from models import gpt2
from tests.interpret.test_logit_lens import randomised
from tests.views.toys import said, serve, show

TEXT = "the cat and the"


@pytest.fixture
def net(monkeypatch):
    net = randomised(models.build("gpt2"))
    serve(monkeypatch, {None: net})
    return net


@pytest.fixture
def visit(net) -> Visit:
    return session.visit(gpt2.PAPER, TEXT, "a text")


def test_it_opens_with_the_likeliest_rather_than_the_runner_up(net, visit):
    logits = net(torch.from_numpy(visit.x.copy()))[0, -1].numpy()
    best, second = np.argsort(-logits)[:2]
    at = show(VIEW, visit)
    found = re.search(
        r"together (-?[\d.]+)\. The network's own number, the difference of the two, is (-?[\d.]+)\.", said(at)
    )
    assert found
    total, own = map(float, found.groups())
    assert own == pytest.approx(logits[best] - logits[second], abs=1e-4)
    assert total == pytest.approx(own, abs=2e-4)
    called = names(visit.paper)
    assert f"for {called[best]} rather than {called[second]} (" in said(at)


def test_one_logit_one_head_and_one_token_come_from_the_address(net, visit):
    logits = net(torch.from_numpy(visit.x.copy()))[0, 2].numpy()
    at = show(VIEW, visit, place="2", target="77", against="none", head="1.3", key="1")
    text = said(at)
    assert f"The network's own number, the logit, is {logits[77]:.4f}." in text
    found = direct(net, visit.paper, visit.x.copy(), place=2, target=77)
    look, offer, part = found.pattern[1, 3, 1], found.offers[1, 3, 1], found.sources[1, 3, 1]
    assert (
        f"gives it {look:.3f} of its look; with all of it, it would add {offer:+.3f}; the product is {part:+.3f}."
        in text
    )
    share = found.heads[1, 3]
    assert f"All tokens together: {share:+.4f}; the head's share: {share:+.4f}." in text
    assert f"That size, {found.scale:.3f} here, is held as it is on this input" in text


@pytest.mark.parametrize("address", [{"place": "99", "head": "9.9", "key": "77"}, {"target": "eleven", "against": "x"}])
def test_nonsense_falls_back(visit, address):
    at = show(VIEW, visit, **address)
    assert not at.error
    assert "The network's own number, the difference of the two" in said(at)


def test_an_answer_against_itself_is_the_answer_alone(net, visit):
    logits = net(torch.from_numpy(visit.x.copy()))[0, -1].numpy()
    at = show(VIEW, visit, target="77", against="77")
    assert f"The network's own number, the logit, is {logits[77]:.4f}." in said(at)


def test_the_bars_lead_to_the_logit(net, visit):
    found = direct(net, visit.paper, visit.x.copy(), place=3, target=77)
    credit = Credit(visit, found, 3, 77, -1, (0, 0))
    assert list(credit.parts)[:4] == ["embedding", "position", "layer 0, heads", "layer 0, MLP"]
    assert "bias of the scores" not in credit.parts, "GPT-2 has none: a part that is 0 for all is no bar"
    assert sum(credit.parts.values()) == pytest.approx(found.logit, abs=1e-4)
    drawn = waterfall(credit.parts, False, title="", axis="", total="sum").data[0]
    assert float(np.sum(drawn.x)) == pytest.approx(found.logit, abs=1e-4)
    assert drawn.measure[-1] == "total"
    assert drawn.text[-1].strip() == f"{found.logit:.2f}"


def test_what_rounds_to_nothing_has_no_sign():
    assert [plus(v) for v in (0.234, -1.5, -0.001, 0.0)] == ["+0.23", "-1.50", "0.00", "0.00"]
    assert plus(-0.0004, 3) == "0.000"


def test_it_is_for_networks_that_say_the_next_token():
    assert fits(VIEW, gpt2.PAPER)
    assert not any(fits(VIEW, models.paper(slug)) for slug in ("bert", "vit", "transformer", "word2vec"))
