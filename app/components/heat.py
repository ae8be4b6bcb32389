"""One attribution as a figure with its sentences, and as a card among others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from app.components.cards import Card
from app.components.exhibit import exhibit
from app.figures.attribution import cells, over, small, units
from app.figures.maps import heatmap, png
from app.figures.pictures import url
from app.interpret.attribution import METHODS, Attribution, Survey, at_input
from app.view import Visit
from models.paper import Image


def flat(one: Attribution) -> np.ndarray:
    """The map summed over its channels, (h, w); of units without a place (units,)."""
    values = one.values
    if values.ndim == 3:
        return values.sum(0) if values.shape[1] * values.shape[2] > 1 else values[:, 0, 0]
    return values


def signed(one: Attribution) -> bool:
    return METHODS[one.method].signed and not one.unit.endswith("²")


def little(visit: Visit, one: Attribution) -> np.ndarray:
    """The map small, as RGB."""
    values = flat(one)
    return small(values if values.ndim == 2 else cells(values), visit.dark, signed=signed(one))


def card(visit: Visit, name: str, one: Attribution | None) -> Card:
    """The method's map small, what it took and by how much its sum is off; an empty card where it is not computed yet."""
    how = METHODS[name]
    if one is None:
        return Card(name, "", how.about)
    line = f"{1e3 * one.seconds:.0f} ms" if one.seconds < 1 else f"{one.seconds:.1f} s"
    if one.delta is not None and one.explained:
        off, share = abs(one.delta / one.explained), 1 + one.delta / one.explained
        parts = {"off": "< 0.1" if off < 0.001 else f"{100 * off:.2g}", "rest": -one.delta, "share": 100 * share}
        line += f", {how.rest.format(**parts)}"
    return Card(name, line, how.about, url(png(little(visit, one))))


def large(visit: Visit, one: Attribution, settings: Mapping[str, Any], found: Survey) -> None:
    """The map over the picture beside it, or as bars; how to read it; what the method does."""
    how, label = METHODS[one.method], visit.paper.scores.labels[one.target]
    exhibit(
        visit,
        _figure(visit, one, found, f"{one.method}: what speaks for {label}"),
        key="attribution",
        reading=" ".join(filter(None, (_strongest(visit, one, label), _sum(one), _channels(one)))),
        numbers={"attribution": one.values},
        code=_code(visit.paper.slug, settings),
    )
    st.caption(f"**{one.method}.** {how.about} [{how.source}]({how.url})")


def _figure(visit: Visit, one: Attribution, found: Survey, title: str) -> go.Figure:
    takes, values = visit.paper.sized, flat(one)
    where = f"the map of {one.layer}" if one.layer else "the map, over its outline"
    if values.ndim == 1:
        labels = takes.labels if not one.layer else [str(i) for i in range(len(values))]
        what = f"units of {one.layer}" if one.layer else "inputs"
        return units(values, labels, visit.dark, title=title, unit=one.unit, what=what)
    if not isinstance(takes, Image) or (one.layer and one.layer not in found.placed):
        return heatmap(values, visit.dark, title=f"{title}, in {one.layer}", unit=one.unit, signed=signed(one))
    v = np.clip(takes.unnormalise(visit.x)[0].transpose(1, 2, 0), 0, 1)
    picture = v[..., 0] if v.shape[2] == 1 else v
    return over(values, picture, visit.dark, title=title, unit=one.unit, signed=signed(one), where=where)


def _strongest(visit: Visit, one: Attribution, label: str) -> str:
    """ "Most for 7: row 9, column 20 (+1.2); most against it: row 4, column 11 (-0.8).\""""
    values = flat(one)
    if not values.any():
        return "The map is zero everywhere: by this method nothing in the input speaks for or against it."
    high, low = (np.unravel_index(int(f(values)), values.shape) for f in (np.argmax, np.argmin))
    most = f"{_place(visit, one, high)} ({values[high]:+.3g})"
    if not signed(one):
        return f"The score of {label} depends most on {_place(visit, one, high)} ({values[high]:.3g} {one.unit})."
    against = f"; most against it {_place(visit, one, low)} ({values[low]:+.3g})" if values[low] < 0 else ""
    return f"Most for {label} speaks {most}{against}."


def _place(visit: Visit, one: Attribution, index: tuple[np.intp, ...]) -> str:
    if len(index) == 2:
        return f"row {index[0]}, column {index[1]}" + (f" of {one.layer}" if one.layer else "")
    return f"unit {index[0]} of {one.layer}" if one.layer else str(visit.paper.sized.labels[int(index[0])])


def _sum(one: Attribution) -> str:
    if one.delta is None or one.explained is None:
        return ""
    total, goal = float(one.values.sum()), one.explained
    if one.method == "LRP":
        return f"The map holds {_number(total)}; the score is {_number(goal)}, and biases keep the rest."
    return (
        f"All of it adds up to {_number(total)}; from the baseline to the input the score changes by {_number(goal)}."
    )


def _channels(one: Attribution) -> str:
    many = one.values.ndim == 3 and len(one.values) > 1 and one.values[0].size > 1
    return f"Summed over {len(one.values)} channels." if many else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}"


def _code(slug: str, settings: Mapping[str, Any]) -> str:
    given = ", ".join(f"{k}={v!r}" for k, v in settings.items())
    return (
        "import models\nfrom app.interpret.attribution import attribute\n\n"
        f'net = models.load("{slug}")\nx = net.paper.takes.parse("your input")\n'
        f"found = attribute(net.module, net.paper, x, {given})\nprint(found.values.shape, found.delta)"
    )


def ranking(visit: Visit, one: Attribution) -> np.ndarray | None:
    """The map at the input's size, float32, for ranking its pixels; None where it does not lie there."""
    place = at_input(one.values, visit.paper)
    return None if place is None else np.ascontiguousarray(place, np.float32)
