"""Pictures and texts in one space, by networks so small that every cosine can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.captions import PAIRS, Glimpses, glimpses, likeness, looks, words
from models.paper import Text


class Few(Text):
    """Every word is a token: the number of its letters."""

    def parse(self, source):
        return np.array([[len(word) for word in str(source).split()]], np.int64)


CARD = replace(models.paper("clip"), captions=Few("none", 9))


class Plane(nn.Module):
    """Pictures of four patches of a pixel each: (sum, 1) of those shown. Texts: (letters, words). Neither made of length 1."""

    config = SimpleNamespace(patches=4)

    def encode_image(self, pictures):
        return self.encode_part(pictures, torch.arange(4).expand(len(pictures), 4))

    def encode_part(self, pictures, shown):
        seen = pictures.flatten(1).gather(1, shown)
        return torch.stack([seen.sum(1), torch.ones(len(seen))], 1)

    def encode_text(self, tokens):
        return torch.stack([tokens.sum(1).float(), torch.tensor([float(tokens.shape[1])])], 1)

    def scale(self):
        return torch.tensor(2.0)


X = np.array([1.0, -2.0, 3.0, 0.5], np.float32).reshape(1, 1, 2, 2)


def test_every_picture_meets_every_text():
    said = likeness(Plane(), CARD, np.concatenate([X, 0 * X]), ("a", "to be"))
    # (2.5, 1) and (0, 1) with (1, 1) and (4, 2)
    np.testing.assert_allclose(said.cosines, [[3.5, 12.0], [1.0, 2.0]])
    assert said.scale == 2.0
    first = 1 / (1 + np.exp(2 * (12.0 - 3.5)))
    np.testing.assert_allclose(said.shares[0], [first, 1 - first])
    np.testing.assert_allclose(said.shares.sum(1), 1)


def test_what_patches_add_is_found_where_they_only_add():
    told: list[float | None] = []
    seen = glimpses(Plane(), CARD, X, tick=told.append)
    assert seen.shown.shape == (2 * PAIRS, 4) and (seen.shown.sum(1) == 2).all()
    assert (seen.shown[:PAIRS] ^ seen.shown[PAIRS:]).all(), "the second of a pair shows what the first hides"
    assert told and told[-1] == 1.0
    values, explained = seen.parts(np.array([1.0, 0.0], np.float32))
    assert explained == pytest.approx(1.0)
    np.testing.assert_allclose(values, X[0, 0] - X.mean(), atol=1e-4)  # with two of four always shown, but for the mean


def test_what_patches_do_together_is_not_explained():
    shown = np.array([[i in pair for i in range(4)] for pair in combinations(range(4), 2)])
    both = (shown[:, 0] ^ shown[:, 1]).astype(np.float32)  # one without the other
    values, explained = Glimpses(shown, both[:, None]).parts(np.ones(1, np.float32))
    assert explained == pytest.approx(0.0, abs=1e-6)  # each patch is there in as many looks with it as without
    flat, all_of_it = Glimpses(shown, np.ones((len(shown), 1), np.float32)).parts(np.ones(1, np.float32))
    assert all_of_it == 1.0 and values.shape == flat.shape == (2, 2)


def test_a_word_adds_what_is_lost_without_it():
    found = words(Plane(), CARD, X, "to be")
    # all: 2.5 * 4 + 2 = 12; without either: 2.5 * 2 + 1 = 6
    assert found.words == ("to", "be")
    np.testing.assert_allclose(found.added, [6.0, 6.0])
    np.testing.assert_allclose(found.vector, [4.0, 2.0])
    alone = words(Plane(), CARD, X, "be")
    np.testing.assert_allclose(alone.added, [6.0])


@pytest.mark.parametrize("network", [p for p in models.papers() if p.captions], ids=lambda p: p.slug)
def test_the_networks_keep_to_what_they_declare(network):
    net = models.load(network.slug)
    x = np.zeros((2, *network.takes.shape), np.float32)
    x[1, :, 20:40] = 1
    names = network.scores.labels[:3]
    said = likeness(net.module, network, x, names)
    scores = net.module(torch.from_numpy(x)).detach().numpy()
    assert scores.shape == (2, len(network.scores.labels)) and said.cosines.shape == (2, 3)
    assert np.abs(said.cosines).max() <= 1 + 1e-5
    every = torch.arange(net.module.config.patches).expand(2, -1)
    with torch.no_grad():
        whole, part = net.module.encode_image(torch.from_numpy(x)), net.module.encode_part(torch.from_numpy(x), every)
    torch.testing.assert_close(whole, part, atol=1e-5, rtol=0)
    read = looks(net.module, network, x, f"a {names[0]}")
    assert read.pattern.shape[2] == len(read.tokens) and read.tokens[1].strip() == "a"
    np.testing.assert_allclose(read.pattern.sum(2), 1, atol=1e-5)
    with torch.no_grad():  # a text in capitals, with spaces around, is the same text
        one = likeness(net.module, network, x, (f"  {names[0].upper()} ",)).cosines
    np.testing.assert_allclose(one[:, 0], said.cosines[:, 0], atol=1e-6)
