"""The attribution view says the numbers that a network of one dense layer works out to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from app import session
from app.components import methods
from app.interpret import attribution
from app.view import Visit, fits
from app.views.attribution import VIEW
from models.paper import ClassScores, Fact, Image
from tests.views.toys import MIDDLE, Dense, card, picture, said, serve, show

# at MIDDLE, all 0.5, the score of zero is 0.5 + 0.25 - 0.5 = 0.25 and that of one is 0
TWO = Dense([[1, 0.5, -1, 0], [-1, 1, -1, 0]], [0, 0.5])
PAPER = picture(("zero", "one"))
VISIT = Visit(PAPER, MIDDLE, "k")
COUNT = len(attribution.METHODS)


class Threshold(nn.Module):
    differentiable = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (1 + torch.sign(x - 0.25)) / 2


class Stepped(Dense):
    """The points above 1/4 are on, the others off."""

    def __init__(self, weight: list[list[float]], bias: list[float]) -> None:
        super().__init__(weight, bias)
        self.step = Threshold()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(self.step(self.flat(x)))


def test_it_opens_with_integrated_gradients_of_the_answer(monkeypatch):
    serve(monkeypatch, {None: TWO})
    at = show(VIEW, VISIT)
    text = said(at)
    assert at.selectbox(key="method").value == "IntegratedGradients"
    assert "Most for zero speaks row 0, column 0 (+0.5); most against it row 1, column 0 (-0.5)." in text
    assert "All of it adds up to 0.25; from the baseline to the input the score changes by 0.25." in text
    assert "Sundararajan et al. 2017" in text
    assert "On average over the way, zero keeps" in text


def test_target_and_method_come_from_the_address(monkeypatch):
    serve(monkeypatch, {None: TWO})
    text = said(show(VIEW, VISIT, target="one", method="InputXGradient"))
    assert "Most for one speaks row 0, column 1 (+0.5); most against it row 0, column 0 (-0.5)." in text
    text = said(show(VIEW, VISIT, target="one", method="Saliency"))
    assert "The score of one depends most on row 0, column 0 (1 logit per unit of input)." in text


def test_the_baseline_comes_from_the_address(monkeypatch):
    serve(monkeypatch, {None: TWO})
    text = said(show(VIEW, VISIT, method="DeepLift", baseline="one"))
    assert "Most for zero speaks row 1, column 0 (+0.5); most against it row 0, column 0 (-0.5)." in text
    assert "All of it adds up to -0.25;" in text


@pytest.mark.parametrize(
    "nonsense",
    [
        {"method": "Astrology", "target": "eleven", "layer": "nowhere", "unit": "abc"},
        {"method": "NeuronConductance", "layer": "7", "unit": "99999", "baseline": "x", "effort": "y", "smooth": "z"},
        {"patch": "-3", "dice": "abc", "noise": "7", "copies": "", "method": ""},
    ],
)
def test_nonsense_in_the_address_falls_back(monkeypatch, nonsense):
    serve(monkeypatch, {None: TWO})
    assert "Most for zero speaks row 0, column 0" in said(show(VIEW, VISIT, **nonsense))


def test_what_is_absent_is_named_with_its_reason(monkeypatch):
    serve(monkeypatch, {None: TWO})
    text = said(show(VIEW, VISIT))
    assert "Not here: GuidedBackprop, Deconvolution, GuidedGradCam: the network has no ReLU" in text
    assert "Not here: LayerConductance, NeuronConductance: no layer inside is reached by the score's slope." in text
    assert f"12 of {COUNT} methods of Captum work here." in text


def test_where_no_slope_comes_through_it_opens_with_what_works(monkeypatch):
    serve(monkeypatch, {None: Stepped([[1, 0.5, -1, 0], [-1, 1, -1, 0]], [0, 0.5])})
    at = show(VIEW, VISIT, method="IntegratedGradients")
    assert at.selectbox(key="method").value == "DeepLift"
    assert "IntegratedGradients" not in at.selectbox(key="method").options
    assert "zero everywhere: Threshold has no slope." in said(at)
    # each point turns on on the way: the whole weight
    assert "Most for zero speaks row 0, column 0 (+1); most against it row 1, column 0 (-1)." in said(at)


def test_the_untrained_network_is_asked_by_the_same_method(monkeypatch):
    before = Dense([[1, 0.5, -1, 0], [0, 0, 0, 0]], [0, 0])
    serve(monkeypatch, {None: TWO, 0: before})
    text = said(show(VIEW, VISIT))
    assert "Rank correlation of the two maps: 1.00. A warning: much of this map shows the picture" in text
    serve(monkeypatch, {None: TWO, 0: Dense([[-1, -0.5, 1, 0], [0, 0, 0, 0]], [0, 0])})
    assert "Rank correlation of the two maps: -1.00. The map depends on what" in said(show(VIEW, VISIT))
    serve(monkeypatch, {None: TWO, 0: Dense([[0.0] * 4, [0.0] * 4], [0, 0])})
    assert "Before training the map is the same everywhere" in said(show(VIEW, VISIT))
    serve(monkeypatch, {None: TWO})
    assert "No snapshot from before the training is there" in said(show(VIEW, VISIT))


def test_methods_fill_in_one_by_one_and_are_computed_once(monkeypatch):
    """With no time at all for the others, every run of the page adds one; what is there is not computed again."""
    serve(monkeypatch, {None: TWO})
    monkeypatch.setattr(methods, "AT_ONCE", 0.0)
    asked: list[str] = []
    compute = attribution._captum
    monkeypatch.setattr(attribution, "_captum", lambda how, *rest: asked.append(how.name) or compute(how, *rest))
    at = show(VIEW, VISIT, method="Lime")
    assert asked[0] == "Lime", "the chosen one first"
    assert len(asked) == len(set(asked)) == 12
    assert "Most like the others is" in said(at), "and in the end all are compared"
    at.selectbox(key="method").set_value("Occlusion").run()
    assert len(asked) == 12
    at.selectbox(key="target").set_value("one").run()
    assert len(asked) == 24


def test_a_setting_asks_only_the_methods_that_listen_to_it(monkeypatch):
    serve(monkeypatch, {None: TWO})
    asked: list[str] = []
    compute = attribution._captum
    monkeypatch.setattr(attribution, "_captum", lambda how, *rest: asked.append(how.name) or compute(how, *rest))
    at = show(VIEW, VISIT)
    asked.clear()
    at.slider(key="patch").set_value(2).run()
    assert set(asked) == {"Occlusion", "FeatureAblation", "ShapleyValueSampling", "KernelShap", "Lime"}
    asked.clear()
    at.number_input(key="dice").set_value(5).run()
    assert set(asked) == {"GradientShap", "ShapleyValueSampling", "KernelShap", "Lime"}
    asked.clear()
    at.selectbox(key="choose-smooth").set_value("smoothgrad").run()
    assert len(set(asked)) == 12
    assert not at.exception


def test_facts_are_shown_by_unit(monkeypatch):
    takes = Fact(("Ann", "Bob"), ("likes", "knows"))
    paper = card(takes, ClassScores(("yes", "no")))
    serve(monkeypatch, {None: TWO})
    at = show(VIEW, Visit(paper, np.array([[1, 0, 0, 1]], np.float32), "k"))
    text = said(at)
    assert "Most for yes speaks Ann (+1)." in text
    assert "Not here: Occlusion: its inputs stand in no order" in text
    assert "nothing to rank" in text


def test_it_fits_pictures_and_facts_with_classes():
    assert fits(VIEW, PAPER)
    assert fits(VIEW, card(Fact(("Ann",), ("likes",)), ClassScores(("yes", "no"))))
    assert VIEW.needs == (Image | Fact, ClassScores)


def test_answers_kept_are_small(monkeypatch):
    serve(monkeypatch, {None: TWO})
    show(VIEW, VISIT)
    assert sum(session.size(answer) for answer in session._answers.values()) < 100_000


def test_nothing_drawn_is_no_trouble(monkeypatch):
    serve(monkeypatch, {None: TWO, 0: TWO})
    at = show(VIEW, Visit(PAPER, np.zeros_like(MIDDLE), "blank"))
    assert "The map is zero everywhere" in said(at)
    assert "nothing in the input speaks for or against it" in said(at)
