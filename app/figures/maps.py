"""Pictures of arrays: one map large, many as a mosaic. Pixels are drawn as pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from app.figures.theme import colours, dress, is_signed, limits, theme

FEW = 8  # rows or columns, of which each has its number


@dataclass(frozen=True)
class Mosaic:
    """A PNG of many small maps and where each lies: cell i is at column i % columns, row i // columns."""

    png: bytes
    count: int
    columns: int
    cell: tuple[int, int]  # height, width of a cell in pixels of the PNG, its gap of 1 included
    size: tuple[int, int]  # height, width of the PNG


def png(rgb: np.ndarray) -> bytes:
    """uint8 (h, w, 3) -> the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(file, "PNG", optimize=False, compress_level=6)
    return file.getvalue()


def mosaic(
    maps: np.ndarray, dark: bool, *, columns: int = 0, signed: bool | None = None, each: bool = False, top: float = 0.0
) -> Mosaic:
    """(n, h, w) maps -> one picture, on one scale for all, or on a scale of its own for `each` map.

    Colour pictures (n, h, w, 3), in 0..1, are drawn as they are.
    `top` fixes the end of the scale (while one scrubs or compares). Columns default to what makes the mosaic 3:2.
    """
    zoom = max(1, round(28 / max(maps.shape[1:3])))  # so that the lines between small maps stay thin
    maps = maps.repeat(zoom, 1).repeat(zoom, 2)
    n, h, w = maps.shape[:3]
    columns = columns or max(1, min(n, round(float(np.sqrt(1.5 * n * h / w)))))
    rows = -(-n // columns)
    t = theme(dark)
    signed = is_signed(maps) if signed is None else signed
    line = tuple(int(t.line[i : i + 2], 16) for i in (1, 3, 5))
    sheet = np.full((rows * (h + 1) + 1, columns * (w + 1) + 1, 3), line, np.uint8)
    low, high = (-top if signed else 0.0, top) if top else limits(maps, signed)
    for i, one in enumerate(maps):
        y, x = (i // columns) * (h + 1) + 1, (i % columns) * (w + 1) + 1
        ends = limits(one, signed) if each else (low, high)
        coloured = np.rint(255 * np.clip(one, 0, 1)) if one.ndim == 3 else None
        sheet[y : y + h, x : x + w] = (
            colours(one, t.signed if signed else t.unsigned, *ends) if coloured is None else coloured
        )
    return Mosaic(png(sheet), n, columns, (h + 1, w + 1), (sheet.shape[0], sheet.shape[1]))


def heatmap(
    values: np.ndarray,
    dark: bool,
    *,
    title: str,
    unit: str,
    signed: bool | None = None,
    top: float = 0.0,
    height: int = 360,
    rows: str = "row",
    columns: str = "column",
    row_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
) -> go.Figure:
    """(h, w) -> a heat map with its colour bar; `top` fixes the end of the scale. Square pixels unless they have names."""
    t = theme(dark)
    signed = is_signed(values) if signed is None else signed
    low, high = (-top if signed else 0.0, top) if top else limits(values, signed)
    figure = go.Figure(
        go.Heatmap(
            z=np.asarray(values, np.float32),
            zmin=low,
            zmax=high,
            colorscale=[list(stop) for stop in (t.signed if signed else t.unsigned)],
            colorbar={"title": {"text": unit, "side": "right"}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
            hovertemplate=f"{rows} %{{y}}, {columns} %{{x}}<br>%{{z:.4g}} {unit}<extra></extra>",
        )
    )
    dress(figure, dark, title=title, height=height)
    named = bool(row_names or column_names)
    figure.update_yaxes(autorange="reversed", constrain="domain", showgrid=False, zeroline=False, title=rows)
    figure.update_yaxes(scaleanchor=None if named else "x")
    sides = ((figure.update_yaxes, row_names, values.shape[0]), (figure.update_xaxes, column_names, values.shape[1]))
    for axis, names, count in sides:
        if not names and count <= FEW:
            axis(dtick=1)
        elif names:
            axis(tickmode="array", tickvals=_ticks(len(names)), ticktext=[names[i] for i in _ticks(len(names))])
    figure.update_xaxes(constrain="domain", showgrid=False, zeroline=False, title=columns)
    return figure


def _ticks(count: int) -> list[int]:
    """Every name where there are few, else about thirty of them."""
    return list(range(0, count, max(1, count // 30)))


def portrait(pixels: np.ndarray, dark: bool) -> bytes:
    """(h, w), signed or not -> PNG bytes on the common scales; (h, w, 3), uint8 or in 0..1, is a picture as it is."""
    if pixels.ndim == 3:
        return png(pixels if pixels.dtype == np.uint8 else np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    t, signed = theme(dark), is_signed(pixels)
    return png(colours(pixels, t.signed if signed else t.unsigned, *limits(pixels, signed)))
