"""Named points on a plane: every one has its name under the pointer, and those that find room have it written beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import plotly.graph_objects as go

from app.figures.theme import dress, theme

SIZE = 12  # pixels of a letter's height
LINE, LETTER = 18, 6.7  # pixels of a label's height, of a letter's width
GAP = 3  # pixels between a point and its label
WIDTHS, HEIGHT = (
    np.array([285, 400, 560, 720, 880]),
    315,
)  # pixels of the plot, from a phone's to the page's, and the least height
PLACES = {
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, 1),
    "top left": (-1, 1),
    "bottom right": (1, -1),
    "bottom left": (-1, -1),
}
EDGE = np.array([0.07, 0.1])  # share of the plot at every side where no point is, only names


@dataclass(frozen=True)
class Group:
    """Points that are drawn alike: what the legend calls them, their places among all, and their look."""

    name: str
    members: Sequence[int]
    colour: str
    symbol: str = "circle"
    size: int = 9
    sure: bool = False  # its names may lie over arrows and points that are not, where there is no other room


def plane(
    positions: np.ndarray,
    names: Sequence[str],
    hover: Sequence[str],
    groups: Sequence[Group],
    arrows: Sequence[tuple[int, int]],
    dark: bool,
    *,
    title: str,
    axes: Sequence[str],
    height: int = 560,
) -> go.Figure:
    """(n, 2) positions with n names, in groups of which the first ones find room for their names first; arrows lead along."""
    t, figure = theme(dark), go.Figure()
    low, size = positions.min(0), np.ptp(positions, axis=0).clip(min=1e-9)
    unit = EDGE + (1 - 2 * EDGE) * (positions - low) / size
    for group in reversed(groups):  # the first on top
        mine = list(group.members)
        figure.add_scatter(
            x=positions[mine, 0],
            y=positions[mine, 1],
            mode="markers",
            name=group.name,
            marker={"size": group.size, "color": group.colour, "symbol": group.symbol, "line": {"width": 0}},
            hovertext=[hover[i] for i in mine],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    of = {i: group for group in groups for i in group.members}
    sizes = [of[i].size for i in range(len(names))]
    places = labelled(unit, names, sizes, list(of), arrows, [i for i in of if of[i].sure])
    written = list(places)
    figure.add_scatter(
        x=positions[written, 0],
        y=positions[written, 1],
        mode="markers+text",
        text=[names[i] for i in written],
        textposition=list(places.values()),
        textfont={"color": [t.muted if of[i].colour == t.twin else of[i].colour for i in written], "size": SIZE},
        marker={"size": [sizes[i] for i in written], "opacity": 0},  # it keeps the label off the point
        hoverinfo="skip",
        showlegend=False,
    )
    for start, end in arrows:
        figure.add_annotation(
            **dict(zip(("ax", "ay"), positions[start], strict=True)),
            **dict(zip(("x", "y"), positions[end], strict=True)),
            axref="x",
            ayref="y",
            standoff=6,
            startstandoff=5,
            arrowhead=2,
            arrowwidth=1.6,
            arrowcolor=of[end].colour,
        )
    dress(figure, dark, title=title, height=height)
    ends = low + size * np.stack([-EDGE, 1 - EDGE]) / (1 - 2 * EDGE)
    figure.update_xaxes(title=axes[0], range=ends[:, 0], zeroline=False, fixedrange=True)
    figure.update_yaxes(title=axes[1], range=ends[:, 1], zeroline=False, fixedrange=True)
    figure.update_layout(legend={"traceorder": "reversed", "itemclick": False, "itemdoubleclick": False})
    return figure


def labelled(
    points: np.ndarray,
    names: Sequence[str],
    sizes: Sequence[int],
    order: Sequence[int],
    arrows: Sequence[tuple[int, int]] = (),
    sure: Sequence[int] = (),
) -> dict[int, str]:
    """Where to write names, around their points, so that none lies over another, a point, an arrow or the edge.

    points: (n, 2) in 0..1 of a plot of any of the WIDTHS, each as many pixels wide as `sizes` says. One after the other in
    `order`; a name without room is left out, unless it is `sure` and may lie over arrows and the other points.
    """
    room = np.stack([WIDTHS, np.full(len(WIDTHS), HEIGHT)], 1)  # (widths, 2)
    middles, found = points[:, None] * room, {}  # (n, widths, 2)
    marks = [_around(middle, size / 2) for middle, size in zip(middles, sizes, strict=True)]
    firm, lines = [marks[i] for i in sure], []
    for start, end in arrows:
        way = middles[end] - middles[start]
        lines += [_around(middles[start] + share * way, 2) for share in np.linspace(0, 1, 100)]
    written: list[np.ndarray] = []
    for i in order:
        obstacles = [marks + lines + written] + [firm + lines + written, firm + written] * (i in sure)
        for taken, place in product(obstacles, PLACES):
            mine = box(middles[i], names[i], sizes[i], place)
            over = np.array(taken).reshape(-1, *mine.shape)  # (taken, widths, 4)
            meets = (mine[:, :2] < over[..., 2:]) & (over[..., :2] < mine[:, 2:])
            if (mine[:, :2] >= 0).all() and (mine[:, 2:] <= room).all() and not meets.all(-1).any():
                found[i] = place
                written.append(mine)
                break
    return found


def box(middles: np.ndarray, name: str, size: int, place: str) -> np.ndarray:
    """Left, lower, right and upper end (widths, 4), in pixels, of a name beside a point of that size at `middles` (widths, 2)."""
    half = np.array([LETTER * len(name), LINE]) / 2
    centre = middles + np.array(PLACES[place]) * (half + size / 2 + GAP)
    return np.concatenate([centre - half, centre + half], -1)


def _around(middles: np.ndarray, reach: float) -> np.ndarray:
    return np.concatenate([middles - reach, middles + reach], -1)
