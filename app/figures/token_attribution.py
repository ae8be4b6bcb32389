"""What tokens count for answers, as one matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.maps import heatmap
from app.figures.theme import theme

ROW = 15  # pixels


def matrix(
    values: np.ndarray,
    answers: Sequence[str],
    tokens: Sequence[str],
    dark: bool,
    *,
    title: str,
    unit: str,
    signed: bool,
    chosen: int,
    top: float = 0.0,
) -> go.Figure:
    """(answers, tokens) -> a row an answer, a column a token; nan is empty. The chosen row is framed. Names must differ."""
    figure = heatmap(
        values,
        dark,
        title=title,
        unit=unit,
        signed=signed,
        top=top,
        height=int(np.clip(220 + ROW * len(answers), 300, 800)),
        rows="answer",
        columns="token of the input",
        row_names=[name.replace("<", "&lt;") for name in answers],  # Plotly takes "<s>" for a tag
        column_names=[name.replace("<", "&lt;") for name in tokens],
    )
    figure.update_traces(
        customdata=np.array([[f"{token} for {answer}".replace("<", "&lt;") for token in tokens] for answer in answers]),
        hovertemplate=f"%{{customdata}}<br>%{{z:.4g}} {unit}<extra></extra>",
        hoverongaps=False,
        colorbar={
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "len": 1,
            "thickness": 8,
            "title": {"side": "top"},
        },
    )
    figure.add_shape(
        **{"x0": -0.5, "x1": len(tokens) - 0.5, "y0": chosen - 0.5, "y1": chosen + 0.5},
        line={"color": theme(dark).accent, "width": 2},
    )
    figure.update_xaxes(tickangle=-90, fixedrange=True, tickfont={"size": 11})
    figure.layout.margin.t = 96
    return figure.update_yaxes(fixedrange=True, tickfont={"size": 11})
