"""Patching as a visitor meets it: a ready-made pair to begin with, own sentences, cells, and what cannot be patched."""

from __future__ import annotations

import pytest

import models
from app import session
from app.components.give_text import OWN
from app.view import fits
from app.views.patching import VIEW
from models import pairs, tokens
from tests.views.toys import said, show

PAPER = models.paper("gpt2")


def visited(text: str = "", **address: str):
    source = text or PAPER.samples[0].source
    return show(VIEW, session.visit(PAPER, source, OWN if text else "sample a name"), **address)


def test_it_fits_what_reads_a_stream_and_says_what_comes_next():
    assert fits(VIEW, PAPER)
    assert not fits(VIEW, models.paper("bert"))
    assert not fits(VIEW, models.paper("lenet5"))


def test_it_opens_on_a_pair_that_is_solved():
    first = pairs.read("gpt2").pairs[0]
    at = visited()
    text = said(at)
    assert "two sentences that this network solves" in text
    assert (
        f"It is {first.clean_difference:.2f} after the clean sentence (100 %) and {first.corrupted_difference:.2f}"
        in text
    )
    assert f"“{first.target.strip()}” has" in text and "of the difference comes back" in text
    assert "Rank correlation with true patching: stream" in text
    assert at.selectbox(key="choose-pair").value == 0
    assert [f"“{t.strip()}”" for t in (first.target, first.against)] == [
        at.selectbox(key=f"choose-{key}").format_func(at.selectbox(key=f"choose-{key}").value)
        for key in ("target", "against")
    ]
    assert not at.info and not at.error


def test_own_text_is_clean_and_one_token_is_exchanged():
    at = visited("Where have you been all this time")
    assert "No corrupted sentence is given: “" in said(at)
    assert at.selectbox(key="choose-pair").value is None
    assert "Clean, 9 tokens; likeliest after it: “" in said(at)


def test_a_link_brings_the_pair_the_answers_and_the_cell():
    target, against = (str(tokens.encode("gpt2", word)[0]) for word in (" her", " his"))
    clean, corrupted = "Then he put out", "Then she put out"
    place = int((PAPER.takes.parse(clean) != PAPER.takes.parse(corrupted))[0].argmax())
    at = visited(clean, corrupted=corrupted, target=target, against=against, patch=f"stream.0.{place}")
    assert "The measure: the logit of “her” minus that of “his”" in said(at)
    assert "100 % of the difference comes back" in said(at)
    assert at.text_input(key="patch").value == f"stream.0.{place}"
    at = visited(clean, corrupted=corrupted, target=target, against=against, patch="stream.0.1")
    assert " 0 % of the difference comes back" in said(at)


@pytest.mark.parametrize(
    "patch", ["stream.9.0", "heads.0.6", "mlp.0.99", "stream.1", "tea.1.1", "heads.-1.2", "heads.²,2", "...."]
)
def test_nonsense_is_the_head_that_does_most(patch):
    at = visited("Then he put out", corrupted="Then she put out", patch=patch, target="eleven", against="-3")
    assert "With this part taken from the clean run" in said(at)
    best = visited("Then he put out", corrupted="Then she put out")
    assert [c.value for c in at.caption] == [c.value for c in best.caption]


def test_sentences_of_unequal_length_are_shown_and_not_patched():
    at = visited("The king said", corrupted="The queen said")
    assert at.info[0].value.startswith("The clean sentence has 5 tokens and the corrupted one 6")
    assert "Clean, 5 tokens" in said(at) and "Corrupted, 6 tokens" in said(at)
    assert "measure" not in said(at)


def test_the_same_sentence_twice_is_nothing_to_find():
    at = visited("The king said", corrupted="The king said")
    assert at.info[0].value.startswith("Both sentences are the same")


def test_a_corrupted_sentence_that_cannot_be_read_is_answered_by_a_sentence():
    at = visited("He sat down to", corrupted="so " * 400)
    assert "shorten it. A corrupted sentence is made from yours instead." in at.error[0].value
    assert "of the difference comes back" in said(at)


def test_what_cannot_be_read_leaves_the_corrupted_sentence_before_it():
    at = visited("He sat down to")
    at.text_input(key="corrupted").set_value("She sat down to").run()
    before = [c.value for c in at.caption]
    at.text_input(key="corrupted").set_value("so " * 400).run()
    assert at.error[0].value.endswith("shorten it. The corrupted sentence before it stays.")
    assert at.text_input(key="corrupted").value == "She sat down to"
    assert [c.value for c in at.caption] == before
    at.run()
    assert not at.error, "said once"


def test_a_corrupted_sentence_typed_beside_the_first_pair_keeps_its_clean_one():
    at = visited()
    clean = pairs.read("gpt2").pairs[0].clean
    at.text_input(key="corrupted").set_value(clean).run()
    assert at.session_state["text"] == clean


def test_a_pair_taken_fills_the_address():
    at = visited("The king said")
    at.selectbox(key="choose-pair").select(3).run()
    pair = pairs.read("gpt2").pairs[3]
    assert at.session_state["text"] == pair.clean
    assert at.text_input(key="corrupted").value == pair.corrupted
