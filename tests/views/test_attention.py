"""The attention view on every network that has heads: what it says, what a click does, what it costs."""

from __future__ import annotations

import dataclasses
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import models
from app.interpret.attention import attention
from app.view import Visit, fits, fitting
from app.views.attention import VIEW
from models import tokens
from models.paper import Image, Sample, Text, TextPair
from tests.views.toys import said, serve, show

CAT = "the cat sat on the mat"
SLUGS = ("seq2seq", "transformer", "bert", "bert/sentiment", "gpt2", "vit", "swin", "clip")
DETAILS = ("picture", "map", "pair", "measures", "rollout")


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        special = ("<pad>", "<s>", "</s>")
        yield tokens.train("stand-in", [f"{CAT} " * 20, "le chat est sur le tapis " * 20], 300, special)


@pytest.fixture
def visit(monkeypatch):
    """`visit(slug, text)`: a network with fresh weights and its own card, but a vocabulary of its own, on an input."""

    def make(slug: str, text: str = CAT) -> Visit:
        torch.manual_seed(0)
        serve(monkeypatch, {None: models.build(slug).eval().requires_grad_(False)})
        paper = models.paper(slug)
        if isinstance(paper.takes, Image):
            x = np.random.default_rng(0).standard_normal((1, *paper.takes.shape)).astype(np.float32)
            return Visit(paper, x, f"{slug} picture", b"", "a picture")
        takes = (
            TextPair("stand-in", 128, ("English", "French"))
            if isinstance(paper.takes, TextPair)
            else Text("stand-in", 256, before=("<s>",))
        )
        text = f"{text}\tle chat" if isinstance(takes, TextPair) else text
        paper = dataclasses.replace(paper, takes=takes, samples=(Sample("cat", text),))
        return Visit(paper, takes.parse(text), f"{slug} {text}", text, "a text")

    return make


def components(at: AppTest, name: str) -> list:
    return [e.proto for e in at.get("bidi_component") if e.proto.component_name.endswith(name)]


def weight(at: AppTest) -> int:
    """Bytes of all figures and components of a page, as they go over the wire."""
    return sum(e.proto.ByteSize() for kind in ("plotly_chart", "bidi_component", "imgs") for e in at.get(kind))


@pytest.mark.parametrize("slug", SLUGS)
def test_it_fits_every_network_with_heads_and_every_detail_opens(slug, visit):
    here = visit(slug)
    assert fits(VIEW, here.paper) and "attention" in fitting(models.paper(slug))
    first = show(VIEW, here)
    assert "looks most at" in said(first) or "clear where the look goes" in said(first)
    offered = first.segmented_control(key="choose-detail").options
    images, pair = isinstance(here.paper.takes, Image), slug == "seq2seq"
    windows = slug == "swin"
    expected = 2 if pair else 3 + images + (not windows)
    assert len(offered) == expected
    for detail in DETAILS:
        at = show(VIEW, here, detail=detail)
        assert not at.error and len(at.caption) >= 2


@pytest.mark.parametrize("slug", ["lenet5", "perceptron", "word2vec", "resnet"])
def test_it_does_not_fit_networks_without_heads(slug):
    assert not fits(VIEW, models.paper(slug))


def test_the_first_head_is_the_most_telling_and_the_sentence_has_its_numbers(visit):
    here = visit("gpt2")
    part = attention(models.build("gpt2"), here.paper, here.x).parts["self"]
    at = show(VIEW, here)
    shown = at.selectbox(key="choose-head").value
    assert "No other head is as decided" in said(at)
    layer, head = map(int, shown.split("."))
    assert "24 heads: from top to bottom who looks" in said(at)
    other = f"{(layer + 1) % len(part.layers)}.{head}"
    assert "No other head is as decided" not in said(show(VIEW, here, head=other))


@pytest.mark.parametrize(
    "address", [{"head": "9.9"}, {"head": "two"}, {"place": "-4"}, {"key": "gone"}, {"part": "x"}, {"detail": "x"}]
)
def test_nonsense_falls_back(visit, address):
    here = visit("transformer")
    assert said(show(VIEW, here, **address)) == said(show(VIEW, here))


