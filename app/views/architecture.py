"""Architecture: the network from input to output on this input, and one cell of it worked out."""

import numpy as np
import streamlit as st

from app import session
from app.components import worked
from app.components.diagram import diagram
from app.components.exhibit import foot
from app.components.network import Network, choose, groups, network, pick, shape
from app.figures.architecture import picture
from app.figures.worked import facts, number
from app.interpret.architecture import Layer, numbers, source
from app.view import View, Visit
from models.paper import Fact, Image


def draw(visit: Visit) -> None:
    """The whole network on top; below it the chosen layer, and how one of its cells comes about."""
    net = network(visit)
    above, below = st.container(), st.container()
    with below, st.container(horizontal=True, vertical_alignment="bottom", key="choice"):
        layer, unit = choose(visit, net)
        cell = worked.choose(net, layer, unit)
    with above:
        _overview(visit, net, layer, unit)
    with below:
        left, right = st.columns([1.75, 1], gap="large")
        with left:
            worked.show(visit, net, layer, unit, cell)
        with right:
            _layer(visit, net, layer)
        _source(visit, layer)


def _overview(visit: Visit, net: Network, layer: Layer, unit: int) -> None:
    found = groups(visit, net)
    diagram(
        found,
        visit.dark,
        key="flow",
        alt=f"The network from input to output, {len(net.paths)} layers with their outputs for {visit.name or 'this input'}",
        selected=(layer.path, unit),
        on_pick=lambda path, index: pick(visit, net, path, index),
    )
    total = net.structure
    fixed = f" and {total.fixed:,} fixed numbers" if total.fixed else ""
    colour = "over the whole probe set" if net.census else "on this input"
    foot(
        visit,
        key="overview",
        reading=f"From left to right, the forward pass: {total.trainable:,} learnt parameters{fixed}. Every little picture is "
        f"what one unit makes of your input; colours reach from the layer's smallest to its largest value {colour}. "
        "Click a unit to see how it is computed.",
        numbers={path.replace(".", "_"): values for path, values in net.values.items()},
        code=_code(visit.paper.slug),
        png=lambda: picture(found, visit.dark),
    )


def _layer(visit: Visit, net: Network, layer: Layer) -> None:
    """What the layer is, and its output on this input in numbers."""
    whole = sum(k.trainable for k in net.structure.layers) == net.structure.trainable  # else weights lie between stages
    found = session.ask(numbers, visit, path=layer.path, sources=layer.sources, joined=layer.joined)
    st.markdown(f"**{layer.path}** · {layer.what}" if layer.what else f"**{layer.path}**")
    weights = [(f"weights: {name}", " × ".join(map(str, dims)) or "1") for name, dims in layer.weights]
    cells = int(np.prod(layer.shape))
    rows = [
        ("reads", ", ".join(layer.sources)),
        ("shape", f"{shape(layer)} = {cells:,} values" if len(layer.shape) > 1 else f"{cells:,} values"),
        *weights,
        ("learnt", f"{layer.trainable:,} parameters" if layer.trainable else "nothing" * whole),
        ("fixed", f"{layer.fixed:,} numbers" if layer.fixed else ""),
        ("one cell sees", f"{layer.field[0]} × {layer.field[1]} pixels of the input" if layer.field else ""),
        ("smallest", number(found.smallest)),
        ("mean", number(found.mean)),
        ("largest", number(found.largest)),
        ("exactly zero", f"{100 * found.zeros:.3g} %"),
        ("saturated", "" if found.saturated is None else f"{100 * found.saturated:.3g} %"),
    ]
    st.html(facts([(name, text) for name, text in rows if text], visit.dark))
    if found.saturated is not None:
        st.caption("Saturated: the slope there is below 5 % of the steepest, so that almost no change comes through.")


def _source(visit: Visit, layer: Layer) -> None:
    """The code that computes the layer."""
    found = session.ask(source, visit.given(visit.x, "any input"), path=layer.path)
    if found.own:
        st.caption(f"The code of {layer.path}: class {found.name}")
    else:
        st.caption(f"{layer.path} is PyTorch's own {layer.text}; class {found.name} puts it in its place")
    st.code(found.code, language="python", height=360 if found.code.count("\n") > 16 else "content")


def _code(slug: str) -> str:
    return (
        "import models\nfrom app.interpret.architecture import structure\n\n"
        f'net = models.load("{slug}")\nx = net.paper.takes.parse("your input")\n'
        "for layer in structure(net.module, net.paper, x).layers:\n"
        "    print(layer.path, layer.kind, layer.shape, layer.trainable, layer.field)"
    )


VIEW = View(
    "Architecture",
    20,
    (Image | Fact,),
    draw,
    "The network from input to output, with your input inside, and any cell of it worked out.",
)
