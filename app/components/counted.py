"""A text coloured by what each of its tokens counts for an answer: one strip a method, and what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from app import session
from app.components.asked import Asked
from app.components.exhibit import foot
from app.components.strip import strip
from app.interpret.token_attribution import METHODS, TokenAttribution, attribute, rolled
from app.view import Visit

ROLLOUT = "rollout"
NAMES = {**METHODS, ROLLOUT: "Attention rollout"}
ABOUT = {
    "LayerIntegratedGradients": "Slopes met on the straight way from the baseline to the text, added up.",
    "LayerGradientXActivation": "The slope at the text as it is, times each token's own vector; it promises no sum.",
    "FeatureAblation": "What the score loses when one token alone is replaced by the baseline.",
    "ShapleyValueSampling": "What a token adds when tokens are put in one by one, averaged over random orders.",
    ROLLOUT: "How much of each token attention carries to this place; it knows nothing of the answer and has no sign.",
}
TOGETHER = ("FeatureAblation", "ShapleyValueSampling")  # they need no more for all answers than for one
ON_TOKENS = ("LayerGradientXActivation", ROLLOUT)  # without a baseline: special tokens count too


def whole(asked: Asked, method: str, steps: int = 0) -> np.ndarray:
    """What every token counts for every answer: (answers, tokens)."""
    if method == ROLLOUT:
        found = session.ask(rolled, asked.visit)
        return np.repeat(found, len(asked.places), 0) if asked.classes else found
    return _asked(asked, method, slice(None), steps).values


def counted(asked: Asked, method: str) -> np.ndarray:
    """Draw one method's strip with its sentence; returns what every token counts for the chosen answer: (tokens,)."""
    st.markdown(f"**{NAMES[method]}**")
    one = None if method == ROLLOUT else _one(asked, method)
    values = whole(asked, method)[asked.row] if one is None else one.values[0]
    seen = asked.seen(asked.row)
    free = seen & ~asked.fixed
    with st.container(key=f"figure-{method}", gap="xsmall"):
        _strips(asked, method, np.where(seen if method in ON_TOKENS else free, values, np.nan), free)
    foot(
        asked.visit,
        key=method,
        reading=f"{ABOUT[method]} {_reading(asked, values, free, one)}",
        numbers={"tokens": np.array(asked.columns), "counts": values},
        code=_code(asked, method),
        sheet=True,
    )
    return values


def _one(asked: Asked, method: str) -> TokenAttribution:
    """The chosen answer's attribution."""
    row = slice(asked.row, asked.row + 1)
    if method not in TOGETHER:
        return _asked(asked, method, row)
    found = _asked(asked, method, slice(None))
    return replace(found, **{k: getattr(found, k)[row] for k in ("values", "scores", "bare", "delta")})


def _asked(asked: Asked, method: str, rows: slice, steps: int = 0) -> TokenAttribution:
    return session.ask(
        attribute,
        asked.visit,
        method=method,
        places=asked.places[rows],
        targets=asked.targets[rows],
        baseline=asked.baseline,
        steps=steps,
    )


def _strips(asked: Asked, method: str, values: np.ndarray, free: np.ndarray) -> None:
    """A strip for each side; a click on a token asks for the answer at its place."""

    def go(place: int) -> None:
        st.session_state.update(place=str(place), target="")

    begin, top = 0, float(np.abs(values[free]).max(initial=0)) or 1.0
    for side, size in enumerate(asked.sizes):
        here = range(begin, begin + size)
        answering = side == len(asked.sizes) - 1 and not asked.classes
        strip(
            [asked.tokens[i].text for i in here],
            [f"place {i - begin}" + ("" if np.isnan(values[i]) else f", {values[i]:+.3g}") for i in here],
            asked.visit.dark,
            key=f"strip-{method}-{side}",
            label=f"{NAMES[method]}: what each token counts for {asked.answer}",
            values=values[begin : begin + size],
            signed=method != ROLLOUT,
            top=top,
            special=[i - begin for i in here if asked.fixed[i]],
            selected=asked.place if answering else -1,
            on_pick=go if answering else None,
        )
        begin += size


def _reading(asked: Asked, values: np.ndarray, free: np.ndarray, one: TokenAttribution | None) -> str:
    """Which token counts most for the answer, which most against it, and whether the sum is right."""
    places = np.flatnonzero(free)
    if not len(places):
        return "No token that comes before can be replaced."
    best, worst = places[values[places].argmax()], places[values[places].argmin()]
    if one is None:
        rest = values[asked.fixed].sum()
        special = f", all special tokens {_percent(rest)}" if asked.fixed.any() else ""
        return f"Among the words “{asked.columns[best]}” gives most, {_percent(values[best])}{special}."
    said = f"“{asked.columns[best]}” speaks most for {asked.answer} ({values[best]:+.2f})"
    if values[worst] < 0:
        said += f", “{asked.columns[worst]}” most against it ({values[worst]:+.2f})"
    return f"{said}. {_sum(asked, values, one)}".strip()


def _sum(asked: Asked, values: np.ndarray, one: TokenAttribution) -> str:
    change, delta = float(one.scores[0] - one.bare[0]), float(one.delta[0])
    if np.isnan(delta):
        return ""
    how = f"{one.steps} points of the way" if one.method == "LayerIntegratedGradients" else f"{one.steps} orders"
    off = f"{abs(100 * delta / change):.2g} % off" if abs(change) > 1e-3 else f"{abs(delta):.2g} off"
    return (
        f"All add up to {values.sum():.3f}: the score is {one.scores[0]:.3f} here, {one.bare[0]:.3f} with {asked.called} "
        f"everywhere ({off}; {how})."
    )


def missed(asked: Asked, method: str, steps: int) -> str:
    """Where all answers were asked at so few points of the way: how far off the worst sum is, but for the chosen one's."""
    found = _asked(asked, method, slice(None), steps)
    off, change = np.abs(found.delta), np.abs(found.scores - found.bare)
    off[asked.row] = 0
    worst = int(off.argmax())
    share = f", {100 * off[worst] / change[worst]:.2g} % of what its score changes by" if change[worst] > 1e-3 else ""
    return (
        f" The other rows are of {steps} points of the way, to be quick; the worst of their sums is {off[worst]:.2g} "
        f"{asked.unit} off{share}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _code(asked: Asked, method: str) -> str:
    named, arguments = "rolled", ""
    if method != ROLLOUT:
        named, place, target = "attribute", asked.place, asked.targets[asked.row]
        arguments = f', method="{method}", places=({place},), targets=({target},), baseline={asked.baseline}'
    return (
        f"import models\nfrom app.interpret.token_attribution import {named}\n\n{given(asked.visit)}"
        f"print({named}(net.module, net.paper, x{arguments}))"
    )


def given(visit: Visit) -> str:
    """The lines of a snippet that load the network and its input."""
    return f'net = models.load("{visit.paper.slug}")\nx = net.paper.takes.parse({str(visit.source)!r})\n'
