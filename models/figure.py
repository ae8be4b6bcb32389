"""A paper's key figure from our own numbers, as SVG: a few lines of text, light and dark, the same bytes every time.

A paper that has one says so by a file `models/<slug>/figure.py` with `draw() -> Figure`, which reads committed files alone.
`python -m models notes` writes it beside the note, which shows it between two marks (models/notes.py).

Two kinds serve: `lines` (curves and points) and `tables` (squares that are darker for more). Both are given what is to be
seen and return SVG; where a thing stands is plain arithmetic. Nothing is measured here, and no text is as wide as to need it.
The picture brings its own ground, since GitHub's theme and the reader's system need not agree.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from models import checkpoint
from models.checkpoint import CheckpointError, Metric

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 720, 380  # pixels
LEFT, RIGHT, TOP, BOTTOM = 60, 516, 40, 324  # the ground that `lines` draws on; names stand to the right of it
APART = 18  # pixels from one name to the next
CELL, BETWEEN = 38, 26  # pixels: the side of a square in `tables`, and what is left between two tables

# The app's colours (app/figures/theme.py), light and dark: those of lines are told apart by the colour-blind too.
COLOURS = {
    "ground": ("#ffffff", "#14161a"),
    "text": ("#1c1d21", "#ecebe7"),
    "muted": ("#63656c", "#a3a6ae"),
    "grid": ("#dcdad4", "#363a42"),
    "full": ("#063b49", "#c9f3fb"),  # the largest value of a table
}
STROKES = (("#1f6f8b", "#5cc3e0"), ("#d1741f", "#f2a65a"), ("#7d5ba6", "#b99ae0"), ("#6f7680", "#8b8f98"))
OURS, TWIN, THIRD, MARK = range(len(STROKES))  # what a line is; MARK is a level that is no network's


@dataclass(frozen=True)
class Figure:
    """What goes into a note: the picture, what it shows for those who do not see it, and what it says, with numbers."""

    svg: str
    alt: str
    caption: str  # Markdown


@dataclass(frozen=True)
class Line:
    """One line of a chart, through points in the axes' own units. Without a name it belongs to another line."""

    name: str
    points: Points
    colour: int = OURS
    dashed: bool = False
    dots: bool = False  # where a point is a measurement of its own and not one of many


@dataclass(frozen=True)
class Axis:
    """Its title with the unit, where it begins and ends, and the places that are written on it."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    names: tuple[str, ...] = ()  # of the ticks, where they are no numbers
    log: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value is: 0 at its beginning, 1 at its end."""
        low, high, here = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return (here - low) / (high - low)

    def labels(self) -> list[tuple[float, str]]:
        return list(zip(self.ticks, self.names or [f"{tick:,.10g}" for tick in self.ticks], strict=True))


def ticks(top: float, most: int = 6) -> tuple[float, ...]:
    """0 and further multiples of 1, 2 or 5 times a power of ten, `most` of them at most, until `top` is reached or passed."""
    power = 10.0 ** math.floor(math.log10(top / (most - 1)))
    step = next(power * m for m in (1, 2, 5, 10) if math.ceil(top / (power * m) - 1e-9) < most)
    return tuple(round(i * step, 10) for i in range(math.ceil(top / step - 1e-9) + 1))


def across(title: str, high: float) -> Axis:
    """An axis of time, from 0 to where the last line ends."""
    return Axis(title, 0, high, tuple(tick for tick in ticks(high) if tick <= high))


def upward(title: str, top: float) -> Axis:
    """An axis from 0 to the first round number that nothing passes."""
    return Axis(title, 0, ticks(top)[-1], ticks(top))


