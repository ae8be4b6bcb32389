"""The search for a translation, against hand-worked trees and the search that is measured; and what is looked at."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor

import models
from app.interpret.alignment import ENDED, LATE, PRUNED, WENT_ON, Tree, align, grow, search, written
from models import translation
from models.paper import TextPair
from models.seq2seq import model as seq2seq
from models.transformer import model as transformer
from models.translation import END, START, State, beam
from tests.stand_in import CAT, CHAT, stand_in

A, B, C, D = 3, 4, 5, 6


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with stand_in(tmp_path_factory.mktemp("checkpoints")) as tokenizer:
        yield tokenizer


def grammar(table: dict[int, dict[int, float]]):
    """A decoder that knows only the last token: probabilities of the next one by the last."""
    logs = torch.full((8, 8), -torch.inf)
    for last, following in table.items():
        for token, probability in following.items():
            logs[last, token] = math.log(probability)

    def following(last: Tensor, state: State) -> tuple[Tensor, State]:
        assert len(last) == len(state["row"])
        return logs[last], {"row": state["row"]}

    return following


def one() -> State:
    return {"row": torch.zeros(1)}


# A leads at first, and B's sentence is the better: A C 0.6 x 0.5 = 0.30, B D 0.4 x 0.9 = 0.36.
DECEIVING = {
    START: {A: 0.6, B: 0.4},
    A: {C: 0.5, D: 0.3, END: 0.2},
    B: {D: 0.9, C: 0.1},
    C: {END: 1.0},
    D: {END: 1.0},
}


def ids(tree, node: int) -> list[int]:
    found = []
    while node > 0:
        found.append(tree.tokens[node])
        node = tree.parents[node]
    return [token for token in found[::-1] if token != END]


def test_every_node_of_a_tree_by_hand():
    tree, best = grow(grammar(DECEIVING), one(), 10, 2)
    assert ids(tree, best) == [B, D] == beam(grammar(DECEIVING), one(), 10, 2)[0]
    seen = [
        (tree.tokens[i], tree.parents[i], tree.lengths[i], round(math.exp(tree.totals[i]), 6), tree.fates[i])
        for i in range(len(tree.tokens))
    ]
    assert seen == [
        (START, -1, 0, 1.0, WENT_ON),
        (A, 0, 1, 0.6, WENT_ON),
        (B, 0, 1, 0.4, WENT_ON),
        (D, 2, 2, 0.36, WENT_ON),
        (C, 1, 2, 0.3, WENT_ON),
        (D, 1, 2, 0.18, PRUNED),
        (END, 1, 2, 0.12, LATE),
        (END, 3, 3, 0.36, ENDED),
        (END, 4, 3, 0.3, ENDED),
    ]
    assert math.exp(tree.logs[3]) == pytest.approx(0.9)
    assert tree.score(best) == pytest.approx(math.log(0.36) / (8 / 6) ** 0.6, abs=1e-6)


def test_the_greedy_search_is_deceived():
    tree, best = grow(grammar(DECEIVING), one(), 10, 1)
    assert ids(tree, best) == [A, C]


def test_an_early_end_waits_for_what_may_be_better():
    """A ends with 0.3 at length 2 and leads by itself; B C D with 0.5 at length 4 is better even by its length."""
    table = {START: {A: 0.5, B: 0.5}, A: {END: 0.6, C: 0.4}, B: {C: 1.0}, C: {D: 1.0}, D: {END: 1.0}}
    tree, best = grow(grammar(table), one(), 10, 2)
    short, long = math.log(0.3) / (7 / 6) ** 0.6, math.log(0.5) / (9 / 6) ** 0.6
    assert short < long
    assert ids(tree, best) == [B, C, D]
    ended = [i for i in range(len(tree.tokens)) if tree.fates[i] == ENDED]
    assert [ids(tree, i) for i in ended][:2] == [[A], [B, C, D]]
    assert [tree.score(i) for i in ended][:2] == [pytest.approx(short, abs=1e-6), pytest.approx(long, abs=1e-6)]


def test_a_sentence_without_an_end_is_cut():
    tree, best = grow(grammar({START: {A: 1.0}, A: {A: 0.9, END: 0.1}}), one(), 5, 1)
    assert ids(tree, best) == [A] * 5 and tree.lengths[best] == 5 and tree.fates[best] == WENT_ON


def test_what_was_open_when_the_search_was_done_is_let_go():
    table = {START: {A: 0.9, B: 0.1}, A: {END: 0.9, C: 0.1}, B: {C: 1.0}, C: {C: 1.0}}
    tree, best = grow(grammar(table), one(), 10, 2)
    assert ids(tree, best) == [A]
    last = max(tree.lengths)
    assert [tree.fates[i] for i in range(len(tree.tokens)) if tree.lengths[i] == last and tree.tokens[i] != END] == [
        PRUNED, PRUNED
    ]  # fmt: skip


def fresh(slug: str, seed: int):
    """A small network that translates at random, sure enough of itself that hypotheses differ."""
    torch.manual_seed(seed)
    if slug == "seq2seq":
        net = seq2seq.build(seq2seq.Config(vocabulary=290, m=12, n=12, aligning=8, maxout=12, tied=True))
    else:
        net = transformer.build(transformer.Config(vocabulary=290, blocks=2, d_model=16, d_ff=24, heads=2, context=64))
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(2.5 if weight.ndim > 1 else 1)
    takes = TextPair("stand-in", 64, ("English", "French"))
    return net.eval().requires_grad_(False), dataclasses.replace(models.paper(slug), takes=takes)


@pytest.mark.parametrize("slug", ["seq2seq", "transformer"])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_best_hypothesis_is_the_measured_searchs(slug, width):
    for seed in range(4):
        net, paper = fresh(slug, seed)
        for text in (CAT, "the mat", "on the cat the mat sat"):
            x = paper.takes.parse(text)
            theirs = translation.translate(net, translation.encode("stand-in", [text]), width)[0]
            tree = search(net, paper, x, width)
            assert tree.ids == theirs
            assert tree.text == translation.decode("stand-in", [theirs])[0]


@pytest.mark.parametrize("slug", ["seq2seq", "transformer"])
def test_the_totals_are_what_a_forward_pass_gives(slug):
    net, paper = fresh(slug, 1)
    tree = search(net, paper, paper.takes.parse(CAT), 3)
    random = np.random.default_rng(0)
    for node in random.choice(np.arange(1, len(tree.tokens)), min(12, len(tree.tokens) - 1), replace=False):
        path = tree.path(int(node))
        x = paper.takes.parse(CAT)
        said = [START, *(int(tree.tokens[i]) for i in path)]
        pair = torch.zeros(1, 2, max(x.shape[2], len(said)), dtype=torch.long)
        pair[0, 0, : x.shape[2]], pair[0, 1, : len(said)] = torch.from_numpy(x[0, 0]), torch.tensor(said)
        logs = net(pair)[0].log_softmax(-1)
        own = [logs[i, token].item() for i, token in enumerate(said[1:])]
        assert tree.totals[node] == pytest.approx(sum(own), abs=1e-3)
        assert tree.logs[node] == pytest.approx(own[-1], abs=1e-3)
        assert tree.scores[node] == pytest.approx(sum(own) / ((5 + len(own)) / 6) ** 0.6, abs=1e-3)


def test_the_source_is_translated_whatever_target_was_given():
    net, paper = fresh("transformer", 0)
    bare, given = (search(net, paper, paper.takes.parse(text), 2) for text in (CAT, f"{CAT}\t{CHAT} {CHAT} {CHAT}"))
    assert bare.ids == given.ids and np.array_equal(bare.totals, given.totals)


def test_no_search_is_longer_than_the_network_reads():
    net, paper = fresh("transformer", 0)
    paper = dataclasses.replace(paper, takes=dataclasses.replace(paper.takes, context=9))
    for width in (1, 3):
        assert search(net, paper, paper.takes.parse("the cat sat"), width).lengths.max() <= 8


def test_the_translation_found_becomes_the_target():
    x = np.array([[[7, 8, END, 0], [START, 9, 9, 9]]])
    tree = Tree(
        np.array([START, 5, 6, END]), ("", "", "", ""), np.array([-1, 0, 1, 2]), np.arange(4), *np.zeros((3, 4)),
        np.array([1, 1, 1, 2]), 3, "",
    )  # fmt: skip
    assert tree.ids == [5, 6] and tree.ended == [3]
    assert written(x, tree).tolist() == [[[7, 8, END], [START, 5, 6]]]
    assert written(x, dataclasses.replace(tree, best=1)).tolist() == [[[7, 8, END], [START, 5, 0]]]


@pytest.mark.parametrize(("slug", "layers", "heads"), [("seq2seq", 1, 1), ("transformer", 2, 2)])
def test_a_row_is_the_look_that_writes_its_token(slug, layers, heads):
    net, paper = fresh(slug, 0)
    x = paper.takes.parse(f"{CAT}\t{CHAT}")
    found = align(net, paper, x)
    source, target = ((side != 0).sum() for side in x[0])
    assert found.patterns.shape == (layers, heads, target, source)
    np.testing.assert_allclose(found.patterns.sum(-1), 1, rtol=1e-5)
    assert "".join(found.target) == CHAT and found.target[-1] == ""
    assert "".join(found.source) == f"{CAT}</s>"
    # changing what is written at a row changes the rows after it, and no other: row i looks before token i is known
    changed = x.copy()
    changed[0, 1, 2] = x[0, 1, 1]
    other = align(net, paper, changed).patterns
    np.testing.assert_array_equal(found.patterns[:, :, :2], other[:, :, :2])
    assert np.abs(found.patterns[:, :, 2:] - other[:, :, 2:]).max() > 1e-5
    assert not any(module._forward_hooks for module in net.modules())
