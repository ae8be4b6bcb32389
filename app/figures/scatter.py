"""Points in two or three dimensions, coloured by class, with the visitor's input among them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme

HERE = "your input"
LINE = 20  # pixels of a label's height, its gap included
LETTER = 9.5  # pixels of a letter's width
PHONE = 300, 400  # pixels of the plot where it is narrowest: labels that do not meet there meet nowhere


def scatter(
    positions: np.ndarray,
    classes: np.ndarray,
    labels: Sequence[str],
    here: np.ndarray,
    dark: bool,
    *,
    title: str,
    axes: Sequence[str],
    height: int = 520,
) -> go.Figure:
    """(n, 2 or 3) positions and (n,) classes; `here` (2 or 3,) is the visitor's input, in the accent colour.

    Every point carries its index as customdata, so that a click can say which one it was.
    """
    t = theme(dark)
    solid = positions.shape[1] == 3
    kind = go.Scatter3d if solid else go.Scatter
    figure = go.Figure()
    shown = [c for c in range(len(labels)) if (classes == c).any()]
    middles = np.array([np.median(positions[classes == c], axis=0) for c in shown])
    shifts = apart(middles, [labels[c] for c in shown], np.vstack([positions, here]), here)
    for c, middle, shift in zip(shown, middles, shifts, strict=True):
        label, mine = labels[c], np.flatnonzero(classes == c)
        spot = positions[mine].astype(np.float32)
        figure.add_trace(
            kind(
                **dict(zip("xyz", spot.T, strict=False)),
                mode="markers",
                name=label,
                customdata=mine,
                marker={
                    "size": 3 if solid else 8,
                    "color": t.classes[c % len(t.classes)],
                    "opacity": 0.85,
                    "line": {"width": 0},
                },
                hovertemplate=f"{label}, picture %{{customdata}} of the probe set<extra></extra>",
                **({} if solid else {"unselected": {"marker": {"opacity": 0.85}}}),
            )
        )
        if not solid:
            figure.add_annotation(
                x=middle[0],
                y=middle[1],
                yshift=shift,
                text=f"<b>{label}</b>",
                showarrow=False,
                font={"color": t.text, "size": 16},
                bgcolor=t.ground,
                opacity=0.85,
                borderpad=1,
            )
    figure.add_trace(
        kind(
            **dict(zip("xyz", np.asarray(here, np.float32)[:, None], strict=False)),
            mode="markers+text",
            name=HERE,
            text=[HERE],
            textposition="top center",
            textfont={"color": t.accent, "size": 14},
            marker={
                "size": 6 if solid else 15,
                "color": t.accent,
                "symbol": "diamond",
                "line": {"width": 2, "color": t.ground},
            },
            hovertemplate="your input<extra></extra>",
        )
    )
    dress(figure, dark, title=title, height=height)
    figure.update_layout(showlegend=solid, clickmode="event+select")
    names = dict(zip("xyz", axes, strict=False))
    if solid:
        look = {"gridcolor": t.line, "backgroundcolor": "rgba(0,0,0,0)", "color": t.muted, "showspikes": False}
        figure.update_layout(
            scene={f"{k}axis": {"title": {"text": n}, **look} for k, n in names.items()}, dragmode="orbit"
        )
    else:
        figure.update_xaxes(title=names["x"], zeroline=False)
        figure.update_yaxes(title=names["y"], zeroline=False)
    return figure


def apart(middles: np.ndarray, labels: Sequence[str], points: np.ndarray, here: np.ndarray) -> list[float]:
    """Pixels to move each label up, so that on a phone no two lie over each other, and none over `here` and its name.

    middles: (labels, 2 or more); points: (n, 2 or more), all that is drawn, by which the axes are scaled; here: (2 or more,).
    """
    low, size = points.min(0), np.ptp(points, axis=0).clip(min=1e-9)
    x, y = ((np.vstack([middles, here]) - low) / size)[:, :2].T * np.array(PHONE)[:, None]
    y[-1] += LINE / 2  # its name stands above it
    half = LETTER / 2 * np.array([len(label) for label in (*labels, HERE)])
    tall = np.append(np.full(len(labels), LINE / 2), LINE)
    free = np.append(np.ones(len(labels)), 0)
    start = y.copy()
    for _ in range(50):
        moved = False
        for a, b in combinations(np.argsort(y), 2):  # b is the higher one
            push = tall[a] + tall[b] - (y[b] - y[a])
            if push > 0.5 and abs(x[a] - x[b]) < half[a] + half[b]:
                push /= free[a] + free[b]
                y[a], y[b], moved = y[a] - free[a] * push, y[b] + free[b] * push, True
        if not moved:
            break
    return [round(float(shift), 1) for shift in (y - start)[:-1]]
