"""What is looked at in the attention view, chosen in the address: a part, a head, who looks and at whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import session
from app.components.choice import choice
from app.components.exhibit import foot
from app.components.grid import grid
from app.components.strip import sides
from app.figures.attention import overview
from app.figures.words import labels
from app.interpret.answers import answers
from app.interpret.attention import Attention, Layer, Part
from app.view import Visit
from models.paper import ClassScores, Image, MaskedToken

PARTS = {
    "self": "self-attention",
    "encoder": "in the encoder",
    "decoder": "in the decoder",
    "across": "across",
}
MOSAIC, LARGEST = 440, 110  # pixels: the greatest width of the mosaic, and of one head in it


@dataclass(frozen=True)
class Look:
    """One head of one part, one token that looks, and one that is looked at, by their numbers in the layer."""

    visit: Visit
    name: str  # of the part
    part: Part
    at: tuple[int, int]  # layer, head
    query: int
    key: int
    asking: tuple[str, ...]  # what people call every query of the layer
    asked: tuple[str, ...]  # and every key

    @property
    def layer(self) -> Layer:
        return self.part.layers[self.at[0]]

    @property
    def window(self) -> int:
        return self.layer.find(self.query)[0]

    @property
    def members(self) -> np.ndarray:
        """Numbers of the keys that the query may look at: all, or those of its window."""
        return self.layer.tokens[self.window] if len(self.layer.tokens) > 1 else np.arange(len(self.asked))

    @property
    def queries(self) -> np.ndarray:
        """Numbers of the queries of the map in which the query stands."""
        return self.layer.tokens[self.window]

    @property
    def rows(self) -> list[str]:
        """What people call the map's queries."""
        return [self.asking[i] for i in self.queries]

    @property
    def columns(self) -> list[str]:
        """And its keys."""
        return [self.asked[i] for i in self.members]

    @property
    def chosen(self) -> tuple[int, int]:
        """Places of the query and the key in the map."""
        return list(self.queries).index(self.query), list(self.members).index(self.key)

    @property
    def pattern(self) -> np.ndarray:
        """(queries, keys): the head's map, of the window with the query where there are windows."""
        return self.layer.pattern[self.window, self.at[1]]

    @property
    def row(self) -> np.ndarray:
        """(keys,): how the query shares out its look, among all keys of the layer."""
        return self.layer.row(self.at[1], self.query)

    @property
    def called(self) -> str:
        return "layer {}, head {}".format(*self.at)

    @property
    def one(self) -> str:
        """Who looks, as it stands in a sentence."""
        return f"{'the ' if self.query < self.layer.front else ''}{self.asking[self.query]}"

    def texts(self, side: int) -> list[str]:
        """A side's tokens as they stand in the text; nothing for a picture."""
        return [] if isinstance(self.visit.paper.takes, Image) else [token.text for token in sides(self.visit)[side]]

    def pick(self, query: int | None = None, key: int | None = None) -> None:
        """Choose who looks, or at whom, by their places in the map."""
        if query is not None:
            st.session_state["place"] = str(self.queries[query])
        if key is not None:
            st.session_state["key"] = str(self.members[key])

    def code(self, *last: str) -> str:
        """A snippet that recomputes what is seen; `a` is the answer, `net` the network, `x` the input."""
        source = repr(self.visit.source) if isinstance(self.visit.source, str) else '"picture.png"'
        return (
            "import models\nfrom app.interpret.attention import arithmetic, attention, rollout\n\n"
            f'net = models.load("{self.visit.paper.slug}")\nx = net.paper.takes.parse({source})\n'
            f'part = attention(net.module, net.paper, x).parts["{self.name}"]\n' + "\n".join(last)
        )


