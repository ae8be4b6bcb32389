"""The input panel in the rail: draw, upload, camera, samples; what the network sees; what it says.

One input is chosen at a time, and it goes with the visitor from view to view and from paper to paper. What cannot be
used is answered by one sentence, and the input before it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import session
from app.components.answers import percent
from app.components.bars import Bar, bars
from app.components.fold import fold
from app.components.grid import grid
from app.components.pad import pad
from app.components.sight import Stage, sight
from app.components.strokes import LONGEST, Strokes, decode, encode, render
from app.figures import pictures
from app.figures.maps import mosaic
from app.figures.theme import theme
from app.view import Visit
from models.checkpoint import CheckpointError
from models.data.samples import sample_bytes
from models.paper import BadInput, Fact, Image, Paper

ALL = 12  # classes up to which every one has its bar, in a place of its own
SOME = 6  # bars of a network with more classes: the likeliest
COLUMNS = 5  # of the samples' thumbnails
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]


def choose(paper: Paper) -> Visit:
    """The visitor's input for this network, as a visit; a sample where nothing was given yet."""
    kind = KINDS[type(paper.takes)]
    with st.sidebar, st.container(key="rail", gap="small"):
        visit = kind.choose(paper)
        stages = session.once(("stages", paper.slug, visit.key, visit.dark), lambda: kind.stages(visit))
        with st.container(key="sees", gap="xsmall"):
            st.markdown("**What the network sees**")
            sight(stages, key="sight")
        with st.container(key="says", gap="xsmall"):
            said = _says(visit)
    with st.container(key="bar"):
        fold(stages[-1].src, said, visit.name, key="fold")
    return visit


def _says(visit: Visit) -> str:
    """The prediction as bars; returns its first place in a few words."""
    from app.interpret.prediction import predict  # it imports torch, which the timeline does without

    gives = visit.paper.gives
    try:
        said = session.ask(predict, visit)
    except CheckpointError:
        st.caption("This network is not trained yet.")
        return "not trained yet"
    share = {i: float(p) for i, p in enumerate(said.probabilities)}
    text = "{:.2f}".format if gives.probability == "identity" else percent
    unit = {
        "softmax": f"probability: softmax of the {gives.unit}",
        "sigmoid": f"probability of each on its own: sigmoid of the {gives.unit}",
        "identity": f"{gives.unit}, from 0 to 1",
    }[gives.probability]
    places = range(len(share)) if len(share) <= ALL else [int(i) for i in said.order[:SOME]]
    winners = {int(said.order[0])} | {i for i, p in share.items() if gives.several and p >= 0.5}
    top = f"{said.top}, {text(share[int(said.order[0])])}"
    st.markdown(f"**What it says:** {top}")
    rows = [Bar(said.labels[i], share[i], text(share[i]), i in winners) for i in places]
    bars(rows, key="bars", label=f"{top}; {unit}", colour=theme(visit.dark).ours)
    st.caption(unit if len(places) == len(share) else f"{unit}; {SOME} of {len(share)} answers")
    return top


# Pictures: one of four tools has the bytes of one.


def _picture(paper: Paper) -> Visit:
    """What the chosen tool has; failing that the input that was there before; failing all a sample."""
    tool = st.segmented_control(
        "Input",
        list(TOOLS),
        key="input",
        default="Draw",
        required=True,
        bind="query-params",
        label_visibility="collapsed",
        on_change=_forgive,
        width="stretch",
    )
    tool = tool if tool in TOOLS else "Draw"
    _address(paper, tool)
    with st.container(
        key="tool"
    ):  # a place of its own for what comes and goes, so that nothing after it moves up or down
        TOOLS[tool].draw(paper)
    trouble = st.session_state.get("trouble", "")
    for shown in dict.fromkeys((tool, st.session_state.get("shown", tool), "Draw", "Samples")):
        try:
            source = TOOLS[shown].source(paper)
            if source is not None:
                visit = session.visit(paper, source, TOOLS[shown].called())
                break
        except BadInput as error:
            trouble = trouble or str(error)
    st.session_state["shown"] = shown
    with st.container(key="remarks", gap="xsmall"):
        _remarks(tool, shown, visit.name, trouble)
    return visit


def _address(paper: Paper, tool: str) -> None:
    """The widgets that keep the drawing and the sample in the address; there even where nobody needs to see them."""
    with st.container(key="unseen-drawing"):
        st.text_input("The drawing, as the address holds it", key="ink", bind="query-params")
    with st.container(key="samples" if tool == "Samples" else "unseen-samples", gap="small"):
        names = [s.name for s in paper.samples]
        st.selectbox("Sample", names, key="sample", bind="query-params", on_change=_forgive)
        if tool == "Samples":
            _thumbnails(paper, names)


def _remarks(tool: str, shown: str, name: str, trouble: str) -> None:
    """What a visitor must know: that the input was no good, that another one still stands, that a link lacks it."""
    if trouble:
        st.error(f"{trouble} The input before it stays: {name}.")
    elif shown != tool:
        st.caption(f"{TOOLS[tool].until}, the input is {name}.")
    if session.picture(shown) is not None:
        st.caption(f"This picture stays with you: a link to this page shows {_linked()} instead.")
        st.button("Remove the picture", key="remove", type="tertiary", on_click=session.drop_picture)


def _linked() -> str:
    return TOOLS["Draw" if st.session_state["ink"] else "Samples"].called()


def _forgive() -> None:
    """Something else was chosen: what was wrong before is no longer of interest."""
    st.session_state.pop("trouble", None)


