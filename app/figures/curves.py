"""Curves of a training: over the steps, linear or logarithmic, each labelled at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import Theme, dress, theme
from models.checkpoint import Curves

LABEL = 15  # pixels between two labels


@dataclass(frozen=True)
class Line:
    """One curve, labelled at its end, or at its peak; faint ones are drawn thin and have no label."""

    steps: np.ndarray
    values: np.ndarray
    name: str
    role: Literal["ours", "twin", "other", "chosen"] = "ours"
    faint: bool = False
    dashed: bool = False
    peak: bool = False


def quantities(runs: Curves) -> tuple[str, ...]:
    """What the rows of the curves measure, accuracy and loss first: "test_loss" and "train_loss" are one quantity."""
    keys = [k for row in runs["model"]["0"] for k in row if k not in ("step", "epoch", "seconds")]
    names = dict.fromkeys(k.removeprefix("test_").removeprefix("train_") for k in keys)
    return tuple(sorted(names, key=lambda n: (n != "accuracy", n != "loss", n)))


def lines_of(runs: Curves, name: str) -> list[Line]:
    """All curves of one quantity: the network's own first (seed 0, on the test set), then its twin, then the others."""
    own, twins = runs["model"], runs.get("twin", {})
    seeds = [seed for seed in own if seed != "0"]
    found = [
        _line(own["0"], f"test_{name}", "test set"),
        _line(own["0"], name, "network"),
        *(_line(rows, key, "twin", role="twin") for rows in twins.values() for key in (f"test_{name}", name)),
        _line(own["0"], f"train_{name}", "training set", dashed=True),
        *(_line(own[seed], key, f"seed {seed}", faint=True) for seed in seeds for key in (f"test_{name}", name)),
    ]
    return [line for line in found if line is not None]


def _line(rows: Sequence[Mapping[str, float]], key: str, name: str, **look: Any) -> Line | None:
    points = np.array([(row["step"], row[key]) for row in rows if key in row])
    return Line(points[:, 0], points[:, 1], name, **look) if len(points) else None


