"""Figures of notes: a tiny chart and a tiny table worked by hand, and what holds for every figure that is committed."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import pytest

import models
from models import checkpoint, figure, notes
from models.checkpoint import CheckpointError
from models.figure import Axis, Line, across, lines, spread, tables, ticks, upward

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = sorted((models.root() / "models").rglob("figure.svg"))
NETWORKS = [n.slug for p in models.papers() for n in models.networks(p.slug)]


def elements(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(SVG + tag))


def texts(svg: str) -> dict[str, tuple[float, float]]:
    """Where each text of a figure stands."""
    return {e.text or "": (float(e.attrib["x"]), float(e.attrib["y"])) for e in elements(svg, "text")}


def test_a_chart_of_three_points_worked_by_hand():
    """The ground is 456 pixels wide from 60 on and 284 high, from 324 upward to 40."""
    x, y = Axis("steps", 0, 2, (0, 1, 2)), Axis("error, %", 0, 10, (0, 10))
    svg = lines("a < b", x, y, [Line("it", [(0, 0), (1, 5), (2, 10)], dots=True), Line("", [(1, 2.5)], 1, dashed=True)])
    ground = [line.attrib["points"] for line in elements(svg, "polyline") if line.attrib["class"] == "grid"]
    assert ground == ["60.0,324.0 516.0,324.0", "60.0,40.0 516.0,40.0"]
    drawn = [line.attrib["points"] for line in elements(svg, "polyline") if line.attrib["class"] == "s0"]
    assert drawn == [
        "60.0,324.0 288.0,182.0 516.0,40.0",
        "526.0,40.0 546.0,40.0",
    ]  # the line, and its sample at the right
    assert [(c.attrib["cx"], c.attrib["cy"]) for c in elements(svg, "circle")] == [
        ("60.0", "324.0"),
        ("288.0", "182.0"),
        ("516.0", "40.0"),
    ]
    (nameless,) = (line.attrib for line in elements(svg, "polyline") if line.attrib["class"] == "s1")
    assert nameless["points"] == "288.0,253.0" and nameless["stroke-dasharray"] == "6 4"
    assert texts(svg) == {
        "error, %": (60, 22),
        "steps": (288, 368),
        "0": (60, 344),  # that of the horizontal axis, which is written after that of the vertical one
        "10": (52, 44),
        "1": (288, 344),
        "2": (516, 344),
        "it": (552, 44),
    }
    assert elements(svg, "title")[0].text == "a < b"


def test_an_axis_of_powers():
    axis = Axis("", 0.01, 1, (0.01, 0.1, 1), log=True)
    assert [axis.share(value) for value in axis.ticks] == pytest.approx([0, 0.5, 1])
    assert [name for _, name in axis.labels()] == ["0.01", "0.1", "1"]


def test_round_numbers():
    assert ticks(10) == (0, 2, 4, 6, 8, 10)
    assert ticks(10.1) == (0, 5, 10, 15)
    assert ticks(1170) == (0, 500, 1000, 1500)
    assert ticks(0.9) == (0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert upward("", 33.6).ticks == (0, 10, 20, 30, 40) and upward("", 33.6).high == 40
    assert across("", 1170).ticks == (0, 500, 1000) and across("", 1170).high == 1170


def test_names_give_way_downward():
    assert spread([40, 45, 90]) == [40, 58, 90]
    assert spread([40, 41, 42]) == [40, 58, 76]


def test_a_table_of_two_sources_worked_by_hand():
    """Squares begin at (84, 76) and are 38 wide, two pixels of it for the gap; the second table begins 2 x 38 + 26 farther."""
    nan = math.nan
    svg = tables("t", {"a": [[1, 2], [nan, 4]], "b": [[3, nan], [nan, 3]]}, ["r", "s"], ["1", "2"], "made", "read")
    squares = [e.attrib for e in elements(svg, "rect") if e.attrib["class"] == "full"]
    assert [(s["x"], s["y"], s["fill-opacity"]) for s in squares] == [
        ("85.0", "77.0", "0.25"),
        ("123.0", "77.0", "0.50"),
        ("123.0", "115.0", "1.00"),
        ("187.0", "77.0", "1.00"),
        ("225.0", "115.0", "1.00"),
    ]
    said = [(e.text, e.attrib["x"], e.attrib["class"]) for e in elements(svg, "text") if e.attrib["y"] == "99.0"]
    assert said == [
        ("25", "103.0", "text"),
        ("50", "141.0", "text"),
        ("100", "205.0", "ground"),
        ("r", "76.0", "muted"),
    ]


def test_what_is_not_trained_or_not_measured_is_said(monkeypatch):
    monkeypatch.setattr(checkpoint, "read_curves", lambda slug: {"model": {"0": [{"step": 0, "loss": 1.0}]}})
    assert figure.curve("any", "model", "loss") == [(0, 1.0)]
    with pytest.raises(
        CheckpointError, match="the curves of any have no twin yet: python -m models train any --only twin"
    ):
        figure.curve("any", "twin", "loss")
    with pytest.raises(CheckpointError, match=f"the record of {NETWORKS[0]} has no metric beauty"):
        figure.measured(NETWORKS[0], "beauty")


@pytest.mark.parametrize("file", FIGURES, ids=lambda file: file.parent.name)
def test_a_committed_figure_is_light_whole_and_nothing_in_it_overlaps(file):
    """A letter of 13 pixels is taken as 7.5 wide and 13 high."""
    svg = file.read_text("utf8")
    assert len(svg.encode()) < 40_000
    frame, boxes = ET.fromstring(svg).attrib, []
    for e in elements(svg, "text"):
        x, y, wide = float(e.attrib["x"]), float(e.attrib["y"]), 7.5 * len(e.text or "")
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[e.attrib["text-anchor"]]
        boxes.append((left, y - 10, left + wide, y + 3, e.text))
    for left, top, right, bottom, said in boxes:
        assert left >= 0 and top >= 0 and right <= float(frame["width"]) and bottom <= float(frame["height"]), said
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (a[4], b[4])
    assert "prefers-color-scheme:dark" in svg


def test_every_figure_that_a_note_shows_is_there_and_every_one_drawn_is_shown():
    folder = models.root() / "models"
    shown = {
        note.parent / name
        for note in folder.rglob("README.md")
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+\.svg)\)", note.read_text("utf8"))
    }
    assert shown == set(FIGURES)
    assert shown == {file.with_name("figure.svg") for file in folder.glob("*/**/figure.py")}
    assert all(notes.FIGURE_START in file.with_name("README.md").read_text("utf8") for file in shown)


def test_a_note_without_marks_is_left_alone_and_one_with_them_gets_its_figure(tmp_path, monkeypatch):
    note = tmp_path / "README.md"
    monkeypatch.setattr(notes, "path", lambda slug: note)
    monkeypatch.setattr(notes, "table", lambda slug: "| 1 |")
    drawn = figure.Figure("<svg/>", "A chart", "*It* rises to 3.")
    monkeypatch.setattr(notes, "figure", lambda slug: drawn)
    assert notes.files("toy") == {}
    note.write_text("# Toy\n")
    assert not notes.update("toy") and note.read_text() == "# Toy\n"
    note.write_text(f"# Toy\n{notes.START}\n{notes.END}\n{notes.FIGURE_START}\nold\n{notes.FIGURE_END}\nend\n")
    assert notes.update("toy")
    assert note.read_text() == (
        f"# Toy\n{notes.START}\n| 1 |\n{notes.END}\n"
        f"{notes.FIGURE_START}\n![A chart](figure.svg)\n\n*It* rises to 3.\n{notes.FIGURE_END}\nend\n"
    )
    assert (tmp_path / "figure.svg").read_text() == "<svg/>"
    assert not notes.update("toy")
    Path(tmp_path / "figure.svg").write_text("<svg></svg>")
    assert notes.update("toy"), "a figure that was changed by hand is written again"
