"""Every view on every network that it fits: it opens, shows something, and survives nonsense in the address."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import models
from app.view import View, fits, fitting, views
from models.paper import Fact, Image

ROOT = Path(__file__).resolve().parent.parent
PAIRS = [
    (network.slug, name)
    for paper in models.papers()
    for network in models.networks(paper.slug)
    for name in fitting(network)
]


def opened(slug: str, view: str, **address: str) -> AppTest:
    """The paper's page as a link opens it."""
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    at.switch_page("app/pages/paper.py")
    main, _, further = slug.partition("/")
    address = {"paper": main, "view": view, **({"network": further} if further else {}), **address}
    for key, value in address.items():
        at.query_params[key] = value
    return at.run()


NONSENSE = {
    "layer": "no.such.layer",
    "unit": "99999",
    "method": "Astrology",
    "target": "eleven",
    "step": "minus one",
    "sample": "nothing",
    "network": "nothing",
    "cell": "-3,x",
}


@pytest.mark.parametrize(("slug", "name"), PAIRS)
def test_a_view_opens_and_is_not_empty_and_nonsense_in_the_address_falls_back(slug, name):
    wrong = {k: v for k, v in NONSENSE.items() if not (k == "network" and "/" in slug)}
    for address in ({}, wrong):  # one after the other: what the first has computed is still kept for the second
        at = opened(slug, name, **address)
        assert not at.exception
        assert not at.error
        assert at.segmented_control(key="choose-view").value == name
        assert any(caption.value == views()[name].about for caption in at.caption)
        assert len(at.caption) >= 3, "every view says how to read it"


def test_an_unknown_view_or_paper_opens_the_first():
    first = models.papers()[0]
    at = opened("nosuch", "nosuch")
    assert not at.exception
    assert at.title[0].value == first.title
    assert at.segmented_control(key="choose-view").value == next(iter(fitting(first)))
    assert [note.value for note in at.info][:1] == [f"The link names no paper that is here. Below is {first.name}."]
    at.selectbox(key="choose-paper").select("lenet5").run()
    assert not any("no paper" in note.value for note in at.info)


def test_a_paper_in_training_says_so(monkeypatch):
    monkeypatch.setattr(
        models, "waiting", lambda: (dataclasses.replace(models.paper("lenet5"), slug="soon", name="Soon"),)
    )
    assert (
        opened("soon", "prediction").info[0].value == f"Soon is still in training. Below is {models.papers()[0].name}."
    )


def test_the_blank_and_the_class_token_look_first():
    assert opened("bert", "attention", sample="the doctor").selectbox(key="choose-place").value == "3"
    assert opened("bert/sentiment", "attention").selectbox(key="choose-place").value == "0"


def test_needs_decide_what_fits():
    def view(*needs):
        return View("x", 1, needs, lambda visit: None, "")

    image = next(p for p in models.papers() if isinstance(p.takes, Image))
    assert fits(view(), image)
    assert fits(view(Image), image)
    assert not fits(view(Fact), image)
    assert not fits(view(Image, ("head", "query", "key")), image)
    gpt2 = models.paper("gpt2")
    assert fits(view("stream", "blocks.*.attn.hook_z"), gpt2)
    others = tuple(dataclasses.replace(p, path=f"other.{p.path}") for p in gpt2.probes)
    assert not fits(view("blocks.*.attn.hook_z"), dataclasses.replace(gpt2, probes=others))
    conv = next(p for p in models.papers() if any("channel" in probe.axes for probe in p.probes))
    assert fits(view(("channel", "height")), conv)


def test_views_come_in_their_order():
    orders = [view.order for view in views().values()]
    assert orders == sorted(orders)
    assert len(set(orders)) == len(orders)