def _take(paper: Paper, key: str, tool: str) -> None:
    """A file has come into a widget, or has left it."""
    _forgive()
    file = st.session_state[key]
    if file is None:
        session.drop_picture()
        return
    try:
        session.keep_picture(paper, file.getvalue(), tool)
    except BadInput as error:
        st.session_state["trouble"] = str(error)


def _upload(paper: Paper) -> None:
    def taken(key: str) -> None:
        _take(paper, key, "Upload")
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1

    key = f"upload-{st.session_state.get('uploads', 0)}"  # another one after each file: empty, ready for the next
    st.file_uploader("A picture", TYPES, key=key, on_change=taken, args=(key,), label_visibility="collapsed")


def _camera(paper: Paper) -> None:
    args = (paper, "camera", "Camera")
    st.camera_input("A photo", key="Camera", on_change=_take, args=args, label_visibility="collapsed")


def _pad(paper: Paper) -> None:
    def drawn(lines: Strokes) -> None:
        _forgive()
        ink = encode(lines) if lines else ""
        if len(ink) > LONGEST:
            st.session_state["trouble"] = "The drawing has more strokes than a link can hold: the last one is left out."
        else:
            st.session_state["ink"] = st.session_state["pad_ink"] = ink

    ink = st.session_state["ink"]
    own = st.session_state.get("pad_ink") == ink and "trouble" not in st.session_state
    if not own:
        st.session_state["pad_ink"] = None
    try:
        lines = decode(ink) if ink else []
    except BadInput:  # said when the drawing is asked for as the input
        lines = []
    pad(lines, key="pad", own=own, on_draw=drawn)


def _drawing(paper: Paper) -> bytes | None:
    ink = st.session_state["ink"]
    return session.once(("drawing", ink), lambda: pictures.file(render(decode(ink)))) if ink else None


def _thumbnails(paper: Paper, names: list[str]) -> None:
    def picked(index: int) -> None:
        _forgive()
        st.session_state["sample"] = names[index]

    takes = paper.takes
    assert isinstance(takes, Image)
    x = np.concatenate([session.visit(paper, sample_bytes(paper, s), s.name).x for s in paper.samples])
    sheet = pictures.sheet(np.moveaxis(takes.unnormalise(x), 1, -1), COLUMNS)
    chosen = st.session_state.get("sample", names[0])
    selected = names.index(chosen) if chosen in names else 0
    grid(sheet, names, key="sample-grid", alt="All samples", selected=selected, on_pick=picked)


def _sample(paper: Paper) -> bytes | str:
    return sample_bytes(paper, next(s for s in paper.samples if s.name == st.session_state["sample"]))


def _upload_bytes(paper: Paper) -> bytes | None:
    return session.picture("Upload")


def _camera_bytes(paper: Paper) -> bytes | None:
    return session.picture("Camera")


def _picture_stages(visit: Visit) -> tuple[Stage, ...]:
    """The steps of the preprocessing. Of the last, normalised one is seen what it was before: the same in 0..1."""
    takes = visit.paper.takes
    assert isinstance(takes, Image)
    steps = takes.steps(visit.source)
    seen = [step.pixels for step in steps[:-1]] + [np.moveaxis(takes.unnormalise(visit.x)[0], 0, -1)]
    return tuple(Stage(s.name, s.what, pictures.address(pixels)) for s, pixels in zip(steps, seen, strict=True))


@dataclass(frozen=True)
class Tool:
    """One way to give a picture: its widgets, the bytes it has (None: none yet), and what people call them."""

    draw: Callable[[Paper], None]
    source: Callable[[Paper], bytes | str | None]
    called: Callable[[], str]
    until: str  # "Until you draw": said while another tool's input stands


TOOLS = {
    "Draw": Tool(_pad, _drawing, lambda: "your drawing", "Until you draw"),
    "Upload": Tool(_upload, _upload_bytes, lambda: "your picture", "Until you choose a picture"),
    "Camera": Tool(_camera, _camera_bytes, lambda: "your photo", "Until you take a photo"),
    "Samples": Tool(lambda paper: None, _sample, lambda: f"sample {st.session_state['sample']}", ""),
}


# Facts: two words.


def _fact(paper: Paper) -> Visit:
    """A person and a relation, asked together."""
    takes = paper.takes
    assert isinstance(takes, Fact)
    first = takes.parse(sample_bytes(paper, paper.samples[0]))[0]
    person, relation = np.flatnonzero(first)
    who = st.selectbox("Person", takes.people, index=int(person), key="person", bind="query-params")
    has = takes.relations
    what = st.selectbox("has", has, index=int(relation) - len(takes.people), key="relation", bind="query-params")
    return session.visit(paper, f"{who} has-{what}", f"“{who} has {what}”")


def _fact_stages(visit: Visit) -> tuple[Stage, ...]:
    """The one-hot units, a row of squares for the people and one for the relations."""
    takes, x = visit.paper.takes, visit.x[0]
    assert isinstance(takes, Fact)
    on = [takes.labels[i] for i in np.flatnonzero(x)]
    what = f"{x.size} units, of which two are on: {on[0]} among the people, {on[1]} among the relations. All others are off."
    squares = np.broadcast_to(x[:, None, None], (x.size, 7, 7))
    return (
        Stage("one unit a word", what, pictures.url(mosaic(squares, visit.dark, columns=len(takes.relations)).png)),
    )


@dataclass(frozen=True)
class Kind:
    """How the panel asks for one kind of input, and how it shows what the network is given."""

    choose: Callable[[Paper], Visit]
    stages: Callable[[Visit], tuple[Stage, ...]]


KINDS: dict[type, Kind] = {Image: Kind(_picture, _picture_stages), Fact: Kind(_fact, _fact_stages)}
