"""Training: the curves of the network and its twin, and any moment on the way, seen through the visitor's input."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import session
from app.components.answer import names
from app.components.answers import MOST, Scale, scale
from app.components.asked import translated
from app.components.choice import choice
from app.components.curve import curve
from app.components.exhibit import exhibit
from app.components.moment import played
from app.components.sheet import sheet
from app.components.strip import sides
from app.figures.bars import bars
from app.figures.curves import Line, lines_of, quantities
from app.figures.words import labels, plain
from app.interpret.answers import answers, causal
from app.interpret.history import Moment, first_weights, moment, told_at
from app.interpret.prediction import Prediction, predict
from app.interpret.weights import Sheet
from app.view import View, Visit
from models import bits, checkpoint
from models.paper import ClassScores, Embedding, Fact, Image, Text, TextPair

MANY = 100  # answers above which not all have a line
TWICE = "On random tokens that are written twice, the share of its look that the best head spends on "
CHOSEN = "On examples that settings were chosen by; none was trained on."
PERCENT = ("accuracy", "error", "recall_at_10")
MEANING = {  # of what is measured, where its name does not say it
    "bits_per_byte": "That many bits the network needs for a byte of text that it never saw: fewer is better.",
    "valid_accuracy": CHOSEN,
    "valid_loss": CHOSEN,
    "recall_at_10": "How often the right answer is among the ten likeliest.",
    "corrections": "How often the weights had to be corrected: once for every wrong answer.",
    "previous_token_score": TWICE + "the token before.",
    "duplicate_token_score": TWICE + "earlier places of the same token.",
    "induction_score": TWICE + "what came after an earlier place of the same token.",
    "induction_gain": "By that many nats a token is less of a surprise when random tokens come a second time.",
}


def draw(visit: Visit) -> None:
    """The scrubber; what the network is and does at the chosen moment; and the curves of the whole training."""
    slug = visit.paper.slug
    steps, runs = checkpoint.snapshots(slug), checkpoint.read_curves(slug)
    if not steps:
        raise checkpoint.CheckpointError(f"No snapshots of {slug} are there: fetch the repository whole, or train it.")
    if not isinstance(visit.paper.takes, Image | Fact):
        _of_text(translated(visit), runs, steps)
        return
    weights = [session.ask(first_weights, visit.given(visit.x, "weights"), step=s) for s in steps]
    at, layer, log = _controls(visit, steps, weights[0].path)
    target = int(session.ask(predict, visit).order[0])
    moments = [session.ask(moment, visit, step=s, layer=layer, target=target) for s in steps]
    _inside(visit, weights, moments, steps, at, layer)
    _answer(visit, [m.prediction for m in moments], "of your input", steps, at, log)
    _curves(visit, runs, steps, at, log)


def _controls(visit: Visit, steps: Sequence[int], first: str) -> tuple[int, str, bool]:
    """Which moment, which layer (at first the one that has the first weights), and whether the steps are logarithmic."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = played(steps)
        layers = [probe.path for probe in visit.paper.probes]
        start = next((i for wanted in (first, visit.paper.penultimate) for i, p in enumerate(layers) if p == wanted), 0)
        layer = st.selectbox("Layer", layers, start, key="layer", bind="query-params", width=190)
        log = _logarithmic()
    return at, layer, log


def _of_text(visit: Visit, runs: checkpoint.Curves, steps: Sequence[int]) -> None:
    """What the network says of a text, or of one place in it, at every moment; and the curves."""
    paper, where, place = visit.paper, "of your text", 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = played(steps)
        if not isinstance(paper.gives, ClassScores | Embedding):
            asked = "What may come after" if causal(paper) else "What may stand for"
            tokens = labels([token.text for token in sides(visit)[-1]])
            first = str(session.ask(answers, visit).place)
            place = int(
                choice(
                    st.selectbox,
                    asked,
                    {str(i): name for i, name in enumerate(tokens)},
                    key="place",
                    first=first,
                    width=170,
                )
            )
            where = f"{'after' if causal(paper) else 'in the place of'} “{tokens[place]}”"
        log = _logarithmic()
    if not isinstance(paper.gives, Embedding):
        called = names(paper)
        told = [session.ask(told_at, visit, step=s, keep=False, place=place) for s in steps]
        _answer(visit, [replace(one, labels=called) for one in told], where, steps, at, log, place)
    _curves(visit, runs, steps, at, log)


