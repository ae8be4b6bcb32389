"""Names on a map: written where there is room, the first ones first, and never one over another."""

from __future__ import annotations

import numpy as np
import pytest

from app.figures.plane import HEIGHT, WIDTHS, Group, box, labelled, plane
from app.figures.theme import LIGHT


def boxes(points, names, sizes, found):
    """(labels, widths, 4) in pixels."""
    room = np.stack([WIDTHS, np.full(len(WIDTHS), HEIGHT)], 1)
    return np.array([box(points[i] * room, names[i], sizes[i], place) for i, place in found.items()])


def test_a_name_stands_above_its_point_or_where_there_is_room():
    middle, top = np.array([[0.5, 0.5]]), np.array([[0.5, 0.99]])
    assert labelled(middle, ["king"], [9], [0]) == {0: "top center"}
    assert labelled(top, ["king"], [9], [0]) == {0: "bottom center"}
    assert labelled(np.array([[0.02, 0.5]]), ["king"], [9], [0]) == {0: "middle right"}
    assert labelled(middle, ["king" * 30], [9], [0]) == {}, "wider than a phone"


def test_the_first_in_order_finds_room_first():
    points = np.full((9, 2), 0.5)
    found = labelled(points, ["a"] * 9, [9] * 9, range(8, -1, -1))
    assert list(found.items())[:4] == [(8, "top center"), (7, "bottom center"), (6, "middle right"), (5, "middle left")]
    assert 0 not in found


def test_a_sure_name_lies_over_points_where_there_is_no_other_room_but_never_over_a_name():
    crowd = np.array([[0.5 + x, 0.5 + y] for x in np.linspace(-0.3, 0.3, 13) for y in np.linspace(-0.2, 0.2, 13)])
    names, sizes, middle = ["x" * 9] * len(crowd), [6] * len(crowd), len(crowd) // 2
    assert labelled(crowd, names, sizes, [middle]) == {}
    assert labelled(crowd, names, sizes, [middle], sure=[middle]) == {middle: "top center"}
    both = labelled(crowd, names, sizes, [middle, middle + 1], sure=[middle, middle + 1])
    first, second = boxes(crowd, names, sizes, both)
    assert not ((first[:, :2] < second[:, 2:]) & (second[:, :2] < first[:, 2:])).all(-1).any()


def test_names_keep_off_arrows():
    points = np.array([[0.5, 0.1], [0.5, 0.9]])
    assert labelled(points, ["from", "to"], [9, 9], [0, 1], [(0, 1)]) == {0: "bottom center", 1: "top center"}


@pytest.mark.parametrize("seed", range(5))
def test_no_name_lies_over_another_a_point_or_the_edge_at_any_width(seed):
    chance = np.random.default_rng(seed)
    points = 0.06 + 0.88 * chance.random((45, 2))
    names, sizes = ["x" * int(n) for n in chance.integers(2, 12, 45)], chance.integers(6, 14, 45).tolist()
    found = labelled(points, names, sizes, range(45), [(0, 1), (2, 3)])
    assert len(found) >= 10
    drawn = boxes(points, names, sizes, found)
    assert (drawn[..., :2] >= 0).all() and (drawn[..., 2] <= WIDTHS).all() and (drawn[..., 3] <= HEIGHT).all()
    for a in range(len(drawn)):
        for b in range(a):
            meets = (drawn[a, :, :2] < drawn[b, :, 2:]) & (drawn[b, :, :2] < drawn[a, :, 2:])
            assert not meets.all(-1).any()


def test_every_point_has_its_name_under_the_pointer_and_arrows_lead_along():
    spots = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    groups = [Group("first", [3], "#111111"), Group("rest", [0, 1, 2], LIGHT.twin)]
    told = ["a, here", "b, here", "c, here", "d, here"]
    figure = plane(spots, list("abcd"), told, groups, [(0, 3)], False, title="t", axes=("x", "y"))
    rest, first, labels = figure.data
    assert (first.name, list(first.hovertext)) == ("first", ["d, here"])
    assert list(rest.hovertext) == told[:3]
    assert list(labels.text) == ["d", "a", "b", "c"]
    assert labels.textfont.color == ("#111111", *[LIGHT.muted] * 3)
    (arrow,) = figure.layout.annotations
    assert (arrow.ax, arrow.ay, arrow.x, arrow.y, arrow.arrowcolor) == (0, 0, 1, 1, "#111111")
    assert figure.layout.xaxis.range == pytest.approx((-0.07 / 0.86, 0.93 / 0.86))
    assert figure.layout.yaxis.range == pytest.approx((-0.125, 1.125))
