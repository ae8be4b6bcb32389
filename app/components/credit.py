"""What the parts of a network add to one answer: their sum, every head, and the tokens that a head has it from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.components.answer import names
from app.components.board import board
from app.components.exhibit import exhibit, foot
from app.components.strip import sides, strip
from app.figures.bars import bars
from app.figures.waterfall import plus, waterfall
from app.figures.words import labels, plain
from app.interpret.direct import Direct
from app.view import Visit

UNIT = "logits"
MOST = 10  # tokens shown as bars


@dataclass(frozen=True)
class Credit:
    """What was found, and what is chosen. `against` is -1 where a logit is taken by itself."""

    visit: Visit
    found: Direct
    place: int
    target: int
    against: int
    head: tuple[int, int]

    @property
    def texts(self) -> list[str]:
        return [token.text for token in sides(self.visit)[0]]

    @property
    def what(self) -> str:
        """What the parts add up to."""
        called = names(self.visit.paper)
        return f"{called[self.target]} rather than {called[self.against]}" if self.against >= 0 else called[self.target]

    @property
    def code(self) -> str:
        return (
            "import models\nfrom app.interpret.direct import direct\n\n"
            f'net = models.load("{self.visit.paper.slug}")\nx = net.paper.takes.parse({self.visit.source!r})\n'
            f"found = direct(net.module, net.paper, x, place={self.place}, target={self.target}, against={self.against})\n"
            "print(found.heads, found.mlps, found.others, found.total, found.logit)"
        )

    @property
    def parts(self) -> dict[str, float]:
        """From the embedding to the output, a layer's heads together; a constant that is 0 for all is none."""
        found, others = self.found, dict(self.found.others)
        steps = {name: others.pop(name) for name in ("embedding", "position")}
        for i, heads in enumerate(found.heads):
            steps[f"layer {i}, heads"] = float(heads.sum())
            if len(found.mlps):
                steps[f"layer {i}, MLP"] = float(found.mlps[i])
        return steps | {name: value for name, value in others.items() if value}

    @property
    def numbers(self) -> dict[str, np.ndarray]:
        found = self.found
        sums = {"sum": found.total, "logit": found.logit, "scale": found.scale}
        singles = {name: np.array(value) for name, value in (found.others | sums).items()}  # type: ignore[operator]
        return {"heads": found.heads, "mlps": found.mlps, **singles}


def summed(credit: Credit) -> None:
    """Part after part, up to the logit."""
    found, own = credit.found, "the difference of the two" if credit.against >= 0 else "the logit"
    title = plain(f"How {credit.what} comes to {found.logit:.2f}")
    figure = waterfall(credit.parts, credit.visit.dark, title=title, axis=UNIT, total="sum")
    heads, mlps, rest = found.heads.sum(), found.mlps.sum(), sum(found.others.values())
    reading = (
        f"Heads {heads:+.3f}, MLPs {mlps:+.3f}, all else {rest:+.3f}: together {found.total:.4f}. The network's own number, "
        f"{own}, is {found.logit:.4f}. Orange speaks for it, blue against it."
    )
    exhibit(credit.visit, figure, key="sum", reading=reading, numbers=credit.numbers, code=credit.code)


def heads(credit: Credit) -> None:
    """Every head's share, layers by heads; a click goes to the head."""
    values, width = credit.found.heads, credit.found.heads.shape[1]
    spots = [divmod(i, width) for i in range(values.size)]
    st.markdown("**Every head by itself**")
    with st.container(key="figure-shares"):
        board(
            values,
            [f"layer {i}" for i in range(len(values))],
            [f"head {h}" for h in range(width)],
            credit.visit.dark,
            key="shares",
            label=f"What every head adds to {credit.what}, {UNIT}",
            titles=[f"layer {i}, head {h}: {values[i, h]:+.3f} {UNIT}" for i, h in spots],
            texts=[plus(v) for v in values.ravel()],
            corner=UNIT,
            signed=True,
            selected=credit.head[0] * width + credit.head[1],
            cell=(44, 26),
            on_pick=lambda i: st.session_state.update(head="{}.{}".format(*spots[i])),
        )
    most, least = (np.unravel_index(int(f(values)), values.shape) for f in (np.argmax, np.argmin))
    end = "most against" if values[least] < 0 else "least"
    reading = (
        f"Layer {most[0]}, head {most[1]} speaks most for {credit.what} ({values[most]:+.2f}), layer {least[0]}, head {least[1]} "
        f"{end} ({values[least]:+.2f}). A click shows where a head has it from."
    )
    foot(credit.visit, key="shares", reading=reading, numbers={"heads": values}, code=credit.code, sheet=True)


def origins(credit: Credit, key: int) -> None:
    """The tokens that the chosen head has its share from: how much it looks at each, times what that would add."""
    (i, h), found = credit.head, credit.found
    whole, looks, offers = found.sources[i, h], found.pattern[i, h], found.offers[i, h]
    called = labels(credit.texts)
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        st.markdown(f"**Where layer {i}, head {h} has its {found.heads[i, h]:+.2f} from**")
        strip(
            credit.texts,
            [
                f"{v:+.3f}: {look:.2f} of the look times {offer:+.2f}"
                for v, look, offer in zip(whole, looks, offers, strict=True)
            ],
            credit.visit.dark,
            key="origins",
            label=f"What layer {i}, head {h} adds to {credit.what}, by token",
            values=np.where(np.arange(len(whole)) <= credit.place, whole, np.nan),
            signed=True,
            selected=key,
            on_pick=lambda place: st.session_state.update(key=str(place)),
        )
        st.caption(
            f"“{called[key]}”: the head gives it {looks[key]:.3f} of its look; with all of it, it would add {offers[key]:+.3f}; "
            f"the product is {whole[key]:+.3f}. All tokens together: {whole.sum():+.4f}; "
            f"the head's share: {found.heads[i, h]:+.4f}."
        )
    with right:
        order = np.argsort(-np.abs(whole), kind="stable")[: min(MOST, credit.place + 1)]
        figure = bars(
            whole[order],
            [plain(called[k]) for k in order],
            credit.visit.dark,
            title=f"The {len(order)} tokens that count most",
            axis=UNIT,
            texts=[plus(whole[k], 3) for k in order],
            signed=True,
            selected=int(np.flatnonzero(order == key)[0]) if key in order else -1,
        )
        reading = f"“{called[order[0]]}” counts most: {looks[order[0]]:.2f} of the look times {offers[order[0]]:+.2f}."
        numbers = {"sources": whole, "pattern": looks, "offers": offers}
        exhibit(credit.visit, figure, key="tokens", reading=reading, numbers=numbers, code=credit.code)
