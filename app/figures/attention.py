"""What attention looks like: all heads small, one large, one look over a picture, one product unit by unit.

Shares are coloured by their square root, everywhere: a share of 1 % would be unseen beside one of 100 %. Scales say the
shares themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from typing import Any
from unicodedata import east_asian_width

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.maps import Mosaic, mosaic, png
from app.figures.theme import Theme, dress, theme

TICKS = (0.0, 0.01, 0.05, 0.2, 0.5, 1.0)  # shares that a scale names
SMALL = 64  # the most pixels along a side of a small map
NAMES = 40  # the most names along an axis: each costs the browser milliseconds
SPOT = 256  # pixels along a side of a picture that one clicks on
FAINT = 0.12  # what is left of a patch that nobody looks at


def overview(patterns: Sequence[np.ndarray], dark: bool) -> Mosaic:
    """Each layer's (heads, query, key) -> one picture, a row a layer. Long texts are shrunk: a pixel is the largest share in it.

    Layers may differ in the number of their heads; what is not there is left empty.
    """
    rows = [shrunk(p, SMALL) for p in patterns]
    heads, height, width = (max(row.shape[i] for row in rows) for i in range(3))
    sheet = np.zeros((len(rows), heads, height, width), np.float32)
    for i, row in enumerate(rows):
        sheet[i, : row.shape[0], : row.shape[1], : row.shape[2]] = np.sqrt(row)
    return mosaic(sheet.reshape(-1, height, width), dark, columns=heads, signed=False, top=1.0)


def shrunk(maps: np.ndarray, most: int) -> np.ndarray:
    """(..., h, w) with blocks of equal size pooled to their largest value, so that no side is longer than `most`."""
    step = -(-max(maps.shape[-2:]) // most)
    if step == 1:
        return maps
    h, w = (-(-n // step) for n in maps.shape[-2:])
    around = [(0, 0)] * (maps.ndim - 2) + [(0, h * step - maps.shape[-2]), (0, w * step - maps.shape[-1])]
    return np.pad(maps, around).reshape(*maps.shape[:-2], h, step, w, step).max((-3, -1))


def shares(
    pattern: np.ndarray,
    dark: bool,
    *,
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    chosen: tuple[int, int] = (-1, -1),
    axes: tuple[str, str] = ("query: who looks", "key: who is looked at"),
    unit: str = "share of the look",
    verb: str = "looks at",
) -> go.Figure:
    """(query, key) of shares -> a map with names on both axes, which must differ along an axis; cells fill the plot's area.

    The chosen query's row and, in it, the chosen key are framed.
    """
    t, (n, m) = theme(dark), pattern.shape
    beside, below = (_ticks(names) for names in (rows, columns))
    frames = []
    if 0 <= chosen[0] < n:
        frames.append(_frame(t, 1, chosen[0], (0, m - 1)))
        if 0 <= chosen[1] < m:
            frames.append(_frame(t, 3, chosen[0], (chosen[1], chosen[1])))
    quiet = {"type": "category", "showgrid": False, "zeroline": False, "fixedrange": True, "tickcolor": t.line}
    quiet["automargin"] = False
    figure = go.Figure(
        _map(pattern, dark, unit, f"“%{{y}}” {verb} “%{{x}}”", [_plain(c) for c in columns], [_plain(r) for r in rows]),
        {  # given at once: to update a layout takes Plotly longer than to make one
            "shapes": frames,
            "xaxis": {"range": [-0.5, m - 0.5], "title": {"text": axes[1]}, "tickangle": -90} | below | quiet,
            "yaxis": {"range": [n - 0.5, -0.5], "title": {"text": axes[0]}} | beside | quiet,
        },
    )
    dress(figure, dark, title=title, height=max(360, min(760, max(200 + 14 * min(n, 30), 200 + 10 * n))))
    # Margins that are known spare the browser drawing the map once more for each that it finds out.
    figure.layout.margin = {"autoexpand": False, "l": _room(beside), "r": 8, "b": _room(below), "t": 92}
    return figure


def _frame(t: Theme, width: int, row: int, columns: tuple[int, int]) -> dict[str, Any]:
    """A frame around the cells of a row from the first to the last of these columns."""
    edges = {"x0": columns[0] - 0.5, "x1": columns[1] + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"type": "rect", "line": {"color": t.accent, "width": width}} | edges


def _plain(name: str) -> str:
    """A name that Plotly does not take for a tag: "<s>"."""
    return name.replace("&", "&amp;").replace("<", "&lt;")


def _ticks(names: Sequence[str]) -> dict[str, Any]:
    """Names along an axis, in small letters where there are many; every second or third where they are too many."""
    places = list(range(0, len(names), -(-len(names) // NAMES)))
    size = 12 if len(names) <= 28 else 10
    short = [_plain(names[i] if len(names[i]) <= 14 else f"{names[i][:13]}…") for i in places]
    return {"tickmode": "array", "tickvals": places, "ticktext": short, "tickfont": {"size": size}}


def _room(ticks: dict[str, Any]) -> int:
    """Pixels that an axis needs beside the plot for its ticks' names and its title."""
    names = [unescape(name) for name in ticks["ticktext"]]
    letters = max((len(name) + sum(east_asian_width(c) in "WF" for c in name) for name in names), default=0)
    return 36 + round(0.54 * ticks["tickfont"]["size"] * letters)


