"""Two sentences to be patched: the visitor's own, and a corrupted one; ready-made pairs; the two answers that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.choice import choice
from app.components.give_text import OWN
from app.components.strip import strip
from app.figures.words import label
from app.interpret.patching import Runs, runs
from app.view import Visit
from models import pairs
from models.paper import BadInput, Paper

T = TypeVar("T")


@dataclass(frozen=True)
class Twosome:
    """A clean and a corrupted sentence and what is measured between them."""

    visit: Visit  # of the clean sentence
    runs: Runs
    target: int  # tokens' ids
    against: int
    names: tuple[str, str]  # of the two, as people read them

    def ask(self, question: Callable[..., T], **more: Any) -> T:
        """The answer to a question about these two sentences and these two tokens."""
        given: dict[str, Any] = {"corrupted": self.runs.ids[1], "target": self.target, "against": self.against}
        return session.ask(question, self.visit, **given, **more)

    def code(self, name: str, more: str = "") -> str:
        """A snippet that asks it again."""
        return (
            f"import models\nfrom app.interpret.patching import {name}\n\n"
            f'net = models.load("{self.visit.paper.slug}")\nx = net.paper.takes.parse({str(self.visit.source)!r})\n'
            f"corrupted = {self.runs.ids[1]}\n"
            f"print({name}(net.module, net.paper, x, corrupted, target={self.target}, against={self.against}{more}))"
        )

    @property
    def columns(self) -> list[str]:
        """A name for each place: both tokens where they differ."""
        named = []
        for a, b in zip(*self.runs.tokens, strict=True):
            named.append(label(a) if a == b else f"{label(a)}/{label(b)}")
        return [name if len(name) <= 14 else f"{name[:13]}…" for name in named]


def choose(visit: Visit) -> Twosome | None:
    """The widgets, both token rows, and what comes of them; None, and a sentence, where nothing can be patched."""
    if st.session_state.pop("pair_chosen", False):
        st.rerun()  # the text in the rail is another now
    known = pairs.read(visit.paper.slug)
    given = st.session_state.get("corrupted") or st.query_params.get("corrupted", "")
    begun = ""
    if not given and visit.name != OWN and known.pairs:  # nobody has said anything: something to see
        visit = session.visit(visit.paper, known.pairs[0].clean, "a ready-made pair")
        begun, given = known.pairs[0].clean, known.pairs[0].corrupted
        st.caption(
            "To begin with, two sentences that this network solves. Type a text of your own, and it is the clean one."
        )
    _ready(visit, known, given, begun)
    found = _read(visit, given)
    pair = next((p for p in known.pairs if (p.clean, p.corrupted) == (visit.source, given)), None)
    (target, against), names = _answers(visit, found, (pair.target, pair.against) if pair else None)
    _rows(visit, found)
    if not found.equal:
        st.info(
            f"The clean sentence has {len(found.ids[0])} tokens and the corrupted one {len(found.ids[1])}: the same place is "
            "not the same word in both, so nothing can be patched. Exchange words for others of equally many tokens."
        )
        return None
    if not found.differ:
        st.info("Both sentences are the same: there is nothing to find. Change a word of the corrupted one.")
        return None
    return Twosome(visit, found, target, against, names)


def _ready(visit: Visit, known: pairs.Pairs, given: str, begun: str) -> None:
    """The ready-made pairs, and the field of the corrupted sentence; `begun` is the clean one that nobody has chosen."""
    spots = {i: _told(pair) for i, pair in enumerate(known.pairs)}

    def taken() -> None:
        if (chosen := st.session_state["choose-pair"]) is not None:
            pair = known.pairs[chosen]
            st.session_state.update(text=pair.clean, corrupted=pair.corrupted, target="", against="", pair_chosen=True)
            st.session_state["good_corrupted"] = pair.corrupted

    with st.container(horizontal=True, vertical_alignment="bottom", key="pairs"):
        if spots:
            both = (visit.source, given)
            now = next((i for i, p in enumerate(known.pairs) if (p.clean, p.corrupted) == both), None)
            st.session_state["choose-pair"] = now
            st.selectbox(
                "Pairs that this network solves",
                [*spots],
                format_func=lambda i: spots[i],
                key="choose-pair",
                placeholder="Take a ready-made pair",
                on_change=taken,
            )
        st.text_input(
            "Corrupted sentence",
            key="corrupted",
            bind="query-params",
            placeholder=given or "one word another",
            on_change=_typed,
            args=(visit.paper, begun),
        )
        if spots:
            with st.popover("What it solves", type="tertiary"):
                _families(known)


def _typed(paper: Paper, begun: str) -> None:
    """Another corrupted sentence stands in the field. What cannot be read gives way to what stood there before."""
    given = st.session_state["corrupted"]
    try:
        if given:
            paper.takes.parse(given)
    except BadInput as error:
        st.session_state.update(corrupted=st.session_state.get("good_corrupted", ""), corrupted_trouble=str(error))
        return
    st.session_state["good_corrupted"] = given
    if given and begun:
        st.session_state.update(text=begun, pair_chosen=True)


def _told(pair: pairs.Pair) -> str:
    """ "But he went away | she: his | her"."""
    clean, corrupted = pair.clean.split(" "), pair.corrupted.split(" ")
    if len(clean) != len(corrupted):
        return f"{pair.clean} / {pair.corrupted}: {label(pair.target)} / {label(pair.against)}"
    words = [a if a == b else f"{a}/{b}" for a, b in zip(clean, corrupted, strict=True)]
    return f"{' '.join(words)} … {label(pair.target)}/{label(pair.against)}"


def _families(known: pairs.Pairs) -> None:
    st.caption(
        "Measured over many sentences: a pair is solved if the right one of the two words is preferred after both sentences. "
        "By chance a quarter would be."
    )
    rows = sorted(known.families, key=lambda f: -f.solved)
    lines = [f"| {f.name} | {f.tried} | {100 * f.solved:.0f} % | {'yes' if f.kept else 'no'} |" for f in rows]
    st.markdown("\n".join(["| kind | pairs | solved | kept |", "|---|---:|---:|---|", *lines]))


def _read(visit: Visit, given: str) -> Runs:
    """Both sentences; where a link's corrupted one cannot be read, a sentence and one made from the clean one."""
    if trouble := st.session_state.pop("corrupted_trouble", ""):
        st.error(f"{trouble} The corrupted sentence before it stays.")
    try:
        ids = tuple(int(i) for i in visit.paper.takes.parse(given)[0]) if given else ()
    except BadInput as error:
        st.error(f"{error} A corrupted sentence is made from yours instead.")
        ids = ()
    found = session.ask(runs, visit, corrupted=ids)
    if not ids:
        place = found.differ[0]
        st.caption(
            f"No corrupted sentence is given: “{label(found.tokens[0][place])}” was exchanged for "
            f"“{label(found.tokens[1][place])}”, which the network had thought likelier there."
        )
    return found


