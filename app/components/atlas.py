"""A map of words: a text's, their neighbours, and an analogy as two arrows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app import session
from app.components.exhibit import exhibit
from app.figures.plane import Group, plane
from app.figures.theme import theme
from app.interpret import embedding as interpret
from app.interpret.embedding import Analogy, Neighbours
from app.view import Visit

WORDS, NEAR, ALL = 16, 3, 24  # of a text on the map, neighbours of each, and of all


def atlas(visit: Visit, step: int | None, found: Neighbours, word: int, answer: Analogy, code: str) -> None:
    """The plane of all these words; whoever is told of first finds room for a label first. `code` ends with the plane's words."""
    told: dict[int, tuple[str, str]] = {}  # id -> the word, what is told of it
    for i, name, what in _told(found, word, answer):
        told.setdefault(i, (name, f"{name}, {what}"))
    ids, given = tuple(told), tuple(answer.given.tolist())
    laid = session.ask(interpret.plane, visit, step=step, ids=ids, given=given)
    (a, b, c), t, place = answer.given_names, theme(visit.dark), {i: k for k, i in enumerate(ids)}
    goal, here = f"{b} − {a} + {c}", place[int(found.ids[word])]
    question = {place[i] for i in (*given, int(answer.ids[0]))} - {here}
    mine = {place[i] for i in found.ids.tolist() if i in place} - question - {here}
    figure = plane(
        np.vstack([laid.positions, laid.aim]),
        [*(name for name, _ in told.values()), goal],
        [*(what for _, what in told.values()), f"{goal}: where the answer is looked for"],
        [
            Group("chosen", [here], t.accent, "diamond", 13, sure=True),
            Group("analogy", sorted(question), t.classes[1], sure=True),
            Group("arithmetic", [len(ids)], t.classes[1], "x-thin-open"),
            Group("your words", sorted(mine), t.ours, sure=True),
            Group("neighbours", sorted({*range(len(ids))} - question - mine - {here}), t.twin, size=6),
        ],
        [(place[given[0]], place[given[1]]), (place[given[2]], place[int(answer.ids[0])])],
        visit.dark,
        title=f"A map of these {len(ids)} words",
        axes=[f"component {i + 1} ({100 * e:.0f} % of the variance)" for i, e in enumerate(laid.explained)],
    )
    exhibit(
        visit,
        figure,
        key="map",
        reading=_reading(laid.explained, answer),
        numbers={
            "words": np.array([name for name, _ in told.values()]),
            "positions": laid.positions,
            "arithmetic_leads_to": laid.aim,
            "explained": laid.explained,
        },
        code=f"{code}, {ids!r}, {given!r}))",
    )


def _told(found: Neighbours, word: int, answer: Analogy) -> Iterator[tuple[int, str, str]]:
    """Every word on the map, some more than once: id, name, what it is."""
    rows = list(dict.fromkeys([word, *range(min(len(found.ids), WORDS))]))
    for i, name in zip(answer.given.tolist(), answer.given_names, strict=True):
        yield i, name, "of the question"
    yield int(answer.ids[0]), answer.names[0], "the answer"
    for row in rows:
        yield int(found.ids[row]), found.names[row], "of your text"
    for row in rows:
        for k in range(min(NEAR, max(1, ALL // len(rows)))):
            yield int(found.near[row, k]), found.near_names[row][k], f"near {found.names[row]}"


def _reading(explained: np.ndarray, answer: Analogy) -> str:
    """How much of the words the plane holds, and how alike the arrows are where nothing is lost."""
    a, b, c = answer.given_names
    way = (
        "much the same way" if answer.parallel > 0.5 else "a little alike" if answer.parallel > 0.2 else "hardly alike"
    )
    return (
        f"The plane holds {100 * explained.sum():.0f} % of what these words differ in: who is close here may be far in the rest. "
        f"The arrows from {a} to {b} and from {c} to {answer.names[0]} point {way} in all dimensions (cosine "
        f"{answer.parallel:.2f}); the cross is where the arithmetic leads."
    )
