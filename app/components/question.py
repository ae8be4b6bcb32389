"""a is to b as c is to what? Ready-made questions, one's own, and the answer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import session
from app.components.exhibit import exhibit
from app.figures.bars import bars
from app.figures.words import literal
from app.interpret.embedding import Analogy, analogies
from app.view import Visit
from models.paper import BadInput

FIELDS = {"a": "Word", "b": "is to", "c": "as"}


def asked(visit: Visit, step: int | None) -> Analogy:
    """The widgets that ask, all in the address as "a", "b" and "c", and the answer; the question before stays where one fails."""
    visit, ready = visit.given(visit.x, "any text"), visit.paper.analogies
    answers = session.ask(analogies, visit, step=step, questions=ready)
    names = {
        f"{a} {b} {c}": f"{a} : {b}, {c} : {d}" + (" (found)" if answer.right else " (missed)")
        for (a, b, c, d), answer in zip(ready, answers, strict=True)
    }

    def taken() -> None:
        words = (st.session_state["question"] or "").split()
        st.session_state.update(zip(FIELDS, words, strict=False))

    typed = (st.session_state.get(key, st.query_params.get(key)) for key in FIELDS)
    words = tuple((word or first).strip().lower() for word, first in zip(typed, ready[0], strict=False))
    st.session_state["question"] = " ".join(words) if " ".join(words) in names else None
    st.selectbox(
        f"Ready-made: {sum(a.right for a in answers)} of {len(ready)} found",
        sorted(names, key=lambda key: names[key].endswith("(missed)")),
        None,
        format_func=lambda key: names[key],
        key="question",
        on_change=taken,
        placeholder="Your own question",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="fields"):
        for (key, label), first in zip(FIELDS.items(), ready[0], strict=False):
            st.text_input(label, key=key, bind="query-params", placeholder=first, width=84)
        st.markdown("is to …")
    right: dict[tuple[str, ...], tuple[str, ...]] = {question[:3]: question for question in ready}
    good: tuple[str, ...] = st.session_state.get("good_question", ready[0])
    try:
        (answer,) = session.ask(analogies, visit, step=step, questions=(right.get(words, words),))
    except BadInput as error:
        (answer,) = session.ask(analogies, visit, step=step, questions=(good,))
        a, b, c = answer.given_names
        st.error(f"{error} The question before stays: {a} is to {b} as {c} is to what?")
        return answer
    st.session_state["good_question"] = right.get(words, words)
    return answer


def answered(visit: Visit, answer: Analogy, code: str) -> None:
    """The five nearest words as bars, and what is right, where that is known."""
    a, b, c = answer.given_names
    figure = bars(
        answer.cosines,
        answer.names,
        visit.dark,
        title=f"{a} is to {b} as {c} is to … {answer.names[0]}",
        axis=f"cosine with {b} − {a} + {c}",
        texts=[f"{cosine:.2f}" for cosine in answer.cosines],
        strong=(0,),
        span=(0.0, 1.0),
    )
    exhibit(
        visit,
        figure,
        key="analogy",
        reading=_reading(answer),
        numbers={
            "given": np.array(answer.given_names),
            "words": np.array(answer.names),
            "cosines": answer.cosines,
        },
        code=code,
    )


def _reading(answer: Analogy) -> str:
    """The answer, what was wanted, and what it would be were the three given words not left out."""
    a, b, c = map(literal, answer.given_names)
    said = f"“{literal(answer.names[0])}” lies nearest to {b} − {a} + {c}, at a cosine of {answer.cosines[0]:.2f}"
    if answer.right:
        said += ", and is right."
    elif answer.rank:
        said += f"; right would be “{literal(answer.wanted)}”, which comes as number {answer.rank:,}."
    else:
        said += "."
    if answer.open_name in answer.given_names:
        said += (
            f" The three given words are left out, as in the paper: with them “{literal(answer.open_name)}” itself would be "
            f"nearest ({answer.open_cosine:.2f})."
        )
    else:
        said += " The three given words are left out, as in the paper; none of them is nearer."
    return said
