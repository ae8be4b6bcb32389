"""The methods of attribution as a visitor asks for them: what is chosen, each method's own settings, and their answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from app import session
from app.components.choice import choice
from app.interpret.attribution import METHODS, SMOOTHINGS, Attribution, Survey, attribute, choices, side
from app.interpret.prediction import Prediction
from app.view import Visit
from models.paper import Image

AT_ONCE = 0.25  # seconds for methods that are not yet computed, before the page is shown with those that are
EFFORTS = {"1": "normal", "0.25": "quick", "4": "thorough"}


@dataclass(frozen=True)
class Wanted:
    """What the visitor chose. `general` holds the settings that several methods share, by their names in `attribute`."""

    target: int
    method: str
    layer: str | None
    unit: int | None
    effort: float
    general: Mapping[str, Any]

    def own(self, found: Survey, method: str) -> dict[str, Any]:
        """The settings of one method, of those that it listens to; so one that is not changed is not computed again."""
        how = METHODS[method]
        smoothing = () if self.general["smooth"] == "off" else ("smooth", "smooth_samples", "noise", "random_seed")
        named = how.uses.union(smoothing)
        own: dict[str, Any] = {k: v for k, v in self.general.items() if k in named}
        if how.steps and self.effort != 1:
            own["steps"] = max(8, round(self.effort * how.steps))
        if how.samples and self.effort != 1:
            own["samples"] = max(4, round(self.effort * how.samples))
        if "layer" in how.uses:
            own["layer"] = self.layer if self.layer in found.layers[method] else found.best[method]
        return {"method": method, "target": self.target, **own}


def choose(visit: Visit, found: Survey, said: Prediction) -> Wanted:
    """Target and method, the layer and unit where the method looks at one, and all else behind one popover."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = st.selectbox(
            "What speaks for",
            said.labels,
            None,
            placeholder=f"its answer, {said.top}",
            key="target",
            bind="query-params",
            width=180,
        )
        method = st.selectbox("Method", found.methods, key="method", bind="query-params", width=230)
        how, layer, unit = METHODS[method], None, None
        if "layer" in how.uses:
            fit = found.layers[method]
            layer = st.selectbox(
                "Layer", fit, fit.index(found.best[method]), key="layer", bind="query-params", width=170
            )
        if "unit" in how.uses:
            numbers = [str(i) for i in range(found.shapes[layer or found.best[method]][0])]
            unit = st.selectbox(
                "Unit", numbers, None, placeholder="the strongest", key="unit", bind="query-params", width=140
            )
        effort, general = _settings(visit)
    goal = said.labels.index(target) if target in said.labels else int(said.order[0])
    return Wanted(goal, method, layer, None if unit is None else int(unit), effort, general)


def _settings(visit: Visit) -> tuple[float, dict[str, Any]]:
    with st.popover("Settings"):
        baseline = choice(st.selectbox, "Baseline: what stands for nothing", choices(visit.paper), key="baseline")
        block = side(visit.paper)
        if isinstance(visit.paper.takes, Image):
            most = max(2, min(visit.paper.takes.size) // 4)
            block = st.slider("Side of a patch, pixels", 1, most, block, key="patch", bind="query-params")
        effort = choice(st.segmented_control, "Effort: steps and samples", EFFORTS, key="effort", required=True)
        smooth = choice(st.selectbox, "Smoothing: averaged over noisy copies", SMOOTHINGS, key="smooth")
        on = smooth != "off"
        copies = st.slider("Noisy copies", 2, 32, 8, key="copies", bind="query-params", disabled=not on)
        noise = st.slider(
            "Noise, of the input's range", 0.05, 0.5, 0.15, 0.05, key="noise", bind="query-params", disabled=not on
        )
        dice = st.number_input("Random seed", 0, 999, 0, key="dice", bind="query-params")
    general = {
        "baseline": baseline,
        "block": block,
        "smooth": smooth,
        "smooth_samples": copies,
        "noise": noise,
        "random_seed": int(dice),
    }
    return float(effort), general


def settings(visit: Visit, found: Survey, wanted: Wanted, method: str) -> dict[str, Any]:
    """A method's settings, its unit included: the one through which most of the score flows, if nobody chose one."""
    asked = wanted.own(found, method)
    if "unit" in METHODS[method].uses:
        unit = wanted.unit
        if unit is None or unit >= found.shapes[asked["layer"]][0]:
            whole = wanted.own(found, "LayerConductance") | {"layer": asked["layer"]}
            flow = session.ask(attribute, visit, **whole).values
            unit = int(np.abs(flow.reshape(len(flow), -1).sum(1)).argmax())
        asked["unit"] = unit
    return asked


def answered(visit: Visit, found: Survey, wanted: Wanted, method: str) -> Attribution:
    return session.ask(attribute, visit, **settings(visit, found, wanted, method))


def some(visit: Visit, found: Survey, wanted: Wanted) -> dict[str, Attribution]:
    """The methods' maps: all that are kept, and at least one other, more as long as `AT_ONCE` allows."""
    ready: dict[str, Attribution] = {}
    started, computed = time.monotonic(), 0
    for method in found.methods:
        asked = settings(visit, found, wanted, method)
        if not session.kept(attribute, visit, **asked):
            if computed and time.monotonic() - started > AT_ONCE:
                continue
            computed += 1
        ready[method] = session.ask(attribute, visit, **asked)
    return ready
