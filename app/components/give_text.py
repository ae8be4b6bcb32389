"""A text as the input: typed, from a file, or one of the samples. The address carries it."""

from __future__ import annotations

import html
from itertools import groupby

import streamlit as st

from app import session
from app.components.limit import limit
from app.view import Visit
from models.data.samples import sample_bytes
from models.paper import BadInput, Paper, Text, TextPair, Token

FILES = ["txt", "md", "text"]
OWN = "your text"
LONG = 4_000  # characters of a text that cannot be used, up to which it stays in the field, and the address, to be shortened


def put(text: str) -> None:
    """Write a text into the field, for callbacks; not a token that is some bytes of a letter, without the others."""
    if "\ufffd" in text:
        st.session_state["trouble"] = "That token is a part of a letter, and cannot be written without the rest."
        st.session_state["written"] = True
        return
    st.session_state.update(text=text, written=True)
    st.session_state.pop("trouble", None)


def renew() -> None:
    """Run the whole page again where a click in a view has written into the field: a fragment alone leaves the rail as it was."""
    if st.session_state.pop("written", False):
        st.rerun(scope="app")


def give(paper: Paper) -> Visit:
    """What stands in the field; the sample where it is empty, or where it cannot be used."""
    names = {sample.name: str(sample_bytes(paper, sample)) for sample in paper.samples}
    st.session_state.pop("written", None)

    def sampled() -> None:
        text, _, target = names.get(st.session_state["sample"], "").partition("\t")
        put(text)
        st.session_state["translation"] = target

    first = next(iter(names.values())).partition("\t")
    shown = st.session_state.get("text", st.query_params.get("text")) or first[0]
    st.session_state["sample"] = next((name for name, text in names.items() if text.partition("\t")[0] == shown), None)
    st.selectbox(
        "Sample",
        list(names),
        None,
        key="sample",
        on_change=sampled,
        placeholder="Your own text",
        label_visibility="collapsed",
    )
    label = paper.takes.languages[0] if isinstance(paper.takes, TextPair) else "Text"
    typed = st.text_area(
        label,
        key="text",
        bind="query-params",
        height=110,
        placeholder=first[0],
        on_change=_typed,
        args=(paper,),
    )
    source = typed or first[0]
    st.session_state["typing"] = source
    _counted(paper)
    if isinstance(paper.takes, TextPair):
        label = f"{paper.takes.languages[1]}, if you know better"
        target = st.text_input(label, key="translation", bind="query-params")
        source = f"{source}\t{target or (first[2] if not typed else '')}"
    with st.popover("From a file", type="tertiary"):
        key = f"text-file-{st.session_state.get('text_files', 0)}"
        st.file_uploader(
            "A text file", FILES, key=key, on_change=_read, args=(paper, key), label_visibility="collapsed"
        )
    return _usable(paper, source, typed, OWN if typed else f"sample {next(iter(names))}")


@st.fragment
def _counted(paper: Paper) -> None:
    """The tokens of what is being typed, out of all that the network reads at once."""
    from models.texts import LONGEST, count

    takes = paper.takes
    assert isinstance(takes, Text | TextPair)
    limit(
        count(takes, st.session_state.get("typing", "")),
        takes.context,
        field="text",
        most=LONGEST,
        key="limit",
        on_type=lambda text: st.session_state.update(typing=text),
    )


def _typed(paper: Paper) -> None:
    """Something new stands in the field. What nobody can mend by a few keys gives way to what stood there before."""
    from models.texts import known, plain

    assert isinstance(paper.takes, Text | TextPair)
    text = st.session_state["text"]
    try:
        plain(text)
        known(paper.takes, text)
        if len(text) > LONG:
            paper.takes.parse(text)
    except BadInput as error:
        st.session_state.update(text=st.session_state.get("good_typed", ""), trouble=str(error))
        return
    _leave_translation(paper)


def _leave_translation(paper: Paper) -> None:
    """A sample's translation goes when its sentence does; one of the visitor's own stays."""
    samples = {str(sample_bytes(paper, sample)).partition("\t")[2] for sample in paper.samples}
    if st.session_state.get("translation") in samples:
        st.session_state["translation"] = ""


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
    put(text)
    _leave_translation(paper)


def _usable(paper: Paper, source: str, typed: str, name: str) -> Visit:
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
    if visit.source == source:
        st.session_state["good_typed"] = typed
    return visit


def see(visit: Visit) -> str:
    """The tokens, each with its number where that is asked for, and else as a title; returns no picture."""
    from models.texts import unknown

    takes = visit.paper.takes
    assert isinstance(takes, Text | TextPair)
    pair = takes.tokens(visit.source) if isinstance(takes, TextPair) else (takes.tokens(visit.source),)
    above = st.container()
    numbers = st.toggle("The number of each", key="numbers", bind="query-params")
    for side, name in zip(pair, takes.languages if isinstance(takes, TextPair) else ("",), strict=True):
        head = f"<small>{html.escape(name)}</small> " if name else ""
        above.html(f'<p class="tokens" aria-label="Tokens">{head}{_chips(side, numbers)}</p>')
        above.caption(f"{len(side)} tokens. {unknown(takes, side)}".strip())
    return ""


def _chips(side: tuple[Token, ...], numbers: bool) -> str:
    """The tokens side by side, with their ids or without; where several share one letter, each says which part it is."""
    chips, place = [], 0
    for (start, end), group in groupby(side, key=lambda token: (token.start, token.end)):
        tokens = list(group)
        for part, token in enumerate(tokens, 1):
            byte = f", part {part} of {len(tokens)} of this letter" if len(tokens) > 1 and end > start else ""
            text = html.escape(token.text.replace("\n", "⏎")) or "·"
            mark = f"<sub>{part}</sub>" if byte else ""
            kind = " odd" * (place % 2) + " special" * (start == end)
            id = f"<small> {token.id}</small>" if numbers else ""
            title = f"place {place}, token {token.id}{byte}"
            chips.append(f'<span class="token{kind}" title="{title}">{text}{mark}{id}</span>')
            place += 1
    return "".join(chips)
