"""A translation as a visitor looks at it: whose it is, what was looked at for each token, and how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.choice import choice
from app.components.exhibit import exhibit, foot
from app.components.player import player
from app.components.strip import strip
from app.figures.attention import shares
from app.figures.bars import bars
from app.figures.words import label, labels, plain
from app.interpret.alignment import Alignment, Tree, align, search, written
from app.interpret.reading import Reading, reading
from app.view import Visit
from models.paper import TextPair

WIDTHS = (2, 3, 4, 6, 8)
WIDTH = 4  # hypotheses at first
SHOWN = 8  # tokens that have a bar
MEAN = "mean"


@dataclass(frozen=True)
class Translated:
    """A source, a translation of it, all looks across, and the token of the translation that is being written."""

    visit: Visit  # with the translation as its target
    found: Alignment
    guessed: Reading
    tree: Tree | None  # how the network found it; None where it was given
    width: int  # of the beam; 1 took the likeliest each time
    word: int  # row of the alignment
    look: np.ndarray  # (target tokens, source tokens), of the chosen head
    head: str  # what it is called

    @cached_property
    def target(self) -> list[str]:
        """A name for every row, all different; the last is the end, or whatever comes next."""
        takes = self.visit.paper.takes
        assert isinstance(takes, TextPair)
        last = takes.end if self.tree is not None else "…"
        return labels([*self.found.target[:-1], last])

    @cached_property
    def source(self) -> list[str]:
        return labels(self.found.source)

    def code(self, last: str) -> str:
        anew = "" if self.tree is None else f"x = written(x, search(net.module, net.paper, x, width={self.width}))\n"
        return (
            "import models\nfrom app.interpret.alignment import align, search, written\n"
            f'from app.interpret.reading import reading\n\nnet = models.load("{self.visit.paper.slug}")\n'
            f"x = net.paper.takes.parse({str(self.visit.source)!r})\n{anew}{last}"
        )


def choose(visit: Visit) -> Translated:
    """The widgets that say whose translation is looked at, by which head, and up to which token; all are in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="whose"):
        given = (visit.x[0, 1] != 0).sum() > 1
        names = ({"given": "as given"} if given else {}) | {"beam": "by a beam", "greedy": "word by word"}
        how = choice(st.segmented_control, "Translation", names, key="how", required=True)
        width = _width() if how == "beam" else 1
        tree = None if how == "given" else session.ask(search, visit, width=width)
        if tree is not None:
            visit = visit.given(written(visit.x, tree), f"{visit.key} {how} {width}")
        found = session.ask(align, visit)
        look, head = _look(found)
    with st.container(horizontal=True, vertical_alignment="bottom", key="written-so-far"):
        word = _word(found, tree)
    return Translated(visit, found, session.ask(reading, visit), tree, width, word, look, head)


def _width() -> int:
    names = {str(w): f"{w} hypotheses" for w in WIDTHS}
    return int(choice(st.selectbox, "Width of the beam", names, key="width", first=str(WIDTH), width=140))


def _look(found: Alignment) -> tuple[np.ndarray, str]:
    """One head's look, or a mean over some."""
    layers, heads = found.patterns.shape[:2]
    if layers * heads == 1:
        return found.patterns[0, 0], "the alignment"
    names = {MEAN: f"mean of all {layers * heads} heads"}
    for i in range(layers):
        names[f"{i}.{MEAN}"] = f"layer {i}, mean of its heads"
        names |= {f"{i}.{h}": f"layer {i}, head {h}" for h in range(heads)}
    chosen = choice(st.selectbox, "Head", names, key="head", width=210)
    layer, _, head = chosen.partition(".")
    if chosen == MEAN:
        return found.patterns.mean((0, 1)), "the mean of all heads"
    values = found.patterns[int(layer)]
    return (values.mean(0), f"the mean of layer {layer}") if head == MEAN else (values[int(head)], names[chosen])


def _word(found: Alignment, tree: Tree | None) -> int:
    """The row that is being written, at first the last token; a button plays them all."""
    count = len(found.target)
    names = [
        f"{i + 1} of {count}: {label(t) if t else '…' if tree is None else 'the end'}"
        for i, t in enumerate(found.target)
    ]
    play = st.container(width="content")
    first = max(0, count - 2)
    marks = {str(i): name for i, name in enumerate(labels(names))}
    word = int(choice(st.select_slider, "Token written", marks, key="word", first=str(first), width=420))
    with play:
        player(word, count - 1, key="play-words", on_step=lambda i: st.session_state.update(word=str(i)))
    return word


