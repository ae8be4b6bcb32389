"""Lesions: blocks, branches or layers taken out, what each of them adds to the picture, and what is said without them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.board import board
from app.components.exhibit import exhibit, foot
from app.components.grid import grid
from app.figures.maps import mosaic
from app.figures.versus import versus
from app.figures.words import listed
from app.interpret.lesions import Lesions, lesioned, lesions
from app.view import View, Visit
from models import checkpoint
from models.paper import ClassScores, Image

NONE = "none"  # in the address: nothing is out, where nothing at all would mean the part that is missed most
SHOWN = 6  # classes of an answer


def draw(visit: Visit) -> None:
    """The parts to take out and the answer without them; below, what each adds, and what the test set says where it was asked."""
    found = session.ask(lesions, visit)
    out = _choose(found)
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        _switches(visit, found, out)
    with right:
        _answer(visit, found, out)
    record = checkpoint.read_record(visit.paper.slug)
    tested = any(record.metric(f"lesion_{part.number}") for part in found.parts)
    columns = st.columns([1.3, 1] if tested else 1, gap="large")
    with columns[0]:
        _added(visit, found, out)
    if tested:
        with columns[1]:
            _tested(visit, found, record)


def _choose(found: Lesions) -> tuple[str, ...]:
    """The names of the parts that are out: `out` ("stages.0.1,stages.2.0") in the address."""
    with st.container(horizontal=True, key="lesions"):
        st.button("All in", on_click=lambda: st.session_state.update(out=NONE))
        with st.container(key="unseen-out"):
            named = st.text_input("Parts that are out, as the address has it", key="out", bind="query-params")
    wanted = named.split(",")
    out = tuple(part.name for part in found.parts if part.name in wanted)
    return out or (() if named == NONE else (found.parts[int(found.effects.argmax())].name,))


def _switch(found: Lesions, out: tuple[str, ...], place: int) -> None:
    """Take the part in this cell of the table out, or put it back."""
    row, column = divmod(place, len(found.columns))
    one = next(part for part in found.parts if (part.row, part.column) == (found.rows[row], found.columns[column]))
    wanted = {*out} ^ {one.name}
    st.session_state["out"] = ",".join(part.name for part in found.parts if part.name in wanted) or NONE


def _switches(visit: Visit, found: Lesions, out: tuple[str, ...]) -> None:
    label, points = visit.paper.scores.labels[found.top], 100 * found.effects
    cells = found.table(np.arange(len(found.parts))).ravel()
    names = ["" if np.isnan(i) else found.parts[int(i)].name for i in cells]
    effects = found.table(points).ravel()
    st.markdown(f"**What the answer {label} loses without each part**")
    with st.container(key="figure-lesions"):
        board(
            found.table(points),
            found.rows,
            found.columns,
            visit.dark,
            key="board",
            label="Parts of the network, to take out and put back",
            titles=[
                f"{name}, {'out' if name in out else 'in'}: {e:+.1f} points of {label}'s probability when it alone is out"
                for name, e in zip(names, -effects, strict=True)
            ],
            texts=["out" if name in out else f"{e:+.1f}" for name, e in zip(names, -effects, strict=True)],
            signed=True,
            top=max(float(np.abs(points).max()), 1.0),
            off=[i for i, name in enumerate(names) if name in out],
            cell=(40, 30),
            on_pick=lambda place: _switch(found, out, place),
        )
    most, least = int(points.argmax()), int(points.argmin())
    more = f"; without {found.parts[least].name} it rises by {-points[least]:.1f}" if points[least] < -0.05 else ""
    foot(
        visit,
        key="lesions",
        reading=f"Click on a part to take it out or put it back. A number is what happens to the probability of {label}, "
        f"{percent(float(found.whole[found.top]))} to begin with, when that part alone is out, in points: most without "
        f"{found.parts[most].name}, {-points[most]:+.1f}{more}. Orange is missed, blue stood in the way.",
        numbers={"parts": np.array([part.name for part in found.parts]), "falls_by": found.effects},
        code=_code(visit, "lesions"),
        sheet=True,
    )


def _answer(visit: Visit, found: Lesions, out: tuple[str, ...]) -> None:
    both, labels = session.ask(lesioned, visit, off=out), visit.paper.scores.labels
    order = np.argsort(-both.max(0), kind="stable")[:SHOWN]
    figure = versus(
        both[:, order],
        [labels[i] for i in order],
        ("whole", "without"),
        visit.dark,
        title="What the network says",
        axis="probability, %",
    )
    first, then = (labels[int(row.argmax())] for row in both)
    stays = f"It still says {then}" if first == then else f"It says {then} and no longer {first}"
    exhibit(
        visit,
        figure,
        key="lesioned",
        reading=f"Out: {listed(out)}. {stays}, with {percent(float(both[1].max()))}."
        if out
        else "Out: nothing. A click takes a part out.",
        numbers={"classes": np.array(labels), "whole_without": both},
        code=_code(visit, "lesioned", f", off={out}"),
    )


def _added(visit: Visit, found: Lesions, out: tuple[str, ...]) -> None:
    """A picture a part, in the order of the table: the mean of its maps, those that are out empty."""
    side = max(max(one.shape) for one in found.added)
    empty, cells = np.zeros((side, side), np.float32), found.table(np.arange(len(found.parts))).ravel()
    shown = [
        empty
        if np.isnan(i) or found.parts[int(i)].name in out
        else np.kron(found.added[int(i)], np.ones((side // found.added[int(i)].shape[0],) * 2, np.float32))
        for i in cells
    ]
    st.markdown("**What each part adds to this picture**")
    picture = mosaic(np.stack(shown), visit.dark, columns=len(found.columns), each=True)
    grid(
        picture,
        [
            ""
            if np.isnan(i)
            else f"{found.parts[int(i)].name}: {found.strength[int(i)]:.3g} in the mean, a click switches it"
            for i in cells
        ],
        key="added",
        alt="The mean map of every part, row by row",
        width=min(620, 110 * len(found.columns)),
        across=found.columns,
        down=found.rows,
        on_pick=lambda place: _switch(found, out, place),
    )
    strong, weak = (found.parts[int(f(found.strength))].name for f in (np.argmax, np.argmin))
    colours = ", orange above zero and blue below" if any(one.min() < 0 for one in found.added) else ""
    beside = ""
    if len(visit.paper.lesions) > 1:  # the parts of a column are laid beside one another
        shares = found.table(found.strength) / np.nansum(found.table(found.strength), 0)
        row, column = np.unravel_index(int(np.nanargmax(shares)), shares.shape)
        of = f"{found.rows[row]} of {found.columns[column]}: {100 * shares[row, column]:.0f} %"
        beside = f" None has so large a share of its column as {of} of the strength of all {len(found.rows)}."
    foot(
        visit,
        key="added",
        reading=f"The mean of all maps of each part{colours}, on a scale of its own; what is out is empty. "
        f"Values are largest in {strong} ({found.strength.max():.3g} in the mean of their size) and smallest in {weak} "
        f"({found.strength.min():.3g}).{beside}",
        numbers={part.name: one for part, one in zip(found.parts, found.added, strict=True)},
        code=_code(visit, "lesions"),
        png=picture.png,
    )


def _tested(visit: Visit, found: Lesions, record: checkpoint.Record) -> None:
    """The test error without each part, of the model and of its twin, as the record has it."""
    measured = [[record.metric(f"{lead}lesion_{part.number}") for part in found.parts] for lead in ("twin_", "")]
    errors = np.array([[np.nan if m is None else m.value / 100 for m in row] for row in measured], np.float32)
    figure = versus(
        errors,
        [part.name for part in found.parts],
        ("its twin", visit.paper.name or visit.paper.slug),
        visit.dark,
        title="Test error without each part",
        axis="test error, %",
    )
    samples = next(m.samples for m in measured[1] if m is not None)
    whole = [record.metric(name) for name in ("test_error", "twin_test_error")]
    begin = ", ".join(
        f"{m.value:.1f} % {of}" for m, of in zip(whole, ("for the model", "for its twin"), strict=True) if m
    )
    more = max((m.samples for m in whole if m), default=samples)
    over = f", over {more:,} of them" if more != samples else ""
    exhibit(
        visit,
        figure,
        key="tested",
        reading=f"Over {samples:,} test pictures, from the record. With all parts the error is {begin}{over}. In the twin the "
        "input of a part goes on as it is; where that has another size, nothing was measured.",
        numbers={"parts": np.array([part.name for part in found.parts]), "twin_and_model": errors},
        code=f'from models import checkpoint\n\nprint(checkpoint.read_record("{visit.paper.slug}").metrics)',
    )


def _code(visit: Visit, name: str, more: str = "") -> str:
    return (
        f"import models\nfrom app.interpret.lesions import {name}\n\n"
        f'net = models.load("{visit.paper.slug}")\nx = net.paper.takes.parse("your input")\n'
        f"print({name}(net.module, net.paper, x{more}))"
    )


VIEW = View(
    "Lesions",
    57,
    (Image, ClassScores, "lesions"),
    draw,
    "Take out blocks, branches or layers one by one: what each adds to your input, and what the network says without it.",
)
