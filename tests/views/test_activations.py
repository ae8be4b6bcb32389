"""The activations view says where a unit's answer stands, and shows the inputs at the ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import models
from app import session
from app.components.unit import _code
from app.figures.activations import histogram
from app.interpret.trace import expand, trace
from app.view import Visit
from app.views.activations import VIEW
from models.data.probe import probe
from models.paper import Fact, Image, Paper
from tests.interpret.cards import card
from tests.views.test_architecture import NINE, Small, text
from tests.views.toys import serve, show

PEOPLE = ("Ann", "Bob", "Cid")
FACTS = Fact(PEOPLE, ("aunt",), tuple((f"{name} has-aunt", ("Ann",)) for name in PEOPLE))

NETWORKS = [n for p in models.papers() for n in models.networks(p.slug) if isinstance(n.takes, Image | Fact)]


@pytest.fixture
def fact(monkeypatch):
    net = nn.Sequential(nn.Linear(4, 2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[3.0, 2, 1, 0], [0, 0, 0, 1]]))
        net[0].bias.zero_()
    serve(monkeypatch, {None: net.requires_grad_(False)})
    return Visit(card("0", takes=FACTS, labels=("yes", "no")), FACTS.parse("Bob has-aunt"), "k")


def test_where_an_answer_stands_among_all_facts(fact):
    page = text(show(VIEW, fact))
    assert "0, unit yes answers 2.00, as for 33.3 % of the 3 inputs of the probe set." in page
    assert "They drive 0, unit yes most" in page
    assert page.index("<dt>Ann has-aunt</dt><dd>3.00</dd>") < page.index("<dt>Bob has-aunt</dt><dd>2.00</dd>")
    assert "Its weights: 3 numbers, 1.00 to 3.00, from input." in page  # the relation weighs nothing


def test_an_answer_like_all_others(fact):
    assert "0, unit no answers 1.00, as for 100 % of the 3 inputs" in text(show(VIEW, fact, unit="no"))


def test_without_a_probe_set_it_says_so(monkeypatch):
    serve(monkeypatch, {None: Small()})
    at = show(VIEW, Visit(card("conv", "out"), NINE, "k"), layer="conv")
    page = text(at)
    assert "conv, map 0 answers 1.00 where it is strongest." in page
    assert "No probe set belongs to this network's data" in page
    assert (
        "Its weights: 2 numbers, −2.00 to 1.00" not in page
        and "Its weights: 4 numbers, −2.00 to 1.00, bias 10.0" in page
    )
    assert not at.get("plotly_chart") and len(at.get("bidi_component")) == 2  # the overview and the map


@pytest.mark.parametrize("address", [{"layer": "gone"}, {"unit": "99999"}, {"layer": "conv", "unit": "b"}])
def test_nonsense_falls_back(monkeypatch, address):
    serve(monkeypatch, {None: Small()})
    at = show(VIEW, Visit(card("conv", "out"), NINE, "k"), **address)
    assert "conv, map 0 answers" in text(at)


def test_a_unit_without_a_map_is_a_number(monkeypatch):
    serve(monkeypatch, {None: Small()})
    at = show(VIEW, Visit(card("conv", "out"), NINE, "k"), layer="out", unit="b")
    assert at.metric[0].label == "out, unit b" and at.metric[0].value == "1.50"


def test_the_histogram_marks_the_input():
    figure = histogram(np.array([0, 1, 1, 2], np.float32), 1.5, False, title="t", axis="value", count="inputs")
    assert figure.data[0].y.sum() == 4 and figure.data[0].y.dtype == np.float32
    assert figure.layout.shapes[0].x0 == 1.5 and "1.50" in figure.layout.annotations[0].text
    assert figure.layout.xaxis.title.text == "value"
    alone = histogram(np.zeros(3, np.float32), 0.0, True, title="t", axis="value", count="inputs")
    assert alone.data[0].y.sum() == 3


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.slug)
def test_every_paper_has_something_to_compare_with(network, monkeypatch):
    """Pictures have the probe set of their data, facts all facts."""
    _need_probes(network)
    takes = network.takes
    x = takes.parse(takes.answers[0][0]) if isinstance(takes, Fact) else np.zeros((1, *takes.shape), np.float32)
    many = session.probe_visit(Visit(network, x, "k")).x
    assert len(many) >= 100 and many.shape[1:] == x.shape[1:]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.slug)
def test_the_snippet_runs(network, capsys):
    _need_probes(network)
    exec(compile(_code(network), "snippet", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    last = (
        lines[-1].removesuffix(")").rsplit(", ", 1)[-1]
    )  # units of what the last probe puts out: the scores, or before
    net, takes = models.load(network.slug).module, network.takes
    x = takes.parse(takes.answers[0][0]) if isinstance(takes, Fact) else np.zeros((1, *takes.shape), np.float32)
    path = list(expand(net, network.probes))[-1]
    assert len(lines) >= 3 and int(last) == trace(net, network, x, (path,)).values[path].shape[1]


def _need_probes(network: Paper) -> None:
    """Skip where a network's pictures are not shipped, and not on this machine."""
    if isinstance(network.takes, Image):
        try:
            probe(network.dataset)
        except KeyError as error:
            pytest.skip(str(error))
