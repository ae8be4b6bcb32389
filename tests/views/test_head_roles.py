"""The view of head roles: it says of hand-built heads what they are, and of others that they are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import models
from app import session
from app.interpret.head_roles import roles
from app.view import Visit, fits
from app.views.head_roles import VIEW
from models import checkpoint, gpt2
from tests.interpret.test_head_roles import Built
from tests.views.toys import said, serve, show

PAPER = replace(gpt2.PAPER, slug="toy")


@pytest.fixture
def visit(monkeypatch) -> Visit:
    """The second head looks evenly at step 0, a little back at 10, and at the token before alone at 100."""
    nets = {0: Built(0.0), 10: Built(0.05), 100: Built(1.0)}
    serve(monkeypatch, {**nets, None: nets[100]})
    return session.visit(PAPER, "red lamp, green lamp", "a text")


def test_a_previous_token_head_built_by_hand_is_found(visit):
    at = show(VIEW, visit)
    text = said(at)
    assert at.selectbox(key="choose-head").value == "0.1"
    assert (
        "One head reaches 0.1 as a previous-token head at step 100. The strongest, layer 0, head 1, spends 100.0 % of its look "
        "on the token before, an even look 1.1 %; it has had at least 0.1 since step 100."
    ) in text
    assert "Layer 0, head 1 is the strongest at the end, with 1.000; at step 100 it has 1.000." in text
    assert "The rings are where a previous-token head looks, the token before: " in text


def test_where_there_is_no_such_head_it_says_so(visit):
    text = said(show(VIEW, visit, role="induction"))
    assert "No head reaches 0.1 as an induction head here at step 100: the strongest, layer 0, head 0," in text
    assert "None does at any snapshot." in text
    assert "The second half is 0.00 nats a token" in text
    early = said(show(VIEW, visit, step="10"))
    assert "No head reaches 0.1 as a previous-token head here at step 10: the strongest, layer 0, head 1," in early
    assert "At step 100 one does." in early


def test_head_and_moment_come_from_the_address(visit):
    at = show(VIEW, visit, head="0.0", step="10")
    assert at.selectbox(key="choose-head").value == "0.0"
    text = said(at)
    assert "Layer 0, head 1 is the strongest at the end, with 1.000; at step 10 layer 0, head 0 has 0.011." in text


@pytest.mark.parametrize("address", [{"head": "9.9", "role": "none", "step": "7"}, {"head": "x", "step": "minus one"}])
def test_nonsense_falls_back(visit, address):
    at = show(VIEW, visit, **address)
    assert at.selectbox(key="choose-head").value == "0.1"
    assert at.select_slider(key="choose-step").value == "100"
    assert at.segmented_control(key="choose-role").value == "previous_token"


def test_a_text_in_which_nothing_comes_again_is_told_so(visit):
    other = session.visit(PAPER, "a red", "a text")
    assert "No token of this text comes again: an induction head has nowhere to look." in said(
        show(VIEW, other, role="induction")
    )


def test_the_button_opens_the_head_where_all_attention_is_shown(visit):
    at = show(VIEW, visit, head="0.0")
    at.button(key="open-head").click().run()
    assert at.session_state["view"] == "attention"
    assert at.session_state["head"] == "0.0"


def test_without_snapshots_it_says_what_to_do(visit, monkeypatch):
    monkeypatch.setattr(checkpoint, "snapshots", lambda slug: ())
    with pytest.raises(checkpoint.CheckpointError, match="No snapshots of toy are there"):
        VIEW.draw(visit)


def test_snapshots_are_measured_and_let_go():
    visit = session.visit(gpt2.PAPER, "a text", "a text").given(np.zeros((1, 1), np.int64), "a test's")
    session._models.clear()  # room for one more
    kept, step = set(session._models), checkpoint.snapshots("gpt2")[1]
    assert not session.kept(roles, visit, step=step)
    session.ask(roles, visit, step=step, keep=False)
    assert session.kept(roles, visit, step=step)
    assert set(session._models) == kept


def test_only_networks_that_say_the_next_token_by_attention_have_the_view():
    slugs = {p.slug: p for p in models._all()}
    assert fits(VIEW, slugs["gpt2"])
    assert not any(fits(VIEW, slugs[slug]) for slug in ("bert", "transformer", "vit", "word2vec", "lenet5"))
