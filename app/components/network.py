"""A network's stages for the views that show them all: asked once, grouped, drawn, and the choice of a layer and a unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import session
from app.figures.architecture import Group, Link, depths, patches, sheet
from app.interpret.activations import Census, census
from app.interpret.architecture import Layer, Structure, look, structure
from app.interpret.stages import INPUT
from app.view import Visit
from models.paper import Fact, Paper

MANY = 200  # connections of a stage, above which nobody tells one from another: they are drawn as one band


@dataclass(frozen=True)
class Network:
    """The stages of a visit's network, what they put out for its input, and for the probe set where there is one."""

    structure: Structure
    values: Mapping[str, np.ndarray]
    census: Census | None

    @property
    def paths(self) -> list[str]:
        """Every stage but the input, in the order of the forward pass."""
        return [layer.path for layer in self.structure.layers[1:]]

    def ends(self, path: str) -> tuple[float, float]:
        """The scale of a stage: its smallest and largest value over the probe set, or on this input."""
        own = self.values[path]
        low, high = self.census.range[path] if self.census else (float(own.min()), float(own.max()))
        return (low, high)


def network(visit: Visit) -> Network:
    """Ask for all that the overview needs. The structure and the census are the same for every input."""
    found = session.ask(structure, visit.given(np.zeros_like(visit.x), "any input"))
    paths = tuple(layer.path for layer in found.layers[1:])
    try:
        with st.container():  # a place of its own for the progress: what stands below must not move when it goes
            many = session.ask(census, session.probe_visit(visit), paths=paths)
    except KeyError:
        many = None
    return Network(found, session.ask(look, visit, paths=paths), many)


def labels(paper: Paper, net: Network, path: str) -> tuple[str, ...]:
    """What a stage's units stand for: the classes for the scores and what they are a function of, the words of an input."""
    count = net.structure[path].units
    if path != INPUT and net.structure.base(path) == net.structure.base(net.paths[-1]):
        return paper.scores.labels if count == len(paper.scores.labels) else ()
    if path == INPUT and isinstance(paper.takes, Fact) and count == len(paper.takes.labels):
        return paper.takes.labels
    return ()


def names(paper: Paper, net: Network, path: str) -> tuple[str, ...]:
    """A name a unit: what it stands for, or its number from 0."""
    return labels(paper, net, path) or tuple(str(i) for i in range(net.structure[path].units))


def choose(visit: Visit, net: Network) -> tuple[Layer, int]:
    """The two widgets that say which unit of which layer is looked at; both are in the address."""
    path = st.selectbox("Layer", net.paths, key="layer", bind="query-params", width=190)
    layer = net.structure[path if path in net.paths else net.paths[0]]
    called = names(visit.paper, net, layer.path)
    word = "Map" if layer.maps and layer.shape[1] * layer.shape[2] > 1 else "Unit"
    unit = st.selectbox(word, list(called), key="unit", bind="query-params", width=110)
    return layer, called.index(unit) if unit in called else 0


def pick(visit: Visit, net: Network, path: str, unit: int) -> None:
    """Set the two widgets, from a click; a click on the input changes nothing."""
    if path in net.paths:
        st.session_state["layer"] = path
        st.session_state["unit"] = names(visit.paper, net, path)[unit]


def groups(visit: Visit, net: Network) -> tuple[Group, ...]:
    """All stages as groups: each stage with parameters, and beside it those that follow it cell by cell."""
    shown = [INPUT, *net.paths]
    readers = [layer for layer in net.structure.layers if INPUT in layer.sources]
    if len(readers) == 1 and readers[0].joined and np.array_equal(net.values[readers[0].path].ravel(), visit.x.ravel()):
        shown.remove(INPUT)  # the first stage is the input under its own name
    members: dict[str, list[str]] = {}
    for path in shown:
        members.setdefault(path if path == INPUT else net.structure.base(path), []).append(path)
    home = {path: base for base, paths in members.items() for path in paths}
    deep = depths({base: _read(net, home, paths) for base, paths in members.items()})
    return tuple(_group(visit, net, base, paths, home, deep[base]) for base, paths in members.items())


def _read(net: Network, home: Mapping[str, str], paths: list[str]) -> list[str]:
    """The groups that a group reads."""
    bases = {home[s] for path in paths for s in net.structure[path].sources if s in home}
    return [base for base in bases if base != home[paths[0]]]


def _group(visit: Visit, net: Network, base: str, paths: list[str], home: Mapping[str, str], depth: int) -> Group:
    sheets, links = [], []
    for path in paths:
        layer = net.structure[path]
        word = "map" if layer.maps and layer.shape[1] * layer.shape[2] > 1 else "unit"
        short = path.removeprefix(base).lstrip("._") if path != base else path
        values = net.values[path].reshape(layer.units, -1)[:, 0] if word == "unit" else net.values[path]
        sheets.append(sheet(path, values, net.ends(path), name=short, unit=word, labels=labels(visit.paper, net, path)))
        for which, source in enumerate(layer.sources):
            if source in home and home[source] != base:
                pairs = tuple((int(a), int(b)) for k, a, b in layer.links if k == which)
                links.append(Link(source, path, pairs if len(layer.links) <= MANY else ()))
    outer = min(paths, key=len)
    title = outer if base.startswith(f"{outer}.") else base
    return Group(title, _lines(visit, net.structure[base]), depth, tuple(sheets), tuple(links))


def _lines(visit: Visit, layer: Layer) -> tuple[str, ...]:
    """What stands under a group's name: what it is, its shape, its parameters, its receptive field."""
    if layer.path == INPUT:
        return (type(visit.paper.takes).__name__.lower(), shape(layer), "", "")
    learnt = f"{layer.trainable:,} learnt" if layer.trainable else f"{layer.fixed:,} fixed" if layer.fixed else ""
    return (layer.kind, shape(layer), learnt, f"sees {layer.field[0]} × {layer.field[1]}" if layer.field else "")


def shape(layer: Layer) -> str:
    """ "6 × 28 × 28", or "65 tokens × 96"."""
    if patches(layer.shape[1:]) is not None:
        return f"{layer.shape[2]} tokens × {layer.units}"
    return " × ".join(f"{n:,}" for n in layer.shape)
