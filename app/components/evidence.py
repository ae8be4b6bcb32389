"""Whether an attribution may be believed: without training, without its pixels, and beside other methods."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from app import session
from app.components.answers import Scale, scale
from app.components.exhibit import exhibit
from app.components.heat import flat, ranking, signed
from app.figures.attribution import agreement as matrix
from app.figures.attribution import cells
from app.figures.attribution import removal as curves
from app.figures.maps import heatmap
from app.figures.panels import Panel, panels
from app.interpret.attribution import METHODS, Attribution, Removal, agreement, attribute, consensus, likeness, removal
from app.view import Visit
from models import checkpoint
from models.paper import Image

ALIKE, PARTLY = 0.7, 0.35  # rank correlations from which two maps are called alike, or alike in part
FAINT = 0.02  # probability below which a fall cannot be seen
RANDOM = 8  # random orders of taking pixels away


def believe(visit: Visit, one: Attribution, settings: Mapping[str, Any], baseline: str) -> None:
    """The map beside that of the untrained network, and what happens when the pixels that it names are taken away."""
    if not isinstance(visit.paper.takes, Image):
        st.caption("So few units are on that there is nothing to rank: maps are compared for pictures only.")
        return
    st.subheader("Can this map be believed?", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        _untrained(visit, one, settings)
    with right:
        _removed(visit, one, baseline)


def _untrained(visit: Visit, one: Attribution, settings: Mapping[str, Any]) -> None:
    if 0 not in checkpoint.snapshots(visit.paper.slug):
        st.caption("No snapshot from before the training is there to compare this map with.")
        return
    before = session.ask(attribute, visit, step=0, **settings)
    same = likeness(one.values, before.values)
    pair = [(name, _grid(a), a) for name, a in (("trained", one), ("before training", before))]
    figure = panels(
        [Panel(name, v, float(np.nanmax(np.abs(v))), METHODS[a.method].measures, signed(a)) for name, v, a in pair],
        visit.dark,
        title="The same method before any training",
        height=round(150 + 180 * min(1.0, max(v.shape[0] / v.shape[1] for _, v, _ in pair))),
    )
    exhibit(
        visit,
        figure,
        key="untrained",
        reading=_verdict(same),
        numbers={"trained": one.values, "untrained": before.values},
    )


def _grid(one: Attribution) -> np.ndarray:
    values = flat(one)
    return values if values.ndim == 2 else cells(values)


def _verdict(same: float) -> str:
    """Adebayo et al. 2018: a map that does not change with the weights cannot tell about them."""
    source = "[Adebayo et al. 2018](https://arxiv.org/abs/1810.03292)"
    if np.isnan(same):
        return f"Before training the map is the same everywhere, so all that it shows now was learned ({source})."
    said = f"Rank correlation of the two maps: {same:.2f}. "
    if same >= ALIKE:
        return f"{said}A warning: much of this map shows the picture and not what the network learned ({source})."
    if same >= PARTLY:
        return f"{said}The map depends on what was learned, but part of it is there without any training ({source})."
    return f"{said}The map depends on what the network learned, as it should ({source})."


def _removed(visit: Visit, one: Attribution, baseline: str) -> None:
    order = ranking(visit, one)
    if order is None:
        st.caption(f"This map lies in {one.layer or 'the network'}, not in the input: it ranks no pixels to take away.")
        return
    label, target = visit.paper.scores.labels[one.target], one.target
    found = session.ask(removal, visit, order=order.tobytes(), target=target, baseline=baseline, chances=RANDOM)
    drawn = scale(visit.paper.scores)
    most, least, chance, low, high = (
        drawn.factor * c for c in (found.most, found.least, found.chance, found.low, found.high)
    )
    figure = curves(
        found.share,
        [("what speaks for it first", most), ("what speaks for it last", least)],
        (chance, low, high),
        visit.dark,
        end=drawn.end,
        title=f"{label}, as pixels are taken away",
        axis=drawn.axis,
    )
    exhibit(
        visit,
        figure,
        key="removal",
        reading=_fall(found, label, drawn),
        numbers={"share": found.share, "most": found.most, "least": found.least, "chance": found.chance},
    )


def _fall(found: Removal, label: str, drawn: Scale) -> str:
    """The areas under the curves, and what follows (Samek et al. 2017)."""
    if max(map(found.area, (found.most, found.least, found.high))) < FAINT:
        return f"{label} is so unlikely, with and without these pixels, that taking them away shows nothing."
    most, chance = found.area(found.most), found.area(found.chance)
    better = "better than any random order" if most < found.area(found.low) else "better than chance"
    said = {name: drawn.text(area) for name, area in (("most", most), ("chance", chance))}
    return (
        f"On average over the way, {label} keeps {said['most']} if what this map puts first goes first, {said['chance']} in "
        f"random order (the band: {RANDOM} of them) and {drawn.text(found.area(found.least))} if it goes last. By this test the "
        f"map finds what counts {better if most < chance else 'no better than chance'} "
        "([Samek et al. 2017](https://arxiv.org/abs/1509.06321))."
    )


def compare(visit: Visit, ready: Mapping[str, Attribution]) -> None:
    """The rank correlation of all methods' maps with each other, and who agrees most and least."""
    if not isinstance(visit.paper.takes, Image):
        return
    placed = {name: m for name, one in ready.items() if (m := ranking(visit, one)) is not None}
    if len(placed) < 2:
        return
    st.subheader("Do the methods agree?", anchor=False)
    names, maps = list(placed), list(placed.values())
    digest = hashlib.sha256(b"".join(m.tobytes() for m in maps)).hexdigest()
    found, shared = session.once(("compared", digest), lambda: (agreement(maps), consensus(maps)))
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        absent = [name for name in ready if name not in placed]
        rest = f" {' and '.join(absent)} lies in a layer, not in the input." if absent else ""
        exhibit(
            visit,
            matrix(found, names, visit.dark, title="Rank correlation of every two maps"),
            key="agreement",
            reading="1: both maps rank the input's parts alike, by how much each counts, for or against; 0: no relation."
            + rest,
            numbers={"methods": np.array(names), "correlation": found},
        )
    with right:
        title = "Where they agree that it matters"
        figure = heatmap(shared, visit.dark, title=title, unit="mean rank, 0 to 1", signed=False, top=1.0, height=340)
        exhibit(visit, figure, key="consensus", reading=_who(names, found), numbers={"consensus": shared})


def _who(names: list[str], found: np.ndarray) -> str:
    """Each method's mean agreement with the others, the best and the worst, and the two most alike."""
    others = np.where(np.eye(len(names), dtype=bool), np.nan, found)
    if np.isnan(others).all():
        return "All maps are the same everywhere: there is nothing to compare."
    with np.errstate(invalid="ignore"):
        mean = np.array([np.nanmean(row) if not np.isnan(row).all() else np.nan for row in others])
    best, worst = int(np.nanargmax(mean)), int(np.nanargmin(mean))
    a, b = np.unravel_index(int(np.nanargmax(others)), others.shape)
    return (
        f"Most like the others is {names[best]} ({mean[best]:.2f} on average), least {names[worst]} ({mean[worst]:.2f}). "
        f"The two most alike: {names[a]} and {names[b]} ({found[a, b]:.2f})."
    )
