"""Weights: a tall matrix is cut into strips that stand side by side."""

from __future__ import annotations

import numpy as np

from app.views.weights import cut


def test_a_tall_matrix_is_cut_into_strips():
    tall = np.arange(600.0).reshape(100, 6)
    strips = cut(tall)
    assert strips.shape == (5, 20, 6)  # 30 wide, 20 high
    assert np.array_equal(strips.reshape(100, 6), tall)
    assert np.array_equal(strips[1, 0], tall[20])


def test_units_that_run_out_are_filled_up_with_zeros():
    strips = cut(np.ones((101, 6)))
    assert strips.shape == (5, 21, 6)
    assert strips.sum() == 606
    assert not strips[-1, -4:].any()


def test_a_wide_or_square_matrix_stays_whole():
    for shape in ((6, 100), (10, 10), (20, 10)):
        assert np.array_equal(cut(np.ones(shape)), np.ones((1, *shape)))
