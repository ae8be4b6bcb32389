"""Tokens of a picture drawn where their patches lie."""

from __future__ import annotations

import numpy as np
import pytest

from app.figures.architecture import in_place, patches, sheet, token


@pytest.mark.parametrize(
    ("shape", "side"),
    [
        ((1, 4), 2),
        ((1, 5), 2),
        ((1, 64), 8),
        ((1, 65), 8),
        ((1, 6), None),
        ((1, 1), None),
        ((2, 4), None),
        ((9,), None),
    ],
)
def test_what_counts_as_patches(shape, side):
    assert patches(shape) == side


def test_a_class_token_has_a_row_of_its_own():
    assert in_place(np.array([9, 1, 2, 3, 4]), 2).tolist() == [9, 0, 1, 2, 3, 4]
    assert in_place(np.array([[1, 2, 3, 4]]), 2).tolist() == [[1, 2, 3, 4]]
    assert [token(i, 5, 2) for i in range(6)] == [0, None, 1, 2, 3, 4]
    assert [token(i, 4, 2) for i in range(4)] == [0, 1, 2, 3]


def test_a_unit_of_tokens_is_drawn_as_a_square_and_its_answer_is_its_largest_token():
    values = np.array([[[-9.0, -1, -2, -3, -4]], [[5.0, 1, 2, 3, 4]]], np.float32)
    found = sheet("x", values, (-9.0, 5.0))
    assert (found.count, found.height, found.width) == (2, 3, 2)
    assert found.answers == (-1.0, 5.0)  # not the 0 of the gap
    drawn = np.frombuffer(found.levels, np.uint8).reshape(2, 3, 2)
    assert drawn[0, 0].tolist() == [0, 128]  # the class token, and the ground beside it
    assert drawn[1, 1, 0] < drawn[1, 2, 1]
