"""Before, change, after: pictures as they are, with the signed change between them on its scale."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.maps import png
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
    height: int = 250,
) -> go.Figure:
    """(channels, h, w) in 0..1 before and after; `change` (h, w), signed, in `unit`, on a scale as long as its largest."""
    t = theme(dark)
    figure = make_subplots(1, 3, subplot_titles=list(headings), horizontal_spacing=0.02)
    for column, pixels in ((1, before), (3, after)):
        rgb = np.rint(255 * np.broadcast_to(pixels, (3, *pixels.shape[1:]))).astype(np.uint8).transpose(1, 2, 0)
        source = "data:image/png;base64," + base64.b64encode(png(rgb)).decode()
        figure.add_image(source=source, hoverinfo="skip", row=1, col=column)
    low, high = limits(change, signed=True)
    figure.add_heatmap(
        z=np.asarray(change, np.float32),
        zmin=low,
        zmax=high,
        colorscale=[list(stop) for stop in t.signed],
        showscale=False,
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
    return figure.update_layout(
        margin={"t": 64, "b": 4}, title={"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 12}}
    )
