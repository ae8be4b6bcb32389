"""Before, change, after: pictures as they are, with the signed change between them on its scale."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures.maps import png
from app.figures.theme import dress, limits, theme

WIDTH, GAP = 0.32, 0.02  # of the figure's width: a picture, and the room between two


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
    t, (rows, columns) = theme(dark), change.shape
    low, high = limits(change, signed=True)
    middle = go.Heatmap(
        z=np.asarray(change, np.float32),
        zmin=low,
        zmax=high,
        colorscale=[list(stop) for stop in t.signed],
        showscale=False,
        hovertemplate=f"row %{{y}}, column %{{x}}<br>%{{z:+.3g}} {unit}<extra></extra>",
        xaxis="x2",
        yaxis="y2",
    )
    framed = {
        **{"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "fixedrange": True},
        **{"constrain": "domain", "showline": True, "mirror": True, "linecolor": t.line},
    }
    layout: dict[str, Any] = {"annotations": []}
    for i, heading in enumerate(headings):
        n, left = str(i + 1) if i else "", i * (WIDTH + GAP)  # the first axis has no number
        across, down = {"domain": [left, left + WIDTH]}, {"scaleanchor": f"x{n}", "constraintoward": "top"}
        layout[f"xaxis{n}"] = {**framed, **across, "range": [-0.5, columns - 0.5], "anchor": f"y{n}"}
        layout[f"yaxis{n}"] = {**framed, **down, "range": [rows - 0.5, -0.5], "anchor": f"x{n}"}
        place = {
            "x": left + WIDTH / 2,
            "y": 1,
            "xref": "paper",
            "yref": "paper",
            "xanchor": "center",
            "yanchor": "bottom",
            "showarrow": False,
        }
        layout["annotations"].append({**place, "text": heading, "font": {"size": 13, "color": t.text}})
    figure = go.Figure([_image(before, ""), middle, _image(after, "3")], layout)
    dress(figure, dark, title=title, height=height)
    figure.layout.margin.update(t=64, b=4)
    figure.layout.title.update(y=1, yref="container", yanchor="top", pad={"t": 12})
    return figure


def _image(pixels: np.ndarray, axis: str) -> go.Image:
    """(channels, h, w) in 0..1 -> the picture as it is, on the axes of that number."""
    rgb = np.rint(255 * np.broadcast_to(pixels, (3, *pixels.shape[1:]))).astype(np.uint8).transpose(1, 2, 0)
    source = "data:image/png;base64," + base64.b64encode(png(rgb)).decode()
    return go.Image(source=source, hoverinfo="skip", xaxis=f"x{axis}", yaxis=f"y{axis}")
