"""A network laid out from input to output: every stage's units as small pictures, and what joins them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.figures.maps import png
from app.figures.theme import Theme, colours, theme


@dataclass(frozen=True)
class Sheet:
    """The units of one stage as pictures, `count` of `height` x `width` cells each; a unit without a map is one cell.

    `levels` holds one byte a cell, an index into the scale's palette. `columns` fixes how many stand side by side.
    """

    path: str
    name: str  # short, under the pictures
    unit: str  # what one is called: "map", "unit", "cell"
    count: int
    height: int
    width: int
    levels: bytes
    signed: bool
    answers: tuple[float, ...]  # a number a unit: a map's largest value, or the value
    labels: tuple[str, ...] = ()  # a name a unit where numbers will not do
    columns: int = 0


@dataclass(frozen=True)
class Link:
    """What joins one sheet's units to another's: (unit, unit) pairs, or one band where there are none: all, or too many to see."""

    source: str
    target: str
    pairs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Group:
    """A stage with those that follow it cell by cell: drawn side by side under one heading."""

    title: str
    lines: tuple[str, ...]
    depth: int
    sheets: tuple[Sheet, ...]
    links: tuple[Link, ...] = ()


def sheet(
    path: str,
    values: np.ndarray,
    ends: tuple[float, float],
    *,
    name: str = "",
    unit: str = "",
    labels: Sequence[str] = (),
    columns: int = 0,
) -> Sheet:
    """(units,) or (units, height, width) -> a sheet on a scale that holds `ends`, symmetric where they are of two signs."""
    maps = values.reshape(len(values), 1, 1) if values.ndim == 1 else values
    answers = tuple(float(f"{v:.3g}") for v in maps.reshape(len(maps), -1).max(1))
    if (side := patches(maps.shape[1:])) is not None:
        maps = in_place(maps[:, 0], side).reshape(len(maps), -1, side)
    n, h, w = maps.shape
    word = unit or ("map" if h * w > 1 else "unit")
    signed = ends[0] < 0
    return Sheet(path, name or path, word, n, h, w, levels(maps, ends), signed, answers, tuple(labels), columns)


def patches(shape: Sequence[int]) -> int | None:
    """The patches on each side of a square picture, for a row of cells (1, tokens) that may begin with a class token."""
    if len(shape) != 2 or shape[0] != 1 or shape[1] < 4:
        return None
    side = math.isqrt(shape[1])
    return side if shape[1] - side * side in (0, 1) else None


def in_place(values: np.ndarray, side: int) -> np.ndarray:
    """(..., tokens) as they lie, row after row: a class token has the first row for itself, the rest of which is 0."""
    if values.shape[-1] == side * side:
        return values
    gap = np.zeros((*values.shape[:-1], side - 1), values.dtype)
    return np.concatenate([values[..., :1], gap, values[..., 1:]], -1)


def token(index: int, tokens: int, side: int) -> int | None:
    """The token at a place of `in_place`; None where there is none."""
    if tokens == side * side:
        return index
    return 0 if index == 0 else index - side + 1 if index >= side else None


def levels(values: np.ndarray, ends: tuple[float, float]) -> bytes:
    """Values -> one byte each: 0..255 from 0 to the upper end, or symmetric about 127.5 where the lower end is negative."""
    top = max(abs(ends[0]), abs(ends[1])) or 1.0
    share = (values / top + 1) / 2 if ends[0] < 0 else values / top
    return (np.clip(np.nan_to_num(share), 0, 1) * 255).round().astype(np.uint8).tobytes()


def palettes(dark: bool) -> dict[str, str]:
    """The two scales as 256 colours each, hex digits in a row."""
    t = theme(dark)
    return {name: _table(scale).tobytes().hex() for name, scale in (("signed", t.signed), ("unsigned", t.unsigned))}


def _table(scale: tuple[tuple[float, str], ...]) -> np.ndarray:
    return colours(np.arange(256), scale, 0, 255)


def wire(group: Group) -> dict[str, object]:
    """A group as the browser takes it."""
    return {
        "title": group.title,
        "lines": list(group.lines),
        "depth": group.depth,
        "links": [{"source": k.source, "target": k.target, "pairs": [list(p) for p in k.pairs]} for k in group.links],
        "sheets": [
            {
                "path": s.path,
                "name": s.name,
                "unit": s.unit,
                "n": s.count,
                "h": s.height,
                "w": s.width,
                "levels": base64.b64encode(s.levels).decode(),
                "signed": s.signed,
                "answers": list(s.answers),
                "labels": list(s.labels),
                "columns": s.columns,
            }
            for s in group.sheets
        ],
    }


def picture(groups: Sequence[Group], dark: bool, height: int = 420, gap: int = 28) -> bytes:
    """All sheets from left to right as one PNG, to take away."""
    t = theme(dark)
    ground = colours(np.array(0.0), t.unsigned, 0, 1)
    blocks = [_block(s, t, ground, height) for group in groups for s in group.sheets]
    page = np.empty((height + 2 * gap, sum(b.shape[1] + gap for b in blocks) + gap, 3), np.uint8)
    page[:] = ground
    x = gap
    for block in blocks:
        y = (page.shape[0] - block.shape[0]) // 2
        page[y : y + block.shape[0], x : x + block.shape[1]] = block
        x += block.shape[1] + gap
    return png(page)


def _block(s: Sheet, t: Theme, ground: np.ndarray, height: int) -> np.ndarray:
    """One sheet, its pixels enlarged so that it fills about the height."""
    columns = s.columns or max(1, round(float(np.sqrt(s.count * s.height / (6 * s.width)))))
    rows = -(-s.count // columns)
    zoom = max(1, min(12, (height - 2 * rows) // (rows * s.height)))
    maps = _table(t.signed if s.signed else t.unsigned)[
        np.frombuffer(s.levels, np.uint8).reshape(-1, s.height, s.width)
    ]
    h, w = s.height * zoom, s.width * zoom
    page = np.empty((rows * (h + 2), columns * (w + 2), 3), np.uint8)
    page[:] = ground
    line = [int(t.line[i : i + 2], 16) for i in (1, 3, 5)]
    for i, one in enumerate(maps):
        y, x = (i // columns) * (h + 2), (i % columns) * (w + 2)
        page[y : y + h + 2, x : x + w + 2] = line
        page[y + 1 : y + h + 1, x + 1 : x + w + 1] = one.repeat(zoom, 0).repeat(zoom, 1)
    return page[:height] if page.shape[0] > height else page


def depths(sources: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many stages lie at most between the input and each stage; stages come after those that they read."""
    found: dict[str, int] = {}
    for path, read in sources.items():
        found[path] = 1 + max((found[s] for s in read), default=-1)
    return found
