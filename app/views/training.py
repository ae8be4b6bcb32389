"""Training: the curves of the network and its twin, and any moment on the way, seen through the visitor's input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.curve import curve
from app.components.exhibit import exhibit, foot
from app.components.grid import grid
from app.components.player import player
from app.figures.bars import bars
from app.figures.curves import Line, lines_of, quantities
from app.figures.maps import mosaic
from app.interpret.history import Moment, first_weights, moment
from app.interpret.prediction import predict
from app.view import View, Visit
from models import checkpoint
from models.paper import ClassScores

SMALLEST = 6  # pixels a side: a unit without a place is drawn as a square of this size


def draw(visit: Visit) -> None:
    """Curves, the scrubber under them, and below it what the chosen moment makes of the input."""
    slug = visit.paper.slug
    steps, runs = checkpoint.snapshots(slug), checkpoint.read_curves(slug)
    if not steps:
        raise checkpoint.CheckpointError(f"No snapshots of {slug} are there: fetch the repository whole, or train it.")
    above = st.container()
    at, layer, log = _controls(visit, steps)
    target = int(session.ask(predict, visit).order[0])
    moments = [session.ask(moment, visit, step=s, layer=layer, target=target) for s in steps]
    with above:
        _curves(visit, runs, steps, at, log)
    _answer(visit, moments, steps, at, log)
    _inside(visit, moments, steps, at, layer)


def _controls(visit: Visit, steps: Sequence[int]) -> tuple[int, str, bool]:
    """Which moment, which layer, and whether the axis of the steps is logarithmic."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        play = st.container(width="content")
        at = st.select_slider(
            "Moment of training, in steps",
            steps,
            steps[-1],
            format_func=lambda s: f"{s:,}",
            key="step",
            bind="query-params",
            width=380,
        )
        layers = [probe.path for probe in visit.paper.probes]
        layer = st.selectbox("Layer", layers, key="layer", bind="query-params", width=190)
        axis = st.segmented_control(
            "Axis of the steps", ["log", "linear"], default="log", required=True, key="steps", bind="query-params"
        )
    with play:
        player(steps.index(at), len(steps) - 1, key="play", on_step=lambda i: st.session_state.update(step=steps[i]))
    return at, layer, axis == "log"


def _curves(visit: Visit, runs: checkpoint.Curves, steps: Sequence[int], at: int, log: bool) -> None:
    """A figure for every quantity that was measured: the test set, the training set, further seeds, the twin."""
    columns = st.columns(2, gap="medium")
    for i, name in enumerate(quantities(runs)):
        lines, unit = lines_of(runs, name), " %" if name in ("accuracy", "error") else ""
        here = float(np.interp(at, lines[0].steps, lines[0].values))
        twin = "".join(f", its twin's {line.values[-1]:.4g}{unit}" for line in lines if line.role == "twin")
        seeds = sum(line.faint for line in lines)
        with columns[i % 2]:
            curve(
                visit,
                lines,
                steps,
                at,
                key=f"curve-{name}",
                title=name.capitalize(),
                axis=unit.strip() or name,
                log=log,
                reading=f"At step {at:,} the {name} is {here:.4g}{unit}, at the end {lines[0].values[-1]:.4g}{unit}{twin}."
                + (f" The {seeds} thin lines are further seeds." if seeds else ""),
                code=f'from models import checkpoint\n\nprint(checkpoint.read_curves("{visit.paper.slug}"))',
            )


