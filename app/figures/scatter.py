"""Points in two or three dimensions, coloured by class, with the visitor's input among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme


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
    for c, label in enumerate(labels):
        mine = np.flatnonzero(classes == c)
        if not len(mine):
            continue
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
            middle = np.median(spot, axis=0)
            figure.add_annotation(
                x=middle[0],
                y=middle[1],
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
            name="your input",
            text=["your input"],
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
