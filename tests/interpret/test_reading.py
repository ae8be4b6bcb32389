"""What a network guesses of a text: against plain forward passes, and against the loss."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import models
from app.interpret.reading import MOST, reading
from models import tokens
from models.bert import model as bert
from models.gpt2 import model as gpt2
from models.paper import Text, TextPair
from models.seq2seq import model as seq2seq
from models.seq2seq.model import Config as Sizes

CAT = "the cat sat on the mat and on the cat"
SPECIAL = ("<pad>", "<s>", "</s>", "<mask>")


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", [f"{CAT} " * 20], 280, SPECIAL)


def decided(module: torch.nn.Module) -> torch.nn.Module:
    """Weights so large that probabilities differ."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.ndim == 2:
                weight.mul_(6 if "embed" in name else 3)
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def forward():
    torch.manual_seed(0)
    net = decided(gpt2.build(gpt2.Config(vocabulary=280, context=32, width=24, heads=3, layers=2)))
    paper = dataclasses.replace(models.paper("gpt2"), takes=Text("stand-in", 32, before=("<s>",)))
    return net, paper, paper.takes.parse(CAT)


def test_probabilities_are_a_plain_forward_pass_and_its_softmax(forward):
    net, paper, x = forward
    found = reading(net, paper, x)
    share = net(torch.from_numpy(x))[0].softmax(-1)
    assert found.ids.shape == (x.shape[1], MOST)
    for place in range(x.shape[1]):
        best = share[place].sort(descending=True, stable=True)
        np.testing.assert_allclose(found.shares[place], best.values[:MOST], rtol=1e-5)
        assert found.names[place][0] == tokens.pieces("stand-in", [int(best.indices[0])])[0]
        entropy = -(share[place] * share[place].log2()).sum()
        assert found.entropy[place] == pytest.approx(entropy.item(), rel=1e-4)
    assert found.shift == 1 and found.place == x.shape[1] - 1 and found.vocabulary == 280


def test_surprise_adds_up_to_the_loss(forward):
    net, paper, x = forward
    found = reading(net, paper, x)
    loss = F.cross_entropy(net(torch.from_numpy(x))[0, :-1], torch.from_numpy(x[0, 1:]), reduction="sum")
    assert np.isnan(found.surprise[0]) and found.surprise.shape == (x.shape[1],)
    assert float(np.nansum(found.surprise)) * np.log(2) == pytest.approx(loss.item(), rel=1e-5)


def test_ranks_count_from_the_likeliest_and_nothing_stands_behind_the_text(forward):
    net, paper, x = forward
    found = reading(net, paper, x)
    order = net(torch.from_numpy(x))[0].argsort(-1, descending=True)
    for place in range(x.shape[1] - 1):
        assert found.there[place] == x[0, place + 1]
        assert found.rank[place] == order[place].tolist().index(x[0, place + 1]) + 1
    assert (found.there[-1], found.rank[-1]) == (-1, 0) and np.isnan(found.share[-1])
    assert len(set(found.rank.tolist())) > 5, "the toy tells places apart"


def test_where_blanks_are_filled_each_token_is_hidden_in_its_turn():
    torch.manual_seed(0)
    net = decided(bert.build(dataclasses.replace(bert.SMALL, vocabulary=280)))
    takes = Text("stand-in", 64, before=("<s>",), after=("</s>",), mask="<mask>")
    paper = dataclasses.replace(models.paper("bert"), takes=takes)
    x = takes.parse("the cat <mask> on the mat")
    blank = int(np.flatnonzero(x[0] == 3)[0])
    found = reading(net, paper, x)
    assert found.shift == 0 and found.place == blank
    assert found.there[[0, blank, -1]].tolist() == [-1, -1, -1]
    assert np.isnan(found.surprise[[0, blank, -1]]).all() and np.isfinite(found.surprise).sum() == x.shape[1] - 3
    for place in range(1, x.shape[1] - 1):
        hidden = torch.from_numpy(x.copy())
        hidden[0, place] = 3
        share = net(hidden)[0, place].softmax(-1)
        np.testing.assert_allclose(found.shares[place], share.sort(descending=True).values[:MOST], rtol=1e-4)
        if place != blank:
            assert found.share[place] == pytest.approx(share[x[0, place]].item(), rel=1e-4)
            assert found.surprise[place] == pytest.approx(-np.log2(share[x[0, place]].item()), rel=1e-4)
    plain = net(torch.from_numpy(x))[0].softmax(-1)
    assert plain[1, x[0, 1]].item() != pytest.approx(found.share[1], rel=1e-2), "unhidden, it would see itself"


def test_a_long_text_is_hidden_in_parts_and_tells_of_its_progress():
    torch.manual_seed(0)
    net = bert.build(dataclasses.replace(bert.SMALL, vocabulary=280)).eval().requires_grad_(False)
    takes = Text("stand-in", 128, before=("<s>",), after=("</s>",), mask="<mask>")
    paper = dataclasses.replace(models.paper("bert"), takes=takes)
    done: list[float] = []
    found = reading(net, paper, takes.parse("cat on mat " * 20), done.append)
    assert len(done) > 1 and done == sorted(done) and done[-1] < 1
    assert np.isfinite(found.surprise).sum() == len(found.there) - 2


def test_of_a_translation_the_target_is_read():
    torch.manual_seed(0)
    net = decided(seq2seq.build(Sizes(vocabulary=280, m=8, n=8, aligning=6, maxout=8)))
    takes = TextPair("stand-in", 64, ("English", "French"))
    paper = dataclasses.replace(models.paper("seq2seq"), takes=takes)
    x = takes.parse("the cat sat\ton the mat and on")
    target = x[0, 1][x[0, 1] != 0]
    found = reading(net, paper, x)
    share = net(torch.from_numpy(x))[0].softmax(-1)
    assert found.there.tolist() == [*target[1:], -1]
    for place, token in enumerate(target[1:]):
        assert found.share[place] == pytest.approx(share[place, token].item(), rel=1e-5)