def _logarithmic() -> bool:
    axis = st.segmented_control(
        "Axis of the steps", ["log", "linear"], default="log", required=True, key="scale", bind="query-params"
    )
    return axis == "log"


def _curves(visit: Visit, runs: checkpoint.Curves, steps: Sequence[int], at: int, log: bool) -> None:
    """A figure for every quantity that was measured: the test set, the training set, further seeds, the twin."""
    record = checkpoint.read_record(visit.paper.slug)
    columns: list[DeltaGenerator] = []
    for name in quantities(runs):
        columns = columns or list(st.columns(2, gap="medium"))  # pair by pair, so that a phone shows them in this order
        lines, unit, words = lines_of(runs, name), " %" if name in PERCENT else "", name.replace("_", " ")
        here = float(np.interp(at, lines[0].steps, lines[0].values))
        twin = "".join(f", {short(line.values[-1])}{unit} for its twin" for line in lines if line.role == "twin")
        seeds = " Thin lines are further seeds." if any(line.faint for line in lines) else ""
        meaning = f"{MEANING[name]} " if name in MEANING else ""
        with columns.pop(0):
            curve(
                visit,
                lines,
                steps,
                at,
                key=f"curve-{name}",
                title=words.capitalize(),
                axis=unit.strip() or words,
                log=log,
                reading=f"{meaning}{words.capitalize()} at step {at:,}: {short(here)}{unit}; at the end "
                f"{short(lines[0].values[-1])}{unit}{twin}." + seeds + _recorded(record, name, lines[0], unit),
                code=f'from models import checkpoint\n\nprint(checkpoint.read_curves("{visit.paper.slug}"))',
            )


def _recorded(record: checkpoint.Record, name: str, line: Line, unit: str) -> str:
    """What the record has for the end of a test curve, where that is another number: curves are measured on fewer samples."""
    found = [record.metric(f"{lead}{name}") for lead in ("test_", "masked_", "")]
    metric = next((m for m in found if m is not None), None)
    if (
        metric is None or line.dashed or short(metric.value) == short(float(line.values[-1]))
    ):  # dashed: of the training set
        return ""
    return (
        f" A curve is measured in passing, on a part of what is kept for the test; the record, over {metric.samples:,} "
        f"samples, has {short(metric.value)}{unit}."
    )


def _answer(
    visit: Visit,
    told: Sequence[Prediction],
    where: str,
    steps: Sequence[int],
    at: int,
    log: bool,
    place: int = 0,
) -> None:
    """How the answer to this input came about, and the answers at the chosen moment."""
    labels, here, text = told[-1].labels, told[steps.index(at)], isinstance(visit.paper.takes, Text | TextPair)
    drawn = scale(visit.paper.gives if isinstance(visit.paper.gives, ClassScores) else ClassScores(labels))
    if len(labels) > MANY:  # no token may ever come near 100 %
        drawn = replace(drawn, end=100 * max(float(one.probabilities.max()) for one in told))
    code = _code(visit.paper.slug, "prediction", "predict", at)
    if text:
        code = _code(visit.paper.slug, "history", "told_at", at, f", place={place}", source=str(visit.source))
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        curve(
            visit,
            _lines(told, steps, drawn.factor),
            steps,
            at,
            key="answers",
            title=plain(f"What it says {where}"),
            axis=drawn.axis,
            log=log,
            reading=_story(told, steps, at, drawn) + _rounded(visit.paper.slug),
            code=code,
            span=(0.0, 1.08 * drawn.end),
        )
    with right:
        most = here if text else told[-1]  # of thousands of tokens, those that are likely now
        order = np.arange(len(labels)) if len(labels) <= MOST else most.order[:MOST]
        p = here.probabilities[order]
        figure = bars(
            drawn.factor * p,
            [plain(labels[k]) for k in order],
            visit.dark,
            title=f"At step {at:,}",
            axis=drawn.axis,
            texts=[drawn.text(s) for s in p],
            strong=np.flatnonzero(order == here.order[0]).tolist(),
            span=(0.0, drawn.end),
            height=320,
        )
        reading = f"{here.top} leads, {labels[here.order[1]]} follows. The axis stays the same at every step."
        exhibit(visit, figure, key="moment", reading=reading, numbers={"probabilities": here.probabilities}, code=code)


def _rounded(slug: str) -> str:
    """What is to be known of early snapshots of a large network: a few points may come from how they are kept."""
    parameters = checkpoint.read_record(slug).parameters
    if parameters <= bits.LARGE:
        return ""
    kept = bits.in_words(parameters)
    return f" Snapshots before the last are rounded to {kept}; the curves below were measured on the weights in full."