def test_a_link_opens_the_same_look(visit):
    at = show(VIEW, visit("gpt2"), head="2.3", place="4", key="1", detail="pair")
    assert at.selectbox(key="choose-head").value == "2.3"
    assert at.selectbox(key="choose-place").value == "4"
    assert at.selectbox(key="choose-key").value == "1"
    rows = at.get("html")[-1].proto.body
    assert "sum of the 32 products" in rows and "what the network has in its pattern" in rows
    share = [line.split("%")[0].split(">")[-1] for line in rows.split("</tr>") if "%" in line]
    assert len(share) == 2 and share[0] == share[1]


def test_a_key_that_is_hidden_is_said_to_be(visit):
    at = show(VIEW, visit("gpt2"), place="2", key="4", detail="pair")
    assert "is hidden from" in said(at) and "its share is 0" in said(at)


def test_across_keys_are_source_tokens_and_queries_target_tokens(visit):
    at = show(VIEW, visit("transformer"), part="across")
    queries, keys = (at.selectbox(key=f"choose-{k}").options for k in ("place", "key"))
    assert queries[0] == "<s>" and keys[-1] == "</s>"
    assert "".join(q for q in queries[1:]).replace(" ", "").startswith("lechat")
    assert "".join(keys).startswith("thecat")
    encoder = show(VIEW, visit("transformer"), part="encoder")
    assert encoder.selectbox(key="choose-place").options == encoder.selectbox(key="choose-key").options == keys


def test_the_decoder_says_what_its_rollout_leaves_out(visit):
    here = visit("transformer")
    assert "Attention to the other text is left out." in said(show(VIEW, here, part="decoder", detail="rollout"))
    assert "left out" not in said(show(VIEW, here, part="encoder", detail="rollout"))


def test_the_class_token_looks_first_and_patches_can(visit):
    here = visit("vit")
    at = show(VIEW, here)
    assert "Where the class token looks" in said(at) and "goes to the class token, which lies nowhere" in said(at)
    assert at.button(key="spot-class").disabled
    patch = show(VIEW, here, place="12")
    assert "Where row 1, column 3 looks" in said(patch)
    patch.button(key="spot-class").click().run()
    assert "Where the class token looks" in said(patch)


def test_windows_are_said_to_be_windows(visit):
    here = visit("swin")
    at = show(VIEW, here, head="1.0", place="118")
    assert "inside windows alone" in said(at) and "Only patches of the same window can be seen" in said(at)
    options = at.selectbox(key="choose-key").options
    assert len(options) == 16 and options[0] == "row 6, column 6"
    assert len(at.selectbox(key="choose-place").options) == 256
    late = show(VIEW, here, head="6.7", place="118")  # there is no such patch in the last layer: its last one looks
    assert late.selectbox(key="choose-place").value == "15"


@pytest.mark.parametrize("detail", ["map", "pair", "measures", "rollout"])
def test_64_tokens_with_all_heads_stay_under_a_megabyte(visit, detail):
    here = visit("gpt2", f"{CAT} " * 10 + "the cat sat")
    assert here.x.shape == (1, 64)
    at = show(VIEW, here, detail=detail)
    assert 10_000 < weight(at) < 1_000_000
    assert len(components(at, "cutaway_grid")) == 1


def test_256_tokens_fit_as_well(visit):
    here = visit("gpt2", f"{CAT} " * 42)
    assert here.x.shape[1] > 250
    assert weight(show(VIEW, here)) < 2_000_000


def test_a_click_computes_nothing_anew_and_is_quick(visit, monkeypatch):
    here = visit("gpt2")
    at = show(VIEW, here, head="0.0")
    monkeypatch.setattr(models.build("gpt2").__class__, "forward", None)  # whoever ran the network would fail
    start = time.process_time()
    for head in ("1.0", "2.3", "3.5"):
        at.selectbox(key="choose-head").set_value(head).run()
        assert not at.exception and f"Layer {head[0]}, head {head[2]} has an entropy" in said(at)
    assert (time.process_time() - start) / 3 < 1  # 0.1 s on a quiet machine


@pytest.mark.parametrize("detail", ["map", "pair", "measures", "rollout"])
def test_snippets_run(visit, detail, monkeypatch, capsys):
    here = visit("gpt2")
    at = show(VIEW, here, detail=detail)
    module, paper = models.build("gpt2").eval(), here.paper
    monkeypatch.setattr(models, "load", lambda slug: SimpleNamespace(module=module, paper=paper))
    snippets = [code.value for code in at.code]
    assert len(snippets) >= 2
    for snippet in snippets:
        exec(compile(snippet, "snippet", "exec"), {})
        assert capsys.readouterr().out
