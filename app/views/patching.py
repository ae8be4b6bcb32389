"""Patching: two sentences that differ in a word, and which part of the network carries the difference to the answer."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from app.components.exhibit import exhibit, foot
from app.components.patch_tables import KINDS, Cell, best, boards, estimated, place, reading
from app.components.twosome import Twosome, choose
from app.figures.versus import versus
from app.figures.words import labels, shown
from app.interpret.patching import Tables, completion, tables
from app.view import View, Visit
from models.paper import NextToken

SMALL = 0.02  # logits; a smaller gap is nothing to take shares of


def draw(visit: Visit) -> None:
    """The two sentences on top; the tables on the left, the chosen cell on the right; the estimates below."""
    two = choose(visit)
    if two is None:
        return
    found = two.ask(tables)
    if abs(found.clean - found.corrupted) < SMALL:
        st.info(f"Both sentences prefer {two.names[0]} to {two.names[1]} alike: choose other answers to compare.")
        return
    chosen = _chosen(found)
    left, right = st.columns([1.45, 1], gap="large")
    with left:
        st.caption(
            f"The measure: the logit of {two.names[0]} minus that of {two.names[1]}. It is {found.clean:.2f} after the clean "
            f"sentence (100 %) and {found.corrupted:.2f} after the corrupted one (0 %). A cell: how much of the way one part, "
            "taken from the clean run, brings the corrupted one."
        )
        boards(two, found, "patching", chosen)
        foot(
            two.visit,
            key="patching",
            reading=reading(two, found),
            numbers={kind: found[kind] for kind in found.kinds},
            code=two.code("tables"),
            sheet=True,
        )
    with right:
        _cell(two, chosen)
    estimated(two, found)


def _chosen(found: Tables) -> Cell:
    """The cell in the address, "heads.2.3"; elsewise the head that brings most back."""
    with st.container(key="unseen-patch"):
        kind, *rest = st.text_input("Cell, as the address has it", key="patch", bind="query-params").split(".")
    if kind in found.kinds and len(rest) == 2 and all(part.isascii() and part.isdigit() for part in rest):
        layer, cell = (int(part[:6]) for part in rest)
        if layer < found[kind].shape[0] and cell < found[kind].shape[1]:
            return kind, layer, cell
    return ("heads", *best(found))


def _cell(two: Twosome, chosen: Cell) -> None:
    """What the network says once that one part is clean."""
    kind, layer, cell = chosen
    one = two.ask(completion, kind=kind, layer=layer, cell=cell)
    figure = versus(
        one.shares[[1, 2, 0]],
        labels(one.names),
        ("corrupted", "patched", "clean"),
        two.visit.dark,
        title=f"{KINDS[kind].partition(',')[0]}: {place(two, chosen)}",
    )
    before, after = (100 * one.shares[i, one.answers[0]] for i in (1, 2))
    exhibit(
        two.visit,
        figure,
        key="patched",
        reading=f"With this part taken from the clean run, {two.names[0]} has {after:.1f} % in place of {before:.1f} %: "
        f"{round(100 * one.recovered)} % of the difference comes back.",
        numbers={"tokens": np.array(one.names), "clean_corrupted_patched": one.shares},
        code=two.code("completion", f', kind="{kind}", layer={layer}, cell={cell}'),
    )
    lines = [
        f"<tr><th scope='row' style='text-align:left;font-weight:400;padding-right:1rem;opacity:.75'>{name}</th>"
        f"<td>… <b>{html.escape(shown(said))}</b></td></tr>"
        for name, said in zip(("clean", "corrupted", "patched"), one.said, strict=True)
    ]
    st.html(f"<table aria-label='How each of the three goes on'>{''.join(lines)}</table>")
    st.caption("How each of the three goes on: the likeliest token, six times in turn.")


VIEW = View(
    "Patching",
    54,
    ("blocks.*.attn.hook_z", "ln_final.hook_scale", "stream", NextToken),
    draw,
    "Two sentences that differ in a word: which part of the network, taken from one run, brings its answer into the other.",
)
