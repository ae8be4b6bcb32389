"""Captions: the visitor's own words beside the picture, how near each lies, and what brings the two together."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.board import board
from app.components.caption import code, read, where, word_by_word
from app.components.captions import captions
from app.components.choice import unseen
from app.components.exhibit import exhibit, foot
from app.figures.bars import bars
from app.figures.words import literal, plain
from app.interpret.captions import Likeness, likeness
from app.view import View, Visit
from models.data.samples import sample_bytes
from models.paper import Image

YOURS = "your input"
TABLE = (  # lines of the snippet that put the samples below the input
    "import numpy as np",
    "from models.data.samples import sample_bytes",
    "samples = [net.paper.takes.parse(sample_bytes(net.paper, sample)) for sample in net.paper.samples]",
    "x = np.concatenate([x, *samples])",
)


def draw(visit: Visit) -> None:
    """The field and how near each caption lies; one on the picture, word by word, and as it is read; all against the samples."""
    left, right = st.columns([1, 1.6], gap="large")
    with left:
        texts = captions(visit.paper)
    said = session.ask(likeness, visit, texts=texts)
    chosen = unseen("Caption", texts, key="caption", first=texts[int(said.cosines[0].argmax())])
    with right:
        _near(visit, said, texts, chosen)
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        where(visit, chosen)
    with right:
        word_by_word(visit, chosen)
    read(visit, chosen)
    _matrix(visit, texts, chosen)


def _near(visit: Visit, said: Likeness, texts: tuple[str, ...], chosen: str) -> None:
    """A bar a caption, the nearest on top; a click chooses it."""
    cosines, shares = said.cosines[0], said.shares[0]
    order = [int(i) for i in np.argsort(-cosines, kind="stable")]

    def picked() -> None:
        if points := st.session_state["near"].selection.points:
            st.session_state["caption"] = texts[order[int(points[0]["point_index"])]]

    figure = bars(
        cosines[order],
        [plain(texts[i]) for i in order],
        visit.dark,
        title="How near each caption lies to your picture",
        axis="cosine of the angle between picture and caption",
        texts=[f"{cosines[i]:.2f}" for i in order],
        strong=(0,),
        selected=[texts[i] for i in order].index(chosen),
    )
    exhibit(
        visit,
        figure,
        key="near",
        reading=f"Were these all the captions there are, “{literal(texts[order[0]])}” would have "
        f"{percent(float(shares[order[0]]))}: "
        f"softmax of the cosines times {said.scale:.0f}. Click one to see why.",
        numbers={"captions": np.array(texts), "cosines": cosines, "probabilities": shares},
        code=code(visit.paper.slug, "likeness", f"print(likeness(net.module, net.paper, x, {texts!r}).cosines)"),
        on_select=picked,
    )


def _matrix(visit: Visit, texts: tuple[str, ...], chosen: str) -> None:
    """The paper's Fig. 1: the input and the samples down, all captions across; a click chooses a caption."""
    names = [YOURS, *(sample.name for sample in visit.paper.samples)]
    x = [session.visit(visit.paper, sample_bytes(visit.paper, s), s.name).x for s in visit.paper.samples]
    all_of_them = visit.given(np.concatenate([visit.x, *x]), f"{visit.key} and samples")
    cosines = session.ask(likeness, all_of_them, texts=texts).cosines
    st.markdown("**Every picture against every caption**")
    with st.container(key="figure-pairs"):
        board(
            cosines,
            names,
            list(texts),
            visit.dark,
            key="pairs",
            label="Cosine of each picture and each caption",
            titles=[
                f"{p}, “{t}”: {c:.2f}"
                for p, row in zip(names, cosines, strict=True)
                for t, c in zip(texts, row, strict=True)
            ],
            texts=[f"{100 * c:.0f}" for c in cosines.ravel()],
            signed=True,
            top=1.0,
            selected=texts.index(chosen),
            corner="cosine, %",
            cell=(44, 24),
            on_pick=lambda i: st.session_state.update(caption=texts[i % len(texts)]),
        )
    right = sum(texts[int(row.argmax())] == name for name, row in zip(names[1:], cosines[1:], strict=True))
    known = sum(name in texts for name in names[1:])
    reading = f"Of the {known} samples whose names stand above, {right} lie nearest to their own. " if known else ""
    foot(
        visit,
        key="pairs",
        reading=f"{reading}Orange lies near, blue turned away; the frame is your picture with the caption above.",
        numbers={"pictures": np.array(names), "captions": np.array(texts), "cosines": cosines},
        code=code(
            visit.paper.slug, "likeness", *TABLE, f"print(likeness(net.module, net.paper, x, {texts!r}).cosines)"
        ),
        sheet=True,
    )


VIEW = View(
    "Captions",
    13,
    (Image, "captions"),
    draw,
    "Your own words as captions: how near each lies to your picture, and which parts of both bring them together.",
)