def _answer(visit: Visit, moments: Sequence[Moment], steps: Sequence[int], at: int, log: bool) -> None:
    """How the answer to this input came about, and all answers at the chosen moment."""
    labels, here = visit.paper.gives.labels, moments[steps.index(at)].prediction
    shares = 100 * np.array([m.prediction.probabilities for m in moments])  # (steps, classes)
    leaders = list(dict.fromkeys(int(m.prediction.order[0]) for m in reversed(moments)))  # the final answer first
    rest = [k for k in range(len(labels)) if k not in leaders]
    axis = "output, %" if visit.paper.gives.probability == "identity" else "probability, %"
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        curve(
            visit,
            [
                Line(np.array(steps), shares[:, k], labels[k], "ours" if k == leaders[0] else k, faint=k in rest)
                for k in (*leaders, *rest)
            ],
            steps,
            at,
            key="answers",
            title="What it says of your input, from the first step to the last",
            axis=axis,
            log=log,
            reading=_story(moments, steps, at),
            code=_code(visit.paper.slug, "prediction", "predict", at),
            span=(0.0, 104.0),
        )
    with right:
        order = np.arange(len(labels)) if len(labels) <= 12 else moments[-1].prediction.order[:12]
        p = here.probabilities[order]
        figure = bars(
            100 * p,
            [labels[k] for k in order],
            visit.dark,
            title=f"At step {at:,}",
            axis=axis,
            texts=[percent(s) for s in p],
            strong=np.flatnonzero(order == here.order[0]).tolist(),
            span=(0.0, 100.0),
            height=320,
        )
        code = _code(visit.paper.slug, "prediction", "predict", at)
        reading = f"{here.top} leads, {labels[here.order[1]]} follows. The axis stays the same at every step."
        exhibit(visit, figure, key="moment", reading=reading, numbers={"probabilities": here.probabilities}, code=code)


def _story(moments: Sequence[Moment], steps: Sequence[int], at: int) -> str:
    """Since when the network gives its final answer, and what it says at the chosen step."""
    says = [m.prediction.top for m in moments]
    since = len(says) - next((i for i, s in enumerate(reversed(says)) if s != says[-1]), len(says))
    here = moments[steps.index(at)].prediction
    word = "already" if here.top == says[-1] and at != steps[-1] else "still" if here.top != says[-1] else "now"
    whole = "at every snapshot" if not since else f"at every snapshot from step {steps[since]:,} on"
    p = percent(float(here.probabilities[here.order[0]]))
    return f"After {at:,} steps it {word} says {here.top} with {p}; {says[-1]} is its answer {whole}."


def _inside(visit: Visit, moments: Sequence[Moment], steps: Sequence[int], at: int, layer: str) -> None:
    """Three sheets of the chosen moment, each on one scale for all moments, so that a change of colour is one of value."""
    slug, i = visit.paper.slug, steps.index(at)
    sheets = [session.ask(first_weights, visit.given(visit.x, "weights"), step=s) for s in steps]
    maps = [m.activations for m in moments]
    wide = [np.repeat(np.repeat(a, k, 1), k, 2) for a in maps for k in (max(1, SMALLEST // a.shape[1]),)]
    first, here = sheets[i], moments[i]
    total = f"{len(maps[i])} of {here.units} units" if len(maps[i]) < here.units else f"{here.units} units"
    shown = [
        ("weights", f"Weights of {first.path}", [s.maps for s in sheets], True, _code(slug, "weights", "weights", at)),
        ("activations", f"{layer}, {total}", wide, None, _code(slug, "trace", "trace", at)),
        ("looks", f"What counts for {moments[-1].prediction.top}", [m.attribution[None] for m in moments], True, ""),
    ]
    kinds = [s for s in shown if s[2][0].size]
    for column, (key, title, every, signed, code) in zip(st.columns(len(kinds), gap="medium"), kinds, strict=True):
        top = max(float(np.abs(a).max()) for a in every) or 1.0
        signed = any((a < 0).any() for a in every) if signed is None else signed
        picture = mosaic(every[i], visit.dark, signed=signed, top=top)
        own = float(np.abs(every[i]).max())
        by = f" by {here.by}" if key == "looks" else ""
        with column:
            st.markdown(f"**{title}**")
            grid(picture, [], key=f"{key}-grid", alt=f"{title} at step {at:,}")
            scale = f"{'-' if signed else ''}{top:.3g} to {top:.3g}" if signed else f"0 to {top:.3g}"
            reading = f"At step {at:,}{by} at most {own:.3g}; the scale is {scale} at every step."
            foot(visit, key=key, reading=reading, numbers={key: every[i]}, code=code, png=picture.png)


def _code(slug: str, file: str, name: str, step: int) -> str:
    return (
        f"import models\nfrom app.interpret.{file} import {name}\n\n"
        f'net = models.load("{slug}", step={step})\nx = net.paper.takes.parse("your input")\n'
        f"print({name}(net.module, net.paper, x))"
    )


VIEW = View(
    "Training", 70, (ClassScores,), draw, "How it came about: the curves, and your input at every moment of training."
)
