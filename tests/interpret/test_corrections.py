"""A lesson of error correction: worked by hand, and beside the network's own rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from app.interpret.corrections import activity, judged, lesson, retina_at
from models.perceptron import PAPER as CARD
from models.perceptron.model import SMALL, TWIN, build

PLAIN = replace(TWIN, side=2)  # four points, each its own unit


def points(*rows):
    return np.array(rows, np.float32).reshape(len(rows), 1, 2, 2)


def test_two_examples_that_share_nothing_are_each_corrected_once():
    x = points([1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 1, 0])
    given = lesson(build(PLAIN), CARD, x, labels=(3, 5, 9), pair=(3, 5), rate=2.0)
    assert sorted(given.order[:2]) == sorted(given.order[2:]) == [0, 1]
    assert np.array_equal(given.target, np.where(given.order == 0, 1, -1))
    assert given.net.tolist() == [0, 0, *(2 * given.target[2:])]
    assert given.wrong.tolist() == [True, True, False, False]
    assert given.response.tolist() == [0, 0, *given.target[2:]]
    assert given.errors.tolist() == [1, 2, 2, 2]
    assert given.sweep.tolist() == [0, 0, 1, 1]
    assert given.firing.tolist() == [1] * 4
    assert given.converged
    assert given.sweeps == 2
    assert retina_at(given, 0).tolist() == [[0, 0], [0, 0]]
    assert retina_at(given, 2).tolist() == retina_at(given, 4).tolist() == [[2, 0], [0, -2]]


def test_an_input_is_judged_after_every_example():
    x = points([1, 0, 0, 0], [0, 0, 0, 1])
    given = lesson(build(PLAIN), CARD, x, labels=(3, 5), pair=(3, 5))
    first = float(given.target[0])
    both, one = activity(build(PLAIN), CARD, points([1, 1, 0, 1], [1, 1, 1, 0]))
    assert judged(given, both).tolist() == [0, first, 0, 0, 0]
    assert judged(given, one)[-1] == 1


def test_a_part_of_the_other_class_takes_longer():
    """e0 against e0 + e1, worked by hand: whatever the order, the values must end with w0 > 0 and w0 + w1 < 0."""
    given = lesson(build(PLAIN), CARD, points([1, 0, 0, 0], [1, 1, 0, 0]), labels=(0, 1), pair=(0, 1))
    end = retina_at(given, len(given.order))
    assert given.converged
    assert end[0, 0] > 0
    assert end[0, 0] + end[0, 1] < 0
    assert not end[1].any()
    assert given.errors[-1] == given.wrong.sum() == len(given.changes) > 2


def test_the_same_example_under_two_names_is_never_learned():
    given = lesson(build(PLAIN), CARD, points([1, 0, 0, 0], [1, 0, 0, 0]), labels=(0, 1), pair=(0, 1), sweeps=4)
    assert not given.converged
    assert given.sweeps == 4
    assert len(given.order) == 8


def test_it_is_the_networks_own_rule():
    """Two response units corrected together (`Perceptron.correct`) are one that says yes or no, at twice the net input."""
    torch.manual_seed(4)
    module = build(replace(SMALL, association=200, responses=2))
    x = (np.random.default_rng(0).random((30, 1, 28, 28)) > 0.7).astype(np.float32)
    given = lesson(module, CARD, x, labels=tuple([7, 2] * 15), pair=(7, 2), order_seed=5, sweeps=6)
    assert given.converged
    for step, row in enumerate(given.order):
        one = torch.from_numpy(x[row : row + 1])
        with torch.no_grad():
            scores = module(one)[0]
        assert float(scores[0] - scores[1]) == 2 * given.net[step]
        assert module.correct(one, 0 if given.target[step] == 1 else 1, rate=1.0) == given.wrong[step]
        assert np.array_equal(module.retina()[0].detach().numpy(), retina_at(given, step + 1))
    active = activity(module, CARD, x)
    assert np.array_equal(active.sum(1)[given.order], given.firing)
    before = [judged(given, active[row])[step] for step, row in enumerate(given.order)]
    assert np.array_equal(before, given.net)


def test_the_order_depends_on_its_seed_alone_and_the_module_is_left_alone():
    module = build(PLAIN)
    x = np.eye(4, dtype=np.float32).reshape(4, 1, 2, 2)
    lessons = [
        lesson(module, CARD, x, labels=(0, 0, 1, 1), pair=(0, 1), order_seed=seed).order.tolist() for seed in (1, 1, 2)
    ]
    assert lessons[0] == lessons[1] != lessons[2]
    assert not module.R.weight.any()


def test_a_class_without_an_example_is_refused():
    with pytest.raises(ValueError, match="only those of \\[0\\]"):
        lesson(build(PLAIN), CARD, points([1, 0, 0, 0]), labels=(0,), pair=(0, 1))
