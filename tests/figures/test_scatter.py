"""Points by class, and the visitor's input among them."""

from __future__ import annotations

import numpy as np
import pytest

from app.figures.scatter import LETTER, LINE, PHONE, apart, scatter
from app.figures.theme import LIGHT


@pytest.mark.parametrize("count", [2, 3])
def test_every_class_has_its_points_and_the_input_the_accent(count):
    spots = np.arange(4 * count, dtype=np.float32).reshape(4, count)
    axes = ["a", "b", "c"][:count]
    figure = scatter(spots, np.array([0, 1, 0, 1]), ("x", "y"), np.ones(count), False, title="t", axes=axes)
    assert [trace.name for trace in figure.data] == ["x", "y", "your input"]
    assert figure.data[1].customdata.tolist() == [1, 3]
    assert figure.data[1].x.tolist() == [spots[1, 0], spots[3, 0]]
    assert figure.data[2].marker.color == LIGHT.accent


SQUARE = np.array([[0.0, 0.0], [1.0, 1.0]])


def test_labels_that_meet_are_moved_apart_and_others_stay():
    far = np.array([0.5, 0.0])
    assert apart(np.array([[0.5, 0.5], [0.5, 0.5]]), ("cat", "dog"), SQUARE, far) == [-LINE / 2, LINE / 2]
    assert apart(np.array([[0.1, 0.5], [0.9, 0.5]]), ("cat", "dog"), SQUARE, far) == [0, 0]  # 240 pixels between them
    assert apart(np.array([[0.5, 0.5], [0.5, 0.54]]), ("cat", "dog"), SQUARE, far) == [
        -2,
        2,
    ]  # 16 of 20 pixels were free
    assert apart(np.ones((1, 3)), ("cat",), np.array([np.zeros(3), np.ones(3)]), np.zeros(3)) == [0]


def test_a_label_keeps_off_the_input_and_its_name():
    here = np.array([0.5, 0.5])  # 200 pixels up, its name above it: from 190 to 230
    assert apart(np.array([[0.5, 0.475]]), ("cat",), SQUARE, here) == [-10]  # from 180 to 200
    assert apart(np.array([[0.5, 0.6]]), ("cat",), SQUARE, here) == [0]  # from 230 on


@pytest.mark.parametrize("seed", range(5))
def test_ten_labels_never_lie_over_each_other(seed):
    chance = np.random.default_rng(seed)
    middles = 0.2 + 0.6 * chance.random((10, 2))
    labels = [n * "x" for n in chance.integers(3, 10, 10)]
    y = PHONE[1] * middles[:, 1] + apart(middles, labels, SQUARE, np.array([0.5, 0.5]))
    for a in range(10):
        for b in range(a):
            beside = abs(middles[a, 0] - middles[b, 0]) * PHONE[0] >= LETTER * (len(labels[a]) + len(labels[b])) / 2
            assert beside or abs(y[a] - y[b]) >= LINE - 1
