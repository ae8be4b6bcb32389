"""The alignment view: whose translation is shown, how it grows, by which head, and how it was found."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import models
from app import session
from app.interpret.alignment import align, search, written
from app.interpret.reading import reading
from app.view import Visit, fits
from app.views.alignment import VIEW
from models.paper import TextPair
from tests.stand_in import CAT, CHAT, stand_in
from tests.views.toys import said, serve, show


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with stand_in(tmp_path_factory.mktemp("checkpoints")) as tokenizer:
        yield tokenizer


@pytest.fixture
def visit(monkeypatch):
    """`visit(slug, text)`: a network with fresh weights and its own card, but a vocabulary of its own."""

    def make(slug: str, text: str = CAT) -> Visit:
        torch.manual_seed(0)
        net = models.build(slug).eval().requires_grad_(False)
        with torch.no_grad():
            for name, weight in net.named_parameters():
                if weight.shape[0] == 3000:  # the tokens of the real vocabulary that the stand-in lacks are never said
                    weight[290:] = -weight[290:].abs() if weight.ndim == 1 else 0 * weight[290:]
                assert name
        serve(monkeypatch, {None: net})
        takes = TextPair("stand-in", 32, ("English", "French"))
        paper = dataclasses.replace(models.paper(slug), takes=takes)
        return Visit(paper, takes.parse(text), f"{slug} {text}", text, "a text")

    return make


def chart(at: AppTest, key: str) -> dict:
    return next(json.loads(e.proto.spec) for e in at.get("plotly_chart") if e.proto.id.endswith(f"-{key}"))


def component(at: AppTest, key: str) -> dict:
    proto = next(e.proto for e in at.get("bidi_component") if e.proto.id.endswith(f"-{key}") or f"-{key}" in e.proto.id)
    return json.loads(proto.json) if proto.WhichOneof("data") == "json" else json.loads(proto.mixed.json)


def map_of(at: AppTest) -> np.ndarray:
    z = chart(at, "alignment")["data"][0]["z"]
    import base64

    if isinstance(z, list):
        return np.array(z, float)
    values = np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"])
    return values.reshape([int(n) for n in z["shape"].split(",")])


def test_it_fits_what_translates_and_looks_across():
    assert all(fits(VIEW, models.paper(slug)) for slug in ("seq2seq", "transformer"))
    assert not any(fits(VIEW, models.paper(slug)) for slug in ("gpt2", "bert", "vit", "word2vec", "lenet5"))


@pytest.mark.parametrize("slug", ["seq2seq", "transformer"])
def test_without_a_translation_the_network_makes_one_by_a_beam(slug, visit):
    here = visit(slug)
    at = show(VIEW, here)
    assert at.segmented_control(key="choose-how").options == ["by a beam", "word by word"]
    tree = session.ask(search, here, width=4)
    rows = component(at, "said-strip")["tokens"]
    assert len(rows) == len(tree.ids) + 1 and rows[-1]["text"] == "</s>"
    assert f"{len(tree.tokens) - 1} tokens were weighed" in said(at)
    assert chart(at, "tree")["layout"]["title"]["text"] == "How the beam found it: 4 hypotheses at a time"
    greedy = show(VIEW, here, how="greedy")
    assert not [e for e in greedy.selectbox if e.key == "choose-width"]
    assert len(component(greedy, "said-strip")["tokens"]) == len(session.ask(search, here, width=1).ids) + 1


def test_a_translation_given_is_shown_with_its_probability(visit):
    here = visit("transformer", f"{CAT}\t{CHAT}")
    at = show(VIEW, here)
    assert at.segmented_control(key="choose-how").value == "given"
    rows = component(at, "said-strip")["tokens"]
    assert "".join(row["text"] for row in rows) == f"{CHAT}…"
    found = session.ask(reading, here)
    total = float(np.nansum(found.surprise))
    assert f"You gave {len(rows) - 1} tokens, worth {total:.1f} bits of surprise together" in said(at)
    assert not [e for e in at.get("plotly_chart") if e.proto.id.endswith("-tree")]
    other = show(VIEW, here, how="beam")
    assert "The network wrote" in said(other)


def test_the_alignment_grows_with_the_token(visit):
    here = visit("transformer", f"{CAT}\t{CHAT}")
    pattern = session.ask(align, here).patterns.mean((0, 1))
    for word in (0, 3, len(pattern) - 1):
        at = show(VIEW, here, word=str(word))
        shown = map_of(at)
        np.testing.assert_allclose(shown[: word + 1], np.sqrt(pattern[: word + 1]), atol=1e-6)
        assert np.isnan(shown[word + 1 :]).all() and shown.shape == pattern.shape
        values = [row["ground"] for row in component(at, "said-strip")["tokens"]]
        assert all(values[: min(word + 1, len(pattern) - 1)]) and not any(values[word + 1 :])
    assert "What may come next" in chart(at, "others")["layout"]["title"]["text"]


def test_heads_are_chosen_and_averaged(visit):
    here = visit("transformer", f"{CAT}\t{CHAT}")
    patterns = session.ask(align, here).patterns
    last = str(patterns.shape[2] - 1)
    for head, wanted in (("2.1", patterns[2, 1]), ("1.mean", patterns[1].mean(0)), ("mean", patterns.mean((0, 1)))):
        shown = map_of(show(VIEW, here, head=head, word=last))
        np.testing.assert_allclose(shown, np.sqrt(wanted), atol=1e-6)
    assert len(show(VIEW, here).selectbox(key="choose-head").options) == 1 + 3 * 5
    assert not [e for e in show(VIEW, visit("seq2seq")).selectbox if e.key == "choose-head"]


def test_the_networks_own_translation_is_aligned(visit):
    here = visit("seq2seq")
    tree = session.ask(search, here, width=2)
    own = here.given(written(here.x, tree), "own")
    pattern = session.ask(align, own).patterns[0, 0]
    at = show(VIEW, here, width="2", word=str(len(pattern) - 1))
    np.testing.assert_allclose(map_of(at), np.sqrt(pattern), atol=1e-6)


@pytest.mark.parametrize(
    "address", [{"how": "x"}, {"width": "99"}, {"head": "9.9"}, {"word": "-1"}, {"word": "900"}, {"head": "mean.mean"}]
)
def test_nonsense_falls_back(visit, address):
    here = visit("transformer")
    assert said(show(VIEW, here, **address)) == said(show(VIEW, here))


def test_the_tree_tells_every_log_probability(visit):
    here = visit("transformer")
    tree = session.ask(search, here, width=3)
    drawn = chart(show(VIEW, here, width="3"), "tree")["data"][-1]
    assert len(drawn["customdata"]) == len(tree.tokens)
    for node in (1, len(tree.tokens) // 2, len(tree.tokens) - 1):
        assert f"log-probability {tree.logs[node]:.2f}" in drawn["customdata"][node]
        assert f"of all {tree.totals[node]:.2f}" in drawn["customdata"][node]
        assert f"by its length {tree.scores[node]:.2f}" in drawn["customdata"][node]


def test_the_snippets_run(visit, monkeypatch, capsys):
    here = visit("seq2seq")
    at = show(VIEW, here)

    class Loaded:
        module, paper = models.build("seq2seq").eval().requires_grad_(False), here.paper

    monkeypatch.setattr(models, "load", lambda slug: Loaded)
    assert len(at.code) == 4
    for code in at.code:
        exec(code.value, {})
    assert capsys.readouterr().out
