"""The likeliest tokens and translations, on networks whose answers can be worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from app.interpret.words import near, words
from models import tokens
from models.paper import Embedding, MaskedToken, NextToken, Text, TextPair, Translation

SPECIAL = ("<pad>", "<s>", "</s>", "[MASK]")


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", ["one two three four five " * 20], 290, SPECIAL)


class Successor(nn.Module):
    """After token i comes i + 1, with a logit of 5 against 0; in place of a mask it says 7."""

    def forward(self, x):
        asked = x[:, -1] if x.ndim == 3 else x
        following = torch.where(asked == 3, 7, asked + 1)
        return 5.0 * nn.functional.one_hot(following, 300)


def card(takes, gives):
    return SimpleNamespace(takes=takes, gives=gives)


def test_the_next_token_is_asked_at_the_end():
    said = words(Successor(), card(Text("stand-in", 20), NextToken()), np.array([[10, 20, 30]]))
    assert said.place == 2
    assert said.tokens[0] == tokens.pieces("stand-in", [31])[0]
    assert said.probabilities[0] == pytest.approx(np.exp(5) / (np.exp(5) + 299))
    assert len(said.tokens) == len(said.probabilities) == 50


def test_a_blank_is_asked_where_it_is():
    kind = Text("stand-in", 20, before=("<s>",), after=("</s>",), mask="[MASK]")
    said = words(Successor(), card(kind, MaskedToken()), np.array([[1, 10, 3, 30, 2]]))
    assert said.place == 2
    assert said.tokens[0] == tokens.pieces("stand-in", [7])[0]
    none = words(Successor(), card(kind, MaskedToken()), np.array([[1, 10, 30, 2]]))
    assert none.place == 2, "without a blank: the last token of the text"


def test_a_translation_goes_on_from_what_is_given_until_its_end():
    class Spell(nn.Module):
        """Whatever was said, the next one in the row; the end after id 266."""

        def forward(self, pair):
            row = pair[:, 1]
            following = torch.where(row == 1, 264, torch.where(row == 266, 2, row + 1)).clamp(max=299)
            return 9.0 * nn.functional.one_hot(following, 300)

    kind = TextPair("stand-in", 10, ("English", "French"))
    said = words(Spell(), card(kind, Translation()), np.array([[[5, 6, 2], [1, 0, 0]]]))
    assert said.translation == tokens.decode("stand-in", [264, 265, 266]).strip()
    assert said.place == 0
    given = words(Spell(), card(kind, Translation()), np.array([[[5, 6, 2], [1, 265, 0]]]))
    assert given.translation == tokens.decode("stand-in", [265, 266]).strip()
    assert given.tokens[0] == tokens.pieces("stand-in", [266])[0]


def test_a_translation_that_never_ends_is_cut_at_the_context():
    class Stammer(nn.Module):
        def forward(self, pair):
            return 9.0 * nn.functional.one_hot(torch.full_like(pair[:, 1], 270), 300)

    kind = TextPair("stand-in", 6, ("English", "French"))
    said = words(Stammer(), card(kind, Translation()), np.array([[[5, 2], [1, 0]]]))
    assert said.translation == tokens.decode("stand-in", [270] * 5).strip()


def test_neighbours_by_hand():
    size = tokens.tokenizer("stand-in").get_vocab_size()
    table = torch.zeros(size, 2)
    table[10], table[11], table[12] = torch.tensor([2.0, 0]), torch.tensor([3.0, 4]), torch.tensor([-1.0, 0])
    found = near(nn.Embedding.from_pretrained(table), card(Text("stand-in", 9), Embedding()), np.array([[12, 10]]))
    assert found.token == tokens.pieces("stand-in", [10])[0]
    assert found.tokens[0] == tokens.pieces("stand-in", [11])[0]
    assert found.cosines[0] == pytest.approx(0.6)
    assert found.cosines[1] == 0
    assert len(found.tokens) == 50
