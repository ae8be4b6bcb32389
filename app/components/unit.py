"""One unit beside the overview: the weights that lead into it, and the probe-set inputs that drive it most and least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import session
from app.components.diagram import diagram
from app.components.exhibit import exhibit, foot
from app.components.network import Network
from app.figures.activations import Example, extremes, histogram, kernels
from app.figures.architecture import Group, Sheet, in_place, patches, picture, sheet, token
from app.figures.worked import legend, number
from app.interpret.activations import Standing
from app.interpret.architecture import Layer
from app.interpret.arithmetic import Arithmetic, Part, arithmetic
from app.view import Visit
from models.data.probe import probe
from models.paper import Fact, Image, Paper

SEVERAL = 12  # coefficients of 1x1 up to which each has a picture of its own


def large(visit: Visit, net: Network, layer: Layer, unit: int, called: str, reading: str) -> None:
    """The unit's map, pixel by pixel, on the scale of its layer."""
    values, ends = net.values[layer.path][unit], net.ends(layer.path)
    cells, strongest = cell_sheet(layer, values, ends), drawn_at(layer, int(values.argmax()))
    st.markdown(f"**{called}**")
    shown = (Group("", (), 0, (cells,)),)
    diagram(shown, visit.dark, key="map", alt=reading, layout="shelf", selected=(layer.path, strongest), plain=True)
    st.html(legend(ends, visit.dark))
    foot(
        visit,
        key="map",
        reading=reading,
        numbers={"map": values},
        code=_map_code(visit.paper, layer.path, unit),
        png=lambda: picture(shown, visit.dark),
    )


def cell_sheet(layer: Layer, values: np.ndarray, ends: tuple[float, float]) -> Sheet:
    """A map (height, width) cell by cell; tokens of a picture where their patches lie."""
    side = patches(values.shape)
    if side is None:
        return sheet(layer.path, values.ravel(), ends, unit="cell", columns=layer.shape[2])
    tokens = values.shape[1]
    called = [token(i, tokens, side) for i in range(len(in_place(values[0], side)))]
    labels = ["" if t is None else "class token" if tokens > side * side and not t else f"token {t}" for t in called]
    return sheet(layer.path, in_place(values[0], side), ends, unit="cell", columns=side, labels=labels)


def drawn_at(layer: Layer, index: int) -> int:
    """Where a map's cell stands in its `cell_sheet`."""
    side = patches(layer.shape[1:])
    if side is None or layer.shape[2] == side * side or not index:
        return index
    return index + side - 1


