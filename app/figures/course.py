"""How one answer fares from layer to layer: its probability, and its rank among all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.theme import dress, theme


def course(
    shares: np.ndarray, ranks: np.ndarray, rows: Sequence[str], dark: bool, *, title: str, at: int, answers: int
) -> go.Figure:
    """(rows,) probabilities above and (rows,) ranks below, 1 on top; `at` is the chosen row, `answers` how many there are."""
    t, x = theme(dark), np.arange(len(rows))
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.08)
    look = {
        "mode": "lines+markers",
        "line": {"color": t.ours, "width": 2.2},
        "marker": {"size": 6},
        "showlegend": False,
    }
    figure.add_scatter(
        x=x,
        y=np.asarray(100 * shares, np.float32),
        customdata=list(rows),
        hovertemplate="%{customdata}: %{y:.3g} %<extra></extra>",
        row=1,
        col=1,
        **look,
    )
    figure.add_scatter(
        x=x,
        y=np.asarray(ranks, np.float32),
        customdata=list(rows),
        hovertemplate=f"%{{customdata}}: number %{{y:,}} of {answers:,}<extra></extra>",
        row=2,
        col=1,
        **look,
    )
    figure.add_vline(at, line={"color": t.accent, "width": 1.5}, layer="below")
    dress(figure, dark, title=title, height=340)
    figure.update_xaxes(fixedrange=True, showgrid=False, tickangle=-40)
    figure.update_xaxes(row=2, tickmode="array", tickvals=x, ticktext=list(rows))
    figure.update_yaxes(fixedrange=True, title="probability, %", range=[-4, 104], nticks=4, row=1)
    end = float(np.log10(answers))
    ticks = [10**k for k in range(int(end) + 1)]
    figure.update_yaxes(fixedrange=True, title="rank", type="log", range=[1.06 * end, -0.08 * end], row=2)
    return figure.update_yaxes(tickmode="array", tickvals=ticks, ticktext=[f"{k:,}" for k in ticks], row=2)
