"""Ablation as a visitor meets it: the head that is missed most is off, parts go on and off, and nothing is nothing."""

from __future__ import annotations

import numpy as np
import pytest

import models
from app import session
from app.components.give_text import OWN
from app.components.switches import called
from app.interpret.ablation import ablate, alone
from app.view import fits
from app.views.ablation import VIEW
from tests.views.toys import said, show

PAPER = models.paper("gpt2")
TEXT = "But he went to the door, and there, with a great cry, lost"


def visited(**address: str):
    return show(VIEW, session.visit(PAPER, TEXT, OWN), **address)


@pytest.fixture(scope="module")
def net():
    return models.load("gpt2")


def test_it_fits_heads_that_write_to_a_stream():
    assert fits(VIEW, PAPER)
    assert not fits(VIEW, models.paper("vit"))
    assert not fits(VIEW, models.paper("lenet5"))


def test_it_opens_without_the_head_that_is_missed_most(net):
    x = PAPER.takes.parse(TEXT)
    found = alone(net.module, PAPER, x)
    heads = found.effects[:, :-1]
    layer, head = np.unravel_index(heads.argmax(), heads.shape)
    worst = found.names[int(found.effects.argmax())]
    at = visited()
    assert f"Off: head {head} of layer {layer}." in said(at)
    before, after = ablate(net.module, PAPER, x, (f"{layer}.{head}",)).bits
    assert at.markdown[0].value == f"**Loss: {before:.2f} bits a token whole, {after:.2f} without**"
    assert after - before == pytest.approx(float(heads.max()), abs=1e-4)
    assert f"{found.bits:.2f} to begin with, {found.effects.max():.2f} more without {called(worst)}" in said(at)


def test_a_link_brings_the_parts_the_way_the_place_and_the_head(net):
    at = visited(off="2.2,2.4", how="mean", place="3", head="3.1")
    assert "Off: head 2 of layer 2 and head 4 of layer 2." in said(at)
    before, after = ablate(net.module, PAPER, PAPER.takes.parse(TEXT), ("2.2", "2.4"), "mean").bits
    assert at.markdown[0].value == f"**Loss: {before:.2f} bits a token whole, {after:.2f} without**"
    assert "The mean of a part is that over all tokens of the 8 samples" in said(at)
    assert at.selectbox(key="choose-place").value == "3"
    assert at.selectbox(key="choose-head").value == "3.1"


def test_all_on_is_the_plain_network():
    at = visited()
    at.button[0].click().run()
    assert at.text_input(key="off").value == "none"
    whole, without = (
        at.markdown[0].value.removeprefix("**Loss: ").removesuffix(" without**").split(" bits a token whole, ")
    )
    assert whole == without
    assert "Off: nothing." in said(at)
    assert "Nothing of its look moves" in said(at)
    at.button[1].click().run()
    assert "Off: head 0 of layer 0, head 1 of layer 0, " in said(at)


@pytest.mark.parametrize("off", ["9.9", "2.mlp.1", "x", ",,", "-1.0"])
def test_nonsense_is_as_if_nothing_were_said(off):
    at = visited(off=off, how="by magic", place="-3", head="9.9")
    assert [c.value for c in at.caption] == [c.value for c in visited().caption]