def choose(visit: Visit, found: Attention) -> Look:
    """The widgets that say what is looked at; all are in the address. At first the most telling head, and its strongest look."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="look"):
        name = next(iter(found.parts))
        if len(found.parts) > 1:
            names = {part: PARTS[part] for part in found.parts}
            name = choice(st.segmented_control, "Part", names, key="part", required=True)
        part = found.parts[name]
        heads = {
            f"{i}.{h}": f"layer {i}, head {h}"
            for i, layer in enumerate(part.layers)
            for h in range(layer.pattern.shape[1])
        }
        first = "{}.{}".format(*part.telling)
        at = choice(st.selectbox, "Head", heads, key="head", first=first, width=150).split(".")
        layer, head = part.layers[int(at[0])], int(at[1])
        asking, asked = (called(visit, side, layer) for side in (part.asks, part.asked))
        start = _read_out(visit, layer, len(asking))
        query = int(_token("Who looks (query)", asking, range(len(asking)), "place", start))
        window, place = layer.find(query)
        reach = layer.tokens[window].tolist() if len(layer.tokens) > 1 else list(range(len(asked)))
        best = reach[int(layer.pattern[window, head, place].argmax())]
        key = int(_token("at whom (key)", asked, reach, "key", best))
    return Look(visit, name, part, (int(at[0]), head), query, key, asking, asked)


def _read_out(visit: Visit, layer: Layer, count: int) -> int:
    """The token whose look is shown first: the one that the answer is read from, a blank, the class token, or the last."""
    gives = visit.paper.gives
    if isinstance(gives, MaskedToken):
        return session.ask(answers, visit).place
    classes = isinstance(gives, ClassScores) and not isinstance(visit.paper.takes, Image)
    return 0 if layer.front or classes else count - 1


def _token(label: str, names: tuple[str, ...], among: range | list[int], key: str, first: int) -> str:
    return choice(st.selectbox, label, {str(i): names[i] for i in among}, key=key, first=str(first), width=170)


def called(visit: Visit, side: int, layer: Layer) -> tuple[str, ...]:
    """A name for every token of a side: the token itself, its place added where it comes again; or where a patch lies."""
    if not isinstance(visit.paper.takes, Image):
        return tuple(labels([token.text for token in sides(visit)[side]]))
    if not layer.side:
        return tuple(f"token {i}" for i in range(layer.tokens.size))
    patches = [f"row {i // layer.side}, column {i % layer.side}" for i in range(layer.side**2)]
    return (*["class token"][: layer.front], *patches)


def all_heads(look: Look) -> None:
    """The mosaic of every head of every layer, a click chooses one; and how telling the chosen one is."""
    part, visit = look.part, look.visit
    patterns = [layer.pattern.mean(0) for layer in part.layers]
    picture = session.once(
        ("attention", visit.paper.slug, visit.key, look.name, visit.dark), lambda: overview(patterns, visit.dark)
    )
    columns = part.entropy.shape[1]
    names = [f"layer {i}, head {h}" if h < len(p) else "" for i, p in enumerate(patterns) for h in range(columns)]
    grid(
        picture,
        names,
        key="heads",
        alt=f"Where all heads look: {len(part.layers)} layers from the first down, {columns} heads side by side",
        selected=look.at[0] * columns + look.at[1],
        width=min(MOSAIC, LARGEST * columns),
        across=[f"head {h}" if columns < 7 else str(h) for h in range(columns)],
        down=[f"layer {i}" for i in range(len(patterns))],
        on_pick=lambda i: st.session_state.update(head="{}.{}".format(*divmod(i, columns))),
    )
    foot(
        visit,
        key="heads",
        reading=_reading(look),
        numbers={
            **{f"layer_{i}": layer.pattern for i, layer in enumerate(part.layers)},
            "entropy": part.entropy,
            "distance": part.distance,
        },
        code=look.code("for layer in part.layers:", "    print(layer.path, layer.pattern.shape)"),
        png=picture.png,
    )


def _reading(look: Look) -> str:
    """What the maps are, and the chosen head's numbers."""
    part = look.part
    count = int(np.isfinite(part.entropy).sum())
    windows = (
        " Tokens see each other inside windows alone; each map is the mean over all windows of its layer."
        if any(len(layer.tokens) > 1 for layer in part.layers)
        else ""
    )
    far = float(part.distance[look.at])
    unit = "patches" if look.layer.side else "tokens"
    away = f", and looks {far:.1f} {unit} away" if np.isfinite(far) else ""
    telling = (
        " No other head is as decided among those that do not mostly look at one and the same token."
        if look.at == part.telling and count > 1
        else ""
    )
    return (
        f"{count} head{'s' * (count > 1)}: from top to bottom who looks, from left to right who is looked at; the deeper, the "
        f"larger the share.{windows} {look.called.capitalize()} has an entropy of {part.entropy[look.at]:.2f} bits{away}, averaged "
        f"over who looks.{telling}"
    )
