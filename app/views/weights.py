"""Weights: what training left in the connections, one picture a unit."""

import numpy as np
import streamlit as st

from app import session
from app.components.exhibit import exhibit, foot
from app.components.grid import grid
from app.figures.maps import heatmap, mosaic
from app.interpret.weights import Sheet, coloured, weights
from app.view import View, Visit

KINDS = {
    "retina": "each unit's weights, thrown back onto the picture it looks at",
    "filters": "each unit's kernels, side by side for the maps it looks at",
    "colours": "each unit's kernels, side by side for the picture's red, green and blue",
    "matrix": "a row a unit, a column an input",
}

BESIDE = {"filters": "column, one kernel beside the other", "colours": "column, kernels of red, green and blue"}

LARGE = 30_000  # weights of a matrix above which it is drawn as one picture


def draw(visit: Visit) -> None:
    """All units of a layer on one scale; the chosen unit large beside it."""
    sheets = {sheet.path: sheet for sheet in session.ask(weights, visit)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        path = st.selectbox("Layer", list(sheets), key="layer", bind="query-params", width=220)
        twin = st.toggle("Show its twin", key="twin", bind="query-params", help=visit.paper.twin)
    shown = {s.path: s for s in session.ask(weights, visit, twin=True)} if twin else sheets
    if path not in shown:
        st.info(f"The twin has no layer {path}. {visit.paper.twin}")
        return
    sheet = shown[path]
    if sheet.kind == "matrix":
        _matrix(visit, sheet)
    else:
        _pictures(visit, sheet)


def _pictures(visit: Visit, sheet: Sheet) -> None:
    left, right = st.columns([1.7, 1], gap="medium")
    with right:
        unit = st.selectbox("Unit", list(sheet.units), key="unit", bind="query-params")
    index = sheet.units.index(unit)
    with left:
        colours = sheet.kind == "colours" and st.toggle("As colours", True, key="colours", bind="query-params")
        picture = mosaic(coloured(sheet) if colours else sheet.maps, visit.dark, signed=True)
        grid(
            picture,
            [f"unit {name}" for name in sheet.units],
            key="weights-grid",
            alt=f"Weights of all {len(sheet.units)} units of {sheet.path}",
            selected=index,
            on_pick=lambda i: st.session_state.update(unit=sheet.units[i]),
        )
        foot(
            visit,
            key="weights",
            reading=(
                f"{sheet.path}: each unit's kernel as a picture, the weights of red, green and blue as the light of each "
                "point. Grey is 0; every kernel has a scale of its own. A unit answers most to what looks like its kernel."
                if colours
                else f"{sheet.path}: {KINDS[sheet.kind]}. Orange adds to the unit, blue takes away; all on one scale, "
                f"to {np.abs(sheet.maps).max():.3g}."
            )
            + ("" if sheet.trainable else " These weights are fixed, not trained."),
            numbers={"weights": sheet.maps, "bias": sheet.bias},
            code=_code(visit.paper.slug),
            png=picture.png,
        )
    with right:
        one = sheet.maps[index]
        figure = heatmap(
            one,
            visit.dark,
            title=f"{sheet.path}, unit {unit}",
            unit="weight",
            signed=True,
            top=float(np.abs(sheet.maps).max()),
            columns=BESIDE.get(sheet.kind, "column") if sheet.channels > 1 else "column",
        )
        exhibit(
            visit,
            figure,
            key="weight",
            reading=_about(sheet, index),
            numbers={"weight": one},
            code=_code(visit.paper.slug),
        )


def _matrix(visit: Visit, sheet: Sheet) -> None:
    """A heat map with a name a row and a column; of a large matrix a picture, a point a weight, a tall one in strips."""
    if sheet.maps.size > LARGE:
        strips = cut(sheet.maps[0])
        picture = mosaic(strips, visit.dark, columns=len(strips), signed=True)
        _, rows, columns = sheet.maps.shape
        st.image(picture.png, width="stretch", alt=f"{sheet.path}: {rows} units by {columns} inputs, a point a weight")
        foot(
            visit,
            key="weights",
            reading=_strongest(sheet)
            + f" {len(strips)} strips of {strips.shape[1]} units, from left to right." * (len(strips) > 1),
            numbers=_numbers(sheet),
            code=_code(visit.paper.slug),
            png=picture.png,
        )
        return
    figure = heatmap(
        sheet.maps[0],
        visit.dark,
        title=f"{sheet.path}: a row a unit, a column an input",
        unit="weight",
        signed=True,
        rows="unit",
        columns="input",
        height=max(300, min(700, 26 * len(sheet.units) + 120)),
        row_names=sheet.units,
        column_names=sheet.inputs,
    )
    exhibit(
        visit, figure, key="weights", reading=_strongest(sheet), numbers=_numbers(sheet), code=_code(visit.paper.slug)
    )


def cut(matrix: np.ndarray) -> np.ndarray:
    """(units, inputs) -> (strips, units of each, inputs): as many as make the whole about 3:2; 0 where units run out."""
    units, inputs = matrix.shape
    strips = max(1, round((1.5 * units / inputs) ** 0.5)) if units > 2 * inputs else 1
    tall = -(-units // strips)
    return np.pad(matrix, ((0, strips * tall - units), (0, 0))).reshape(strips, tall, inputs)


def _strongest(sheet: Sheet) -> str:
    flat = np.abs(sheet.maps[0])
    u, i = np.unravel_index(int(flat.argmax()), flat.shape)
    return (
        f"{len(flat)} units by {len(flat.T)} inputs. Orange adds, blue takes away. The strongest connection goes from input "
        f"{sheet.inputs[i]} to unit {sheet.units[u]}: {sheet.maps[0, u, i]:+.3g}."
    )


def _numbers(sheet: Sheet) -> dict[str, np.ndarray]:
    return {"weights": sheet.maps[0], "bias": sheet.bias}


def _about(sheet: Sheet, index: int) -> str:
    one = sheet.maps[index]
    bias = f", bias {sheet.bias[index]:+.3g}" if index < len(sheet.bias) else ""
    many = f" in {sheet.channels} kernels" if sheet.channels > 1 else ""
    return f"{one.size:,} weights{many} from {one.min():+.3g} to {one.max():+.3g}, mean {one.mean():+.3g}{bias}."


def _code(slug: str) -> str:
    return (
        "import models\nfrom app.interpret.weights import weights\n\n"
        f'net = models.load("{slug}")\n'
        "for sheet in weights(net.module, net.paper, None):\n    print(sheet.path, sheet.kind, sheet.maps.shape)"
    )


VIEW = View("Weights", 40, (), draw, "What training left in the connections: filters, and whole layers as matrices.")
