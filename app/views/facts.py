"""Facts: ask the network about a family, and see what it made of each person."""

import numpy as np
import streamlit as st

from app import session
from app.components.exhibit import exhibit
from app.figures.families import board, trees, units
from app.interpret.facts import Facts, ask_all
from app.interpret.prediction import predict
from app.interpret.weights import weights
from app.view import View, Visit
from models.paper import Fact


def draw(visit: Visit) -> None:
    """The trees filled with the answer; what the units know; all facts as a board to click."""
    takes = visit.paper.takes
    assert isinstance(takes, Fact)
    who, relation = (int(i) for i in np.flatnonzero(visit.x[0]))
    person, relation = takes.people[who], relation - len(takes.people)
    every = session.ask(ask_all, visit)
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        _answer(visit, takes, every, person, relation)
        _units(visit, takes, person)
    with right:
        _board(visit, takes, every)


def _answer(visit: Visit, takes: Fact, every: Facts, person: str, relation: int) -> None:
    said = session.ask(predict, visit)
    number = int(every.grid[takes.people.index(person), relation])
    right = [takes.people[i] for i in np.flatnonzero(every.right[number])] if number >= 0 else []
    outputs = dict(zip(takes.people, map(float, said.scores), strict=True))
    named = [name for name, value in outputs.items() if value > 0.5]
    title = f"{person} has {takes.relations[relation]}: {' and '.join(named) or 'nobody above 0.5'}"
    figure = trees(takes.trees, outputs, right, person, visit.dark, title=title)
    exhibit(
        visit,
        figure,
        key="trees",
        reading=_reading(every, number, right, named),
        numbers={"outputs": said.scores},
        code=_code(visit),
    )


def _reading(every: Facts, number: int, right: list[str], named: list[str]) -> str:
    how = (
        "The fuller a box, the higher that person's output; the asked person is framed, right answers are underlined. "
    )
    if number < 0:
        return (
            how
            + "The trees hold no such relative: whatever the network says here, nobody taught it, and nothing is right."
        )
    taught = "It was taught this fact" if every.known[number] else "It was never taught this fact"
    verdict = "and it is right" if every.answered[number] else f"and it is wrong: right would be {' and '.join(right)}"
    return f"{how}{taught}, {verdict}." if named or not every.answered[number] else how


def _units(visit: Visit, takes: Fact, person: str) -> None:
    sheet = next((s for s in session.ask(weights, visit) if s.inputs == takes.people), None)
    if sheet is None:
        return
    groups = {tree.name: [name for generation in tree.generations for name in generation] for tree in takes.trees}
    values = sheet.maps[0]
    figure = units(
        values,
        groups,
        takes.people,
        visit.dark,
        title=f"What {len(values)} units know of everybody (Fig. 4)",
        selected=person,
    )
    mine = values[:, takes.people.index(person)]
    strong = int(np.abs(mine).argmax())
    exhibit(
        visit,
        figure,
        key="units",
        reading=f"A panel a unit, a family a row, the same place in the tree above each other: a unit whose rows are alike does "
        f"not care about the nation. {person} moves unit {strong + 1} most: {mine[strong]:+.2f}.",
        numbers={"weights": values},
        code=_code(visit),
    )


def _board(visit: Visit, takes: Fact, every: Facts) -> None:
    states = np.zeros(every.grid.shape, int)
    hover = np.full(every.grid.shape, "", object)
    for (p, r), number in np.ndenumerate(every.grid):
        if number >= 0:
            good = every.answered[number]
            states[p, r] = (1 if every.known[number] else 2) if good else 3
            answers = " and ".join(takes.people[i] for i in np.flatnonzero(every.right[number]))
            hover[p, r] = f"{takes.people[p]} has {takes.relations[r]}: {answers}" + (
                "" if every.known[number] else " (never taught)"
            )

    def picked() -> None:
        points = st.session_state["facts"].selection.points
        if points:
            person, relation = takes.people[round(points[0]["y"])], takes.relations[round(points[0]["x"])]
            st.session_state.update(person=person, relation=relation)
            st.session_state["asked"] = True

    figure = board(states, takes.people, takes.relations, hover, visit.dark)
    taught, held = every.known, ~every.known
    exhibit(
        visit,
        figure,
        key="facts",
        reading=f"{int(every.answered[taught].sum())} of {int(taught.sum())} facts it was taught come out right, and "
        f"{int(every.answered[held].sum())} of the {int(held.sum())} it never saw. Click a mark to ask that question.",
        numbers={"outputs": every.outputs, "right": every.right, "known": every.known},
        code=_code(visit),
        on_select=picked,
    )
    if st.session_state.pop("asked", False):
        st.rerun(scope="app")


def _code(visit: Visit) -> str:
    return (
        "import models\nfrom app.interpret.facts import ask_all\n\n"
        f'net = models.load("{visit.paper.slug}")\n'
        "facts = ask_all(net.module, net.paper, None)\nprint(facts.answered[~facts.known])"
    )


VIEW = View(
    "Facts", 5, (Fact,), draw, "Ask who is whose aunt; see what the network made of each person, and what it guessed."
)
