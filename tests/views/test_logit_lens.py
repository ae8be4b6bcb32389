"""The logit lens tells what the network says at its end and midway, for every kind of network that it fits."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from app import session
from app.components.answer import names
from app.view import Visit, fits
from app.views.logit_lens import VIEW, kinds
from models import gpt2, tokens, vit
from models.bert import PAPER as BERT
from models.bert.sentiment import PAPER as SENTIMENT
from models.transformer import PAPER as TRANSFORMER
from tests.interpret.test_logit_lens import example, randomised
from tests.views.toys import said, serve, show

TEXT = "the cat and the"
LENET = models.paper("lenet5")


@pytest.fixture
def net(monkeypatch):
    net = randomised(models.build("gpt2"))
    serve(monkeypatch, {None: net})
    return net


@pytest.fixture
def visit(net) -> Visit:
    return session.visit(gpt2.PAPER, TEXT, "a text")


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def test_it_opens_with_what_comes_next_at_the_output(net, visit):
    share = net(torch.from_numpy(visit.x.copy()))[0, -1].softmax(0).numpy()
    best = int(share.argmax())
    called = names(visit.paper)[best]
    before = net.embed.weight[visit.x[0, -1]] + net.pos_embed.weight[visit.x.shape[1] - 1]
    start = net.read(before[None, None])[0, 0]
    rank = 1 + int((start > start[best]).sum())
    at = show(VIEW, visit)
    text = said(at)
    assert f"What it would say if the stream ended here: {called} first, with {percent(share[best])}." in text
    assert (
        f"it is number {rank:,} of 1,024 in the first row and number 1 in the last, with {percent(share[best])}" in text
    )
    assert at.selectbox(key="choose-target").value == str(best)
    assert "the last normalisation, then the scores" in text


def test_layer_place_kind_and_answer_come_from_the_address(net, visit):
    seen = []
    handles = [b.hook_attn_out.register_forward_hook(lambda _m, _i, y: seen.append(y)) for b in net.blocks]
    net(torch.from_numpy(visit.x.copy()))
    for handle in handles:
        handle.remove()
    share, last = (net.read(seen[i])[0, 2].softmax(0).numpy() for i in (1, -1))
    at = show(VIEW, visit, of="attn_out", layer="1.attention", place="2", target="77", show="rank")
    text = said(at)
    called = names(visit.paper)
    assert f"if the stream were this alone: {called[int(share.argmax())]} first, with {percent(share.max())}." in text
    assert f"Each cell has the rank of {called[77]} among 1,024; the strongest colour is first." in text
    assert f"number {1 + int((last > last[77]).sum()):,} in the last, with {percent(last[77])}" in text.replace(
        "< 0.1 %", percent(last[77])
    )
    assert f"{called[77]} is likeliest in layer " in text
    assert "What one part adds is read as if it were the whole stream." in text


@pytest.mark.parametrize(
    "address", [{"layer": "no.such", "place": "99", "target": "eleven", "of": "x", "show": "y"}, {}]
)
def test_nonsense_falls_back(visit, address):
    at = show(VIEW, visit, **address)
    assert at.segmented_control(key="choose-of").value == "resid"
    assert at.segmented_control(key="choose-show").value == "top"
    assert not at.error


@pytest.mark.parametrize("card", [vit.PAPER, BERT, SENTIMENT, TRANSFORMER], ids=lambda card: card.slug)
def test_other_networks_are_read_by_themselves(card, monkeypatch, tmp_path):
    assert fits(VIEW, card)
    net = models.build(card.slug)
    if card is vit.PAPER:
        visit = Visit(card, example(card), "k", b"")
    else:  # whether its own tokenizer is there yet or not
        monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
        special = ("<pad>", "<s>", "</s>", "[CLS]", "[SEP]", "[MASK]")
        size = tokens.train("stand-in", ["the cat sat on the mat " * 20], 300, special).get_vocab_size()
        takes = replace(card.takes, tokenizer="stand-in")
        if card is not SENTIMENT:
            module = importlib.import_module(f"models.{card.slug}.model")
            net = module.build(replace(module.SMALL, vocabulary=size))
        visit = session.visit(replace(card, takes=takes), "the cat\tthe mat" if card is TRANSFORMER else TEXT, "a text")
    serve(monkeypatch, {None: randomised(net)})
    for of in kinds(card):
        text = said(show(VIEW, visit, of=of, show="share"))
        assert "Each cell has the probability of" in text
        assert "is likeliest" in text
    assert ("Only the class token" in text) == (card in (vit.PAPER, SENTIMENT))


def test_a_patch_of_a_picture_is_read_as_the_class_token(monkeypatch):
    net = randomised(models.build("vit"))
    serve(monkeypatch, {None: net})
    x = example(vit.PAPER)
    seen = {}
    handle = net.blocks[2].hook_resid_mid.register_forward_hook(lambda _m, _i, y: seen.update(mid=y))
    net(torch.from_numpy(x))
    handle.remove()
    share = net.read(seen["mid"])[0, 12].softmax(0).numpy()
    label = vit.PAPER.scores.labels[int(share.argmax())]
    at = show(VIEW, Visit(vit.PAPER, x, "k", b""), layer="2.attention", place="12", target="ship")
    text = said(at)
    assert f"ended here: {label} first, with {percent(share.max())}." in text
    assert "At “patch 2,4”, ship" in text
    assert at.selectbox(key="choose-target").value == "ship"


def test_what_has_no_stream_has_no_lens():
    assert not fits(VIEW, LENET)
    assert list(kinds(gpt2.PAPER)) == ["resid", "attn_out", "mlp_out"]
    assert list(kinds(TRANSFORMER)) == ["resid", "attn_out", "cross_attn_out", "mlp_out"]


def test_no_two_answers_are_called_the_same():
    called = names(gpt2.PAPER)
    assert len(called) == len(set(called)) == 1024
    assert np.array_equal(called[0], "“<|endoftext|>”")
