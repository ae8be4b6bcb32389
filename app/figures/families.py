"""The family trees, what six units know of each person, and which facts come out right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app.figures.theme import colours, dress, theme
from models.paper import Tree


def trees(
    drawn: Sequence[Tree],
    outputs: dict[str, float],
    right: Sequence[str],
    asked: str,
    dark: bool,
    *,
    title: str,
) -> go.Figure:
    """Both trees, a person's box filled by the network's output (0..1); the asked person framed, right answers underlined."""
    t = theme(dark)
    figure = make_subplots(cols=1, rows=len(drawn), vertical_spacing=0.06)
    for row, tree in enumerate(drawn, 1):
        at = _places(tree)
        for xs, ys in _lines(tree, at):
            figure.add_trace(
                go.Scatter(x=xs, y=ys, mode="lines", line={"color": t.muted, "width": 1.2}, hoverinfo="skip"), row, 1
            )
        names = list(at)
        values = np.array([outputs.get(name, 0.0) for name in names], np.float32)
        fill = colours(values, t.unsigned, 0, 1)
        figure.add_trace(
            go.Scatter(
                x=[at[name][0] for name in names],
                y=[at[name][1] for name in names],
                mode="markers",
                marker={
                    "symbol": "square",
                    "size": 30,
                    "color": [f"rgb({r},{g},{b})" for r, g, b in fill],
                    "line": {
                        "width": [3.5 if name == asked else 1 for name in names],
                        "color": [t.accent if name == asked else t.muted for name in names],
                    },
                },
                customdata=names,
                hovertemplate="%{customdata}: %{text}<extra></extra>",
                text=[f"output {v:.2f}" for v in values],
                unselected={"marker": {"opacity": 1}},
            ),
            row,
            1,
        )
        for name in names:
            x, y = at[name]
            text = f"<b><u>{name}</u></b>" if name in right else name
            figure.add_annotation(
                x=x, y=y - 0.34, text=text, showarrow=False, font={"size": 11, "color": t.text}, row=row, col=1
            )
        figure.add_annotation(
            x=-0.4, y=3.42, text=tree.name, showarrow=False, xanchor="left", font={"color": t.muted}, row=row, col=1
        )
    dress(figure, dark, title=title, height=270 * len(drawn) + 50)
    figure.update_layout(showlegend=False, clickmode="event+select")
    figure.update_xaxes(visible=False, range=[-0.6, 5.6])
    figure.update_yaxes(visible=False, range=[0.4, 3.7])
    return figure


def _places(tree: Tree) -> dict[str, tuple[float, float]]:
    """x by the order in the generation, spread over the same width; y 3 for the oldest, 1 for the youngest."""
    rows = len(tree.generations)
    return {
        name: (2.5 + (i - (len(names) - 1) / 2) * min(1.25, 5 / len(names)), float(rows - g))
        for g, names in enumerate(tree.generations)
        for i, name in enumerate(names)
    }


def _lines(tree: Tree, at: dict[str, tuple[float, float]]) -> list[tuple[list[float], list[float]]]:
    """A line between those who married, and from the middle of it one down to each child."""
    lines = [([at[a][0], at[b][0]], [at[a][1], at[b][1]]) for a, b in tree.couples]
    for (a, b), children in tree.children:
        x, y = (at[a][0] + at[b][0]) / 2, at[a][1]
        for child in children:
            cx, cy = at[child]
            lines.append(([x, x, cx, cx], [y, y - 0.55, y - 0.55, cy]))
    return lines


def units(
    weights: np.ndarray,
    groups: Mapping[str, Sequence[str]],
    people: Sequence[str],
    dark: bool,
    *,
    title: str,
    selected: str,
) -> go.Figure:
    """(units, people) weights as Fig. 4 draws them: a panel a unit, a row a family, the same place above each other."""
    t = theme(dark)
    names, rows_of = list(groups), list(groups.values())
    count, half = len(weights), max(len(g) for g in rows_of)
    top = float(np.abs(weights).max())
    rows = -(-count // 2)
    figure = make_subplots(
        rows, 2, subplot_titles=[f"unit {i + 1}" for i in range(count)], horizontal_spacing=0.06, vertical_spacing=0.09
    )
    place = {name: i for i, name in enumerate(people)}
    for u in range(count):
        z = np.array([[weights[u, place[name]] for name in group] for group in rows_of], np.float32)
        figure.add_trace(
            go.Heatmap(
                z=z,
                zmin=-top,
                zmax=top,
                colorscale=[list(stop) for stop in t.signed],
                customdata=np.array(rows_of),
                hovertemplate=f"%{{customdata}} to unit {u + 1}: %{{z:+.2f}}<extra></extra>",
                xgap=2,
                ygap=2,
                showscale=u == 0,
                colorbar={"title": {"text": "weight", "side": "right"}, "thickness": 10, "len": 0.5, "outlinewidth": 0},
            ),
            u // 2 + 1,
            u % 2 + 1,
        )
        for g, group in enumerate(rows_of):
            if selected in group:
                x = list(group).index(selected)
                figure.add_shape(
                    type="rect",
                    x0=x - 0.5,
                    x1=x + 0.5,
                    y0=g - 0.5,
                    y1=g + 0.5,
                    line={"color": t.accent, "width": 2.5},
                    row=u // 2 + 1,
                    col=u % 2 + 1,
                )
    dress(figure, dark, title=title, height=90 * rows + 150)
    figure.update_yaxes(
        autorange="reversed", tickvals=list(range(len(names))), ticktext=names, showgrid=False, zeroline=False
    )
    figure.update_yaxes(showticklabels=False, col=2)
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    last = [" / ".join(both) for both in zip(*rows_of, strict=True)]
    for col in (1, 2):
        figure.update_xaxes(
            showticklabels=True,
            tickvals=list(range(half)),
            ticktext=last,
            tickangle=-90,
            tickfont={"size": 10},
            row=rows,
            col=col,
        )
    figure.update_annotations(font={"size": 13, "color": t.muted})
    figure.update_layout(margin={"t": 66})
    return figure


def board(
    states: np.ndarray, people: Sequence[str], relations: Sequence[str], hover: np.ndarray, dark: bool
) -> go.Figure:
    """(people, relations) of 0 no such fact, 1 answered, 2 answered though held out, 3 wrong: one mark a fact, clickable."""
    t = theme(dark)
    looks = {
        1: ("answered", "square", t.ours),
        2: ("answered, never taught", "star", t.ours),
        3: ("wrong", "x", t.text),
    }
    figure = go.Figure()
    for state, (name, symbol, colour) in looks.items():
        y, x = np.nonzero(states == state)
        if len(y):
            figure.add_trace(
                go.Scatter(
                    x=x,
                    y=y,
                    mode="markers",
                    name=name,
                    marker={"symbol": symbol, "size": 13 if state == 2 else 10, "color": colour},
                    text=hover[y, x],
                    hovertemplate="%{text}<extra></extra>",
                    unselected={"marker": {"opacity": 1}},
                )
            )
    dress(figure, dark, title="All facts there are", height=22 * len(people) + 120)
    figure.update_yaxes(
        tickvals=list(range(len(people))), ticktext=list(people), range=[len(people) - 0.5, -0.5], zeroline=False
    )
    figure.update_xaxes(
        tickvals=list(range(len(relations))),
        ticktext=[f"has {r}" for r in relations],
        side="top",
        tickangle=-90,
        range=[-0.5, len(relations) - 0.5],
        zeroline=False,
    )
    figure.update_layout(
        clickmode="event+select", margin={"t": 110}, legend={"y": -0.02}, title={"y": 0.99, "yanchor": "top"}
    )
    return figure
