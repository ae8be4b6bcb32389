"""Prediction: every answer with its score, and the smallest change of the picture that leads to another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import session
from app.components.answers import answers, percent
from app.components.choice import choice
from app.components.exhibit import exhibit
from app.figures.bars import bars
from app.figures.triptych import triptych
from app.interpret.counterfactual import MOST, NEAR, Flips, flips, ways
from app.interpret.prediction import Prediction, predict, probabilities
from app.view import View, Visit
from models.paper import ClassScores, Image

WAYS = {"sign": "every pixel a little", "gradient": "most where it matters", "points": "as few pixels as can be"}
COSTS = {"sign": "grey levels of 255", "gradient": "length of the change", "points": "pixels turned over"}


def draw(visit: Visit) -> None:
    """What it says; and for pictures, what would have to change."""
    said = session.ask(predict, visit)
    answers(visit, said, _code(visit.paper.slug, "prediction", "predict"))
    if isinstance(visit.paper.takes, Image):
        _changes(visit, said)


def _changes(visit: Visit, said: Prediction) -> None:
    """The chosen change as pictures, beside how far every other answer is."""
    can = session.ask(ways, visit)
    st.subheader("What would have to change", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        way = choice(st.segmented_control, "Change", {k: WAYS[k] for k in can}, key="way", required=True)
        target = st.selectbox(
            "Into",
            said.labels,
            None,
            placeholder="the nearest other answer",
            key="target",
            bind="query-params",
            width=240,
        )
    if can == ("points",):
        st.caption(
            "This network lets no gradient through, or sees only on and off: nothing less than a whole pixel can change."
        )
    wanted = said.labels.index(target) if target in said.labels else -1
    likely = [int(k) for k in said.order[:NEAR]]
    found = session.ask(flips, visit, way=way, also=-1 if wanted in likely else wanted)
    names = [said.labels[k] for k in found.classes]
    goal = names.index(target) if target in names and names.index(target) != found.was else found.nearest
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        _pictures(visit, found, names, goal)
    with right:
        _costs(visit, found, names, goal)


def _pictures(visit: Visit, found: Flips, names: Sequence[str], goal: int) -> None:
    change = found.change[goal]
    was, now = names[found.was], names[goal if found.flipped[goal] else found.was]
    figure = triptych(
        found.before,
        255 * change.mean(0),
        found.after[goal],
        visit.dark,
        title=f"From {was} to {now}" if found.flipped[goal] else f"Still {was}",
        headings=(f"your input: {was}", "the change", f"changed: {now}"),
        unit="grey levels of 255",
    )
    exhibit(
        visit,
        figure,
        key="change",
        reading=_reading(visit.paper.scores, found, names, goal),
        numbers={"before": found.before, "change": change, "after": found.after[goal], "scores": found.scores[goal]},
        code=_code(visit.paper.slug, "counterfactual", "flips", f', way="{found.way}"'),
    )


def _costs(visit: Visit, found: Flips, names: Sequence[str], goal: int) -> None:
    """How large the smallest change is for every other answer; a click chooses it."""
    order = [int(k) for k in np.argsort(found.cost, kind="stable") if k != found.was]
    texts = [f"{found.cost[k]:.3g}" if found.flipped[k] else "not found" for k in order]

    def picked() -> None:
        points = st.session_state["costs"].selection.points
        if points:
            st.session_state["target"] = names[order[int(points[0]["point_index"])]]

    figure = bars(
        found.cost[order],
        [names[k] for k in order],
        visit.dark,
        title="How far each other answer is",
        axis=COSTS[found.way],
        texts=texts,
        selected=order.index(goal) if goal in order else -1,
    )
    likely = "" if len(found.classes) == len(visit.paper.scores.labels) else " likely"
    reached = f"{int(found.flipped.sum())} of {len(order)} other{likely} answers can be reached"
    exhibit(
        visit,
        figure,
        key="costs",
        reading=f"{reached} this way; click one to see how. The smallest change that was found: a smaller one may exist.",
        numbers={
            "classes": found.classes,
            "cost": found.cost,
            "epsilon": found.epsilon,
            "length": found.length,
            "steps": found.steps,
        },
        code=_code(visit.paper.slug, "counterfactual", "flips", f', way="{found.way}"'),
        on_select=picked,
    )


def _reading(gives: ClassScores, found: Flips, names: Sequence[str], goal: int) -> str:
    """The change in numbers, or that none was found."""
    if not found.flipped[goal]:
        name = "another answer" if goal == found.was else names[goal]
        tried = (
            f"up to {MOST} pixels turned over"
            if found.way == "points"
            else "one step of any length, and many small ones"
        )
        return f"No change of this kind was found that leads to {name} ({tried}). There may be one all the same."
    p, steps = probabilities(found.scores[goal : goal + 1], gives)[0][found.classes], int(found.steps[goal])
    grey, share = f"{255 * found.epsilon[goal]:.3g} of 255 grey levels", 100 * found.share[goal]
    how = {
        "sign": f"Moving every pixel that can move ({share:.0f} %) by {grey if steps == 1 else f'at most {grey}'}",
        "gradient": f"A change of length {found.length[goal]:.3g} (1 is one pixel from black to white), at most {grey} a pixel,",
        "points": f"Turning over {steps} {'pixel' if steps == 1 else 'pixels'}, {share:.2g} % of them,",
    }[found.way]
    just, many = ", only just" if found.way != "points" else "", ""
    if found.way != "points" and steps > 1:
        many = f" One step straight on does not do it; {steps} small ones, each along the gradient where it stands, do."
    return (
        f"{how} turns the answer from {names[found.was]} to {names[goal]}{just}: {percent(p[goal])} "
        f"against {percent(p[found.was])}. Orange pixels become lighter, blue ones darker.{many}"
    )


def _code(slug: str, file: str, name: str, more: str = "") -> str:
    return (
        f"import models\nfrom app.interpret.{file} import {name}\n\n"
        f'net = models.load("{slug}")\nx = net.paper.takes.parse("your input")\n'
        f"print({name}(net.module, net.paper, x{more}))"
    )


VIEW = View(
    "Prediction", 10, (ClassScores,), draw, "What the network answers, how sure it is, and what would change its mind."
)