def lines(title: str, x: Axis, y: Axis, drawn: Sequence[Line]) -> str:
    """SVG of a chart. Each line's name stands at the right, as high as the line ends if there is room."""

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return LEFT + (RIGHT - LEFT) * x.share(point[0]), BOTTOM - (BOTTOM - TOP) * y.share(point[1])

    parts = [text(LEFT, TOP - 18, y.title, "start"), text((LEFT + RIGHT) / 2, BOTTOM + 44, x.title)]
    for value, name in y.labels():
        height = place((x.low, value))[1]
        parts += [stroke([(LEFT, height), (RIGHT, height)], "grid"), text(LEFT - 8, height + 4, name, "end")]
    parts += [text(place((value, y.low))[0], BOTTOM + 20, name) for value, name in x.labels()]
    for line in drawn:
        points = [place(point) for point in line.points]
        parts.append(stroke(points, f"s{line.colour}", line.dashed))
        if line.dots:
            parts += [f'<circle class="s{line.colour}" cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in points]
    named = sorted((line for line in drawn if line.name), key=lambda line: -line.points[-1][1])
    for line, height in zip(named, spread([place(line.points[-1])[1] for line in named]), strict=True):
        parts.append(stroke([(RIGHT + 10, height), (RIGHT + 30, height)], f"s{line.colour}", line.dashed))
        parts.append(text(RIGHT + 36, height + 4, line.name, "start"))
    return svg(title, HEIGHT, parts)


def spread(heights: Sequence[float]) -> list[float]:
    """The same heights, from the smallest on, moved down where two would be less than APART from each other."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + APART) if found else height)
    return found


def tables(
    title: str,
    found: dict[str, Sequence[Sequence[float]]],
    rows: Sequence[str],
    columns: Sequence[str],
    down: str,
    along: str,
) -> str:
    """SVG of tables of one size, side by side: each square as dark as its share of its table's largest, which is written in %.

    NaN leaves a square empty. `rows` and `columns` are the names of all tables' sources and targets, `down` and `along`
    what those are.
    """
    top, parts = 76, [text(8, 24, down, "start")]
    for i, (name, table) in enumerate(found.items()):
        left = 84 + i * (len(columns) * CELL + BETWEEN)
        largest = max(value for row in table for value in row if not math.isnan(value))
        parts.append(text(left + len(columns) * CELL / 2, 24, name))
        parts.append(text(left + len(columns) * CELL / 2, 46, along, kind="muted"))
        parts += [text(left + (k + 0.5) * CELL, 68, column, kind="muted") for k, column in enumerate(columns)]
        for j, row in enumerate(table):
            for k, value in enumerate(row):
                if not math.isnan(value):
                    parts += square(left + k * CELL, top + j * CELL, value / largest)
    parts += [text(76, top + (j + 0.5) * CELL + 4, row, "end", "muted") for j, row in enumerate(rows)]
    return svg(title, top + len(rows) * CELL + 14, parts)


def square(left: float, top: float, share: float) -> list[str]:
    """A square of `tables` with its share, 0..1, in it."""
    where = f'x="{left + 1:.1f}" y="{top + 1:.1f}" width="{CELL - 2}" height="{CELL - 2}"'
    kind = "ground" if share > 0.6 else "text"
    return [
        f'<rect class="full" fill-opacity="{share:.2f}" {where}/>',
        text(left + CELL / 2, top + CELL / 2 + 4, f"{100 * share:.0f}", kind=kind),
    ]


def text(x: float, y: float, said: str, anchor: str = "middle", kind: str = "text") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def stroke(points: Points, kind: str, dashed: bool = False) -> str:
    """A line through points in pixels."""
    through = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="6 4"' if dashed else ""
    return f'<polyline class="{kind}"{dashes} points="{through}"/>'


def svg(title: str, height: float, parts: Sequence[str]) -> str:
    """The file: its title, which is read aloud, its colours in both modes, a ground, and the parts on it."""
    light, dark = (_colours(mode) for mode in (0, 1))
    style = f"text{{font:13px system-ui,sans-serif}}polyline{{fill:none;stroke-width:2}}{light}"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{style}.grid{{stroke-width:1}}@media(prefers-color-scheme:dark){{{dark}}}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>',
    ]
    return "\n".join([*head, *parts, "</svg>\n"])


def _colours(mode: int) -> str:
    """CSS: what is filled and what is drawn, in light (0) or dark (1)."""
    filled = [f".{name}{{fill:{pair[mode]}}}" for name, pair in COLOURS.items() if name != "grid"]
    drawn = [f".s{i}{{stroke:{pair[mode]}}}circle.s{i}{{fill:{pair[mode]}}}" for i, pair in enumerate(STROKES)]
    return "".join([*filled, f".grid{{stroke:{COLOURS['grid'][mode]}}}", *drawn])


def curve(slug: str, which: str, column: str, start: float = 0) -> Points:
    """(step, value) of every look at a training of seed 0 that has the column, from step `start` on. Raises CheckpointError."""
    return [(row["step"], row[column]) for row in rows(slug, which) if column in row and row["step"] >= start]


def rows(slug: str, which: str) -> list[dict[str, float]]:
    """All looks at a training of seed 0: "model", "twin" or a further one. Raises CheckpointError."""
    trainings = checkpoint.read_curves(slug)
    if "0" not in trainings.get(which, {}):
        raise CheckpointError(f"the curves of {slug} have no {which} yet: python -m models train {slug} --only {which}")
    return trainings[which]["0"]


def measured(slug: str, name: str) -> Metric:
    """A metric of the record. Raises CheckpointError."""
    metric = checkpoint.read_record(slug).metric(name)
    if metric is None:
        raise CheckpointError(
            f"the record of {slug} has no metric {name}: measure it again, python -m models train {slug}"
        )
    return metric
