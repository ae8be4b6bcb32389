"""A text written on: what is cut away by hand-worked numbers, what is drawn by the plain network's probabilities."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

import models
from app.interpret.generate import MOST, cut, draw, generate
from models import tokens
from models.gpt2 import model as gpt2
from models.paper import Text

CAT = "the cat sat on the mat"
ALL = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "dice": 0}
# probabilities 0.1, 0.4, 0.2, 0.3 of tokens 0 to 3
SCORES = np.log(np.array([0.1, 0.4, 0.2, 0.3], np.float32))


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", [f"{CAT} " * 20], 280, ("<pad>", "<s>", "</s>"))


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    made = gpt2.build(gpt2.Config(vocabulary=280, context=32, width=24, heads=3, layers=2))
    with torch.no_grad():
        for name, weight in made.named_parameters():
            weight.mul_(12 if name.endswith("weight") and weight.ndim == 2 else 1)
    return made.eval().requires_grad_(False)


@pytest.fixture
def paper():
    return dataclasses.replace(models.paper("gpt2"), takes=Text("stand-in", 32, before=("<s>",)))


@pytest.mark.parametrize(
    ("settings", "kept", "by_k", "by_p"),
    [
        ((1.0, 0, 1.0), [0.4, 0.3, 0.2, 0.1], 0.0, 0.0),
        ((1.0, 2, 1.0), [4 / 7, 3 / 7], 0.3, 0.0),
        ((1.0, 1, 1.0), [1.0], 0.6, 0.0),
        ((1.0, 99, 1.0), [0.4, 0.3, 0.2, 0.1], 0.0, 0.0),
        ((1.0, 0, 0.4), [1.0], 0.0, 0.6),  # 0.4 reaches 0.4
        ((1.0, 0, 0.41), [4 / 7, 3 / 7], 0.0, 0.3),
        ((1.0, 0, 0.9), [4 / 9, 3 / 9, 2 / 9], 0.0, 0.1),
        ((1.0, 0, 0.0001), [1.0], 0.0, 0.6),
        ((1.0, 3, 0.5), [4 / 7, 3 / 7], 0.1, 0.2),  # of 4/9, 3/9, 2/9 the first two reach a half: 0.1 by k, 0.2 by p
        ((0.5, 0, 1.0), [16 / 30, 9 / 30, 4 / 30, 1 / 30], 0.0, 0.0),  # squares of the probabilities
        ((0.5, 2, 1.0), [16 / 25, 9 / 25], 5 / 30, 0.0),
        ((0.5, 0, 0.8), [16 / 25, 9 / 25], 0.0, 5 / 30),  # 25/30 reach 0.8; at temperature 1 three would be needed
        ((0.0, 0, 1.0), [1.0], 0.6, 0.0),
    ],
)
def test_what_is_cut_away(settings, kept, by_k, by_p):
    found = cut(SCORES, *settings)
    assert found.ids.tolist() == [1, 3, 2, 0]
    assert found.kept == len(kept)
    assert found.drawn == pytest.approx(kept, abs=1e-6)
    assert (found.top_k, found.top_p) == (pytest.approx(by_k, abs=1e-6), pytest.approx(by_p, abs=1e-6))
    assert found.shares.sum() == pytest.approx(1)


def test_the_nucleus_is_the_smallest_set_that_reaches_p():
    random = np.random.default_rng(0)
    for _ in range(50):
        found = cut(random.normal(size=40).astype(np.float32) * 2, 1.0, 0, p := random.uniform(0.05, 0.999))
        assert found.shares[: found.kept].sum() >= p - 1e-9 > found.shares[: found.kept - 1].sum() - 2e-9


def test_chance_is_fair_and_the_same_for_a_seed_and_a_place():
    shares = np.array([0.5, 0.3, 0.2])
    assert [draw(shares, 7, place) for place in range(9)] == [draw(shares, 7, place) for place in range(9)]
    counts = np.bincount([draw(shares, seed, place) for seed in range(50) for place in range(60)], minlength=3)
    assert counts / 3000 == pytest.approx(shares, abs=0.03)
    assert draw(np.array([1.0]), 3, 4) == 0


def test_greedy_is_the_likeliest_each_time(net, paper):
    x = paper.takes.parse(CAT)
    ids = x[0].tolist()
    for _ in range(6):
        ids.append(int(net(torch.tensor([ids]))[0, -1].argmax()))
    for settings in ({"temperature": 0.0}, {"top_k": 1}, {"top_p": 0.0001}):
        found = generate(net, paper, x, 6, **{**ALL, **settings})
        assert found.ids[np.arange(6), found.chosen].tolist() == ids[x.shape[1] :]
        assert found.rank.tolist() == [1] * 6 and not found.chosen.any()


def test_alternatives_have_the_networks_own_probabilities(net, paper):
    x = paper.takes.parse(CAT)
    found = generate(net, paper, x, 5, **{**ALL, "temperature": 0.7, "top_k": 3})
    ids = x[0].tolist()
    for step in range(5):
        share = (net(torch.tensor([ids]))[0, -1] / 0.7).softmax(-1)
        best = share.topk(MOST)
        assert found.ids[step].tolist() == best.indices.tolist()
        np.testing.assert_allclose(found.shares[step], best.values, rtol=1e-4)
        assert found.cut[step, 0] == pytest.approx(1 - best.values[:3].sum().item(), abs=1e-5)
        assert found.kept[step] == 3 and found.rank[step] <= 3
        ids.append(int(found.ids[step, found.chosen[step]]))
    assert found.texts[-1][found.chosen[-1]] == tokens.decode("stand-in", ids[x.shape[1] :])
    other = (found.chosen[2] + 1) % MOST
    assert found.texts[2][other] == "".join(found.tokens[:2]) + found.names[2][other]


def test_a_token_that_is_none_of_the_likeliest_takes_the_last_place(net, paper):
    x = paper.takes.parse(CAT)
    found = generate(net, paper, x, 8, **{**ALL, "temperature": 2.0, "dice": 1})
    far = np.flatnonzero(found.rank > MOST)
    assert len(far), "at such a temperature unlikely ones are drawn"
    assert (found.chosen[far] == MOST - 1).all()
    ids = [*x[0].tolist(), *(int(found.ids[i, found.chosen[i]]) for i in range(8))]
    for step in far:
        share = (net(torch.tensor([ids[: x.shape[1] + step]]))[0, -1] / 2).softmax(-1)
        assert found.shares[step, -1] == pytest.approx(share[ids[x.shape[1] + step]].item(), rel=1e-4)


def test_a_seed_decides_and_what_was_written_goes_on_as_it_did(net, paper):
    x = paper.takes.parse(CAT)
    whole = generate(net, paper, x, 8, **ALL)
    assert whole.tokens == generate(net, paper, x, 8, **ALL).tokens
    assert whole.tokens != generate(net, paper, x, 8, **{**ALL, "dice": 1}).tokens
    longer = np.concatenate([x, whole.ids[np.arange(3), whole.chosen[:3]][None]], 1)
    assert generate(net, paper, longer, 5, **ALL).tokens == whole.tokens[3:]


def test_it_stops_at_the_end_of_what_the_network_reads(net, paper):
    x = paper.takes.parse(CAT)
    room = 32 - x.shape[1]
    settings = {**ALL, "temperature": 0.0}
    assert len(generate(net, paper, x, 64, **settings).ids) == room
    full = np.full((1, 32), x[0, 1])
    found = generate(net, paper, full, 4, **settings)
    assert found.tokens == () and not found.ended and found.ids.shape == (0, MOST) and found.cut.shape == (0, 2)


def test_it_stops_where_the_network_ends_the_text(net, paper):
    class Ending(torch.nn.Module):
        def forward(self, ids):
            scores = torch.zeros(*ids.shape, 280)
            scores[:, :, 1 if ids.shape[1] > 12 else 50] = math.log(1e6)
            return scores

    x = paper.takes.parse(CAT)
    found = generate(Ending(), paper, x, 20, **ALL)
    assert found.ended and found.tokens[-1] == "<s>" and len(found.tokens) == 13 - x.shape[1] + 1
    assert not generate(net, paper, x, 3, **{**ALL, "temperature": 0.0}).ended


def test_progress_is_told(net, paper):
    done: list[float] = []
    generate(net, paper, paper.takes.parse(CAT), 4, **ALL, tick=done.append)
    assert done == [0.0, 0.25, 0.5, 0.75]
