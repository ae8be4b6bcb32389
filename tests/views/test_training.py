"""The training view tells the story of an input over snapshots, and its curves lie where their numbers are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from app import session
from app.components.answer import names
from app.components.answers import MOST, percent, scale
from app.components.asked import translated
from app.figures.curves import LABEL, Line, _apart, curves, lines_of, quantities
from app.interpret.prediction import Prediction
from app.view import Visit
from app.views.training import MEANING, VIEW, _lines, _story, short
from models import checkpoint
from models.checkpoint import Metric
from models.paper import ClassScores
from tests.views.test_paper import RECORD
from tests.views.toys import Dense, picture, said, serve, show


def row(step: int, accuracy: float) -> dict[str, float]:
    return {
        "step": step,
        "epoch": step / 10,
        "test_accuracy": accuracy,
        "train_accuracy": accuracy + 1,
        "test_loss": 1 / (1 + step),
    }


RUNS = {
    "model": {"0": [row(0, 10), row(10, 60), row(100, 90)], "1": [row(0, 12), row(100, 92)]},
    "twin": {"0": [row(0, 8), row(100, 70)]},
}
ONES = np.ones((1, 1, 2, 2), np.float32)


@pytest.fixture
def visit(monkeypatch) -> Visit:
    """At step 0 it says a, then b; scores at the end are 0 and 4."""
    nets = {
        0: Dense([[0.0] * 4, [0.0] * 4], [1, 0]),
        10: Dense([[0.0] * 4, [0.25] * 4], [0, 0]),
        100: Dense([[0.0] * 4, [1.0] * 4], [0, 0]),
    }
    serve(monkeypatch, {**nets, None: nets[100]})
    monkeypatch.setattr(checkpoint, "read_curves", lambda slug: RUNS)
    monkeypatch.setattr(checkpoint, "read_record", lambda slug: RECORD)
    return Visit(picture(("a", "b")), ONES, "k")


def test_it_opens_at_the_end_and_tells_since_when(visit):
    text = said(show(VIEW, visit))
    assert "After 100 steps it now says b with 98.2 %; b is its answer at every snapshot from step 10 on." in text
    assert (
        "Accuracy at step 100: 90 %; at the end 90 %, 70 % for its twin. Thin lines are further seeds. A curve is measured "
        "in passing, on a part of what is kept for the test; the record, over 10,000 samples, has 91.5 %." in text
    )
    assert text.count("the record, over") == 1, "it has no loss"
    assert "rounded" not in text, "a small network's snapshots have 16 bits a weight"


@pytest.mark.parametrize("known", [Metric("test_accuracy", 90.0, 10000, "%"), Metric("recall", 91.5, 10000, "%")])
def test_a_record_that_has_the_same_number_or_none_is_not_held_beside_the_curve(visit, monkeypatch, known):
    monkeypatch.setattr(checkpoint, "read_record", lambda slug: replace(RECORD, metrics=(known,)))
    assert "the record, over" not in said(show(VIEW, visit))


def test_the_training_sets_curve_is_not_held_against_the_test_sets_record(visit, monkeypatch):
    rows = [{"step": s, "epoch": 0, "train_error": 50 - s / 4} for s in (0, 10, 100)]
    monkeypatch.setattr(checkpoint, "read_curves", lambda slug: {"model": {"0": rows, "1": rows}, "twin": {}})
    of_the_test = Metric("test_error", 18.16, 10000, "%")
    monkeypatch.setattr(checkpoint, "read_record", lambda slug: replace(RECORD, metrics=(of_the_test,)))
    text = said(show(VIEW, visit))
    assert "at the end 25 %" in text and "the record, over" not in text
    assert "Thin lines" not in text, "further seeds are drawn on the test set alone"


def test_an_earlier_step_and_the_layer_come_from_the_address(visit):
    at = show(VIEW, visit, step="10", layer="dense")
    text = said(at)
    assert "After 10 steps it already says b with 73.1 %" in text  # 1 / (1 + exp(-1))
    assert "Accuracy at step 10: 60 %" in text and "Loss at step 10: 0.09091" in text
    assert "At step 10 weights from 0 to 0.25. The scale is 0 to 1 at every step." in text
    assert "Orange speaks for b, blue against, by input x gradient: at step 10 from 0.25 to 0.25." in text
    assert "Before any training it still says a with 73.1 %" in said(show(VIEW, visit, step="0"))


@pytest.mark.parametrize("step", ["7", "minus one", "99999"])
def test_nonsense_as_a_step_falls_back_to_the_end(visit, step):
    at = show(VIEW, visit, step=step, layer="no.such", scale="sideways")
    assert at.select_slider(key="choose-step").value == "100"
    assert "After 100 steps it now says b" in said(at)


def test_without_snapshots_it_says_what_to_do(visit, monkeypatch):
    monkeypatch.setattr(checkpoint, "snapshots", lambda slug: ())
    with pytest.raises(checkpoint.CheckpointError, match="No snapshots of toy are there"):
        VIEW.draw(visit)


def test_the_curves_of_a_quantity_are_its_seeds_its_twin_and_the_training_set():
    assert quantities(RUNS) == ("accuracy", "loss")
    lines = lines_of(RUNS, "accuracy")
    assert [(line.name, line.role, line.faint, line.dashed) for line in lines] == [
        ("test set", "ours", False, False),
        ("twin", "twin", False, False),
        ("training set", "ours", False, True),
        ("seed 1", "ours", True, False),
    ]
    assert lines[0].steps.tolist() == [0, 10, 100] and lines[0].values.tolist() == [10, 60, 90]
    assert [line.name for line in lines_of(RUNS, "loss")] == ["test set", "twin", "seed 1"]


def test_step_zero_has_a_place_on_a_logarithmic_axis():
    line = Line(np.array([0, 9, 99]), np.array([1.0, 2.0, 3.0]), "it")
    figure = curves([line], False, title="t", axis="%", log=True, moments=(0, 99), at=9)
    np.testing.assert_allclose(figure.data[0].x, [0, 1, 2], rtol=1e-6)
    dots = figure.data[1]
    np.testing.assert_allclose(dots.x, [0, 2], rtol=1e-6)
    np.testing.assert_allclose(dots.y, [1, 3])
    assert list(dots.customdata) == [0, 99]
    assert figure.layout.shapes[0].x0 == pytest.approx(1)
    assert list(figure.layout.xaxis.ticktext) == ["0", "1", "10", "100"]
    linear = curves([line], False, title="t", axis="%", log=False, at=9)
    np.testing.assert_allclose(linear.data[0].x, [0, 9, 99])
    assert len(linear.data) == 1


def test_labels_stand_at_the_ends_or_at_the_peak():
    rising = Line(np.array([0, 9]), np.array([0.0, 1.0]), "rising")
    early = Line(np.array([0, 9]), np.array([5.0, 0.0]), "early", "other", peak=True)
    figure = curves([rising, early], True, title="t", axis="%", log=True)
    notes = {note.text: note for note in figure.layout.annotations}
    assert notes["rising"].xref == "paper" and notes["rising"].y == 1
    assert notes["early"].x == 0 and notes["early"].y == 5


def test_of_two_peaks_in_one_place_the_first_has_its_label():
    lines = [Line(np.array([0, 9]), np.array([5.0 - i / 100, i]), f"line {i}", "other", peak=True) for i in (0, 1)]
    figure = curves(lines, False, title="t", axis="%", log=True, span=(0, 10))
    assert [note.text for note in figure.layout.annotations] == ["line 0"]


def test_labels_that_would_meet_are_pushed_apart_and_no_others():
    placed = _apart(np.array([100.0, 0.0, 2.0]))
    assert placed[0] == 100
    assert placed[2] - placed[1] == pytest.approx(LABEL)
    assert placed[1] + placed[2] == pytest.approx(2.0)


def test_numbers_are_short():
    assert [short(v) for v in (17241.0, 0.061268, 97.08, -1234567.0)] == ["17,241", "0.06127", "97.08", "-1,234,567"]


@pytest.mark.parametrize("slug", ["gpt2", "transformer"])
def test_a_text_is_followed_through_the_training(slug):
    """Every moment has the shares that the snapshot gives, in the place that the address names."""
    paper = models.paper(slug)
    step = checkpoint.snapshots(slug)[4]
    visit = session.visit(paper, str(paper.samples[0].source), "sample")
    at = show(VIEW, visit, step=str(step), place="2")
    assert not at.exception
    said_so = said(at)
    x = translated(visit).x.copy()
    shares = models.load(slug, step=step).module(torch.from_numpy(x))[0, 2].softmax(-1).detach().numpy()
    assert f"After {step:,} steps" in said_so
    assert "Snapshots before the last are rounded to 8 bits a weight in kernels, 4 (NF4) in matrices" in said_so
    assert f"with {percent(float(shares.max()))}" in said_so
    assert names(paper)[int(shares.argmax())] in said_so
    assert at.selectbox(key="choose-place").value == "2"
    again: list[Prediction] = []
    exec(next(code.value for code in at.code if "told_at" in code.value), {"print": again.append})
    if slug == "gpt2":  # the lines to take away; for a translation they hold the sentence as it was given
        assert again[0].probabilities == pytest.approx(shares, abs=1e-6)
    assert all(key[1] is None for key in session._models if key[0] == slug), "snapshots are let go"


def test_nearly_nothing_is_neither_drawn_nor_named():
    labels = tuple(f"t{i}" for i in range(200))
    flat, sure = np.full(200, 0.005), np.append(np.zeros(199), 1.0)
    told = [Prediction(p, p, np.argsort(-p, kind="stable"), labels) for p in (flat, sure)]
    lines = _lines(told, (0, 10), 100.0)
    assert lines[0].name == "t199" and not lines[0].faint
    assert all(line.faint for line in lines[1:]), "t0 led with half a per cent"
    assert len(lines) == MOST
    assert _story(told, (0, 10), 10, scale(ClassScores(labels))).endswith(
        "t199 is its answer at the last snapshot alone."
    )


@pytest.mark.parametrize("slug", [network.slug for main in models.papers() for network in models.networks(main.slug)])
def test_whatever_was_measured_is_known_to_all_or_explained(slug):
    assert set(quantities(checkpoint.read_curves(slug))) - {"accuracy", "loss", "error"} <= set(MEANING)


def test_what_a_name_does_not_say_is_said(visit, monkeypatch):
    rows = [{"step": s, "epoch": 0, "induction_score": s / 200} for s in (0, 10, 100)]
    monkeypatch.setattr(checkpoint, "read_curves", lambda slug: {"model": {"0": rows}, "twin": {}})
    assert f"{MEANING['induction_score']} Induction score at step 100: 0.5; at the end 0.5." in said(show(VIEW, visit))
