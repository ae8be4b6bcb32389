"""What heads do, in words, as a table, over the training, and on a visitor's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app import session
from app.components.board import board
from app.components.curve import curve
from app.components.exhibit import exhibit, foot
from app.components.strip import sides
from app.figures.curves import Line
from app.figures.roles import on_text
from app.figures.words import labels
from app.interpret.head_roles import Roles, look
from app.view import Visit

LEAST = 0.1  # score from which a head is said to have a role


@dataclass(frozen=True)
class Role:
    """`name` as in "an induction head", and `where` such a head looks."""

    name: str
    title: str
    where: str


ROLES = {
    "previous_token": Role("a previous-token head", "Previous token", "the token before"),
    "duplicate_token": Role("a duplicate-token head", "Duplicate token", "where the same token stood earlier"),
    "induction": Role("an induction head", "Induction", "the token that followed where the same token stood earlier"),
}


def called(layer: int, head: int) -> str:
    return f"layer {layer}, head {head}"


def strongest(scores: np.ndarray) -> tuple[int, int]:
    """Layer and number of the head with the largest of scores (layers, heads)."""
    layer, head = divmod(int(scores.argmax()), scores.shape[1])
    return layer, head


def verdict(role: Role, scores: np.ndarray, even: float, steps: Sequence[int], at: int) -> str:
    """What the scores (steps, layers, heads) of a role say at the step `at`: whether any head has it, which, and since when."""
    now, tops = scores[list(steps).index(at)], scores.max((1, 2))
    best = strongest(now)
    share = f"spends {_percent(now[best])} of its look on {role.where}, an even look {_percent(even)}"
    when = f"at step {at:,}"
    if now[best] < LEAST:
        reached = [step for step, top in zip(steps, tops, strict=True) if top >= LEAST]
        ever = f"At step {reached[0]:,} one does" if reached else "None does at any snapshot"
        return f"No head reaches {LEAST} as {role.name} here {when}: the strongest, {called(*best)}, {share}. {ever}."
    count = int((now >= LEAST).sum())
    many = f"{count} heads reach" if count > 1 else "One head reaches"
    until = list(steps).index(at)
    below = [i for i in range(until) if scores[i, *best] < LEAST]  # at the very start some look around themselves
    since = steps[below[-1] + 1 if below else 0]
    lasting = f"it has had at least {LEAST} since step {since:,}"
    return f"{many} {LEAST} as {role.name} {when}. The strongest, {called(*best)}, {share}; {lasting}."


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


@dataclass(frozen=True)
class Chosen:
    """A role, a moment and a head out of what was measured: one Roles a step."""

    visit: Visit
    measured: tuple[Roles, ...]
    steps: tuple[int, ...]
    key: str  # of the role
    at: int  # the step
    head: tuple[int, int]  # layer, head

    @property
    def role(self) -> Role:
        return ROLES[self.key]

    @property
    def number(self) -> int:
        return list(ROLES).index(self.key)

    @cached_property
    def scores(self) -> np.ndarray:
        """(steps, layers, heads)."""
        return np.stack([one.scores[self.number] for one in self.measured])

    @property
    def now(self) -> Roles:
        return self.measured[self.steps.index(self.at)]

    @property
    def here(self) -> np.ndarray:
        """(layers, heads) at the chosen step."""
        return self.now.scores[self.number]

    @property
    def top(self) -> float:
        """The end of every scale, the same at all steps."""
        return max(LEAST, float(self.scores.max()))

    def code(self, named: str, arguments: str = "") -> str:
        return (
            f"import models\nfrom app.interpret.head_roles import {named}\n\n"
            f'net = models.load("{self.visit.paper.slug}", step={self.at})\n'
            f"x = net.paper.takes.parse({str(self.visit.source)!r})\nprint({named}(net.module, net.paper, x{arguments}))"
        )


def table(it: Chosen) -> None:
    """Every head's score at the chosen moment; a click chooses one."""
    layers, heads = it.here.shape
    st.markdown(f"**{it.role.title} score of every head at step {it.at:,}**")
    with st.container(key="figure-roles"):
        board(
            it.here,
            [f"layer {i}" for i in range(layers)],
            [f"head {h}" for h in range(heads)],
            it.visit.dark,
            key="roles",
            label=f"{it.role.title} score of every head",
            titles=[f"{called(i, h)}: {it.here[i, h]:.3f}" for i, h in np.ndindex(it.here.shape)],
            texts=[f"{score:.2f}" for score in it.here.ravel()],
            signed=False,
            top=it.top,
            selected=it.head[0] * heads + it.head[1],
            cell=(48, 30),
            on_pick=lambda i: st.session_state.update(head="{}.{}".format(*divmod(i, heads))),
        )
    gain = it.now.losses[0] - it.now.losses[1]
    easier = f" The second half is {abs(gain):.2f} nats a token {'easier' if gain > 0 else 'harder'} to guess than the first."
    foot(
        it.visit,
        key="roles",
        reading="Measured on random tokens, and the same again. "
        + verdict(it.role, it.scores, it.now.even, it.steps, it.at)
        + (easier if it.key == "induction" else ""),
        numbers={"scores": it.here},
        code=it.code("roles"),
        sheet=True,
    )


