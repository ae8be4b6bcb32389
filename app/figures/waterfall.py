"""Parts that add up to a number, each beginning where the one before it ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme

ROW = 25  # pixels a part takes


def plus(value: float, digits: int = 2) -> str:
    """A share with its sign; what rounds to nothing has none."""
    text = f"{value:+.{digits}f}"
    return text if float(text) else text[1:]


def waterfall(parts: Mapping[str, float], dark: bool, *, title: str, axis: str, total: str) -> go.Figure:
    """One bar a part, the first on top, orange to the right and blue to the left; below, their sum from zero."""
    t, values = theme(dark), np.array(list(parts.values()), np.float32)
    ends = np.concatenate([[0.0], np.cumsum(values)])
    room = 0.26 * (np.ptp(ends) or 1)  # for the numbers beside the bars, on a phone too
    trace = go.Waterfall(
        orientation="h",
        measure=[*["relative"] * len(values), "total"],
        x=np.append(values, 0).astype(np.float32),
        y=[*parts, total],
        text=[*(f"\u2009{plus(v)}\u2009" for v in values), f"\u2009{values.sum():.2f}\u2009"],
        textposition="outside",
        textfont={"color": t.text, "size": 12},
        cliponaxis=False,
        increasing={"marker": {"color": t.signed[3][1]}},
        decreasing={"marker": {"color": t.signed[1][1]}},
        totals={"marker": {"color": t.ours}},
        connector={"line": {"color": t.line, "width": 1}},
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    layout = {
        "xaxis": {"title": {"text": axis}, "range": [ends.min() - room, ends.max() + room], "fixedrange": True},
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False, "fixedrange": True},
        "bargap": 0.28,
        "showlegend": False,
    }
    figure = dress(go.Figure(trace, layout), dark, title=title, height=96 + ROW * (len(values) + 1))
    return figure.update_yaxes(tickfont={"color": t.text})
