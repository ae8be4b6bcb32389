"""A search drawn as a tree: a row a length, from the top down; in each, what was weighed, the likeliest on the left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme
from app.figures.words import label, plain

ROW = 34  # pixels between a token and the next
LONGEST = 10  # letters of a token that are shown


def tree(
    names: Sequence[str],
    parents: np.ndarray,
    lengths: np.ndarray,
    hover: Sequence[str],
    dark: bool,
    *,
    title: str,
    best: Sequence[int],
    going: Sequence[int],
    ends: Sequence[int],
    selected: int = -1,
) -> go.Figure:
    """Nodes in the order of their lengths, `parents` (nodes,) of -1 for the first -> dots with their tokens, lines between.

    The path of the `best` stands out, those `going` on are plain, `ends` are squares, the rest is pale.
    """
    t = theme(dark)
    n = len(parents)
    x = _places(lengths)
    kind = np.zeros(n, int)
    kind[list(going)] = 1
    kind[list(best)] = 2
    paint, ink = (t.line, t.muted, t.ours), (t.twin, t.text, t.ours)
    ended, figure = set(ends), go.Figure()
    for level in range(3):
        children = [i for i in range(n) if parents[i] >= 0 and kind[i] == level]
        ways = [[(x[parents[i]], x[i], None), (lengths[parents[i]], lengths[i], None)] for i in children]
        figure.add_scatter(
            x=[value for way in ways for value in way[0]],
            y=[value for way in ways for value in way[1]],
            mode="lines",
            line={"color": paint[level], "width": (1, 1.2, 3)[level]},
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=x,
        y=lengths,
        mode="markers",
        marker={
            "color": [paint[k] for k in kind],
            "size": [9 if k == 2 else 6 for k in kind],
            "symbol": ["square" if i in ended else "circle" for i in range(n)],
            "line": {"width": [3 if i == selected else 0 for i in range(n)], "color": t.accent},
        },
        customdata=[plain(text).replace("\n", "<br>") for text in hover],
        hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
    )
    notes = []
    for i, name in enumerate(map(label, names)):  # on a ground of their own, so that lines pass behind
        short = plain(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")
        where = {"x": x[i], "y": lengths[i], "xanchor": "left", "xshift": 6, "showarrow": False, "borderpad": 1}
        notes.append({"text": short, "font": {"color": ink[kind[i]], "size": 12}, "bgcolor": t.ground, **where})
    figure.layout.annotations = notes  # all at once: one by one takes seconds
    depth = int(lengths.max())
    dress(figure, dark, title=title, height=110 + ROW * depth)
    quiet = {"showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_yaxes(range=[depth + 0.5, -0.5], title="length, tokens", dtick=1, **quiet)
    figure.update_xaxes(range=[-0.2, x.max() + 0.8], title="the likeliest on the left", showticklabels=False, **quiet)
    return figure.update_layout(showlegend=False, hovermode="closest")


def _places(lengths: np.ndarray) -> np.ndarray:
    """(nodes,): each one's place among those of its length, in their order."""
    first = np.searchsorted(lengths, lengths)  # of the first node of the same length
    return np.arange(len(lengths)) - first