def over_time(it: Chosen) -> None:
    """Every head's score over the training: the strongest and the chosen one named, all others quiet."""
    steps, best = np.array(it.steps), strongest(it.scores[-1])
    lines = [Line(steps, it.scores[:, *best], called(*best), "chosen" if it.head == best else "ours")]
    if it.head != best:
        lines.append(Line(steps, it.scores[:, *it.head], called(*it.head), "chosen"))
    others = [at for at in np.ndindex(it.here.shape) if at not in (best, it.head)]
    lines.append(Line(steps, np.full(len(steps), it.now.even), "even look", "twin", dashed=True))
    lines += [Line(steps, it.scores[:, *at], called(*at), "other", faint=True) for at in others]
    curve(
        it.visit,
        lines,
        it.steps,
        it.at,
        key="role-curves",
        title=f"{it.role.title} score over the training",
        axis="score, 0 to 1",
        log=True,
        reading=f"{called(*best).capitalize()} is the strongest at the end, with {it.scores[-1][best]:.3f}; at step {it.at:,} "
        f"{'it' if it.head == best else called(*it.head)} has {it.here[it.head]:.3f}. Faint: the other {len(others)} heads. "
        "A click on a dot goes to its step.",
        code=it.code("roles"),
        span=(0.0, 1.08 * it.top),
    )


def on_visitors_text(it: Chosen) -> None:
    """The chosen head on the visitor's text, as it was at the chosen moment."""
    layer, head = it.head
    found = session.ask(look, it.visit, step=it.at, layer=layer, head=head)
    score, ideal = float(found.scores[it.number, layer, head]), found.ideal[it.number]
    title = f"{called(*it.head).capitalize()} at step {it.at:,}, on {it.visit.name}"
    figure = on_text(
        found.pattern,
        ideal,
        labels([t.text for t in sides(it.visit)[0]]),
        it.visit.dark,
        title=title,
        role=it.role.name,
    )
    if np.isnan(score):
        said = f"No token of this text comes again: {it.role.name} has nowhere to look."
    else:
        said = (
            f"The rings are where {it.role.name} looks, {it.role.where}: {_percent(score)} of this head's whole look lies there "
            "(counted as TransformerLens's head_detector does)."
        )
    exhibit(
        it.visit,
        figure,
        key="role-map",
        reading=f"A row is a token that looks, a column one that is looked at. {said}",
        numbers={"pattern": found.pattern, "ideal": ideal, "scores": found.scores[it.number]},
        code=it.code("look", f", layer={layer}, head={head}"),
    )
