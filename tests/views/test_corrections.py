"""The corrections view: its sentences say what the lesson did, and its buttons walk through it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from streamlit.testing.v1 import AppTest

import models
from app.interpret.corrections import lesson
from app.views import corrections
from models.perceptron.model import TWIN, build

ROOT = Path(__file__).resolve().parent.parent.parent
LABELS = tuple("0123456789")


def short():
    """Two digits of one point each: both are errors once, then neither."""
    x = np.zeros((2, 1, 28, 28), np.float32)
    x[0, 0, 5, 5] = x[1, 0, 9, 9] = 1
    return lesson(build(TWIN), models.paper("perceptron"), x, labels=(3, 5), pair=(3, 5))


def test_the_sentences_tell_what_happened():
    given = short()
    said = {1: "3", -1: "5"}
    first, third = said[int(given.target[0])], said[int(given.target[2])]
    assert corrections._verdict(given, 1, LABELS) == f"it is {first}, the answer is nothing, wrong"
    assert corrections._verdict(given, 3, LABELS) == f"it is {third}, the answer is {third}, right"
    assert "positive net input will mean 3" in corrections._reading(given, 0, LABELS)
    done = "added to" if first == "3" else "taken off"
    assert f"1 units that fire add up to 0, which means nothing and is wrong, so that 1 is {done}" in (
        corrections._reading(given, 1, LABELS)
    )
    net = f"{given.target[2]:+d}"
    assert f"add up to {net}, which means {third} and is right" in corrections._reading(given, 3, LABELS)


def test_one_walks_through_the_lesson_and_another_pair_starts_anew():
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120).run()
    at.switch_page("app/pages/paper.py")
    at.query_params["paper"], at.query_params["view"] = "perceptron", corrections.VIEW.title
    at.run()
    opening = at.slider(key="example-3-5").value
    assert 0 < opening <= at.slider(key="example-3-5").max

    def press(label):
        next(button for button in at.button if button.label == label).click()
        at.run()
        assert not at.exception
        return at.slider(key="example-3-5").value

    assert press("Back") == opening - 1
    assert press("Next") == opening
    at.slider(key="example-3-5").set_value(0).run()
    assert press("Next error") == 1, "the first example is always an error: nothing is known yet"
    assert any("add up to 0" in caption.value for caption in at.caption)
    at.selectbox(key="first").set_value("7").run()
    assert not at.exception
    assert at.slider(key="example-7-5").value > 1
    assert any("speaks for 7" in caption.value for caption in at.caption)