def incoming(visit: Visit, net: Network, layer: Layer, unit: int) -> None:
    """The unit's weights by what they look at, those of the sum that it is a function of."""
    base = net.structure[net.structure.base(layer.path)]
    place = np.unravel_index(np.ravel_multi_index((unit, *(n // 2 for n in layer.shape[1:])), layer.shape), base.shape)
    at = tuple(int(i) for i in place)
    found = session.ask(
        arithmetic, visit, path=base.path, unit=at[0], cell=at[1:], sources=base.sources, joined=base.joined
    )
    found = found.inner or found
    if not found.parts:
        return
    st.caption(_about(found, connections=not base.maps))
    if len(found.parts) == 1 and found.parts[0].shared is not None:
        return
    pictures = _coefficients(net, found.parts) or [
        (_name(net, p), _picture(net, p, whole=not base.maps)) for p in found.parts
    ]
    top = max(float(np.abs(weights).max()) for _, weights in pictures) or 1.0
    small = max(max(weights.shape) for _, weights in pictures) <= 8
    side = (56 if small else 130) if len(pictures) > 1 else min(220, max(96, 4 * max(pictures[0][1].shape)))
    st.html(kernels(pictures, (-top, top), visit.dark, side))


def _about(found: Arithmetic, connections: bool) -> str:
    """One sentence: how many weights (`connections` counts those that are not zero), from where, how large."""
    weights = np.concatenate([p.weights.ravel() for p in found.parts])
    bias = f", bias {number(found.bias)}" if found.bias else ""
    if len(found.parts) == 1 and (one := found.parts[0].shared) is not None:
        return f"Its {weights.size} weights are one coefficient: {number(one)}{bias}."
    what = "What it looks for" if found.kind == "distance" else "Its weights"
    sources = " and ".join(dict.fromkeys(p.source for p in found.parts))
    low, high = number(float(weights.min())), number(float(weights.max()))
    count = np.count_nonzero(weights) if connections else weights.size
    return f"{what}: {count:,} numbers, {low} to {high}{bias}, from {sources}."


def _coefficients(net: Network, parts: Sequence[Part]) -> list[tuple[str, np.ndarray]]:
    """One picture a source where each map has one coefficient: all maps' in rows. Empty where there are larger kernels."""
    if any(p.unit < 0 or p.weights.size > 1 for p in parts) or len(parts) < SEVERAL:
        return []
    found = []
    for source in dict.fromkeys(p.source for p in parts):
        columns = int(np.ceil(np.sqrt(1.6 * net.structure[source].units)))
        filled = np.zeros(columns * -(-net.structure[source].units // columns), np.float32)
        for p in parts:
            if p.source == source:
                filled[p.unit] = p.weights.flat[0]
        found.append((source, filled.reshape(-1, columns)))
    return found


def _name(net: Network, part: Part) -> str:
    return part.source if part.unit < 0 or net.structure[part.source].units == 1 else f"map {part.unit}"


def _picture(net: Network, part: Part, whole: bool) -> np.ndarray:
    """The weights as a picture: as they lie in the window, or in the `whole` map; units one after another in rows."""
    if part.unit >= 0 and not whole:
        return part.weights
    if part.unit >= 0:
        filled = np.zeros(net.structure[part.source].shape[1:], np.float32)
        (top, left), (height, width) = part.corner, part.window.shape
        filled[top : top + height, left : left + width] = part.weights
        return filled
    count = net.structure[part.source].units
    columns = int(np.ceil(np.sqrt(1.6 * count)))
    filled = np.zeros(columns * -(-count // columns), np.float32)
    filled[part.units] = part.weights
    return filled.reshape(-1, columns)


def compare(visit: Visit, called: str, answers: np.ndarray, among: Standing, maps: bool) -> None:
    """The unit's answers to the whole probe set as a histogram with this one marked, and the inputs at both ends."""
    figure = histogram(
        answers,
        among.value,
        visit.dark,
        title=f"Among {len(answers)} others",
        axis="largest value of the map" if maps else "value of the unit",
        count=f"inputs, of {len(answers)}",
    )
    exhibit(
        visit,
        figure,
        key="histogram",
        reading=f"How strongly {called} answers to each of {len(answers)} inputs of the probe set; yours is the line.",
        numbers={"answers": answers, "value": np.array(among.value), "most": among.most, "least": among.least},
        code=_code(visit.paper),
    )
    many = session.probe_visit(visit)

    def row(indices: np.ndarray) -> list[Example]:
        return [Example(_thumbnail(many, int(i)), _called(visit, int(i)), float(answers[i])) for i in indices]

    rows = ((f"They drive {called} most", row(among.most)), ("and least", row(among.least)))
    st.html(extremes(rows, visit.dark))


def _called(visit: Visit, index: int) -> str:
    """What an input of the probe set is called: the question of a fact, or the class of a picture and its number."""
    takes = visit.paper.sized
    if isinstance(takes, Fact):
        return takes.answers[index][0]
    return f"{takes.labels[int(probe(visit.paper.dataset).labels[index])]}, number {index} of the probe set"


def _thumbnail(many: Visit, index: int) -> np.ndarray | None:
    takes = many.paper.takes
    if not isinstance(takes, Image):
        return None
    pixels = takes.unnormalise(many.x[index : index + 1])[0].transpose(1, 2, 0)
    return pixels if pixels.shape[2] == 3 else pixels[..., 0]


def _code(paper: Paper) -> str:
    pictures = "net.paper.takes.from_pixels(probe(net.paper.dataset).images)"
    facts = "np.concatenate([net.paper.takes.parse(question) for question, _ in net.paper.takes.answers])"
    fact = isinstance(paper.takes, Fact)
    return (
        ("import numpy as np\n" if fact else "")
        + "import torch\n\nimport models\nfrom app.interpret.activations import census\nfrom app.interpret.stages import places\n"
        + ("" if fact else "from models.data.probe import probe\n")
        + f'\nnet = models.load("{paper.slug}")\nx = {facts if fact else pictures}\n'
        + "paths = places(net.module, net.paper, torch.from_numpy(x[:1]))\n"
        + "for path, answers in census(net.module, net.paper, x, paths).answers.items():\n    print(path, answers.shape)"
    )


def _map_code(paper: Paper, path: str, unit: int) -> str:
    return (
        "import models\nfrom app.interpret.trace import trace\n\n"
        f'net = models.load("{paper.slug}")\nx = net.paper.takes.parse("your input")\n'
        f'print(trace(net.module, net.paper, x).values["{path}"][0, {unit}])'
    )
