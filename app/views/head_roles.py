"""Head roles: which heads look back at what, at every moment of training; and one of them on the visitor's text."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.choice import choice
from app.components.moment import played
from app.components.roles import ROLES, Chosen, called, on_visitors_text, over_time, strongest, table
from app.interpret.head_roles import Roles, roles
from app.view import View, Visit, fitting
from models import checkpoint
from models.paper import NextToken

ATTENTION = "attention"  # the view in which a head can be opened


def draw(visit: Visit) -> None:
    """All heads at the chosen moment and over the whole training on the left; the chosen one on the text on the right."""
    steps = checkpoint.snapshots(visit.paper.slug)
    if not steps:
        raise checkpoint.CheckpointError(f"No snapshots of {visit.paper.slug} are there: fetch the repository whole.")
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    it = _choose(visit, _measured(visit, steps), steps, controls)
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        table(it)
        over_time(it)
    with right:
        on_visitors_text(it)
        if ATTENTION in fitting(visit.paper):
            st.button(
                "Open this head in Attention",
                help="There as it is after the whole training",
                key="open-head",
                on_click=lambda: st.session_state.update(view=ATTENTION, head="{}.{}".format(*it.head)),
            )


def _measured(visit: Visit, steps: tuple[int, ...]) -> tuple[Roles, ...]:
    """All heads at every snapshot. The visitor's text has no part in it: it is measured once for everybody."""
    same, room, found = visit.given(visit.x, "random tokens"), st.empty(), list[Roles]()
    for i, step in enumerate(steps):
        if not session.kept(roles, same, step=step):
            room.progress(i / len(steps), text=f"measuring all heads at step {step:,}")
        found.append(session.ask(roles, same, step=step, keep=False))
    room.empty()
    return tuple(found)


def _choose(
    visit: Visit, measured: tuple[Roles, ...], steps: tuple[int, ...], controls: st.delta_generator.DeltaGenerator
) -> Chosen:
    """Role, moment and head, all in the address; at first the strongest head."""
    with controls:
        names = {key: role.title for key, role in ROLES.items()}
        key = choice(st.segmented_control, "Role", names, key="role", required=True)
        at = played(steps, 250)
        now = measured[steps.index(at)].scores[list(ROLES).index(key)]
        heads = {f"{i}.{h}": called(i, h) for i, h in np.ndindex(now.shape)}
        first = "{}.{}".format(*strongest(now))
        layer, head = choice(st.selectbox, "Head", heads, key="head", first=first, width=160).split(".")
    return Chosen(visit, measured, steps, key, at, (int(layer), int(head)))


VIEW = View(
    "Head roles",
    72,
    ("blocks.*.attn.hook_pattern", NextToken),
    draw,
    "Which heads look back, at the token before or at what came earlier: over the whole training, and on your text.",
)
