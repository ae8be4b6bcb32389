"""The two family trees of the paper's Fig. 2, and the 104 questions that they answer. No torch in here.

Only marriages and births are written down; every relation, generation and branch follows from them. The trees have the
same shape: person i of the English one has the place of person i + 12, in the Italian one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np

Couple = tuple[str, str]  # husband, wife
HELD_OUT = 4  # facts that a training never sees, as in the paper


@dataclass(frozen=True)
class Family:
    """One tree: its couples, and the son and daughter of those that have children."""

    nationality: str
    couples: tuple[Couple, ...]
    children: dict[Couple, tuple[str, str]]  # couple -> son, daughter

    @cached_property
    def generations(self) -> tuple[tuple[str, ...], ...]:
        """The people of each generation, in the order in which Fig. 2 draws them from left to right."""
        left, right = (self.children[couple] for couple in self.founders)
        oldest = tuple(person for couple in self.founders for person in couple)
        parents = self.couple(left[1])
        assert parents is not None
        middle = (
            *reversed(self.couple(left[0]) or ()),
            *reversed(parents),
            *reversed(self.couple(right[1]) or ()),
        )
        return oldest, middle, self.children[parents]

    @cached_property
    def founders(self) -> tuple[Couple, Couple]:
        """The two couples of grandparents: those who are nobody's children, and have some."""
        born = {child for pair in self.children.values() for child in pair}
        left, right = (c for c in self.couples if c in self.children and not born & set(c))
        return left, right

    def couple(self, person: str) -> Couple | None:
        """The marriage of that person, None where there is none."""
        return next((couple for couple in self.couples if person in couple), None)


FAMILIES = (
    Family(
        "English",
        (
            ("Christopher", "Penelope"),
            ("Andrew", "Christine"),
            ("Arthur", "Margaret"),
            ("James", "Victoria"),
            ("Charles", "Jennifer"),
        ),
        {
            ("Christopher", "Penelope"): ("Arthur", "Victoria"),
            ("Andrew", "Christine"): ("James", "Jennifer"),
            ("James", "Victoria"): ("Colin", "Charlotte"),
        },
    ),
    Family(
        "Italian",
        (
            ("Roberto", "Maria"),
            ("Pierro", "Francesca"),
            ("Emilio", "Gina"),
            ("Marco", "Lucia"),
            ("Tomaso", "Angela"),
        ),
        {
            ("Roberto", "Maria"): ("Emilio", "Lucia"),
            ("Pierro", "Francesca"): ("Marco", "Angela"),
            ("Marco", "Lucia"): ("Alfonso", "Sophia"),
        },
    ),
)
PEOPLE = tuple(name for family in FAMILIES for generation in family.generations for name in generation)
MEN = frozenset(
    [couple[0] for family in FAMILIES for couple in family.couples]
    + [son for family in FAMILIES for son, _ in family.children.values()]
)


def _family(name: str) -> Family:
    return next(family for family in FAMILIES if any(name in generation for generation in family.generations))


def _spouse(name: str) -> set[str]:
    return set(_family(name).couple(name) or ()) - {name}


def _parents(name: str) -> set[str]:
    return {parent for couple, pair in _family(name).children.items() if name in pair for parent in couple}


def _children(name: str) -> set[str]:
    return {child for couple, pair in _family(name).children.items() if name in couple for child in pair}


def _siblings(name: str) -> set[str]:
    return {child for pair in _family(name).children.values() if name in pair for child in pair} - {name}


def _uncles_and_aunts(name: str) -> set[str]:
    """Siblings of the parents, and whom these siblings married."""
    blood = {sibling for parent in _parents(name) for sibling in _siblings(parent)}
    return blood | {spouse for relative in blood for spouse in _spouse(relative)}


def _nephews_and_nieces(name: str) -> set[str]:
    return {other for other in PEOPLE if name in _uncles_and_aunts(other)}


