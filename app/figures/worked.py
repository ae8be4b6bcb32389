"""One cell's arithmetic as HTML: window, kernel and products as small grids with their numbers, and what they add up to.

Plain tables and pictures without a script: they wrap on a phone, can be read aloud, and stay what they are when saved.
"""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.figures.maps import png
from app.figures.pictures import url
from app.figures.theme import Scale, colours, theme

READABLE = 7  # cells a side; the numbers of a larger grid are not written into it
LISTED = 8  # terms of a long sum that are shown one by one
OPENED = 1  # windows of several that are shown at once; the others open with a click

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

Ends = tuple[float, float]

STYLE = """<style>
.cw { font-variant-numeric: tabular-nums; line-height: 1.45; }
.cw figure { margin: 0; } .cw figcaption { font-size: .76rem; opacity: .75; margin-top: .25rem; max-width: 12rem; }
.cw .row { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem .4rem; margin: .35rem 0 .6rem; }
.cw .op { font-size: 1.25rem; opacity: .7; }
.cw table { border-collapse: collapse; border: 0; margin: 0; width: auto; table-layout: fixed; }
.cw td { width: 31px; height: 27px; padding: 0; text-align: center; font-size: .69rem; border: 1px solid var(--cw-line); }
.cw img { image-rendering: pixelated; display: block; outline: 1px solid var(--cw-line); outline-offset: -1px; border-radius: 0; }
.cw img.curve { outline: 0; }
.cw details { border-top: 1px solid var(--cw-line); } .cw details:last-of-type { border-bottom: 1px solid var(--cw-line); }
.cw summary { cursor: pointer; display: flex; align-items: center; gap: .5rem; padding: .3rem 0; font-size: .88rem; }
.cw summary::before { content: "+"; width: .9rem; opacity: .6; } .cw details[open] > summary::before { content: "\\2212"; }
.cw summary:focus-visible { outline: 2px solid currentColor; }
.cw summary b { margin-left: auto; font-weight: 600; }
.cw .terms { display: grid; grid-template-columns: minmax(5.5rem, max-content) max-content minmax(3rem, 1fr) max-content;
  gap: .12rem .7rem; align-items: center; font-size: .85rem; margin: .4rem 0 .6rem; }
.cw .terms .bar { height: .75rem; position: relative;
  background: linear-gradient(var(--cw-line), var(--cw-line)) center / 1px 100% no-repeat; }
.cw .terms .bar i { position: absolute; top: 0; bottom: 0; border-radius: 1px; }
.cw .terms .much { text-align: right; font-weight: 600; }
.cw .terms .quiet { opacity: .75; }
.cw .equation { font-size: 1.02rem; margin: .7rem 0 .2rem; } .cw .equation b { font-weight: 650; }
.cw .equation .result { border-bottom: 2px solid var(--cw-accent); }
.cw .next { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; margin: .5rem 0; }
.cw .check { font-size: .8rem; opacity: .75; margin: .2rem 0 0; }
.cw .sources { display: flex; flex-wrap: wrap; gap: .5rem; } .cw .sources figure { position: relative; }
.cw .sources .frame { position: relative; line-height: 0; } .cw .sources .frame i { position: absolute; box-sizing: border-box;
  outline: 2px solid var(--cw-accent); }
.cw .legend { display: flex; gap: .5rem; align-items: center; font-size: .76rem; max-width: 18rem; }
.cw .legend i { flex: 1; height: .6rem; outline: 1px solid var(--cw-line); outline-offset: -1px; }
.cw dl { display: grid; grid-template-columns: max-content 1fr; gap: .22rem .9rem; margin: 0; padding: 0; font-size: .88rem; }
.cw dt { opacity: .72; } .cw dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 640px) { .cw td { width: 30px; height: 26px; font-size: .66rem; } }
</style>"""


@dataclass(frozen=True)
class Window:
    """One map's share of a sum: its name, the window and the weights (height, width), and the terms of both."""

    name: str
    window: np.ndarray
    weights: np.ndarray
    terms: np.ndarray


def number(value: float, digits: int = 3) -> str:
    """A number as one reads it: a few digits, a true minus sign, no exponent where it can be helped."""
    if value == 0 or not math.isfinite(value):
        text = "0" if value == 0 else str(value)
    else:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        if -4 <= int(power) < digits + 2:
            text = f"{value:.{max(0, digits - 1 - int(power))}f}"
        else:
            text = f"{mantissa} × 10{str(int(power)).translate(_RAISED)}"
    return text.replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """As `number`, with its sign."""
    return ("" if value < 0 else "+") + number(value, digits)


def frame(body: Sequence[str], dark: bool) -> str:
    """The parts of a page section with their style."""
    t = theme(dark)
    return f'{STYLE}<div class="cw" data-sheet style="--cw-line:{t.line};--cw-accent:{t.accent}">{"".join(body)}</div>'