def _map(
    values: np.ndarray, dark: bool, unit: str, what: str, x: Sequence[str] | None = None, y: Sequence[str] | None = None
) -> go.Heatmap:
    """Shares coloured by their root; under the pointer `what`, with the names of row and column in it, and the share."""
    return go.Heatmap(
        z=np.sqrt(np.asarray(values, np.float32)),
        x=x,
        y=y,
        zmin=0,
        zmax=1,
        customdata=np.asarray(values, np.float32),
        colorscale=[list(stop) for stop in theme(dark).unsigned],
        colorbar={
            "title": {"text": unit, "side": "top", "font": {"size": 12}},
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "tickvals": [tick**0.5 for tick in TICKS],
            "ticktext": [f"{tick:.0%}" for tick in TICKS],
            "tickfont": {"size": 11},
            "tickangle": 0,
            "thickness": 8,
            "outlinewidth": 0,
            "len": 1,
        },
        hovertemplate=f"{what}<br>%{{customdata:.1%}}: {unit}<extra></extra>",
    )


def over_patches(row: np.ndarray, side: int, dark: bool, *, title: str, unit: str, chosen: int = -1) -> go.Figure:
    """(side * side,) shares of the patches -> a map of them as they lie in the picture; the patch that looks is framed."""
    figure = go.Figure(_map(row.reshape(side, side), dark, unit, "row %{y}, column %{x}"))
    dress(figure, dark, title=title, height=360)
    if chosen >= 0:
        y, x = divmod(chosen, side)
        line = {"color": theme(dark).accent, "width": 3}
        figure.add_shape(type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line=line)
    plain = {"showgrid": False, "zeroline": False, "fixedrange": True, "constrain": "domain"}
    figure.update_yaxes(autorange="reversed", scaleanchor="x", title="row of patches", **plain)
    return figure.update_xaxes(title="column of patches", **plain)


def spotlight(pixels: np.ndarray, row: np.ndarray, side: int, dark: bool) -> Mosaic:
    """A picture (h, w, 3) in 0..1, bright where the look goes: (side * side,) shares, the largest at full light.

    Each patch is a cell one can click on; the light is the root of the share in the largest, and never less than a trace.
    """
    zoom = max(1, SPOT // pixels.shape[0])
    large = pixels.repeat(zoom, 0).repeat(zoom, 1)
    cell = large.shape[0] // side
    light = FAINT + (1 - FAINT) * np.sqrt(row / (row.max() or 1)).reshape(side, side)
    light = light.repeat(cell, 0).repeat(cell, 1)[..., None]
    ground = np.array([int(theme(dark).ground[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    lit = np.rint(255 * np.clip(ground + (large - ground) * light, 0, 1)).astype(np.uint8)
    return Mosaic(png(lit), side * side, side, (cell, cell), lit.shape[:2])


def units(q: np.ndarray, k: np.ndarray, dark: bool, *, title: str) -> go.Figure:
    """(units,) of a query and of a key -> three rows of bars: both, and their products, whose sum is the score."""
    t = theme(dark)
    products = q * k
    rows = (("query q", q), ("key k", k), ("product q·k", products))
    headings = [
        name if name != "product q·k" else f"{name}, in all {products.sum():.4g}".replace("-", "−") for name, _ in rows
    ]
    figure = make_subplots(3, 1, shared_xaxes=True, vertical_spacing=0.1, subplot_titles=headings)
    up, down = t.signed[-2][1], t.signed[1][1]
    for i, (name, values) in enumerate(rows, 1):
        figure.add_bar(
            y=np.asarray(values, np.float32),
            marker={"color": [up if v >= 0 else down for v in values], "line": {"width": 0}},
            hovertemplate=f"{name}, unit %{{x}}: %{{y:.4g}}<extra></extra>",
            row=i,
            col=1,
        )
    dress(figure, dark, title=title, height=430)
    figure.update_annotations(font={"size": 13, "color": t.text}, x=0, xanchor="left")
    figure.update_yaxes(fixedrange=True, nticks=4)
    figure.update_xaxes(fixedrange=True, showgrid=False)
    figure.update_xaxes(title="unit of the head", row=3, col=1)
    return figure.update_layout(showlegend=False, bargap=0.15, margin={"t": 72})
