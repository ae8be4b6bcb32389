"""Before, change, after: pictures as they are, with the signed change between them on its scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.maps import png
from app.figures.pictures import bytes_of, url
from app.figures.theme import dress, limits, theme


def triptych(
    before: np.ndarray,
    change: np.ndarray,
    after: np.ndarray,
    dark: bool,
    *,
    title: str,
    headings: Sequence[str],
    unit: str,
    height: int = 330,
) -> go.Figure:
    """(channels, h, w) in 0..1 before and after; `change` (h, w), signed, in `unit`."""
    t = theme(dark)
    figure = make_subplots(1, 3, subplot_titles=list(headings), horizontal_spacing=0.02)
    for column, pixels in ((1, before), (3, after)):
        rgb = bytes_of(np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0))
        figure.add_image(source=url(png(rgb)), hoverinfo="skip", row=1, col=column)
    low, high = limits(change, signed=True)
    left, right = figure.get_subplot(1, 2).xaxis.domain
    figure.add_heatmap(
        z=np.asarray(change, np.float32),
        zmin=low,
        zmax=high,
        colorscale=[list(stop) for stop in t.signed],
        colorbar={
            "orientation": "h",
            "thickness": 8,
            "outlinewidth": 0,
            "x": (left + right) / 2,
            "xanchor": "center",
            "y": -0.03,
            "yanchor": "top",
            "len": right - left,
            "title": {"text": unit, "side": "bottom", "font": {"color": t.muted, "size": 12}},
            "tickfont": {"color": t.muted, "size": 11},
            "nticks": 5,
        },
        hovertemplate=f"row %{{y}}, column %{{x}}<br>%{{z:+.3g}} {unit}<extra></extra>",
        row=1,
        col=2,
    )
    dress(figure, dark, title=title, height=height)
    rows, columns = change.shape
    for i in range(1, 4):
        figure.update_xaxes(range=[-0.5, columns - 0.5], row=1, col=i)
        figure.update_yaxes(range=[rows - 0.5, -0.5], scaleanchor=f"x{i if i > 1 else ''}", row=1, col=i)
    framed = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(constrain="domain", showline=True, mirror=True, linecolor=t.line, **framed)
    figure.update_yaxes(
        constrain="domain", constraintoward="top", showline=True, mirror=True, linecolor=t.line, **framed
    )
    figure.update_annotations(font={"size": 13, "color": t.text})
    return figure.update_layout(margin={"t": 64, "b": 40})
