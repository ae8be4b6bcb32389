"""A look over the patches of a picture: the picture itself, clear where the look goes, and the shares as a map."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.components.answers import percent
from app.components.exhibit import exhibit, foot
from app.components.grid import grid
from app.components.heads import Look
from app.figures.attention import over_patches, spotlight


def over_picture(look: Look) -> None:
    """The chosen token's look over the picture, bright where it goes; a click lets another patch look."""
    row, title = look.row, f"Where {look.one} looks"
    rest = f" {percent(float(row[0]))} of it goes to the class token, which lies nowhere." if look.layer.front else ""
    reading = (
        f"{title} in {look.called}: clear where the look goes, faded elsewhere, the largest share at full light.{rest} "
        "Click on a patch to let it look."
    )
    code = look.code("print(part.layers[{}].row({}, {query}))".format(*look.at, query=look.query))
    lit(look, row, "spot", title, reading, code, "share of the look")
    if len(look.layer.tokens) > 1:
        st.caption("Only patches of the same window can be seen; the windows are laid where they are in the picture.")


def lit(look: Look, row: np.ndarray, key: str, title: str, reading: str, code: str, unit: str) -> None:
    """Shares (tokens,) over the picture and as a map of patches."""
    visit, side, front = look.visit, look.layer.side, look.layer.front
    pixels = visit.paper.takes.unnormalise(visit.x)[0].transpose(1, 2, 0)  # type: ignore[union-attr]
    picture = spotlight(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), row[front:], side, visit.dark)
    left, right = st.columns([1, 1.2], gap="small")
    with left:
        names = [f"{name}: {percent(float(p))}" for name, p in zip(look.asking[front:], row[front:], strict=True)]
        grid(
            picture,
            names,
            key=key,
            alt=f"{title}; the brightest is {names[int(row[front:].argmax())]}",
            selected=look.query - front,
            width=320,
            on_pick=lambda i: st.session_state.update(place=str(i + front)),
        )
        if front:
            st.button(
                "Let the class token look",
                key=f"{key}-class",
                type="tertiary",
                disabled=look.query == 0,
                on_click=lambda: st.session_state.update(place="0"),
            )
        foot(visit, key=key, reading=reading, numbers={"shares": row}, code=code, png=picture.png)
    with right:
        best = int(row[front:].argmax())
        exhibit(
            visit,
            over_patches(row[front:], side, visit.dark, title=title, unit=unit, chosen=look.query - front),
            key=f"{key}-map",
            reading=f"The same as numbers: {look.asking[front + best]} gets most, {percent(float(row[front + best]))}.",
            numbers={"shares": row},
            code=code,
        )
