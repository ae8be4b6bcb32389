"""How every unit answers many inputs, and where one answer stands among them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from app.interpret.activations import answer, census, standing
from app.interpret.copies import state
from app.interpret.stages import INPUT
from tests.interpret.cards import card


def test_a_map_answers_with_its_largest_value_and_a_unit_with_its_own():
    assert answer(np.array([[[[1, -2], [0, 5]], [[-3, -1], [-2, -4]]]])).tolist() == [[5, -1]]
    assert answer(np.array([[7, -8]])).tolist() == [[7, -8]]


def test_a_census_counts_every_input_and_reports_its_progress():
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU()).requires_grad_(False)
    net[0].weight.fill_(-2.0)
    x = np.arange(250, dtype=np.float32).reshape(250, 1, 1, 1) - 100
    ticks, before = [], state(net)
    found = census(net, card("0", "1"), x, ("0", "1"), tick=ticks.append)
    assert state(net) == before
    assert found.answers["0"][:, 0].tolist() == (-2 * x.ravel()).tolist()
    assert found.answers["1"].max() == 200 and found.answers["1"].dtype == np.float32
    assert found.range == {INPUT: (-100, 149), "0": (-298, 200), "1": (0, 200)}
    assert ticks == [0, 0.4, 0.8]


def test_standing():
    answers = np.array([3, 1, 2, 2, 5, 0], np.float32)
    found = standing(answers, 2.0, count=2)
    assert (found.above, found.below) == (pytest.approx(2 / 6), pytest.approx(2 / 6))
    assert found.most.tolist() == [4, 0] and found.least.tolist() == [5, 1]
    ties = standing(np.zeros(4, np.float32), 0.0, count=3)
    assert (ties.above, ties.below) == (0, 0)
    assert ties.most.tolist() == ties.least.tolist() == [0, 1, 2]


def test_batches_give_the_same_as_all_at_once():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Tanh()).requires_grad_(False)
    x = np.random.default_rng(0).random((130, 1, 6, 6), np.float32)
    with torch.no_grad():
        whole = net(torch.from_numpy(x)).numpy()
    found = census(net, card("1"), x, ("1",)).answers["1"]
    assert np.allclose(found, whole.max((2, 3)), atol=1e-6)
