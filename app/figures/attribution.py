"""Attributions: a map over the picture beside the picture itself, all methods small, and what may be believed of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.maps import heatmap, png
from app.figures.theme import colours, dress, limits, theme

FEW = 40  # units drawn as bars; more are drawn as cells
SMALL = 96  # pixels of the side of a small map
SCALE = 48  # pixels above a map that its scale takes up, with unit and numbers


def cells(values: np.ndarray) -> np.ndarray:
    """(units,) -> about twice as wide as high, row after row, the last row filled up with nan."""
    wide = int(np.ceil(np.sqrt(2 * len(values))))
    padded = np.full(-(-len(values) // wide) * wide, np.nan, np.float32)
    padded[: len(values)] = values
    return padded.reshape(-1, wide)


def over(
    values: np.ndarray,
    picture: np.ndarray,
    dark: bool,
    *,
    title: str,
    unit: str,
    signed: bool,
    where: str,
    height: int = 400,
) -> go.Figure:
    """The picture (h, w) or (h, w, 3) in 0..1 on the left; on the right a map of any size spread over it, with its outline."""
    t = theme(dark)
    h, w = picture.shape[:2]
    grey = picture if picture.ndim == 2 else picture.mean(2)
    low, high = limits(values, signed)
    step = (h / values.shape[0], w / values.shape[1])
    right = {"xaxis": "x2", "yaxis": "y2"}
    heat = go.Heatmap(
        z=np.asarray(values, np.float32),
        x0=(step[1] - 1) / 2,
        dx=step[1],
        y0=(step[0] - 1) / 2,
        dy=step[0],
        zmin=low,
        zmax=high,
        colorscale=[list(stop) for stop in (t.signed if signed else t.unsigned)],
        colorbar={
            "orientation": "h",
            "thickness": 8,
            "outlinewidth": 0,
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "ypad": 2,
            "len": 0.485,
            "title": {"text": unit, "side": "top", "font": {"color": t.muted, "size": 12}},
            "tickfont": {"color": t.muted, "size": 11},
            "nticks": 5,
        },
        hovertemplate=f"row %{{y:.0f}}, column %{{x:.0f}}<br>%{{z:.4g}} {unit}<extra></extra>",
        **right,
    )
    outline = go.Contour(
        z=grey.astype(np.float32),
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        line={"color": t.text, "width": 1, "smoothing": 0},
        opacity=0.55,
        showscale=False,
        hoverinfo="skip",
        **right,
    )
    figure = dress(go.Figure([_given(picture, dark), heat, outline]), dark, title=title, height=height)
    plain = {"showticklabels": False, "showgrid": False, "zeroline": False, "fixedrange": True, "constrain": "domain"}
    framed = {"showline": True, "mirror": True, "linecolor": t.line, "ticks": "", **plain}
    across = {"range": [-0.5, w - 0.5], **framed}
    down = {"range": [h - 0.5, -0.5], "constraintoward": "top", **framed}
    heading = {
        "xref": "paper",
        "yref": "paper",
        "y": 1,
        "xanchor": "center",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13, "color": t.muted},
    }
    return figure.update_layout(
        xaxis={"domain": [0, 0.485], **across},
        xaxis2={"domain": [0.515, 1], "anchor": "y2", **across},
        yaxis={"scaleanchor": "x", **down},
        yaxis2={"scaleanchor": "x2", "anchor": "x2", **down},
        annotations=[
            {"text": "the input", "x": 0.2425, **heading},
            {"text": where, "x": 0.7575, "yshift": SCALE, **heading},
        ],
        margin={"t": 64 + SCALE, "b": 8},
    )


def _given(picture: np.ndarray, dark: bool) -> go.Heatmap | go.Image:
    """The picture itself: ink on the unsigned scale, or its own colours."""
    if picture.ndim == 3:
        return go.Image(z=(picture * 255).round().astype(np.uint8))
    return go.Heatmap(
        z=picture.astype(np.float32),
        zmin=0,
        zmax=1,
        colorscale=[list(stop) for stop in theme(dark).unsigned],
        showscale=False,
        hovertemplate="row %{y}, column %{x}<br>%{z:.2f}<extra></extra>",
    )


def units(values: np.ndarray, labels: Sequence[str], dark: bool, *, title: str, unit: str, what: str) -> go.Figure:
    """(n,) signed values: a bar each where they are few, the first on top; else a cell each, row after row."""
    t = theme(dark)
    if len(values) > FEW:
        return heatmap(cells(values), dark, title=title, unit=unit, signed=True, rows="", columns=f"{what}, row by row")
    figure = go.Figure(
        go.Bar(
            x=np.asarray(values, np.float32),
            y=list(labels),
            orientation="h",
            marker={"color": [t.signed[3][1] if v > 0 else t.signed[1][1] for v in values], "line": {"width": 0}},
            hovertemplate=f"%{{y}}: %{{x:.4g}} {unit}<extra></extra>",
        )
    )
    dress(figure, dark, title=title, height=90 + 17 * len(values))
    figure.update_xaxes(title=unit, fixedrange=True)
    return figure.update_yaxes(
        autorange="reversed", type="category", showgrid=False, fixedrange=True, dtick=1, tickfont={"size": 11}
    )


def small(values: np.ndarray, dark: bool, *, signed: bool) -> np.ndarray:
    """(h, w) -> RGB on a scale of its own, its pixels enlarged to squares that fill 96 pixels as well as they can."""
    t = theme(dark)
    rgb = colours(np.nan_to_num(values), t.signed if signed else t.unsigned, *limits(values, signed))
    k = max(1, SMALL // max(values.shape))
    return rgb.repeat(k, 0).repeat(k, 1)


def together(maps: Sequence[np.ndarray], dark: bool, columns: int = 5) -> bytes:
    """Small maps, row after row, as one PNG."""
    ground = tuple(int(theme(dark).ground[i : i + 2], 16) for i in (1, 3, 5))
    cell = max(max(m.shape[:2]) for m in maps) + 8
    page = np.full((-(-len(maps) // columns) * cell, columns * cell, 3), ground, np.uint8)
    for i, m in enumerate(maps):
        y, x = (i // columns) * cell + 4, (i % columns) * cell + 4
        page[y : y + m.shape[0], x : x + m.shape[1]] = m
    return png(page)


def agreement(matrix: np.ndarray, names: Sequence[str], dark: bool, *, title: str) -> go.Figure:
    """(n, n) rank correlations, -1 to 1, with their numbers."""
    figure = heatmap(
        matrix,
        dark,
        title=title,
        unit="rank correlation",
        signed=True,
        top=1.0,
        height=170 + 26 * len(names),
        rows="",
        columns="",
        row_names=names,
        column_names=names,
    )
    figure.update_traces(
        text=np.where(np.isnan(matrix), "", np.char.mod("%.1f", np.nan_to_num(matrix.round(1)) + 0.0)),
        texttemplate="%{text}",
        textfont={"size": 10},
        hovertemplate="%{customdata}<br>%{z:.2f}<extra></extra>",
        customdata=np.array([[f"{a} and {b}" for b in names] for a in names]),
        xgap=1,
        ygap=1,
        showscale=False,
    )
    figure.update_xaxes(tickangle=-60, fixedrange=True, tickfont={"size": 11})
    return figure.update_yaxes(fixedrange=True, tickfont={"size": 11})


def removal(
    share: np.ndarray,
    curves: Sequence[tuple[str, np.ndarray]],
    chance: tuple[np.ndarray, np.ndarray, np.ndarray],
    dark: bool,
    *,
    title: str,
    axis: str,
    end: float,
) -> go.Figure:
    """The probability, 0 to `end`, over the share of pixels taken away: in this map's orders, and in random orders.

    `chance` is the mean over random orders and the band that they lie in; all are (points,).
    """
    t = theme(dark)
    x = (100 * share).astype(np.float32)
    mean, low, high = chance
    figure = go.Figure()
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([low, high[::-1]]),
        fill="toself",
        fillcolor=t.line,
        opacity=0.6,
        mode="none",
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(x=x, y=mean, mode="lines", name="in random order", line={"color": t.twin, "width": 2})
    looks = ({"color": t.ours, "width": 2.5}, {"color": t.ours, "width": 2, "dash": "dot"})
    for (name, values), look in zip(curves, looks, strict=True):
        figure.add_scatter(x=x, y=values, mode="lines", name=name, line=look)
    figure.update_traces(hovertemplate="%{x:.0f} % gone: %{y:.3g}")
    dress(figure, dark, title=title, height=330)
    figure.update_layout(legend={"y": -0.28})
    figure.update_xaxes(
        title="pixels taken away, % of those that differ from the baseline", range=[0, 100], fixedrange=True
    )
    return figure.update_yaxes(title=axis, range=[0, 1.02 * end], fixedrange=True)
