"""One unit among many inputs: where its answer lies in their histogram, and the inputs at the ends."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from app.figures.pictures import address
from app.figures.theme import dress, theme
from app.figures.worked import Ends, frame, image, number

BINS = 32


def histogram(
    answers: np.ndarray, value: float, dark: bool, *, title: str, axis: str, count: str, height: int = 230
) -> go.Figure:
    """(n,) answers as a histogram, with `value` marked in the accent."""
    t = theme(dark)
    low, high = float(min(answers.min(), value)), float(max(answers.max(), value))
    heights, edges = np.histogram(answers, BINS, (low, high if high > low else low + 1))
    figure = go.Figure(
        go.Bar(
            x=((edges[1:] + edges[:-1]) / 2).astype(np.float32),
            y=heights.astype(np.float32),
            width=np.diff(edges).astype(np.float32),
            marker={"color": t.ours, "line": {"width": 0}},
            customdata=np.stack([edges[:-1], edges[1:]], 1).astype(np.float32),
            hovertemplate="%{customdata[0]:.3g} to %{customdata[1]:.3g}: %{y}<extra></extra>",
        )
    )
    dress(figure, dark, title=title, height=height)
    right = value > (low + high) / 2
    mark = {
        "x": value,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "xanchor": "right" if right else "left",
        "text": f"this input {number(value)}",
        "showarrow": False,
        "font": {"color": t.accent, "size": 12},
    }
    line = {"x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": t.accent, "width": 2.5}}
    figure.update_xaxes(title=axis, fixedrange=True, nticks=6)
    figure.update_yaxes(title=count, fixedrange=True, nticks=4, rangemode="tozero")
    return figure.update_layout(bargap=0.04, margin={"t": 58}, shapes=[line], annotations=[mark])


@dataclass(frozen=True)
class Example:
    """One input and the answer to it; `picture` is (h, w) or (h, w, 3) in 0..1, None where it is no picture."""

    picture: np.ndarray | None
    name: str
    answer: float


def extremes(rows: Sequence[tuple[str, Sequence[Example]]], dark: bool) -> str:
    """Rows of inputs, each under a heading: pictures with their answers, or names with theirs."""
    body = []
    for heading, examples in rows:
        body.append(f'<p class="check">{html.escape(heading)}</p>')
        if all(e.picture is None for e in examples):
            lines = "".join(f"<dt>{html.escape(e.name)}</dt><dd>{number(e.answer)}</dd>" for e in examples)
            body.append(f"<dl>{lines}</dl>")
        else:
            body.append(f'<div class="sources">{"".join(_thumbnail(e) for e in examples)}</div>')
    return frame(body, dark)


def _thumbnail(example: Example) -> str:
    said = html.escape(example.name)
    image = (
        f'<img src="{address(example.picture)}" width="46" height="46" alt="{said}">'
        if example.picture is not None
        else ""
    )
    text = number(example.answer)
    short = (
        number(example.answer, 1) if "×" in text else text
    )  # under a small picture there is no room for a long power
    return f'<figure title="{said}">{image}<figcaption>{short}</figcaption></figure>'


def kernels(pictures: Sequence[tuple[str, np.ndarray]], ends: Ends, dark: bool, side: int) -> str:
    """(name, weights (h, w)) each, all on one scale."""
    figures = [
        f"<figure>{image(weights, ends, dark, side, f'weights from {name}')}<figcaption>{html.escape(name)}</figcaption></figure>"
        for name, weights in pictures
    ]
    return frame([f'<div class="sources">{"".join(figures)}</div>'], dark)
