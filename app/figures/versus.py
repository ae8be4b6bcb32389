"""What a network says before and after something was done to it: two bars a token, and a mark for a third run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme

ROW = 34  # pixels a pair of bars takes


def versus(
    shares: np.ndarray,
    labels: Sequence[str],
    names: Sequence[str],
    dark: bool,
    *,
    title: str,
    axis: str = "probability of the next token, %",
) -> go.Figure:
    """(2 or 3, n) shares -> a grey bar for row 0 and a coloured one for row 1 of each label, which must differ; NaN is no bar.

    Row 2, where there is one, is a ring: what one compares with. `names` are those of the rows.
    """
    t = theme(dark)
    values = 100 * np.asarray(shares, np.float32)
    figure = go.Figure()
    for row, colour in zip(range(2), (t.twin, t.ours), strict=True):
        figure.add_bar(
            x=values[row],
            y=list(labels),
            orientation="h",
            name=names[row],
            marker={"color": colour, "line": {"width": 0}},
            text=["" if np.isnan(v) else f" {v:.1f}" for v in values[row]],
            textposition="outside",
            textfont={"color": t.text, "size": 11},
            constraintext="none",  # else the numbers shrink with the bars
            cliponaxis=False,
            hovertemplate=f"%{{y}}, {names[row]}: %{{x:.1f}} %<extra></extra>",
        )
    if len(values) > 2:
        figure.add_scatter(
            x=values[2],
            y=list(labels),
            mode="markers",
            name=names[2],
            marker={"symbol": "circle-open", "size": 10, "color": t.text, "line": {"width": 1.5}},
            hovertemplate=f"%{{y}}, {names[2]}: %{{x:.1f}} %<extra></extra>",
        )
    dress(figure, dark, title=title, height=120 + ROW * len(labels))
    figure.update_xaxes(title=axis, range=[0, 1.18 * max(float(np.nanmax(values)), 1)], nticks=5, fixedrange=True)
    figure.update_yaxes(
        autorange="reversed", type="category", showgrid=False, tickfont={"color": t.text}, fixedrange=True
    )
    low = -70 / (ROW * len(labels))  # the legend lies below the axis, however high the figure is
    return figure.update_layout(
        bargap=0.25, bargroupgap=0.05, showlegend=True, legend={"y": low, "yanchor": "top", "traceorder": "normal"}
    )


def agreement(
    true: Sequence[np.ndarray], told: Sequence[np.ndarray], names: Sequence[str], dark: bool, *, title: str
) -> go.Figure:
    """Each table's cells as points: its estimate across, what patching finds upwards; on the line both agree."""
    t = theme(dark)
    figure = go.Figure()
    ends = [min(float(v.min()) for v in (*true, *told)), max(float(v.max()) for v in (*true, *told))]
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": t.line, "width": 1}, hoverinfo="skip", showlegend=False
    )
    for found, guess, name, colour, symbol in zip(
        true, told, names, t.classes, ("circle", "square", "diamond", "cross"), strict=False
    ):
        figure.add_scatter(
            x=np.ravel(guess).astype(np.float32),
            y=np.ravel(found).astype(np.float32),
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 7, "opacity": 0.75},
            hovertemplate=f"{name}: estimated %{{x:.3f}}, found %{{y:.3f}}<extra></extra>",
        )
    dress(figure, dark, title=title, height=380)
    figure.update_xaxes(title="estimated by gradients (share of the clean answer)", fixedrange=True, nticks=6)
    figure.update_yaxes(title="found by patching", fixedrange=True, nticks=6)
    return figure.update_layout(showlegend=True, legend={"y": -0.24, "yanchor": "top"})
