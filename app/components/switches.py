"""The board of switches: every head and perceptron of a network, on or off, coloured by what it is worth alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import session
from app.components.board import board
from app.components.choice import choice
from app.components.exhibit import foot
from app.figures.words import listed
from app.interpret.ablation import Alone, alone
from app.view import Visit

HOW = {"zero": "to nothing", "mean": "to its mean"}
NONE = "none"  # in the address: nothing is off, where nothing at all would mean the head that is missed most


@dataclass(frozen=True)
class Switches:
    """Which parts are off, and how; and the loss that each causes alone."""

    off: tuple[str, ...]
    how: str
    found: Alone

    @property
    def settings(self) -> str:
        """As a snippet has them."""
        return f'off={self.off}, how="{self.how}"'

    @property
    def told(self) -> str:
        """ "head 1 of layer 0 and the perceptron of layer 2"."""
        return listed([called(name) for name in self.off])


def called(name: str) -> str:
    """A part as people read it."""
    layer, part = name.split(".")
    return f"the perceptron of layer {layer}" if part == "mlp" else f"head {part} of layer {layer}"


def choose(visit: Visit) -> Switches:
    """How parts are switched off, and which: `how` and `off` ("0.1,2.mlp") in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="switching"):
        how = choice(st.segmented_control, "What a part that is off adds is set", HOW, key="how", required=True)
        st.button("All on", on_click=lambda: st.session_state.update(off=NONE))
        st.button("All off", on_click=lambda: st.session_state.update(off="all"))
    with st.container(key="unseen-off"):
        named = st.text_input("Parts that are off, as the address has it", key="off", bind="query-params")
    found = session.ask(alone, visit, how=how)
    wanted = named.split(",")
    off = tuple(name for name in found.names if name in wanted or named == "all")
    if not off and named != NONE:
        layer, head = divmod(int(_heads(found).argmax()), _heads(found).shape[1])
        off = (f"{layer}.{head}",)
    return Switches(off, how, found)


def _heads(found: Alone) -> np.ndarray:
    """The effects of heads alone: a perceptron's is often so large that nothing is left without it."""
    return found.effects[:, [not name.endswith("mlp") for name in found.names[: found.effects.shape[1]]]]


def switches(visit: Visit, now: Switches) -> None:
    """The board with its sentence; a click switches a part."""
    found, (layers, columns) = now.found, now.found.effects.shape

    def switch(i: int) -> None:
        off = set(now.off) ^ {found.names[i]}
        st.session_state["off"] = ",".join(name for name in found.names if name in off) or NONE

    effects = found.effects.ravel()
    top = max(float(np.sort(np.abs(effects))[-3:].min()), 0.01)  # two may be far above all others
    with st.container(key="figure-switches"):
        board(
            found.effects,
            [str(layer) for layer in range(layers)],
            ["MLP" if name.endswith("mlp") else f"head {name.split('.')[1]}" for name in found.names[:columns]],
            visit.dark,
            key="switches",
            label="Heads and perceptrons, to switch on and off",
            titles=[_title(name, float(e), name in now.off) for name, e in zip(found.names, effects, strict=True)],
            texts=["off" if name in now.off else _text(float(e)) for name, e in zip(found.names, effects, strict=True)],
            signed=True,
            top=top,
            off=[i for i, name in enumerate(found.names) if name in now.off],
            corner="layer",
            cell=(40, 26),
            on_pick=switch,
        )
    most, least = (called(found.names[int(i)]) for i in (effects.argmax(), effects.argmin()))
    gain = f"; without {least} it would lose {-effects.min():.2f} less" if effects.min() < -0.005 else ""
    foot(
        visit,
        key="switches",
        reading=f"Click on a part to switch it off or on. A number is what the loss rises by when that part alone is off, bits a "
        f"token of this text: {found.bits:.2f} to begin with, {effects.max():.2f} more without {most}{gain}. Orange is missed, "
        f"blue only harms here; the full colour is {top:.2f} or more.",
        numbers={"effects": found.effects, "parts": np.array(found.names)},
        code=code(visit, "alone", f'how="{now.how}"'),
        sheet=True,
    )


def _text(effect: float) -> str:
    return f"{effect:+.2f}" if abs(effect) >= 0.005 else "0.00"


def _title(name: str, effect: float, off: bool) -> str:
    return f"{called(name)}, {'off' if off else 'on'}: {effect:+.3f} bits a token when it alone is off"


def code(visit: Visit, name: str, settings: str) -> str:
    """A snippet that asks again."""
    return (
        f"import models\nfrom app.interpret.ablation import {name}\n\n"
        f'net = models.load("{visit.paper.slug}")\nx = net.paper.takes.parse({str(visit.source)!r})\n'
        f"print({name}(net.module, net.paper, x, {settings}))"
    )
