"""One head large: its map, its lines from token to token, and one look worked out unit by unit."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.arcs import arcs
from app.components.exhibit import exhibit, foot
from app.components.heads import Look
from app.components.tap import tap
from app.figures.attention import shares, units
from app.figures.worked import number
from app.interpret.attention import Arithmetic, arithmetic


def lines(look: Look) -> None:
    """The head's lines from token to token, by which one also chooses who looks and at whom."""
    query, key = look.chosen
    with st.container(key="figure-arcs"):
        arcs(
            look.pattern,
            look.texts(look.part.asks) or _short(look.rows),
            look.texts(look.part.asked) or _short(look.columns),
            look.visit.dark,
            key="arcs",
            label=f"Who looks at whom in {look.called}",
            query=query,
            asked=key,
            on_pick=lambda is_key, place: look.pick(**{"key" if is_key else "query": place}),
        )
    foot(
        look.visit,
        key="arcs",
        reading=f"Left who looks, right who is looked at, in {look.called}; strong are the lines of “{look.asking[look.query]}”. "
        "Point at a token, or go to it with the arrow keys, to see its lines alone; choose it with a click or Enter.",
        numbers={"pattern": look.pattern},
        code=_code(look),
        sheet=True,
    )


def maps(look: Look) -> None:
    """The head's map with names on both axes."""
    figure = shares(
        look.pattern,
        look.visit.dark,
        title=f"Where {look.called} looks{_window(look)}",
        rows=_short(look.rows),
        columns=_short(look.columns),
        chosen=look.chosen,
    )

    exhibit(
        look.visit,
        figure,
        key="head-map",
        reading=_strongest(look),
        numbers={"pattern": look.pattern},
        code=_code(look),
    )
    tap("figure-head-map", look.pattern.shape, key="head-tap", on_pick=look.pick)


def _code(look: Look) -> str:
    return look.code("print(part.layers[{}].pattern[{window}, {}])".format(*look.at, window=look.window))


def _short(names: list[str]) -> list[str]:
    """ "row 3, column 5" as "3,5" on an axis."""
    return [name.removeprefix("row ").replace(", column ", ",") for name in names]


def _window(look: Look) -> str:
    if len(look.layer.tokens) == 1:
        return ""
    return f", the window with {look.asking[look.query]}"


def _strongest(look: Look) -> str:
    """The strongest look of the head at another token, and that of the chosen one."""
    others = look.pattern.copy()
    if look.part.asks == look.part.asked and others.size > 1:
        np.fill_diagonal(others, -1)
    i, j = np.unravel_index(int(others.argmax()), others.shape)
    mine = look.row
    best = int(mine.argmax())
    another = " at another" if others.min() < 0 else ""
    return (
        f"A row is a token that looks, and adds up to 100 %. The strongest look{another} is that of "
        f"“{look.rows[i]}” at “{look.columns[j]}”, {percent(float(look.pattern[i, j]))}. “{look.asking[look.query]}” looks most at "
        f"“{look.asked[best]}”, {percent(float(mine[best]))}. A click on a cell chooses both."
    )


def product(look: Look) -> None:
    """The neuron view (Vig 2019): query and key unit by unit, their products, the score, and the share it comes to."""
    window, place = look.layer.find(look.query)
    how: dict[str, Any] = {"path": look.layer.path, "head": look.at[1], "window": window, "query": place}
    found = session.ask(arithmetic, look.visit, **how)
    at = list(look.members).index(look.key)
    one, other = look.asking[look.query], look.asked[look.key]
    exhibit(
        look.visit,
        units(found.q, found.k[at], look.visit.dark, title=escape(f"“{one}” looks at “{other}” in {look.called}")),
        key="pair",
        reading=_worked(found, at, one, other),
        numbers={name: np.asarray(getattr(found, name)) for name in found.__dataclass_fields__} | {"key": np.array(at)},
        code=look.code(
            f"found = arithmetic(net.module, net.paper, x, {', '.join(f'{k}={v!r}' for k, v in how.items())})",
            f"print(found.dot[{at}], found.scaled[{at}], found.share[{at}], found.pattern[{at}])",
        ),
    )
    rows = _sums(found, at)
    st.html(
        '<table aria-label="How the share comes about">'
        + "".join(
            f'<tr><td style="padding-right:1.2rem">{k}</td><td style="text-align:right">{v}</td></tr>' for k, v in rows
        )
        + "</table>"
    )


def _sums(found: Arithmetic, at: int) -> list[tuple[str, str]]:
    """The lines of the sum, from the products to the share."""
    score = float(found.scaled[at] + found.added[at])
    rows = [
        (f"sum of the {len(found.q)} products", f"{found.dot[at]:.4f}"),
        (f"divided by √{len(found.q)}", f"{found.scaled[at]:.4f}"),
    ]
    if abs(found.added[at]) > 1e-3:
        rows.append(("added by the network (position bias, mask)", f"{found.added[at]:.4f}"))
    if not found.seen[at]:
        return [*rows, ("hidden from this query: its share", "0")]
    e = np.exp((found.scaled + found.added)[found.seen].astype(np.float64))
    return [
        *rows,
        ("e to that power", f"{np.exp(score):.4f}"),
        (f"sum of the same over the {len(e)} keys that can be seen", f"{e.sum():.4f}"),
        ("the one divided by the other", f"{100 * float(found.share[at]):.3f} %"),
        ("what the network has in its pattern", f"{100 * float(found.pattern[at]):.3f} %"),
    ]


def _worked(found: Arithmetic, at: int, one: str, other: str) -> str:
    if not found.seen[at]:
        return f"“{other}” is hidden from “{one}”, whatever their product: its share is 0."
    terms = found.q * found.k[at]
    unit = int(np.abs(terms).argmax())
    rank = 1 + int((found.share > found.share[at]).sum())
    product = " times ".join(number(float(v)) for v in (found.q[unit], found.k[at, unit]))
    return (
        f"Unit {unit} counts most: {product} is {number(float(terms[unit]))}. In all {number(float(found.dot[at]))}, which makes "
        f"{percent(float(found.share[at]))} of the look: number {rank} of {int(found.seen.sum())} keys."
    )
