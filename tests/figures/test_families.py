"""The trees, the six units and the board of facts show what they were given."""

from __future__ import annotations

import numpy as np

from app.figures.families import board, trees, units
from app.figures.theme import LIGHT
from models.paper import Tree

TREE = Tree("Us", (("Ann", "Bob"), ("Eve",)), (("Bob", "Ann"),), ((("Bob", "Ann"), ("Eve",)),))


def test_a_person_is_filled_by_the_output_framed_if_asked_underlined_if_right():
    figure = trees([TREE], {"Ann": 1.0, "Bob": 0.0, "Eve": 0.0}, ["Ann"], "Eve", False, title="t")
    boxes = next(t for t in figure.data if t.mode == "markers")
    assert list(boxes.customdata) == ["Ann", "Bob", "Eve"]
    assert boxes.marker.color[0] == "rgb(6,59,73)", "full output takes the end of the unsigned scale"
    assert boxes.marker.color[1] == "rgb(255,255,255)"
    assert list(boxes.marker.line.color) == [LIGHT.muted, LIGHT.muted, LIGHT.accent]
    assert [a.text for a in figure.layout.annotations] == ["<b><u>Ann</u></b>", "Bob", "Eve", "Us"]
    lines = [t for t in figure.data if t.mode == "lines"]
    assert len(lines) == 2, "one marriage, one child"


def test_each_unit_has_a_panel_and_each_family_a_row():
    weights = np.array([[1.0, -2.0, 3.0, 0.0]], np.float32)
    figure = units(weights, {"A": ("a", "b"), "B": ("c", "d")}, ("a", "b", "c", "d"), False, title="t", selected="c")
    assert figure.data[0].z.tolist() == [[1.0, -2.0], [3.0, 0.0]]
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-3.0, 3.0)
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.y0) == (-0.5, 0.5)


def test_the_board_tells_taught_from_guessed_and_wrong():
    states = np.array([[1, 2], [3, 0]])
    hover = np.array([["one", "two"], ["three", ""]], object)
    figure = board(states, ("Ann", "Bob"), ("father", "aunt"), hover, True)
    assert {t.name: t.text.tolist() for t in figure.data} == {
        "answered": ["one"],
        "answered, never taught": ["two"],
        "wrong": ["three"],
    }
    guessed = figure.data[1]
    assert (guessed.x.tolist(), guessed.y.tolist()) == ([1], [0]), "a click gives relation and person"
