"""All that a network for facts was taught, asked at once: which questions it answers, and what the units made of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.paper import Fact, Paper


@dataclass(frozen=True)
class Facts:
    """Every question that has an answer. `outputs` and `right` are (questions, people), `known` (questions,).

    A question counts as answered when every right person is above 0.5 and everybody else below.
    """

    questions: tuple[str, ...]
    outputs: np.ndarray  # float32, 0..1
    right: np.ndarray  # bool: who should be named
    answered: np.ndarray  # bool (questions,)
    known: np.ndarray  # bool (questions,): False for those held out of training
    grid: np.ndarray  # int (people, relations): the question's number, -1 where there is none


@torch.no_grad()
def ask_all(module: nn.Module, paper: Paper, x: np.ndarray) -> Facts:
    """Ask every question of `paper.takes.answers`; `x` is not looked at."""
    takes = paper.takes
    assert isinstance(takes, Fact)
    questions = tuple(question for question, _ in takes.answers)
    asked = np.concatenate([takes.parse(question) for question in questions])
    outputs = module(torch.from_numpy(asked)).numpy()
    right = np.array([[person in answers for person in takes.people] for _, answers in takes.answers])
    grid = np.full((len(takes.people), len(takes.relations)), -1)
    for number, row in enumerate(asked):
        person, relation = np.flatnonzero(row)
        grid[person, relation - len(takes.people)] = number
    known = np.array([question not in takes.held_out for question in questions])
    return Facts(questions, outputs, right, ((outputs > 0.5) == right).all(1), known, grid)
