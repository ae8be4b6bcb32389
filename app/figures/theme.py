"""Colour, scale and type of every figure. One signed scale, one unsigned, one accent; the same meaning everywhere.

Signed: blue below zero, the page's own ground at zero, orange above (colour-blind safe). Unsigned: ground to teal.
Accent: what is selected, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import plotly.graph_objects as go

Scale = tuple[tuple[float, str], ...]
FONT = '"Source Sans", sans-serif'  # the page's own


@dataclass(frozen=True)
class Theme:
    """The colours of one mode; hex strings."""

    ground: str
    panel: str
    text: str
    muted: str
    line: str
    accent: str
    ours: str  # the model in curves and bars
    twin: str  # its twin
    signed: Scale
    unsigned: Scale
    classes: tuple[str, ...]


_CLASSES_LIGHT = (
    "#3b6fb6",
    "#d1741f",
    "#2f8f6b",
    "#b5443c",
    "#7d5ba6",
    "#8c6d4f",
    "#c25a9a",
    "#6f7680",
    "#9a8f1c",
    "#1f97a8",
)
_CLASSES_DARK = (
    "#7fb0f0",
    "#f2a65a",
    "#63c9a0",
    "#ee8277",
    "#b99ae0",
    "#c8a888",
    "#f09acb",
    "#adb4be",
    "#d6cb55",
    "#5fd0e0",
)

LIGHT = Theme(
    ground="#ffffff",
    panel="#f4f3f0",
    text="#1c1d21",
    muted="#63656c",
    line="#dcdad4",
    accent="#a3195b",
    ours="#1f6f8b",
    twin="#9a9ca3",
    signed=((0.0, "#0d3c78"), (0.25, "#5b93c9"), (0.5, "#ffffff"), (0.75, "#ea9a4f"), (1.0, "#8c3f04")),
    unsigned=((0.0, "#ffffff"), (0.5, "#67a9b8"), (1.0, "#063b49")),
    classes=_CLASSES_LIGHT,
)
DARK = Theme(
    ground="#14161a",
    panel="#1e2127",
    text="#ecebe7",
    muted="#a3a6ae",
    line="#363a42",
    accent="#ff6fae",
    ours="#5cc3e0",
    twin="#8b8f98",
    signed=((0.0, "#8fc4ff"), (0.25, "#3d6ea5"), (0.5, "#14161a"), (0.75, "#b3641d"), (1.0, "#ffc183")),
    unsigned=((0.0, "#14161a"), (0.5, "#2b7f92"), (1.0, "#c9f3fb")),
    classes=_CLASSES_DARK,
)


def theme(dark: bool) -> Theme:
    return DARK if dark else LIGHT


def colours(values: np.ndarray, scale: Scale, low: float, high: float) -> np.ndarray:
    """Values of any shape -> uint8 RGB (..., 3) on a scale from `low` to `high`; what lies outside takes the end's colour."""
    stops = np.array([s for s, _ in scale])
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in scale], np.float32)
    t = np.clip((values - low) / (high - low or 1), 0, 1)
    table = (
        np.stack([np.interp(np.linspace(0, 1, 256), stops, rgb[:, k]) for k in range(3)], -1).round().astype(np.uint8)
    )
    return table[(np.nan_to_num(t) * 255).round().astype(np.uint8)]


def limits(values: np.ndarray, signed: bool) -> tuple[float, float]:
    """The ends of the scale for an array: symmetric about zero if signed, else from zero to the largest value."""
    top = float(np.nanmax(np.abs(values))) if values.size else 1.0
    top = top or 1.0
    return (-top, top) if signed else (0.0, top)


def is_signed(values: np.ndarray) -> bool:
    """Whether an array has values below zero, so that it takes the signed scale."""
    return bool((values < 0).any())


@cache
def template(dark: bool) -> go.layout.Template:
    """The look that all figures share, made once: setting it field by field costs 25 ms a figure."""
    t = theme(dark)
    axis = {
        "gridcolor": t.line,
        "zerolinecolor": t.line,
        "linecolor": t.line,
        "tickfont": {"color": t.muted, "size": 12},
        "title": {"font": {"color": t.muted, "size": 13}},
        "automargin": True,
    }
    layout = {
        "title": {"x": 0, "xanchor": "left", "font": {"size": 15, "color": t.text, "weight": 500}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": t.text, "size": 13, "family": FONT},
        "hoverlabel": {"bgcolor": t.panel, "bordercolor": t.line, "font": {"color": t.text}},
        "legend": {"orientation": "h", "y": -0.18, "x": 0, "font": {"color": t.text}},
        "colorway": [t.ours, t.twin, *t.classes],
        "dragmode": False,
        "autotypenumbers": "strict",
        "xaxis": axis,
        "yaxis": axis,
    }
    return go.layout.Template(layout=layout, data={"heatmap": [{"colorbar": {"outlinewidth": 0}}]})


def dress(figure: go.Figure, dark: bool, *, title: str = "", height: int = 320) -> go.Figure:
    """The common look: title at the left, quiet axes, transparent ground, no legend unless named traces ask for it."""
    layout = figure.layout
    layout.template, layout.height, layout.title.text = template(dark), height, title
    layout.margin = {"l": 8, "r": 8, "t": 40 if title else 8, "b": 8}
    return figure