def _answers(visit: Visit, found: Runs, given: tuple[str, str] | None) -> tuple[tuple[int, int], tuple[str, str]]:
    """The two tokens whose logits are compared, and their names: of the pair, else the likeliest after each sentence."""
    from models.tokens import encode, pieces

    slug = visit.paper.takes.tokenizer  # type: ignore[union-attr]
    texts = dict(zip(found.answers.ravel().tolist(), (*found.names[0], *found.names[1]), strict=True))
    target = int(found.answers[0, 0])
    against = int(next(i for i in found.answers[1] if i != target))
    if given:
        target, against = (encode(slug, token)[0] for token in given)
        texts |= {target: given[0], against: given[1]}
    texts |= {i: pieces(slug, [i])[0] for i in (target, against)}
    options = {str(i): f"“{label(text)}”" for i, text in texts.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="answers"):
        chosen = int(choice(st.selectbox, "Clean answer", options, key="target", first=str(target), width=180))
        others = {i: text for i, text in options.items() if int(i) != chosen}
        first = str(against if against != chosen else target)
        other = int(choice(st.selectbox, "Corrupted answer", others, key="against", first=first, width=180))
    return (chosen, other), (options[str(chosen)], options[str(other)])


def _rows(visit: Visit, found: Runs) -> None:
    """Both sentences, token by token; where they differ is coloured."""
    for row, name in enumerate(("Clean", "Corrupted")):
        tokens, top = found.tokens[row], f"“{label(found.names[row][0])}” {percent(float(found.shares[row, 0]))}"
        values = np.full(len(tokens), np.nan, np.float32)
        if found.equal:
            values[list(found.differ)] = 0.5
        st.caption(f"{name}, {len(tokens)} tokens; likeliest after it: {top}")
        strip(
            tokens,
            [f"place {i}" + (", differs" if not np.isnan(v) else "") for i, v in enumerate(values)],
            visit.dark,
            key=f"strip-{name}",
            label=f"{name} sentence",
            values=values,
            signed=False,
            top=1.0,
            special=[0] if visit.paper.takes.before else [],  # type: ignore[union-attr]
        )
