"""The tables of patching as boards: what one part, taken from the clean run, brings back of the clean answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.components.board import board
from app.components.exhibit import exhibit, foot
from app.components.twosome import Twosome
from app.figures.versus import agreement
from app.interpret.patching import Tables, estimates
from app.interpret.ranks import rank_correlation

KINDS = {
    "stream": "Residual stream before a block",
    "attention": "What attention adds",
    "mlp": "What the perceptron adds",
    "heads": "Heads, each in all places",
}
Cell = tuple[str, int, int]  # kind, layer, and place or head


def boards(two: Twosome, found: Tables, key: str, chosen: Cell = ("", 0, 0)) -> None:
    """All tables, one above the other, on one scale; a click writes the cell into the address as `patch`."""
    with st.container(key=f"figure-{key}", gap="xsmall"):
        for kind in found.kinds:
            _board(two, found, kind, f"{key}-{kind}", chosen)


def _board(two: Twosome, found: Tables, kind: str, key: str, chosen: Cell) -> None:
    values = found[kind]
    count = values.shape[1]
    heads = kind == "heads"

    def pick(i: int) -> None:
        st.session_state["patch"] = f"{kind}.{i // count}.{i % count}"

    st.markdown(f"**{KINDS[kind]}**")
    board(
        values,
        [str(i) for i in range(len(values))],
        [f"head {i}" for i in range(count)] if heads else two.columns,
        two.visit.dark,
        key=key,
        label=f"{KINDS[kind]}: how much of the clean answer comes back",
        titles=[
            f"{place(two, (kind, *divmod(i, count)))}: {round(100 * float(v))} %" for i, v in enumerate(values.ravel())
        ],
        texts=[str(round(100 * float(v))) for v in values.ravel()] if heads else None,
        signed=True,
        top=1.0,
        selected=chosen[1] * count + chosen[2] if chosen[0] == kind else -1,
        corner="layer",
        cell=(44, 22) if heads else (22, 22),
        on_pick=pick,
    )


def place(two: Twosome, cell: Cell) -> str:
    """ "layer 2, head 3", "layer 0 at “his” (place 4)"."""
    kind, layer, index = cell
    return (
        f"layer {layer}, head {index}"
        if kind == "heads"
        else f"layer {layer} at “{two.columns[index]}” (place {index})"
    )


def best(found: Tables) -> tuple[int, int]:
    """The layer and the number of the head that brings most back."""
    return divmod(int(found.heads.argmax()), found.heads.shape[1])


def reading(two: Twosome, found: Tables) -> str:
    """Which head does most; where the difference lies in the beginning, and when it arrives at the end."""
    layer, head = best(found)
    text = f"Head {head} of layer {layer} alone brings back {100 * found.heads.max():.0f} %. "
    rows, last = found["stream"], two.runs.differ[-1]
    if len(two.runs.differ) == 1 and last < rows.shape[1] - 1:
        text += f"In the stream all of it lies at “{two.columns[last]}” to begin with; "
        moved = next((i for i in range(len(rows)) if rows[i, -1] > 0.5), None)
        text += (
            f"before layer {moved} most of it stands at the end. "
            if moved
            else "only the last layer brings it to the end. "
        )
    return (
        text
        + "Orange brings the clean answer back, blue drives it off; before the first difference nothing can change."
    )


def estimated(two: Twosome, found: Tables) -> None:
    """Attribution patching: the same tables from one gradient, and how well they agree."""
    st.subheader("The same, estimated by gradients", anchor=False)
    with st.spinner("TransformerLens is asked; the first time takes some seconds"):
        told = two.ask(estimates)
    left, right = st.columns([1.45, 1], gap="large")
    with left:
        boards(two, told, "estimates")
        foot(
            two.visit,
            key="estimates",
            reading="Attribution patching: all cells at once from one pass forwards and one backwards, exact for small "
            "differences only. Colours as above.",
            numbers={kind: told[kind] for kind in told.kinds},
            code=two.code("estimates"),
            sheet=True,
        )
    with right:
        _agreement(two, found, told, found.kinds)


def _agreement(two: Twosome, found: Tables, told: Tables, kinds: Sequence[str]) -> None:
    ranks = {kind: rank_correlation(found[kind], told[kind]) for kind in kinds}
    both = {"true": found, "estimated": told}
    figure = agreement(
        [found[kind] for kind in kinds],
        [told[kind] for kind in kinds],
        list(kinds),
        two.visit.dark,
        title="Estimate and truth, cell by cell",
    )
    exhibit(
        two.visit,
        figure,
        key="agreement",
        reading="Rank correlation with true patching: "
        + ", ".join(f"{kind} {value:.2f}" for kind, value in ranks.items() if not np.isnan(value))
        + ". 1 would be the same order of all cells; on the line an estimate is right.",
        numbers={f"{name}_{kind}": table[kind] for name, table in both.items() for kind in kinds},
        code=two.code("estimates"),
    )