Relatives = Callable[[str], set[str]]
KINDS: tuple[tuple[str, Relatives, bool], ...] = (  # relation, who is meant whatever their sex, men or women of them
    ("father", _parents, True),
    ("mother", _parents, False),
    ("husband", _spouse, True),
    ("wife", _spouse, False),
    ("son", _children, True),
    ("daughter", _children, False),
    ("uncle", _uncles_and_aunts, True),
    ("aunt", _uncles_and_aunts, False),
    ("brother", _siblings, True),
    ("sister", _siblings, False),
    ("nephew", _nephews_and_nieces, True),
    ("niece", _nephews_and_nieces, False),
)
RELATIONS = tuple(relation for relation, _, _ in KINDS)


@dataclass(frozen=True)
class Question:
    """Who, and which relation; `answers` are all the people who stand in it, in the order of PEOPLE."""

    person: str
    relation: str
    answers: tuple[str, ...]

    @property
    def text(self) -> str:
        """As `models.paper.Fact` reads it: "Colin has-aunt"."""
        return f"{self.person} has-{self.relation}"


@cache
def facts() -> tuple[Question, ...]:
    """All questions that have an answer, person by person: 104 of 24 x 12."""
    found = (
        Question(name, relation, tuple(p for p in PEOPLE if p in relatives(name) and (p in MEN) is male))
        for name in PEOPLE
        for relation, relatives, male in KINDS
    )
    return tuple(question for question in found if question.answers)


@cache
def held_out(seed: int) -> tuple[Question, ...]:
    """The four facts that the training of that seed never sees: those whose hashed text comes first."""
    return tuple(sorted(facts(), key=lambda q: hashlib.sha256(f"{seed} {q.text}".encode()).digest())[:HELD_OUT])


@cache
def trained(seed: int) -> tuple[Question, ...]:
    """The hundred facts that the training of that seed is shown."""
    return tuple(question for question in facts() if question not in held_out(seed))


def encode(questions: tuple[Question, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, float32 (n, 36) one-hot: people, then relations; and who is right, bool (n, 24)."""
    x = np.zeros((len(questions), len(PEOPLE) + len(RELATIONS)), np.float32)
    right = np.zeros((len(questions), len(PEOPLE)), bool)
    for row, question in enumerate(questions):
        x[row, PEOPLE.index(question.person)] = 1
        x[row, len(PEOPLE) + RELATIONS.index(question.relation)] = 1
        right[row, [PEOPLE.index(answer) for answer in question.answers]] = True
    return x, right


@dataclass(frozen=True)
class Person:
    """What the trees say of a person, and the network is never told."""

    name: str
    nationality: str
    generation: int  # 1 grandparents, 2 parents, uncles and aunts, 3 children
    branch: Literal["left", "right", "both"]  # of the tree as Fig. 2 draws it; by birth, else by marriage
    male: bool
    counterpart: str  # who has this person's place in the other tree


@cache
def people() -> tuple[Person, ...]:
    """Everybody, in the order of PEOPLE."""
    return tuple(_person(name) for name in PEOPLE)


def _person(name: str) -> Person:
    family, half = _family(name), len(PEOPLE) // 2
    generation = next(i for i, names in enumerate(family.generations, 1) if name in names)
    sides = _sides(name) or {side for spouse in _spouse(name) for side in _sides(spouse)}
    return Person(
        name,
        family.nationality,
        generation,
        "both" if len(sides) > 1 else "right" if "right" in sides else "left",
        name in MEN,
        PEOPLE[(PEOPLE.index(name) + half) % len(PEOPLE)],
    )


def _sides(name: str) -> set[str]:
    """The founding couples, "left" and "right", that the person belongs to or descends from."""
    own = {side for side, couple in zip(("left", "right"), _family(name).founders, strict=True) if name in couple}
    return own | {side for parent in _parents(name) for side in _sides(parent)}