def aligned(t: Translated) -> None:
    """The alignment up to the token that is being written: rows are written, columns are read."""
    look, row = t.look.copy(), t.look[t.word]
    look[t.word + 1 :] = np.nan
    figure = shares(
        look,
        t.visit.dark,
        title=f"What is looked at to write “{plain(t.target[t.word])}”",
        rows=t.target,
        columns=t.source,
        chosen=(t.word, int(row.argmax())),
        axes=("the translation, as it is written", "the sentence, as it is read"),
        verb="is written looking at",
    ).update_traces(hoverongaps=False)
    order = np.argsort(-row, kind="stable")[:3]
    most = ", ".join(f"“{t.source[i]}” ({percent(float(row[i]))})" for i in order)
    exhibit(
        t.visit,
        figure,
        key="alignment",
        reading=f"For “{t.target[t.word]}”, {t.head} looks most at {most}. A row is a token of the translation and adds up to 1; "
        "a clean diagonal means that both languages say it in the same order.",
        numbers={
            "patterns": t.found.patterns,
            "shown": t.look,
            "source": np.array(t.found.source),
            "target": np.array(t.found.target),
        },
        code=t.code("print(align(net.module, net.paper, x).patterns)"),
    )


def said(t: Translated) -> None:
    """The translation up to the token, coloured by surprise, and what else might have come."""
    bits = np.where(np.arange(len(t.target)) <= t.word, [*t.guessed.surprise[1:].tolist(), np.nan], np.nan)
    share = [percent(float(p)) if np.isfinite(p) else "not written yet" for p in t.guessed.share]
    st.markdown("**Word by word**")
    with st.container(key="figure-said"):
        strip(
            [*t.found.target[:-1], t.target[-1]],
            share,
            t.visit.dark,
            key="said-strip",
            label="The translation; the stronger its colour, the less likely the network found a token. A click chooses one.",
            values=bits,
            signed=False,
            top=float(np.log2(t.guessed.vocabulary)),
            special=[len(t.target) - 1],
            selected=t.word,
            on_pick=lambda i: st.session_state.update(word=str(i)),
        )
    total, count = float(np.nansum(t.guessed.surprise)), int(np.isfinite(t.guessed.surprise).sum())
    foot(
        t.visit,
        key="said",
        reading=f"{'The network wrote' if t.tree is not None else 'You gave'} {count} token{'s' * (count != 1)}, worth "
        f"{total:.1f} bits of surprise together: a probability of {2.0**-total:.2g} for all of them, each given those before it.",
        numbers={"tokens": np.array(t.found.target[:-1]), "bits": t.guessed.surprise[1:], "rank": t.guessed.rank[:-1]},
        code=t.code("print(reading(net.module, net.paper, x).surprise)"),
        sheet=True,
    )
    _others(t)


def _others(t: Translated) -> None:
    """The likeliest tokens in the place of the one that is written."""
    guess, row = t.guessed, t.word
    names, values = list(guess.names[row][:SHOWN]), guess.shares[row, :SHOWN]
    rank = int(guess.rank[row])
    if rank > SHOWN:
        names.append(t.found.target[row])
        values = np.append(values, guess.share[row])
    here = (min(rank, SHOWN + 1) - 1) if rank else -1
    figure = bars(
        100 * values,
        [plain(name) for name in labels(names)],
        t.visit.dark,
        title=plain(f"What might have come for “{t.target[row]}”" if rank else "What may come next"),
        axis="probability, %",
        texts=[percent(float(p)) for p in values],
        strong=[0],
        selected=here,
    )
    which = (
        ""
        if not rank
        else " It was written."
        if rank == 1
        else f" “{t.target[row]}”, which stands there, is number {rank:,}."
    )
    exhibit(
        t.visit,
        figure,
        key="others",
        reading=f"“{label(names[0])}” leads with {percent(float(values[0]))}.{which} The guess has an entropy of "
        f"{guess.entropy[row]:.2f} bits.",
        numbers={"tokens": np.array(names), "probabilities": values},
        code=t.code(f"print(reading(net.module, net.paper, x).names[{row}])"),
    )
