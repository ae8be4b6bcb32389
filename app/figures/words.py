"""What tokens and named cells look like: their text, and the colour that a value gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from app.figures.theme import colours, is_signed, limits, theme

DIM = 0.45  # luminance of a ground below which letters on it are light


def shown(text: str) -> str:
    """A token as people read it: a space before a word is a thin mark, a line's end an arrow, nothing a dot."""
    return text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·" if not text.strip() else " ") or "∅"


def label(text: str) -> str:
    """A token as a label on an axis: as `shown`, without spaces around it."""
    return shown(text.strip(" ") or text)


def plain(text: str) -> str:
    """A text that Plotly shows as it stands, though it takes what is between angle brackets for a tag."""
    return text.replace("<", "&lt;")


def literal(text: str) -> str:
    """A text that Markdown shows as it stands: no stars, dollars or brackets that would mean something."""
    return re.sub(r"([\\`*_{}\[\]()#+!$:~<>|-])", r"\\\1", text)


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"; "nothing" where there are none."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:]))) or "nothing"


def labels(texts: Sequence[str]) -> list[str]:
    """Labels of a whole text's tokens, made different by their place where they are equal ("the", "the (7)")."""
    seen: set[str] = set()
    found = []
    for place, text in enumerate(texts):
        name = label(text)
        found.append(f"{name} ({place})" if name in seen else name)
        seen.add(name)
    return found


def paint(values: np.ndarray, dark: bool, *, signed: bool | None = None, top: float = 0.0) -> list[tuple[str, str]]:
    """(n,) -> the ground of every value on the common scales and the colour of letters on it, as hex; NaN has neither.

    `top` fixes the end of the scale; elsewise it ends at the largest value.
    """
    values = np.asarray(values, np.float32).ravel()
    t = theme(dark)
    signed = is_signed(values) if signed is None else signed
    low, high = (-top if signed else 0.0, top) if top else limits(values[np.isfinite(values)], signed)
    rgb = colours(values, t.signed if signed else t.unsigned, low, high)
    light = rgb @ np.array([0.2126, 0.7152, 0.0722]) / 255 > DIM
    return [
        ("", t.text) if np.isnan(value) else (f"#{r:02x}{g:02x}{b:02x}", "#1c1d21" if bright else "#f6f5f2")
        for value, (r, g, b), bright in zip(values, rgb, light, strict=True)
    ]
