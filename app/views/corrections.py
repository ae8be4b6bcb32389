"""Corrections: a response unit is taught two classes from nothing, one example at a time."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.exhibit import exhibit
from app.components.player import player
from app.figures.curves import Line, curves
from app.figures.panels import Panel, panels
from app.interpret.corrections import Lesson, activity, judged, lesson, retina_at
from app.view import View, Visit
from models.data.probe import probe
from models.paper import Image, Responses

START = (3, 5)  # places of the two classes of the first lesson; of ten digits, two that are easily mistaken
WIRINGS = ("network", "twin")


def draw(visit: Visit) -> None:
    """Which two classes, then the example of this moment and what it changes, then the lesson as a whole."""
    pair, twin, seed = _choices(visit)
    labels = tuple(int(i) for i in probe(visit.paper.dataset).labels)
    whole = session.probe_visit(visit)
    given = session.ask(lesson, whole, twin=twin, labels=labels, pair=pair, order_seed=seed)
    key = "-".join(map(str, ("example", *pair, *["twin"] * twin, *[seed] * bool(seed))))
    shown = _moment(given, key)
    _example(visit, given, shown, whole.x)
    mine = session.ask(activity, visit, twin=twin)[0]
    left, right = st.columns(2, gap="medium")
    with left:
        _errors(visit, given, shown, key)
    with right:
        _mine(visit, given, shown, judged(given, mine))


def _choices(visit: Visit) -> tuple[tuple[int, int], bool, int]:
    """The pair of classes, whether the twin's connections are used, and the seed of the order."""
    labels = visit.paper.scores.labels
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start = [labels[min(place, len(labels) - 1)] for place in START]
        first = st.selectbox("Teach", labels, index=labels.index(start[0]), key="first", bind="query-params", width=100)
        others = [label for label in labels if label != first]
        place = others.index(start[1]) if start[1] in others else 0
        second = st.selectbox("against", others, index=place, key="second", bind="query-params", width=100)
        wiring = st.segmented_control(
            "Fixed connections of the",
            WIRINGS,
            default=WIRINGS[0],
            required=True,
            key="wiring",
            bind="query-params",
        )
        with st.popover("Settings", type="tertiary"):
            seed = st.number_input("Order of the examples, by seed", 0, 99, 0, key="order", bind="query-params")
            st.caption(f"The twin: {visit.paper.twin}")
    return (labels.index(first), labels.index(second)), wiring == "twin", int(seed)


def _moment(given: Lesson, key: str) -> int:
    """How many examples have been shown; 0 is before the first. Play goes from correction to correction.

    Every lesson has a place of its own under its `key`, at first its last correction.
    """
    last, stops = len(given.order), [0, *(int(i) + 1 for i in np.flatnonzero(given.wrong))]

    def go(to: int) -> None:
        st.session_state[key] = min(max(to, 0), last)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        play = st.container(width="content")
        shown = st.slider("Examples shown", 0, last, stops[-1], key=key, bind="query-params", width=420)
        before, after = shown - 1, shown + 1
        st.button("Back", on_click=go, args=(before,), disabled=before < 0, help="one example back")
        st.button("Next", on_click=go, args=(after,), disabled=after > last, help="one example on")
        following = next((s for s in stops if s > shown), None)
        st.button("Next error", on_click=go, args=(following or 0,), disabled=following is None)
    with play:
        at = sum(s <= shown for s in stops) - 1
        player(at, len(stops) - 1, key="play-corrections", on_step=lambda i: go(stops[i]), wait=900)
    return shown


def _example(visit: Visit, given: Lesson, shown: int, x: np.ndarray) -> None:
    """The example, what it changes, and the weights after it, on scales that stay the same all through the lesson."""
    wrong = shown > 0 and bool(given.wrong[shown - 1])
    weights = retina_at(given, shown)
    example, change = np.zeros_like(weights), np.zeros_like(weights)
    if shown:
        example = x[given.order[shown - 1]].mean(0)
    if wrong:
        change = given.changes[given.errors[shown - 1] - 1]
    most = float(np.abs(given.changes.cumsum(0)).max())
    labels = visit.paper.scores.labels
    row = [
        Panel(
            "the example" if shown else "no example yet",
            example,
            float(np.abs(x).max()),
            "as the network sees it",
            signed=bool((x < 0).any()),
        ),
        Panel("the change", change, float(np.abs(given.changes).max()), "change of the weight"),
        Panel(f"all changes so far: {given.errors[shown - 1] if shown else 0}", weights, most, "weight"),
    ]
    title = f"Example {shown:,}: {_verdict(given, shown, labels)}" if shown else "Before the first example"
    numbers = {"example": example, "change": change, "weights": weights}
    reading = _reading(given, shown, labels)
    exhibit(
        visit,
        panels(row, visit.dark, title=title, height=380),
        key="correction",
        reading=reading,
        numbers=numbers,
        code=_code(visit.paper.slug, given, shown),
    )


