"""Activations: every unit of the network on this input, and one of them among many other inputs."""

import streamlit as st

from app.components.diagram import diagram
from app.components.exhibit import foot
from app.components.network import Network, choose, groups, names, network, pick
from app.components.unit import compare, incoming, large
from app.figures.architecture import picture
from app.figures.worked import number
from app.interpret.activations import Standing, answer, standing
from app.interpret.architecture import Layer
from app.view import View, Visit
from models.paper import Fact, Image


def draw(visit: Visit) -> None:
    """All layers on the left, the chosen unit on the right."""
    net = network(visit)
    left, right = st.columns([1.55, 1], gap="large")
    with right:
        with st.container(horizontal=True, vertical_alignment="bottom", key="choice"):
            layer, unit = choose(visit, net)
        _unit(visit, net, layer, unit)
    with left:
        _overview(visit, net, layer, unit)


def _overview(visit: Visit, net: Network, layer: Layer, unit: int) -> None:
    found = groups(visit, net)
    count = sum(net.structure[path].units for path in net.paths)
    diagram(
        found,
        visit.dark,
        key="shelf",
        alt=f"All {count} units of {len(net.paths)} layers for {visit.name or 'this input'}",
        layout="shelf",
        height=680,
        selected=(layer.path, unit),
        on_pick=lambda path, index: pick(visit, net, path, index),
    )
    signed = [path for path in net.paths if net.ends(path)[0] < 0]
    colour = "Orange is above zero, blue below" if signed else "The darker, the larger"
    scale = "any picture of the probe set" if net.census else "this input"
    foot(
        visit,
        key="activations",
        reading=f"All {count:,} units of {len(net.paths)} layers, from the input down. {colour}; a layer's full colour is the "
        f"largest value that {scale} gives it.",
        numbers={path.replace(".", "_"): values for path, values in net.values.items()},
        code=_code(visit.paper.slug),
        png=lambda: picture(found, visit.dark),
    )


def _unit(visit: Visit, net: Network, layer: Layer, unit: int) -> None:
    """The chosen unit: its map, its weights, its place among the probe set, and the pictures at the ends."""
    values = net.values[layer.path]
    value = float(answer(values[None])[0, unit])
    maps = layer.maps and layer.shape[1] * layer.shape[2] > 1
    called = f"{layer.path}, {'map' if maps else 'unit'} {names(visit.paper, net, layer.path)[unit]}"
    among = standing(net.census.answers[layer.path][:, unit], value) if net.census else None
    reading = _reading(called, value, maps, among, net)
    if maps:
        large(visit, net, layer, unit, called, reading)
    else:
        st.metric(called, number(value))
        st.caption(reading)
    incoming(visit, net, layer, unit)
    if net.census is None or among is None:
        st.caption("No probe set belongs to this network's data: there is nothing to compare this answer with.")
    else:
        compare(visit, called, net.census.answers[layer.path][:, unit], among, maps)


def _reading(called: str, value: float, maps: bool, among: Standing | None, net: Network) -> str:
    """ "C3, map 5 answers 2.1 where it is strongest, more than for 97 % of 500 others.\""""
    text = f"{called} answers {number(value)}" + (" where it is strongest" if maps else "")
    if among is None:
        return f"{text}."
    others = f"of the {len(next(iter(net.census.answers.values())))} inputs of the probe set" if net.census else ""
    equal = 1 - among.above - among.below
    if equal >= max(among.above, among.below):
        return f"{text}, as for {100 * equal:.3g} % {others}."
    more = among.above >= among.below
    return f"{text}, {'more' if more else 'less'} than for {100 * max(among.above, among.below):.3g} % {others}."


def _code(slug: str) -> str:
    return (
        "import models\nfrom app.interpret.trace import trace\n\n"
        f'net = models.load("{slug}")\nx = net.paper.takes.parse("your input")\n'
        "for path, values in trace(net.module, net.paper, x).values.items():\n    print(path, values.shape, values.max())"
    )


VIEW = View(
    "Activations",
    30,
    (Image | Fact,),
    draw,
    "Every unit of every layer on your input; one of them large, and among many other inputs.",
)
