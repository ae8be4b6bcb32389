"""A picture as the input, from one of four tools: the pad, a file, the camera, the samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import session
from app.components.grid import grid
from app.components.pad import pad
from app.components.paste import paste
from app.components.sight import Stage
from app.components.strokes import LONGEST, Strokes, decode, encode, render
from app.figures import pictures
from app.view import Visit
from models.data.samples import sample_bytes
from models.paper import BadInput, Image, Paper

COLUMNS = 6  # of the samples' thumbnails
TYPES = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]


def give(paper: Paper) -> Visit:
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
    with st.container(key="tool"):  # what comes and goes has a place of its own: nothing after it is mounted anew
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
        st.selectbox(
            "Sample", names, key="sample", bind="query-params", on_change=_forgive, label_visibility="collapsed"
        )
        if tool == "Samples":
            _thumbnails(paper, names)


def _remarks(tool: str, shown: str, name: str, trouble: str) -> None:
    """What a visitor must know: that the input was no good, that another one still stands, that a link lacks it."""
    if trouble:
        st.error(f"{trouble} The input before it stays: {name}.")
    elif shown != tool:
        st.caption(f"{TOOLS[tool].until}, the input is {name}.")
    if shown == tool and session.picture(shown) is not None:
        st.caption(f"{name.capitalize()} stays with you: a link to this page shows {_linked()} instead.")
        if st.session_state.get("photo") is None:  # the camera has a button of its own for that
            st.button("Remove the picture", key="remove", type="tertiary", on_click=session.drop_picture)


def _linked() -> str:
    return TOOLS["Draw" if st.session_state["ink"] else "Samples"].called()


def _forgive() -> None:
    """Something else was chosen: what was wrong before is no longer of interest."""
    st.session_state.pop("trouble", None)


def _take(paper: Paper, data: bytes, tool: str) -> None:
    """A picture has come in."""
    _forgive()
    try:
        session.keep_picture(paper, data, tool)
    except BadInput as error:
        st.session_state["trouble"] = str(error)


def _upload(paper: Paper) -> None:
    key = f"upload-{st.session_state.get('uploads', 0)}"  # another one after each file: empty, ready for the next

    def chosen() -> None:
        if file := st.session_state[key]:
            _take(paper, file.getvalue(), "Upload")
        st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1

    st.file_uploader("A picture", TYPES, key=key, on_change=chosen, label_visibility="collapsed")
    paste(key="paste", on_paste=lambda data: _take(paper, data, "Upload"))


def _camera(paper: Paper) -> None:
    def taken() -> None:
        if photo := st.session_state["photo"]:
            _take(paper, photo.getvalue(), "Camera")
        else:
            session.drop_picture()

    st.camera_input("A photo", key="photo", on_change=taken, label_visibility="collapsed")


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
    chosen = st.session_state["sample"]
    return sample_bytes(paper, next((s for s in paper.samples if s.name == chosen), paper.samples[0]))


def stages(visit: Visit) -> tuple[Stage, ...]:
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
    "Upload": Tool(
        _upload, lambda paper: session.picture("Upload"), lambda: "your picture", "Until you choose a picture"
    ),
    "Camera": Tool(_camera, lambda paper: session.picture("Camera"), lambda: "your photo", "Until you take a photo"),
    "Samples": Tool(lambda paper: None, _sample, lambda: f"sample {st.session_state['sample']}", ""),
}
