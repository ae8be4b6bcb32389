"""Points by class, and the visitor's input among them."""

from __future__ import annotations

import numpy as np
import pytest

from app.figures.scatter import scatter
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