def curves(
    lines: Sequence[Line],
    dark: bool,
    *,
    title: str,
    axis: str,
    log: bool,
    moments: Sequence[int] = (),
    at: int | None = None,
    span: tuple[float, float] | None = None,
    height: int = 300,
) -> go.Figure:
    """Draw the lines; `moments` are steps that can be chosen (a dot each, customdata the step), `at` is the chosen one."""
    t, last = theme(dark), max((int(line.steps[-1]) for line in lines), default=1)
    named = [line for line in lines if not line.faint]
    rise = (height - 110) / (
        np.ptp(span or _extent(named)) or 1
    )  # pixels a unit, roughly: the plot without its margins
    traces = [_trace(line, log, axis, t) for line in lines]
    if len(moments) and lines:
        traces.append(_dots(lines[0], moments, at, log, t))
    place = float(_place(np.array([at or 0]), log)[0])
    upright = {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    layout = {
        "xaxis": {"title": {"text": "training step"}, "fixedrange": True, **_ticks(last, log)},
        "yaxis": {"title": {"text": axis}, "fixedrange": True, "range": None if span is None else list(span)},
        "shapes": [] if at is None else [{**upright, "line": {"color": t.accent, "width": 1.5}}],
        "annotations": [*_end_labels(named, rise, t), *_peak_labels(named, rise, log, t)],
    }
    figure = dress(go.Figure(traces, layout), dark, title=title, height=height)
    figure.layout.margin.r = 16 + 7 * max((len(line.name) for line in named if not line.peak), default=0)
    return figure


def _trace(line: Line, log: bool, axis: str, t: Theme) -> go.Scatter:
    colour = {"ours": t.ours, "twin": t.twin, "other": t.muted, "chosen": t.accent}[line.role]
    return go.Scatter(
        x=_place(line.steps, log),
        y=np.asarray(line.values, np.float32),
        mode="lines",
        name=line.name,
        line={"color": colour, "width": 1.2 if line.faint else 2.2, "dash": "dot" if line.dashed else "solid"},
        opacity=0.45 if line.faint else 1,
        customdata=line.steps,
        hovertemplate=f"{line.name}<br>step %{{customdata:,}}: %{{y:.4g}} {axis}<extra></extra>",
        showlegend=False,
    )


def _dots(line: Line, moments: Sequence[int], at: int | None, log: bool, t: Theme) -> go.Scatter:
    """A dot on the line at every moment; the chosen one in the accent."""
    places = _place(np.array(moments), log)
    return go.Scatter(
        x=places,
        y=np.interp(places, _place(line.steps, log), line.values).astype(np.float32),
        mode="markers",
        customdata=np.array(moments),
        marker={
            "size": 8,
            "color": [t.accent if m == at else t.ground for m in moments],
            "line": {"color": [t.accent if m == at else t.ours for m in moments], "width": 1.5},
        },
        hovertemplate="step %{customdata:,}: %{y:.4g}<br>click to go there<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        showlegend=False,
    )


def _place(steps: np.ndarray, log: bool) -> np.ndarray:
    """Where a step lies on the axis: log10(1 + step), so that step 0 has a place too."""
    steps = np.asarray(steps, np.float32)
    return np.log10(1 + steps) if log else steps


def _ticks(last: int, log: bool) -> dict[str, Any]:
    if not log:
        return {"range": [-0.02 * last, 1.02 * last], "nticks": 6, "tickformat": "~s"}
    end = float(np.log10(1 + last))
    powers = range(int(end) + 1)[:: 1 if end < 4.5 else 2]
    names = {0: "1", 1: "10", 2: "100", 3: "1k", 4: "10k", 5: "100k"}
    return {
        "range": [-0.03 * end, 1.02 * end],
        "tickvals": _place(np.array([0, *(10**k for k in powers)]), True),
        "ticktext": ["0", *(names.get(k, f"{10 ** (k - 6):,}M") for k in powers)],
        "tickangle": 0,
    }


def _end_labels(lines: Sequence[Line], rise: float, t: Theme) -> list[dict[str, Any]]:
    """The names of curves at their ends, pushed apart where two would meet; `rise` is in pixels a unit."""
    ends = [line for line in lines if not line.peak]
    wanted = np.array([float(line.values[-1]) for line in ends]) * rise
    place = {"x": 1, "xref": "paper", "xanchor": "left", "xshift": 6}
    return [
        {**place, "y": float(line.values[-1]), "yshift": float(shift), **_label(line, t)}
        for line, shift in zip(ends, _apart(wanted) - wanted, strict=True)
    ]


def _peak_labels(lines: Sequence[Line], rise: float, log: bool, t: Theme) -> list[dict[str, Any]]:
    """The names of curves above their peaks; where two would meet, the first one stays."""
    labels: list[dict[str, Any]] = []
    taken: list[tuple[float, float]] = []
    for line in (line for line in lines if line.peak):
        top = int(np.argmax(line.values))
        places, height = _place(line.steps, log), float(line.values[top])
        spot = (float(places[top] / (places[-1] or 1)), height * rise / LABEL)
        if all(abs(spot[0] - x) > 0.1 or abs(spot[1] - y) > 1 for x, y in taken):
            labels.append({"x": float(places[top]), "y": height, "yshift": 9, **_label(line, t)})
            taken.append(spot)
    return labels


def _label(line: Line, t: Theme) -> dict[str, Any]:
    colour = {"ours": t.ours, "twin": t.muted, "other": t.text, "chosen": t.accent}[line.role]
    return {"text": line.name, "showarrow": False, "font": {"color": colour, "size": 12}}


def _apart(wanted: np.ndarray) -> np.ndarray:
    """Heights in pixels, moved as little as needed so that none is nearer than LABEL to the next."""
    placed, order = wanted.astype(float), np.argsort(wanted, kind="stable")
    for _ in range(50):
        for below, above in pairwise(order):
            push = (LABEL - (placed[above] - placed[below])) / 2
            if push > 0:
                placed[above] += push
                placed[below] -= push
    return placed


def _extent(lines: Sequence[Line]) -> tuple[float, float]:
    if not lines:
        return 0.0, 1.0
    values = np.concatenate([np.asarray(line.values, np.float32) for line in lines])
    return float(np.nanmin(values)), float(np.nanmax(values))
