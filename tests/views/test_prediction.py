"""The prediction view says the numbers that a network of four weights works out to."""

from __future__ import annotations

import numpy as np
import pytest

from app.components.answers import percent
from app.view import Visit
from app.views.prediction import VIEW
from models.paper import ClassScores, Fact
from tests.views.toys import MIDDLE, Dense, card, picture, said, serve, show

# scores 0.25 and 0 at MIDDLE; the difference of the weights, (2, -1, 2, 0), has L1 norm 5: 255 * 0.25 / 5 = 12.75
TWO = Dense([[1, 0, 1, 0], [-1, 1, -1, 0]], [-0.75, 0.5])


def test_it_says_the_margin_and_the_smallest_sign_step(monkeypatch):
    serve(monkeypatch, {None: TWO})
    at = show(VIEW, Visit(picture(("zero", "one")), MIDDLE, "k"))
    text = said(at)
    assert "zero leads with 0.25; the runner-up is one with 0, a margin of 0.25 (logit)." in text
    assert "zero has 56.2 %, one 43.8 %." in text  # 1 / (1 + exp(-0.25))
    assert (
        "Moving every pixel that can move (75 %) by 12.8 of 255 grey levels turns the answer from zero to one, only"
        in text
    )
    assert "1 of 1 other answers can be reached this way" in text


def test_the_runner_up_is_found_where_probabilities_round_to_nothing(monkeypatch):
    serve(monkeypatch, {None: Dense([[0.0] * 4] * 3, [-300, -2, -200])})
    text = said(show(VIEW, Visit(picture(("a", "b", "c")), MIDDLE, "k")))
    assert "b leads with -2; the runner-up is c with -200, a margin of 198 (logit)." in text
    assert "b has > 99.9 %, c < 0.1 %, all others together < 0.1 %." in text


def test_a_probability_is_never_quite_nothing_or_all():
    assert [percent(p) for p in (0, 0.0004, 0.0006, 0.5, 0.9994, 0.9996, 1)] == (
        "< 0.1 %|< 0.1 %|0.1 %|50.0 %|99.9 %|> 99.9 %|> 99.9 %".split("|")
    )


def test_the_way_and_the_target_come_from_the_address(monkeypatch):
    net = Dense([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], [0.2, 0.1, 0.0])
    serve(monkeypatch, {None: net})
    visit = Visit(picture(("a", "b", "c")), MIDDLE, "k")
    assert "turns the answer from a to b, only just" in said(show(VIEW, visit))
    at = show(VIEW, visit, target="c", way="gradient")
    # margin 0.2 against (1, 0, -1, 0): length 0.2 / sqrt(2), 25.5 grey levels at two points
    assert "A change of length 0.141 (1 is one pixel from black to white), at most 25.5 of 255" in said(at)
    assert "turns the answer from a to c, only just" in said(at)


@pytest.mark.parametrize("target", ["a", "nonsense"])
def test_the_answer_itself_or_nonsense_as_a_target_falls_back_to_the_nearest(monkeypatch, target):
    serve(monkeypatch, {None: Dense([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], [0.2, 0.1, 0.0])})
    at = show(VIEW, Visit(picture(("a", "b", "c")), MIDDLE, "k"), target=target, way="by magic")
    assert "turns the answer from a to b, only just" in said(at)


def test_a_retina_of_on_and_off_is_changed_point_by_point(monkeypatch):
    serve(monkeypatch, {None: Dense([[1, 1, 1, 1], [0, 0, 0, 0]], [0, 1.5])})
    at = show(VIEW, Visit(picture(("much", "little"), binary=True), np.ones((1, 1, 2, 2), np.float32), "k"))
    text = said(at)
    assert "nothing less than a whole pixel can change" in text
    assert "Turning over 3 pixels, 75 % of them, turns the answer from much to little: " in text
    assert at.segmented_control(key="choose-way").options == ["as few pixels as can be"]


def test_where_nothing_flips_it_says_so(monkeypatch):
    serve(monkeypatch, {None: Dense([[0.0] * 4, [0.0] * 4], [1, 0])})
    text = said(show(VIEW, Visit(picture(("a", "b")), MIDDLE, "k")))
    assert "No change of this kind was found that leads to another answer" in text
    assert "0 of 1 other answers can be reached this way" in text


@pytest.mark.parametrize(
    ("bias", "several", "sentence"),
    [
        (0.0, True, "It answers Ann (0.90): all that is above one half; next comes Bob with 0.20."),
        (0.4, True, "It answers Ann (1.30) and Bob (0.60): all that is above one half; next comes Cid with 0.50."),
        (-0.8, True, "Nothing is above one half, which would count as an answer: the largest is Ann (0.10)"),
        (0.0, False, "Ann leads with 0.9; the runner-up is Bob with 0.2, a margin of 0.7 (output)."),
    ],
)
def test_a_fact_has_bars_and_no_picture_to_change(monkeypatch, bias, several, sentence):
    people = ("Ann", "Bob", "Cid")
    facts = Fact(people, ("aunt",))
    paper = card(facts, ClassScores(people, unit="output", probability="identity", several=several))
    serve(monkeypatch, {None: Dense([[0.9, 0, 0, 0], [0.2, 0, 0, 0], [0, 0, 0, 0]], [bias, bias, bias + 0.1])})
    at = show(VIEW, Visit(paper, facts.parse("Ann has-aunt"), "k"))
    assert sentence in said(at)
    assert not at.subheader and len(at.get("plotly_chart")) == 1