def _lines(told: Sequence[Prediction], steps: Sequence[int], factor: float) -> list[Line]:
    """The share of every class over the steps: the final answer first, then those that led before, then, faint, the rest.

    Of a vocabulary the rest are the likeliest at the end.
    """
    labels, most = [plain(name) for name in told[-1].labels], told[-1].order[:MOST]
    shares = factor * np.array([one.probabilities for one in told])  # (steps, classes)
    leaders = list(dict.fromkeys(int(one.order[0]) for one in reversed(told)))
    if len(labels) > MANY:  # whoever leads among thousands with next to nothing is not named
        leaders = [leaders[0], *(k for k in leaders[1:] if shares[:, k].max() > 0.1 * shares.max())]
    final, at = leaders[0], np.array(steps)
    before = [Line(at, shares[:, k], labels[k], "other", peak=True) for k in leaders[1:]]
    rest = range(len(labels)) if len(labels) <= MANY else most.tolist()
    others = [Line(at, shares[:, k], labels[k], "other", faint=True) for k in rest if k not in leaders]
    return [Line(at, shares[:, final], labels[final]), *before, *others]


def _story(told: Sequence[Prediction], steps: Sequence[int], at: int, drawn: Scale) -> str:
    """Since when the network gives its final answer, and what it says at the chosen step."""
    says = [one.top for one in told]
    since = len(says) - next((i for i, s in enumerate(reversed(says)) if s != says[-1]), len(says))
    here = told[steps.index(at)]
    word = "already" if here.top == says[-1] and at != steps[-1] else "still" if here.top != says[-1] else "now"
    from_then = (
        f"at every snapshot from step {steps[since]:,} on" if since < len(says) - 1 else "at the last snapshot alone"
    )
    whole = from_then if since else "at every snapshot"
    p = drawn.text(float(here.probabilities[here.order[0]]))
    when = f"After {at:,} {'step' if at == 1 else 'steps'}" if at else "Before any training"
    return f"{when} it {word} says {here.top} with {p}; {says[-1]} is its answer {whole}."


def _inside(
    visit: Visit, weights: Sequence[Sheet], moments: Sequence[Moment], steps: Sequence[int], at: int, layer: str
) -> None:
    """The weights next to the input, the chosen layer, and what counts for the final answer, at the chosen moment."""
    slug, i, here = visit.paper.slug, steps.index(at), moments[steps.index(at)]
    many = f"{here.units:,} {'unit' if here.units == 1 else 'units'}"
    part = f", the first {len(here.activations)} of {many}" if len(here.activations) < here.units else f", {many}"
    where = "on the picture" if weights[0].kind == "retina" else f"of {weights[0].path}"
    laid = ", a row a unit and a column an input," if weights[0].kind == "matrix" else ""
    columns = st.columns(3 if here.attribution.size else 2, gap="medium")
    with columns[0]:
        maps, code = [w.maps for w in weights], _code(slug, "history", "first_weights", at)
        sheet(visit, maps, i, key="weights", title=f"Weights {where}", what=f"At step {at:,} weights{laid}", code=code)
    with columns[1]:
        maps, code = (
            [m.activations for m in moments],
            _code(slug, "history", "moment", at, f', layer="{layer}", target=0'),
        )
        sheet(visit, maps, i, key="activations", title=f"{layer}{part}", what=f"At step {at:,} values", code=code)
    if here.attribution.size:
        answer, target = moments[-1].prediction.top, moments[-1].prediction.order[0]
        what = f"Orange speaks for {answer}, blue against, by {here.by}: at step {at:,}"
        maps, code = [m.attribution[None] for m in moments], code.replace("target=0", f"target={target}")
        with columns[2]:
            sheet(visit, maps, i, key="counts", title=f"What counts for {answer}", what=what, signed=True, code=code)


def short(value: float) -> str:
    """A number in four digits, or whole with its thousands set apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _code(slug: str, file: str, name: str, step: int, more: str = "", source: str = "your input") -> str:
    return (
        f"import models\nfrom app.interpret.{file} import {name}\n\n"
        f'net = models.load("{slug}", step={step})\nx = net.paper.takes.parse({json.dumps(source, ensure_ascii=False)})\n'
        f"print({name}(net.module, net.paper, x{more}))"
    )


VIEW = View(
    "Training",
    70,
    (),
    draw,
    "How it came about: your input at every moment of training, and the curves.",
)
