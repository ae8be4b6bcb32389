"""One caption beside the picture: which patches bring the two together, which words, and how it is read."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.board import board
from app.components.exhibit import exhibit, foot
from app.figures.attribution import over
from app.figures.bars import bars
from app.figures.words import label, literal, plain
from app.interpret.captions import PAIRS, glimpses, looks, words
from app.view import Visit
from models.paper import Image


def where(visit: Visit, chosen: str) -> None:
    """What each patch adds to the cosine with the chosen caption."""
    takes = visit.paper.takes
    assert isinstance(takes, Image)
    found = session.ask(words, visit, text=chosen)
    values, explained = session.ask(glimpses, visit).parts(found.vector)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    figure = over(
        values,
        takes.unnormalise(visit.x)[0].transpose(1, 2, 0).clip(0, 1),
        visit.dark,
        title=plain(f"Where “{chosen}” is in it"),
        unit="cosine added",
        signed=True,
        where="what each patch adds",
    )
    exhibit(
        visit,
        figure,
        key="where",
        reading=f"From {2 * PAIRS} looks at half of the patches: orange ones bring the picture nearer to “{literal(chosen)}” than "
        "the average patch does, blue ones less. "
        f"Most adds that in row {row}, column {column} ({values[row, column]:+.3f}). Patches one by one explain "
        f"{100 * explained:.0f} % of the difference between looks; the rest is what they do together.",
        numbers={"patches": values, "vector": found.vector},
        code=code(
            visit.paper.slug,
            "glimpses, words",
            f"text = words(net.module, net.paper, x, {chosen!r})",
            "print(glimpses(net.module, net.paper, x).parts(text.vector))",
        ),
    )


def word_by_word(visit: Visit, chosen: str) -> None:
    """What the chosen caption would lose without each of its words."""
    found = session.ask(words, visit, text=chosen)
    labels = [f"{i + 1}  {word}" for i, word in enumerate(found.words)]
    figure = bars(
        found.added,
        [plain(label) for label in labels],
        visit.dark,
        title="Word by word",
        axis="cosine lost without the word",
        texts=[f"{v:+.3f}" for v in found.added],
        signed=True,
    )
    most = literal(found.words[int(found.added.argmax())])
    reading = (
        "One word is all there is: its bar is the whole cosine."
        if len(found.words) == 1
        else f"The caption is read again without each word. “{most}” holds it to the picture "
        "most; where a bar points left, the caption would be nearer without the word."
    )
    exhibit(
        visit,
        figure,
        key="words",
        reading=reading,
        numbers={"words": np.array(found.words), "added": found.added},
        code=code(visit.paper.slug, "words", f"print(words(net.module, net.paper, x, {chosen!r}).added)"),
    )


def read(visit: Visit, chosen: str) -> None:
    """Which of its words each head of the text tower looks at, at the end token: a row a head."""
    found = session.ask(looks, visit, text=chosen)
    layers, heads, count = found.pattern.shape
    names = [f"{i}.{h}" for i in range(layers) for h in range(heads)]
    words = [label(token) for token in found.tokens]
    rows = found.pattern.reshape(-1, count)
    st.markdown(f"**How “{literal(chosen)}” is read**")
    with st.container(key="figure-read"):
        board(
            rows,
            names,
            words,
            visit.dark,
            key="read",
            label="How much each head takes from each token, at the end of the caption",
            titles=[
                f"head {name}, “{word}”: {percent(float(share))}"
                for name, row in zip(names, rows, strict=True)
                for word, share in zip(words, row, strict=True)
            ],
            texts=[f"{100 * share:.0f}" for share in rows.ravel()],
            signed=False,
            top=1.0,
            corner="head",
            cell=(40, 24),
        )
    own = rows[:, 1:-1]
    head, word = np.unravel_index(int(own.argmax()), own.shape)
    foot(
        visit,
        key="read",
        reading=f"The caption's arrow is made of its last token alone, which gathers from the others by attention: what each head "
        f"of the text tower takes from each, in %, a row a head (layer.head). Most from a word is what {names[head]} takes from "
        f"“{literal(words[word + 1])}”, {percent(float(own[head, word]))}.",
        numbers={"tokens": np.array(found.tokens), "pattern": found.pattern},
        code=code(visit.paper.slug, "looks", f"print(looks(net.module, net.paper, x, {chosen!r}).pattern)"),
        sheet=True,
    )


def code(slug: str, names: str, *last: str) -> str:
    """A snippet that loads the network and an input, and ends with these lines."""
    start = f'import models\nfrom app.interpret.captions import {names}\n\nnet = models.load("{slug}")'
    return "\n".join((start, 'x = net.paper.takes.parse("your input")', *last))
