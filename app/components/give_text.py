"""A text as the input: typed, from a file, or one of the samples. The address carries it."""

from __future__ import annotations

import html

import streamlit as st

from app import session
from app.view import Visit
from models.data.samples import sample_bytes
from models.paper import BadInput, Paper, TextPair, Token

FILES = ["txt", "md", "text"]
OWN = "your text"


def give(paper: Paper) -> Visit:
    """What stands in the field; the sample where it is empty, or where it cannot be used."""
    names = {sample.name: str(sample_bytes(paper, sample)) for sample in paper.samples}

    def sampled() -> None:
        text, _, target = names[st.session_state["sample"]].partition("\t")
        st.session_state.update(text=text, translation=target)
        st.session_state.pop("trouble", None)

    first = next(iter(names.values())).partition("\t")
    st.selectbox("Sample", list(names), key="sample", on_change=sampled, label_visibility="collapsed")
    label = paper.takes.languages[0] if isinstance(paper.takes, TextPair) else "Text"
    typed = st.text_area(label, key="text", bind="query-params", height=110, placeholder=first[0])
    source = typed or first[0]
    if isinstance(paper.takes, TextPair):
        label = f"{paper.takes.languages[1]}, if you know better"
        target = st.text_input(label, key="translation", bind="query-params")
        source = f"{source}\t{target or (first[2] if not typed else '')}"
    with st.popover("From a file", type="tertiary"):
        key = f"text-file-{st.session_state.get('text_files', 0)}"
        st.file_uploader(
            "A text file", FILES, key=key, on_change=_read, args=(paper, key), label_visibility="collapsed"
        )
    return _usable(paper, source, OWN if typed else f"sample {next(iter(names))}")


def _read(paper: Paper, key: str) -> None:
    """A file has come in: its text goes into the field, where it can be read."""
    from models.texts import plain

    st.session_state["text_files"] = st.session_state.get("text_files", 0) + 1
    file = st.session_state[key]
    try:
        text = plain(file.getvalue())
        paper.takes.parse(text)
    except BadInput as error:
        st.session_state["trouble"] = str(error)
        return
    st.session_state["text"] = text
    st.session_state.pop("trouble", None)


def _usable(paper: Paper, source: str, name: str) -> Visit:
    """The visit with this text, or with the one before it and a sentence that says why."""
    trouble = st.session_state.pop("trouble", "")
    first = (str(sample_bytes(paper, paper.samples[0])), f"sample {paper.samples[0].name}")
    visit = None
    for text, called in ((source, name), st.session_state.get("good_text", first), first):
        try:
            visit = session.visit(paper, text, called)
            break
        except BadInput as error:
            trouble = trouble or str(error)
    assert visit is not None, "the first sample of a paper can be read"
    if trouble:
        st.error(f"{trouble} The text before it stays: {visit.name}.")
    st.session_state["good_text"] = (str(visit.source), visit.name)
    return visit


def see(visit: Visit) -> str:
    """The tokens, each with its id as a title; returns no picture."""
    takes = visit.paper.takes
    found = takes.tokens(visit.source)  # type: ignore[union-attr]
    sides = found if isinstance(takes, TextPair) else (found,)
    names = takes.languages if isinstance(takes, TextPair) else ("",)
    for side, name in zip(sides, names, strict=True):
        chips = "".join(_chip(token, i) for i, token in enumerate(side))
        head = f"<small>{html.escape(name)}</small> " if name else ""
        st.html(f'<p class="tokens" aria-label="Tokens">{head}{chips}</p>')
        st.caption(f"{len(side)} of at most {takes.context} tokens; the number of each shows under the pointer.")  # type: ignore[union-attr]
    return ""


def _chip(token: Token, place: int) -> str:
    text = html.escape(token.text.replace("\n", "⏎")) or "·"
    special = " special" if token.start == token.end else ""
    return f'<span class="token{" odd" * (place % 2)}{special}" title="place {place}, token {token.id}">{text}</span>'
