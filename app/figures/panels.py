"""A few maps side by side, each under a heading of its own and on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.theme import dress, theme


@dataclass(frozen=True)
class Panel:
    """One map (height, width); `top` is the end of its scale, from 0 or, signed, from -top; `unit` is shown below."""

    heading: str
    values: np.ndarray
    top: float
    unit: str
    signed: bool = True


def panels(row: Sequence[Panel], dark: bool, *, title: str, height: int = 320) -> go.Figure:
    """Heat maps in one row; pixels are drawn as pixels."""
    t = theme(dark)
    figure = make_subplots(1, len(row), subplot_titles=[p.heading for p in row], horizontal_spacing=0.02)
    for i, p in enumerate(row, 1):
        left, right = figure.get_subplot(1, i).xaxis.domain
        top = p.top or 1.0
        figure.add_heatmap(
            z=np.asarray(p.values, np.float32),
            zmin=-top if p.signed else 0.0,
            zmax=top,
            colorscale=[list(stop) for stop in (t.signed if p.signed else t.unsigned)],
            colorbar={
                "orientation": "h",
                "thickness": 8,
                "outlinewidth": 0,
                "x": (left + right) / 2,
                "xanchor": "center",
                "y": -0.03,
                "yanchor": "top",
                "len": 0.9 * (right - left),
                "title": {"text": p.unit, "side": "bottom", "font": {"color": t.muted, "size": 12}},
                "tickfont": {"color": t.muted, "size": 11},
                "nticks": 5,
            },
            hovertemplate=f"row %{{y}}, column %{{x}}<br>%{{z:.4g}} {p.unit}<extra></extra>",
            row=1,
            col=i,
        )
        figure.update_yaxes(scaleanchor=f"x{i if i > 1 else ''}", row=1, col=i)
    dress(figure, dark, title=title, height=height)
    framed = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(constrain="domain", showline=True, mirror=True, linecolor=t.line, **framed)
    figure.update_yaxes(
        autorange="reversed",
        constrain="domain",
        constraintoward="top",
        showline=True,
        mirror=True,
        linecolor=t.line,
        **framed,
    )
    figure.update_annotations(font={"size": 13, "color": t.text})
    return figure.update_layout(margin={"t": 64, "b": 48})