def _said(given: Lesson, response: int, labels: tuple[str, ...]) -> str:
    return {1: labels[given.pair[0]], -1: labels[given.pair[1]], 0: "nothing"}[response]


def _signed(net: float) -> str:
    return f"{net:+,.0f}" if net else "0"


def _verdict(given: Lesson, shown: int, labels: tuple[str, ...]) -> str:
    i = shown - 1
    is_, said = _said(given, int(given.target[i]), labels), _said(given, int(given.response[i]), labels)
    return f"it is {is_}, the answer is {said}, {'wrong' if given.wrong[i] else 'right'}"


def _reading(given: Lesson, shown: int, labels: tuple[str, ...]) -> str:
    first, second = (labels[i] for i in given.pair)
    if not shown:
        return f"All values are 0. A positive net input will mean {first}, a negative one {second}."
    i = shown - 1
    sum_ = f"The values of the {given.firing[i]:,} units that fire add up to {_signed(given.net[i])}"
    means = _said(given, int(given.response[i]), labels)
    if not given.wrong[i]:
        return f"{sum_}, which means {means} and is right, so that nothing changes."
    verb = "added to" if given.target[i] > 0 else "taken off"
    return (
        f"{sum_}, which means {means} and is wrong, so that {given.rate:g} is {verb} the value of each of them. "
        f"Orange speaks for {first}, blue for {second}, thrown back onto the retina through the fixed connections."
    )


def _errors(visit: Visit, given: Lesson, shown: int, key: str) -> None:
    """The lesson as a whole: when its errors were. A click on one goes there."""
    steps = np.arange(len(given.order) + 1)
    count = np.concatenate([[0], given.errors])
    stops = (np.flatnonzero(given.wrong) + 1).tolist()
    figure = curves(
        [Line(steps, count, "errors")],
        visit.dark,
        title="Errors so far",
        axis="errors",
        log=False,
        moments=stops,
        at=shown,
    ).update_xaxes(title="examples shown")
    size = len(steps) // given.sweeps
    ended = "the last without an error" if given.converged else "and it would go on: these two are not separated yet"
    reading = (
        f"{count[shown]} of {shown:,} examples so far were errors; every dot is one, and a click goes there. The lesson takes "
        f"{given.errors[-1]} corrections in {given.sweeps} sweeps over {size} examples, {ended}."
    )

    def picked() -> None:
        dots = [p["customdata"] for p in st.session_state["errors"].selection.points if "customdata" in p]
        if dots:
            st.session_state[key] = int(dots[0][0] if isinstance(dots[0], list) else dots[0])

    numbers = {"example": given.order, "target": given.target, "net_input": given.net, "errors": given.errors}
    code = _code(visit.paper.slug, given, shown)
    exhibit(visit, figure, key="errors", reading=reading, numbers=numbers, code=code, on_select=picked)


def _mine(visit: Visit, given: Lesson, shown: int, net: np.ndarray) -> None:
    """What the unit would have answered to the visitor's own input, at every moment of the lesson."""
    first, second = (visit.paper.scores.labels[i] for i in given.pair)
    figure = curves(
        [Line(np.arange(len(net)), net, "your input")],
        visit.dark,
        title=f"What it would say of your input: {first} above 0, {second} below",
        axis="net input",
        log=False,
        at=shown,
    ).update_xaxes(title="examples shown")
    meaning = _said(given, int(np.sign(net[shown])), visit.paper.scores.labels)
    reading = (
        f"After {shown:,} examples your input's net input is {_signed(net[shown])}, which means {meaning}; at the end it is "
        f"{_signed(net[-1])}. It is only asked, never taught."
    )
    exhibit(visit, figure, key="judged", reading=reading, numbers={"net_input": net})


def _code(slug: str, given: Lesson, shown: int) -> str:
    return (
        "import models\nfrom app.interpret.corrections import lesson, retina_at\nfrom models.data.probe import probe\n\n"
        f'net, known = models.load("{slug}"), probe(models.paper("{slug}").dataset)\n'
        "x = net.paper.takes.from_pixels(known.images)\n"
        f"given = lesson(net.module, net.paper, x, labels=tuple(known.labels), pair={given.pair})\n"
        f"print(retina_at(given, {shown}))"
    )


VIEW = View(
    "Corrections",
    75,
    (Image, Responses),
    draw,
    "A response unit that knows nothing is taught two classes, one example at a time: only its errors change it.",
)