def page(title: str, sheet: str, dark: bool) -> str:
    """A sheet of `frame` as a file that stands alone."""
    t = theme(dark)
    style = f"margin:2rem;max-width:44rem;font-family:sans-serif;background:{t.ground};color:{t.text}"
    said = html.escape(title)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{said}</title><body style="{style}"><h3>{said}</h3>{sheet}</body>'
    )


def scale_of(ends: Ends, dark: bool) -> tuple[Scale, Ends]:
    """The signed scale, symmetric, where the lower end is negative; else the unsigned one from zero."""
    t, top = theme(dark), max(abs(ends[0]), abs(ends[1])) or 1.0
    return (t.signed, (-top, top)) if ends[0] < 0 else (t.unsigned, (0.0, top))


def image(values: np.ndarray, ends: Ends, dark: bool, side: int, alt: str) -> str:
    """(h, w) as a picture whose longer side is `side` CSS pixels."""
    scale, (low, high) = scale_of(ends, dark)
    h, w = values.shape
    tall, wide = round(side * h / max(h, w)), round(side * w / max(h, w))
    source = url(png(colours(values, scale, low, high)))
    return f'<img src="{source}" width="{wide}" height="{tall}" alt="{html.escape(alt)}">'


def table(values: np.ndarray, ends: Ends, dark: bool) -> str:
    """(h, w) as a table, every cell coloured and with its number."""
    scale, (low, high) = scale_of(ends, dark)
    rgb = colours(values, scale, low, high)
    top = float(np.abs(values).max()) or 1.0
    places = 3 if top < 0.1 else int(np.clip(2 - math.floor(math.log10(top)), 0, 2))
    rows = []
    for line, paint in zip(values, rgb, strict=True):
        cells = []
        for value, colour in zip(line, paint, strict=True):
            light = float(colour @ np.array([0.299, 0.587, 0.114])) > 140
            text = f"{round(float(value), places) + 0.0:.{places}f}".replace("-", "−") if value else "0"
            style = f"background:rgb({colour[0]},{colour[1]},{colour[2]});color:{'#111' if light else '#fff'}"
            cells.append(f'<td style="{style}">{text}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def legend(ends: Ends, dark: bool) -> str:
    """The scale of a picture as a bar from its lower to its upper end."""
    scale, (low, high) = scale_of(ends, dark)
    stops = ",".join(f"{colour} {100 * at:.0f}%" for at, colour in scale)
    bar = f'<i style="background:linear-gradient(90deg,{stops})"></i>'
    return frame([f'<div class="legend"><span>{number(low, 2)}</span>{bar}<span>{number(high, 2)}</span></div>'], dark)


def grid(values: np.ndarray, ends: Ends, dark: bool, caption: str) -> str:
    """A small array as a table with numbers, a larger one as a picture, with a caption."""
    small = max(values.shape) <= READABLE
    inside = table(values, ends, dark) if small else image(values, ends, dark, 150, caption)
    return f"<figure>{inside}<figcaption>{html.escape(caption)}</figcaption></figure>"


def windows(parts: Sequence[Window], ends: Ends, dark: bool, distance: bool = False) -> list[str]:
    """Every window with its weights and their terms, the largest share first and open."""
    weight_ends, term_ends = _ends([p.weights for p in parts], True), _ends([p.terms for p in parts], not distance)
    found = []
    for i, p in enumerate(sorted(parts, key=lambda p: -abs(float(p.terms.sum())))):
        row = (
            '<span class="op">(</span>' if distance else "",
            grid(p.window, ends, dark, "what it sees"),
            f'<span class="op">{"−" if distance else "×"}</span>',
            grid(p.weights, weight_ends, dark, "what it looks for" if distance else "its weights"),
            f'<span class="op">{")² =" if distance else "="}</span>',
            grid(p.terms, term_ends, dark, "squared differences" if distance else "products"),
        )
        body = f'<div class="row">{"".join(row)}</div>'
        if len(parts) == 1:
            return [body]
        thumbs = (
            image(p.window, ends, dark, 24, ""),
            f"<span>{'−' if distance else '×'}</span>",
            image(p.weights, weight_ends, dark, 24, ""),
            f"<span>{html.escape(p.name)}</span><b>{signed(float(p.terms.sum()))}</b>",
        )
        found.append(f"<details{' open' if i < OPENED else ''}><summary>{''.join(thumbs)}</summary>{body}</details>")
    return found


def terms(
    names: Sequence[str], left: np.ndarray, right: np.ndarray, values: np.ndarray, dark: bool, distance: bool = False
) -> str:
    """A long sum as a list: the terms that weigh most, one a line with a bar, and all others together.

    `left` and `right` are the two numbers of every term. A term of zero is listed only where connections are few.
    """
    t = theme(dark)
    there = np.flatnonzero((right != 0) | distance)
    if len(there) > LISTED:
        there = there[values[there] != 0]
    order = there[np.argsort(-np.abs(values[there]), kind="stable")]
    listed, others = [int(i) for i in order[:LISTED]], order[LISTED:]
    rest = float(values[others].sum())
    top = max([abs(float(values[i])) for i in listed] + [abs(rest)], default=0.0) or 1.0
    lines = []
    for i in listed:
        a, b = number(float(left[i])), number(float(right[i]))
        lines.append(_term(names[i], f"({a} − {b})²" if distance else f"{a} × {b}", float(values[i]), top, t.signed))
    if len(others):
        lines.append(_term(f"{len(others):,} others", "together", rest, top, t.signed, "quiet"))
    nothing = int(((right != 0) & (values == 0)).sum()) - int((values[listed] == 0).sum())
    quiet = f'<p class="check">{nothing:,} more add nothing: what they look at is 0.</p>' if nothing > 0 else ""
    return f'<div class="terms">{"".join(lines)}</div>{quiet}'


def _term(name: str, product: str, value: float, top: float, scale: Scale, css: str = "") -> str:
    half = 50 * abs(value) / top
    left, colour = (50 - half, scale[1][1]) if value < 0 else (50.0, scale[3][1])
    bar = f'<i style="left:{left:.1f}%;width:{half:.1f}%;background:{colour}"></i>'
    return (
        f'<span class="{css}">{html.escape(name)}</span><span class="quiet">{product}</span>'
        f'<span class="bar">{bar}</span><span class="much {css}">{signed(value) if value else "0"}</span>'
    )


def equation(steps: Sequence[tuple[str, float]], result: float) -> str:
    """(name, number) steps and what they add up to: "all products 1.23 + bias −0.05 = 1.18"; of a single step its name."""
    if len(steps) == 1:
        told = html.escape(steps[0][0])
    else:
        told = " + ".join(f"{html.escape(name)} <b>{number(value, 4)}</b>" for name, value in steps)
    return f'<p class="equation">{told} = <b class="result">{number(result, 4)}</b></p>'


def curve(points: np.ndarray, at: tuple[float, float], dark: bool, alt: str, width: int = 132, height: int = 84) -> str:
    """A function (2, k) as a small drawing, with a dot where this cell is."""
    t = theme(dark)
    x, y = points.astype(float)
    low, high = float(y.min()), float(y.max())
    span = (high - low) or 1.0

    def place(a: float, b: float) -> str:
        return (
            f"{4 + (width - 8) * (a - x[0]) / (x[-1] - x[0]):.1f},{height - 6 - (height - 12) * (b - low) / span:.1f}"
        )

    path = " ".join(place(a, b) for a, b in zip(x, y, strict=True))
    cx, cy = place(*at).split(",")
    zero, floor = place(0, low).split(",")[0], place(x[0], 0 if low <= 0 <= high else low).split(",")[1]
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<path d="M{zero},4V{height - 4}M4,{floor}H{width - 4}" stroke="{t.line}" fill="none"/>'
        f'<polyline points="{path}" fill="none" stroke="{t.ours}" stroke-width="1.8"/>'
        f'<circle cx="{cx}" cy="{cy}" r="4.2" fill="{t.accent}"/></svg>'
    )
    source = base64.b64encode(drawing.encode()).decode()
    size = f'width="{width}" height="{height}"'
    return f'<img class="curve" src="data:image/svg+xml;base64,{source}" {size} alt="{html.escape(alt)}">'


def facts(rows: Sequence[tuple[str, str]], dark: bool) -> str:
    """Names and their values as a list of two columns."""
    lines = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in rows)
    return frame([f"<dl>{lines}</dl>"], dark)


def looks_at(
    maps: Sequence[tuple[str, np.ndarray, tuple[int, int], tuple[int, int]]], ends: Ends, dark: bool, side: int
) -> str:
    """(name, map, corner, size) each: the maps a cell looks at, its window framed in each."""
    found = []
    for name, values, (top, left), (h, w) in maps:
        tall, wide = values.shape
        box = f"left:{100 * left / wide:.2f}%;top:{100 * top / tall:.2f}%;width:{100 * w / wide:.2f}%;height:{100 * h / tall:.2f}%"
        picture = image(values, ends, dark, side, f"{name}, the window framed")
        found.append(
            f'<figure><div class="frame">{picture}<i style="{box}"></i></div><figcaption>{html.escape(name)}</figcaption></figure>'
        )
    return f'<div class="sources">{"".join(found)}</div>'


def _ends(arrays: Sequence[np.ndarray], two: bool) -> Ends:
    top = max(float(np.abs(a).max()) for a in arrays) or 1.0
    return (-top if two else 0.0, top)
