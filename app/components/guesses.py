"""What a network guesses of a text: the text coloured by surprise, and one place's likeliest tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.choice import unseen
from app.components.exhibit import exhibit, foot
from app.components.give_text import put
from app.components.strip import sides, strip
from app.figures.bars import bars
from app.figures.words import label, labels, plain
from app.interpret.reading import Reading, reading
from app.view import Visit
from models.paper import Token

SHOWN = 12  # tokens that have a bar


@dataclass(frozen=True)
class Guesses:
    """A text, what the network guessed of it, and the chosen place in it."""

    visit: Visit
    found: Reading
    place: int

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return sides(self.visit)[0]

    @property
    def forward(self) -> bool:
        """Whether the network reads from left to right: it guesses what comes after a place, not what stands in it."""
        return bool(self.found.shift)

    def named(self, place: int) -> str:
        return f"“{label(self.tokens[place].text)}”"

    def goes_on(self, token: str) -> str:
        """The text with another token in the chosen place, or after it and then nothing more."""
        text, here = str(self.visit.source), self.tokens[self.place]
        return text[: here.end] + token if self.forward else text[: here.start] + token + text[here.end :]

    def code(self, last: str) -> str:
        return (
            "import models\nfrom app.interpret.reading import reading\n\n"
            f'net = models.load("{self.visit.paper.slug}")\nx = net.paper.takes.parse({str(self.visit.source)!r})\n'
            f"found = reading(net.module, net.paper, x)\n{last}"
        )


def guesses(visit: Visit) -> Guesses:
    """The visit's text read once, and the place that the address names, at first the last or the blank."""
    found = session.ask(reading, visit)
    places = [str(i) for i in range(len(found.there))]
    return Guesses(visit, found, int(unseen("Place", places, key="place", first=str(found.place))))


def surprised(text: Guesses) -> None:
    """The text, coloured by the bits that each token was worth; a click chooses a place."""
    found, bits = text.found, text.found.surprise
    shown = [i for i, token in enumerate(text.tokens) if token.start == token.end]
    with st.container(key="figure-surprise"):
        strip(
            [token.text for token in text.tokens],
            [_title(text, i) for i in range(len(text.tokens))],
            text.visit.dark,
            key="surprise-strip",
            label="The text; the stronger its colour, the more a token surprised the network. A click chooses a place.",
            values=bits,
            signed=False,
            top=float(np.log2(found.vocabulary)),
            special=shown,
            selected=text.place,
            on_pick=lambda i: st.session_state.update(place=str(i)),
        )
    foot(
        text.visit,
        key="surprise",
        reading=_surprise(text),
        numbers={
            "tokens": np.array([token.text for token in text.tokens]),
            "ids": text.visit.x[0],
            "surprise_bits": bits,
            "entropy_bits": found.entropy,
            "rank": found.rank,
        },
        code=text.code("print(found.surprise)"),
        sheet=True,
    )


def _title(text: Guesses, place: int) -> str:
    bits, row = text.found.surprise[place], place - text.found.shift
    if np.isnan(bits):
        return f"place {place}: never guessed"
    share, rank = percent(float(text.found.share[row])), int(text.found.rank[row])
    return f"place {place}: {bits:.1f} bits, probability {share}, number {rank:,} of {text.found.vocabulary:,}"


def _surprise(text: Guesses) -> str:
    """The most surprising token, the mean, and what that amounts to."""
    bits, found = text.found.surprise, text.found
    given = "given those before it" if text.forward else "given all the others, itself hidden"
    blind = f"{np.log2(found.vocabulary):.1f} bits, as for a token picked blindly, or more"
    what = f"Surprise is −log2 of a token's probability {given}; the strongest colour is {blind}."
    known = np.flatnonzero(~np.isnan(bits))
    if not len(known):
        return f"{what} Nothing here could be guessed."
    most, mean = int(np.nanargmax(bits)), float(np.nanmean(bits))
    return (
        f"{text.named(most)} surprised it most, by {bits[most]:.1f} bits. The mean of {len(known)} tokens is {mean:.2f} bits, as "
        f"if each were one of {2**mean:,.0f} equally likely ones. {what}"
    )


def next_tokens(text: Guesses) -> None:
    """The likeliest tokens of the chosen place as bars, and what does stand there; a click writes one into the text."""
    found, place = text.found, text.place
    ids, shares, names = found.ids[place, :SHOWN], found.shares[place, :SHOWN], list(found.names[place][:SHOWN])
    there, rank = int(found.there[place]), int(found.rank[place])
    if rank > len(ids):  # what stands there is none of the likeliest: a bar of its own
        names.append(text.tokens[place + found.shift].text)
        shares = np.append(shares, found.share[place])
    here = (rank - 1 if rank <= len(ids) else len(ids)) if rank else -1
    where = "after" if text.forward else "in the place of"
    figure = bars(
        100 * shares,
        [plain(name) for name in labels(names)],
        text.visit.dark,
        title=plain(f"What may come {where} {text.named(place)}"),
        axis="probability, %",
        texts=[percent(float(p)) + (f", number {rank:,}" if i == here >= SHOWN else "") for i, p in enumerate(shares)],
        strong=[0],
        selected=here,
    )
    state = f"-{text.visit.key[:12]}-{place}"

    def write(i: int) -> None:
        put(text.goes_on(names[i]))
        st.session_state["place"] = ""

    def picked() -> None:
        for point in st.session_state[f"next{state}"].selection.points[:1]:
            write(int(point["point_index"]))

    def named() -> None:
        if (i := st.session_state[f"write{state}"]) is not None:
            write(i)

    exhibit(
        text.visit,
        figure,
        key="next",
        reading=_next(text, there, rank),
        numbers={"ids": ids, "tokens": np.array(names), "probabilities": shares},
        code=text.code(f"print(found.names[{place}], found.shares[{place}])"),
        on_select=picked,
        fresh=state,
    )
    shown = labels(names)
    st.selectbox(
        "Write one of them",
        range(len(names)),
        None,
        format_func=lambda i: f"{shown[i]}, {percent(float(shares[i]))}",
        key=f"write{state}",
        on_change=named,
        placeholder="Write one of them into the text",
        label_visibility="collapsed",
        width=280,
    )


def _next(text: Guesses, there: int, rank: int) -> str:
    found, place = text.found, text.place
    first = percent(float(found.shares[place, 0]))
    entropy = float(found.entropy[place])
    undecided = f"The guess has an entropy of {entropy:.2f} bits, as undecided as among {2**entropy:,.1f} equally likely tokens."
    best = f"“{label(found.names[place][0])}” leads with {first}"
    if there < 0:
        is_there = " Nothing stands there yet."
    else:
        name = text.named(place + found.shift)
        rest = "the likeliest" if rank == 1 else f"number {rank:,} of {found.vocabulary:,}"
        is_there = f" The text has {name} there, {rest} with {percent(float(found.share[place]))}."
    does = "drops what follows and goes on with that token" if text.forward else "puts that token there"
    return f"{best}.{is_there} {undecided} A click on a bar {does}."
