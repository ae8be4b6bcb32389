"""Neighbours, analogies and the plane of words, on six words in three dimensions that can be worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from app.interpret.embedding import analogies, known, neighbours, plane
from app.interpret.words import near
from models import tokens
from models.paper import BadInput, Text

NAMES = ("[UNK]", "man", "woman", "king", "queen", "crown", "shadow")
VECTORS = [  # lengths differ, and must not matter
    [0.0, 0, 0],
    [2, 0, 0],  # man: along x
    [1, 1, 0],  # woman: half-way to y
    [1, 0, 1],  # king: half-way to z
    [3, 4, 5],  # queen
    [0, 0, 7],  # crown: along z
    [-1, -1, -1],  # shadow
]
ROOT2, ROOT3 = 2**0.5, 3**0.5
NOTHING = np.zeros((1, 0), np.int64)


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    from tokenizers import Tokenizer, models, pre_tokenizers

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        made = Tokenizer(models.WordLevel({name: i for i, name in enumerate(NAMES)}, unk_token="[UNK]"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        tokens.path("stand-in").parent.mkdir(parents=True)
        made.save(str(tokens.path("stand-in")))
        yield


@pytest.fixture
def paper():
    return SimpleNamespace(takes=Text("stand-in", 9))


@pytest.fixture
def net():
    return nn.Embedding.from_pretrained(torch.tensor(VECTORS))


def test_the_nearest_of_every_word_once_and_never_itself_nor_what_has_no_vector(net, paper):
    found = neighbours(net, paper, np.array([[1, 0, 5, 1]]), count=2)
    assert found.names == ("man", "crown")
    assert [{*names} for names in found.near_names] == [{"woman", "king"}, {"king", "queen"}]
    assert found.cosines == pytest.approx(np.array([[1 / ROOT2] * 2, [1 / ROOT2] * 2]))
    everything = neighbours(net, paper, np.array([[5]]), count=5)
    assert {*everything.near_names[0][2:4]} == {"man", "woman"} and everything.near_names[0][4] == "shadow"
    assert everything.cosines[0, -1] == pytest.approx(-1 / ROOT3)
    to_all = [0, 0, 1 / ROOT2, 1 / ROOT2, 1, -1 / ROOT3]  # man, woman, king, queen, crown, shadow
    assert everything.usual == pytest.approx([np.mean(to_all)])


def test_the_rail_asks_the_last_word_that_is_known(net, paper):
    assert near(net, paper, np.array([[5, 1, 0]])).token == "man"


def test_an_analogy_by_hand(net, paper):
    """king - man + woman, all of length 1: (1/r, 0, 1/r) - (1, 0, 0) + (1/r, 1/r, 0) = (r - 1, 1/r, 1/r) for r = root 2."""
    (found,) = analogies(net, paper, NOTHING, (("man", "king", "woman", "queen"),), count=3)
    aim = np.array([ROOT2 - 1, 1 / ROOT2, 1 / ROOT2])
    aim /= np.linalg.norm(aim)
    assert found.given_names == ("man", "king", "woman")
    assert found.names == ("queen", "crown", "shadow"), "the three given words do not count"
    assert found.cosines[0] == pytest.approx(aim @ [3, 4, 5] / np.sqrt(50))
    assert found.cosines[1] == pytest.approx(aim[2])
    assert (found.wanted, found.rank, found.right) == ("queen", 1, True)
    assert (found.open_name, found.open_cosine) == ("queen", pytest.approx(found.cosines[0]))
    one = np.array([1 / ROOT2 - 1, 0, 1 / ROOT2])  # man to king
    other = np.array([3, 4, 5]) / np.sqrt(50) - np.array([1, 1, 0]) / ROOT2  # woman to queen
    assert found.parallel == pytest.approx(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_a_given_word_may_be_nearer_than_the_answer_and_is_told(net, paper):
    (found,) = analogies(net, paper, NOTHING, (("man", "man", "crown", "shadow"),), count=2)  # man - man + crown
    assert (found.open_name, found.open_cosine) == ("crown", pytest.approx(1))
    assert found.names[0] in ("king", "queen") and found.cosines == pytest.approx([1 / ROOT2] * 2)
    assert (found.rank, found.right) == (4, False), "after king, queen and woman; man and crown do not count"
    assert found.parallel == 0, "man to man is no step"


def test_what_would_be_right_need_not_be_known(net, paper):
    (found,) = analogies(net, paper, NOTHING, (("man", "king", "woman"),))
    assert (found.wanted, found.rank, found.right) == ("", 0, False)


def test_words_that_are_not_there_are_named_in_one_sentence(net, paper):
    assert known(paper, ("king", "man")) == [3, 1]
    with pytest.raises(BadInput, match=r"^The network does not know “blorb” and “king man” as a word of its own; put"):
        known(paper, ("blorb", "king", "king man"))
    with pytest.raises(BadInput, match="“”"):
        analogies(net, paper, NOTHING, (("man", "", "king"),))


def test_the_plane_is_that_of_most_variance_and_keeps_the_parallelogram(net, paper):
    flat = plane(net, paper, NOTHING, (1, 2, 3), (1, 2, 3))  # three points are always on a plane
    assert flat.explained.sum() == pytest.approx(1)
    assert flat.positions.mean(0) == pytest.approx([0, 0], abs=1e-6)
    man, woman, king = flat.positions
    assert flat.aim == pytest.approx(king + woman - man, abs=1e-6)
    sides = [np.linalg.norm(man - woman), np.linalg.norm(man - king), np.linalg.norm(woman - king)]
    assert sides == pytest.approx([np.sqrt(2 - ROOT2), np.sqrt(2 - ROOT2), 1]), "distances of unit vectors"
    more = plane(net, paper, NOTHING, (1, 2, 3, 5, 6), (1, 2, 3))
    assert more.explained[0] >= more.explained[1] > 0 and more.explained.sum() < 1
