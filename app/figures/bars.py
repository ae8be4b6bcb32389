"""Bars of named numbers: what a network says, class by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme

ROW = 25  # pixels a bar takes
LEAST = 134  # pixels of a figure: with less the axis has no room for its name


def bars(
    values: np.ndarray,
    labels: Sequence[str],
    dark: bool,
    *,
    title: str,
    axis: str,
    texts: Sequence[str],
    strong: Sequence[int] = (),
    selected: int = -1,
    signed: bool = False,
    span: tuple[float, float] | None = None,
    height: int = 0,
) -> go.Figure:
    """(n,) -> one horizontal bar a label, the first on top, its number beside it; labels must differ.

    `strong` bars are drawn in the network's colour, `selected` in the accent, all others quietly; `signed` ones orange above
    zero and blue below. `span` fixes the axis.
    """
    t = theme(dark)
    n = len(values)
    quiet = [t.signed[3][1] if v > 0 else t.signed[1][1] for v in values] if signed else [t.twin] * n
    paint = [t.accent if i == selected else t.ours if i in strong else quiet[i] for i in range(n)]
    finite = np.where(np.isfinite(values), values, 0).astype(np.float32)
    low, high = span or (min(0.0, float(finite.min())), max(0.0, float(finite.max())))
    room = 0.24 * ((high - low) or 1)  # for the numbers beside the bars
    ends = [low - (room if low < 0 else 0), high + (room if high > 0 else 0)]
    trace = go.Bar(
        x=finite,
        y=list(labels),
        orientation="h",
        marker={"color": paint, "line": {"width": 0}},
        text=[f"\u2009{text}\u2009" for text in texts],  # thin spaces: off the bar, off the axis
        textposition="outside",
        textfont={"color": t.text, "size": 12},
        cliponaxis=False,
        customdata=np.arange(n),
        hovertemplate="%{y}: %{text}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    names = {"autorange": "reversed", "type": "category", "showgrid": False, "tickfont": {"color": t.text}}
    layout = {
        "xaxis": {"title": {"text": axis}, "range": ends, "nticks": 5, "fixedrange": True},
        "yaxis": {**names, "fixedrange": True},
        "bargap": 0.28,
    }
    return dress(go.Figure(trace, layout), dark, title=title, height=height or max(LEAST, 84 + ROW * n))
