"""A whole stack of attentions: its heads compared by number, and its layers taken together by attention rollout."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.components.answers import percent
from app.components.board import board
from app.components.exhibit import exhibit, foot
from app.components.heads import Look
from app.components.patches import lit
from app.components.strip import strip
from app.figures.attention import shares
from app.interpret.attention import rollout


def measures(look: Look) -> None:
    """Entropy and distance of every head as boards, layers by heads; a click goes to the head."""
    unit = "patches" if look.layer.side else "tokens"
    _measure(
        look,
        "entropy",
        look.part.entropy,
        "bits",
        "Entropy: 0 bits if every token looks at one alone, one more each time that the number it looks at doubles.",
    )
    if np.isfinite(look.part.distance).any():
        left_out = ", the class token left out" if look.layer.front else ""
        about = f"Distance: how many {unit} away a token looks, in the mean{left_out}."
        _measure(look, "distance", look.part.distance, unit, about)


def _measure(look: Look, key: str, values: np.ndarray, unit: str, about: str) -> None:
    columns = values.shape[1]
    places = [divmod(i, columns) for i in range(values.size)]
    low, high = (divmod(int(f(values)), columns) for f in (np.nanargmin, np.nanargmax))
    with st.container(key=f"figure-{key}"):
        board(
            values,
            [f"layer {i}" for i in range(len(values))],
            [f"head {h}" for h in range(columns)],
            look.visit.dark,
            key=key,
            label=f"{key} of every head, {unit}",
            titles=[f"layer {i}, head {h}: {values[i, h]:.2f} {unit}" for i, h in places],
            texts=["" if np.isnan(v) else f"{v:.2f}" for v in values.ravel()],
            corner=unit,
            signed=False,
            selected=look.at[0] * columns + look.at[1],
            cell=(44, 24),
            on_pick=lambda i: st.session_state.update(head="{}.{}".format(*divmod(i, columns))),
        )
    foot(
        look.visit,
        key=key,
        reading=f"{about} Least in layer {low[0]}, head {low[1]} ({values[low]:.2f} {unit}), most in layer {high[0]}, "
        f"head {high[1]} ({values[high]:.2f}).",
        numbers={key: values},
        code=look.code(f"print(part.{key})"),
        sheet=True,
    )


def rolled(look: Look) -> None:
    """Attention rollout: how much of every first token the chosen one holds after the last layer."""
    whole = rollout([layer.pattern[0] for layer in look.part.layers])
    last, one = whole[-1], look.asking[look.query]
    row = last[look.query]
    others = np.delete(np.arange(len(row)), look.query)
    best = int(others[row[others].argmax()]) if len(others) else look.query
    code = look.code("print(rollout([layer.pattern[0] for layer in part.layers])[-1])")
    across = " Attention to the other text is left out." if look.name == "decoder" else ""
    reading = (
        f"After {len(whole)} layers “{one}” is {percent(float(row[look.query]))} itself, and of the others most "
        f"“{look.asked[best]}”, {percent(float(row[best]))}: the heads' mean, and half of each step the token itself "
        f"(Abnar and Zuidema 2020).{across}"
    )
    if look.layer.side:
        lit(look, row, "rolled", f"What {look.one} is made of", reading, code, "share of what it is made of")
        return
    names = look.texts(look.part.asked)
    strip(
        names,
        [f"place {i}, {percent(float(p))}" for i, p in enumerate(row)],
        look.visit.dark,
        key="rolled-text",
        label=f"What “{one}” is made of after the last layer",
        values=row,
        selected=look.query,
        on_pick=look.pick,
    )
    figure = shares(
        last,
        look.visit.dark,
        title=f"What every token is made of after {len(whole)} layers",
        rows=look.asking,
        columns=look.asked,
        chosen=(look.query, -1),
        axes=("after the last layer", "before the first"),
        unit="share of what it is made of",
        verb="holds",
    )
    exhibit(look.visit, figure, key="rollout", reading=reading, numbers={"rollout": whole}, code=code)
