"""A head's map with marks where a perfect head of its role would look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.attention import shares
from app.figures.theme import theme


def on_text(
    pattern: np.ndarray, ideal: np.ndarray, tokens: Sequence[str], dark: bool, *, title: str, role: str
) -> go.Figure:
    """(t, t) of shares, query by key, and bool (t, t): a small ring in every place that is marked."""
    figure = shares(pattern, dark, title=title, rows=tokens, columns=tokens)
    names = figure.data[0].x  # by name: numbers would be further categories, beyond the last token
    y, x = np.nonzero(ideal)
    figure.add_scatter(
        x=[names[i] for i in x],
        y=[names[i] for i in y],
        mode="markers",
        marker={"symbol": "circle-open", "size": 6 if len(tokens) < 60 else 4, "color": theme(dark).muted},
        name=role,
        hoverinfo="skip",
    )
    return figure
