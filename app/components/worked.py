"""One cell worked out: which one, what it looks at, the sum of its terms, and what follows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import session
from app.components.diagram import diagram
from app.components.exhibit import foot
from app.components.network import Network, names
from app.components.unit import cell_sheet, drawn_at
from app.figures import worked as figures
from app.figures.architecture import Group, patches, token
from app.figures.worked import number
from app.interpret.architecture import Layer
from app.interpret.arithmetic import Arithmetic, Part, arithmetic
from app.view import Visit

STRONGEST = "strongest"
SHOWN = 8  # source maps shown with their window
LISTED = 24  # windows of one cell up to which each is drawn


def choose(net: Network, layer: Layer, unit: int) -> tuple[int, ...]:
    """The widget that says which cell of a map is worked out, in the address as "row,column"; () where there is no map."""
    if not layer.maps:
        return ()
    height, width = layer.shape[1:]
    values = np.abs(net.values[layer.path][unit])
    top = np.unravel_index(int(values.argmax()), values.shape)
    cells = {f"{r},{c}": (r, c) for r in range(height) for c in range(width)}
    if len(cells) == 1:
        return (0, 0)
    label = "Token" if height == 1 else "Cell: row, column"
    picked = st.selectbox(label, [STRONGEST, *cells], key="cell", bind="query-params", width=150)
    return cells.get(picked, (int(top[0]), int(top[1])))


def show(visit: Visit, net: Network, layer: Layer, unit: int, cell: tuple[int, ...]) -> None:
    """The chain from what the cell looks at to its value, the layer itself and those that it is a function of."""
    asked = [_ask(visit, net, path, layer, unit, cell) for path in _chain(net, layer.path)]
    chain = [step for whole in asked for step in ((whole.inner, whole) if whole.inner else (whole,))]
    base, title = chain[0], _name(visit, net, layer.path, unit, cell)
    st.markdown(f"**How {title} comes about**")
    if layer.maps and layer.shape[1] * layer.shape[2] > 1:
        left, right = st.columns([1.5, 1], gap="medium", vertical_alignment="top")
        with left:
            drawn = _sources(visit, net, base)
        with right if drawn else left:
            _map(visit, net, layer, unit, cell)
    else:
        _sources(visit, net, base)
    body = [*_body(visit, net, base), *(_next(visit, net, step) for step in chain[1:])]
    here = next(step for step in asked if step.path == layer.path)
    shown = figures.frame(body, visit.dark)
    with st.container(key="figure-worked"):
        st.html(shown)
    foot(
        visit,
        key="worked",
        reading=_reading(title, here),
        numbers=_numbers(base) | {"value": np.array(here.value), "worked": np.array(here.worked)},
        code=_code(visit, here, net.structure[here.path]),
        html=lambda: figures.page(f"How {title} comes about", shown, visit.dark),
    )


def _chain(net: Network, path: str) -> list[str]:
    """From the sum that a layer rests on to the layer, and on to the first function of it."""
    found = [path]
    while (layer := net.structure[found[0]]).joined and layer.sources[0] in net.paths:
        found.insert(0, layer.sources[0])
    after = [k.path for k in net.structure.layers if k.joined and k.sources == (path,)]
    return found + after[:1] if len(found) == 1 else found


def _ask(visit: Visit, net: Network, path: str, layer: Layer, unit: int, cell: tuple[int, ...]) -> Arithmetic:
    """The arithmetic of the cell of `path` that lies where the chosen cell of `layer` does."""
    of = net.structure[path]
    index = int(np.ravel_multi_index((unit, *cell), layer.shape))
    at = tuple(int(i) for i in np.unravel_index(index, of.shape))
    return session.ask(arithmetic, visit, path=path, unit=at[0], cell=at[1:], sources=of.sources, joined=of.joined)


def _name(visit: Visit, net: Network, path: str, unit: int, cell: tuple[int, ...]) -> str:
    """ "C3, map 5, row 2, column 7"."""
    layer = net.structure[path]
    wide = layer.maps and layer.shape[1] * layer.shape[2] > 1
    tokens = patches(layer.shape[1:]) is not None
    place = "" if not wide else f", token {cell[1]}" if tokens else f", row {cell[0]}, column {cell[1]}"
    return f"{path}, {'map' if wide else 'unit'} {names(visit.paper, net, path)[unit]}{place}"


def _sources(visit: Visit, net: Network, base: Arithmetic) -> bool:
    """The maps that the cell looks at, with its window framed; whether there is anything to show."""
    maps = [p for p in base.parts if p.unit >= 0]
    if not maps or all(p.window.shape == net.structure[p.source].shape[1:] for p in maps):
        return False  # it looks at the whole of each, which stands below
    if all(patches(net.structure[p.source].shape[1:]) is not None and p.window.size == 1 for p in maps):
        return False  # the same token of each
    shown = sorted(sorted(maps, key=lambda p: -abs(float(p.terms.sum())))[:SHOWN], key=lambda p: p.unit)
    side = 150 if len(shown) == 1 else 84 if len(shown) <= 4 else 66
    pictures = [(_part(net, p), net.values[p.source][p.unit], p.corner, p.window.shape) for p in shown]
    st.caption(
        "What it looks at"
        + (f": the {len(shown)} of {len(maps)} maps that count most" if len(maps) > len(shown) else "")
    )
    ends = net.ends(shown[0].source)
    st.html(figures.frame([figures.looks_at(pictures, ends, visit.dark, side)], visit.dark))
    return True


def _map(visit: Visit, net: Network, layer: Layer, unit: int, cell: tuple[int, ...]) -> None:
    """The chosen map, every cell of it to be clicked."""
    width, side = layer.shape[2], patches(layer.shape[1:])
    one = cell_sheet(layer, net.values[layer.path][unit], net.ends(layer.path))

    def click(_: str, index: int) -> None:
        place = index if side is None else token(index, width, side)
        if place is not None:
            st.session_state["cell"] = f"{place // width},{place % width}"

    st.caption(f"{layer.path}: click a cell")
    diagram(
        [Group("", (), 0, (one,))],
        visit.dark,
        key="cells",
        alt=f"{layer.path}, map {unit}; the chosen cell is row {cell[0]}, column {cell[1]}",
        layout="shelf",
        selected=(layer.path, drawn_at(layer, cell[0] * width + cell[1])),
        plain=True,
        on_pick=click,
    )


def _part(net: Network, part: Part) -> str:
    return part.source if net.structure[part.source].units == 1 else f"{part.source} map {part.unit}"


def _body(visit: Visit, net: Network, base: Arithmetic) -> list[str]:
    """The terms and what they add up to, by the kind of the arithmetic."""
    if base.kind in ("function", "copy") and not base.parts:
        return [_next(visit, net, base)]
    if base.kind == "unknown":
        return [
            '<p class="check">This layer is neither a weighted sum, a choice nor a distance: its cell is not worked out.</p>'
        ]
    if base.kind == "distance":
        return [*_windows(visit, net, base), _distance(base)]
    total = base.worked - base.bias
    shared = [p.shared for p in base.parts]
    if base.kind == "largest":
        return [
            *_windows(visit, net, base),
            figures.equation((("the largest of its window", base.worked),), base.worked),
        ]
    if len(shared) == 1 and shared[0] is not None:
        plain = float(base.parts[0].window.astype(np.float64).sum())
        first = (f"{number(plain, 4)}, the window added up, × its one coefficient", shared[0])
    else:
        first = ("all products", total)
    steps = (first, ("bias", base.bias)) if base.bias else (first,)
    return [*_windows(visit, net, base), figures.equation(steps, base.worked)]


def _distance(base: Arithmetic) -> str:
    text = "all squared differences" if base.sign > 0 else "minus all squared differences"
    return figures.equation(((text, base.worked),), base.worked)


def _windows(visit: Visit, net: Network, base: Arithmetic) -> list[str]:
    """Maps as windows; units, and the cells of windows too large for numbers, as a list of the terms that count most."""
    maps = [p for p in base.parts if p.unit >= 0]
    found: list[str] = []
    if len(maps) > LISTED and all(p.window.size == 1 for p in maps):
        return [_list(visit, base, [_part(net, p) for p in maps], maps)]
    if maps:
        ends = net.ends(maps[0].source)
        distance = base.kind == "distance"
        sheets = [figures.Window(_part(net, p), p.window, p.weights, _terms(base, p)) for p in maps]
        found += figures.windows(sheets, ends, visit.dark, distance)
        if len(maps) == 1 and max(maps[0].window.shape) > figures.READABLE:
            p = maps[0]
            cells = [f"row {r + p.corner[0]}, column {c + p.corner[1]}" for r, c in np.ndindex(*p.window.shape)]
            found.append(_list(visit, base, cells, [p]))
    units = [p for p in base.parts if p.unit < 0]
    if units:
        called = [f"{p.source} {names(visit.paper, net, p.source)[i]}" for p in units for i in p.units]
        found.append(_list(visit, base, called, units))
    return found


def _terms(base: Arithmetic, part: Part) -> np.ndarray:
    return base.sign * (part.window.astype(np.float64) - part.weights) ** 2 if base.kind == "distance" else part.terms


def _list(visit: Visit, base: Arithmetic, called: Sequence[str], parts: Sequence[Part]) -> str:
    left, right = (
        np.concatenate([a.ravel() for a in arrays])
        for arrays in ([p.window for p in parts], [p.weights for p in parts])
    )
    each = np.concatenate([_terms(base, p).ravel() for p in parts])
    return figures.terms(called, left, right, each, visit.dark, base.kind == "distance")


def _next(visit: Visit, net: Network, step: Arithmetic) -> str:
    """What follows the sum: a function of it, with its curve; or the same number in another place."""
    name = net.structure[step.path].kind
    if step.kind == "copy":
        return (
            f'<p class="equation">{step.path} passes it on unchanged: <b class="result">{number(step.value, 4)}</b></p>'
        )
    text = f"{step.path} ({name}) turns {number(step.argument, 4)} into <b class='result'>{number(step.value, 4)}</b>"
    drawing = figures.curve(step.curve, (step.argument, step.value), visit.dark, f"The function {name}")
    return f'<div class="next"><p class="equation">{text}</p>{drawing}</div>'


def _reading(title: str, here: Arithmetic) -> str:
    """The value, and that the sum worked out here is what the network computed."""
    if here.kind == "unknown":
        return f"{title} is {number(here.value, 4)}."
    off = abs(here.worked - here.value)
    exact = "to the last digit" if off == 0 else f"to within {number(off, 1)}"
    return f"{title} is {number(here.value, 4)}. Worked out here from its parts, it agrees with what the network computed {exact}."


def _numbers(base: Arithmetic) -> dict[str, np.ndarray]:
    found = {"bias": np.array(base.bias)}
    for i, p in enumerate(base.parts):
        name = f"{p.source}_{p.unit}" if p.unit >= 0 else f"{p.source}_{i}"
        found |= {f"window_{name}": p.window, f"weights_{name}": p.weights}
    return found


def _code(visit: Visit, here: Arithmetic, layer: Layer) -> str:
    return (
        "import models\nfrom app.interpret.arithmetic import arithmetic\n\n"
        f'net = models.load("{visit.paper.slug}")\nx = net.paper.takes.parse("your input")\n'
        f"print(arithmetic(net.module, net.paper, x, {here.path!r}, {here.unit}, {here.cell}, {layer.sources!r}, {layer.joined}))"
    )
