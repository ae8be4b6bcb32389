"""All facts asked at once, on a network made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.facts import ask_all
from models.paper import BadInput, Fact

CARD = dataclasses.replace(
    models.papers()[0],
    takes=Fact(
        ("Ann", "Bob", "Eve"),
        ("father", "aunt"),
        answers=(("Eve has-father", ("Bob",)), ("Eve has-aunt", ("Ann",)), ("Ann has-father", ("Bob", "Eve"))),
        held_out=("Eve has-aunt",),
    ),
)


class AlwaysBob(nn.Module):
    """Says Bob to everything, and Ann as well where the aunt is asked for."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([0.9 * x[:, 4], torch.full((len(x),), 0.8), torch.zeros(len(x))], 1)


def test_a_question_is_answered_by_the_right_people_and_nobody_else():
    facts = ask_all(AlwaysBob(), CARD, np.zeros(0))
    assert facts.questions == ("Eve has-father", "Eve has-aunt", "Ann has-father")
    assert facts.outputs[1] == pytest.approx([0.9, 0.8, 0.0])
    assert facts.right.tolist() == [[False, True, False], [True, False, False], [False, True, True]]
    assert facts.answered.tolist() == [True, False, False]
    assert facts.known.tolist() == [True, False, True]
    assert facts.grid.tolist() == [[2, -1], [-1, -1], [0, 1]]


@pytest.mark.parametrize("text", ["Eve has-father", "eve FATHER", "Eve has father ?", b"Eve has-father"])
def test_a_question_may_be_written_in_several_ways(text):
    assert CARD.takes.parse(text).tolist() == [[0, 0, 1, 1, 0]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with one of the 3 people"),
        ("Zoe has-father", "begins with one of"),
        ("Eve", "one relation out of: father, aunt"),
        ("Eve has-cousin", "one relation"),
        ("Eve has-father has-aunt", "one relation"),
        (b"\xff\xfe\x00", "begins with"),
        ("Eve" * 100_000, "begins with"),
    ],
)
def test_what_is_no_question_gets_a_sentence(text, says):
    with pytest.raises(BadInput, match=says):
        CARD.takes.parse(text)
