"""The only place that caches, hands out models and keeps a visitor's input. Streamlit's sessions are threads: see copies.

Loaded models, their pools of private copies and finished answers are shared by all visitors; inputs belong to one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import inspect
import io
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import streamlit as st
from cachetools import LRUCache

import models
from app.view import Visit
from models.paper import Fact, Image, Paper

if TYPE_CHECKING:
    from app.interpret.copies import Copies

T = TypeVar("T")
ANSWERS = 32 * 2**20  # bytes of finished answers kept for everybody
MODELS = 32 * 2**20  # bytes of loaded models kept for everybody, snapshots included
LARGE = 2**21  # bytes; a visitor's larger picture is kept at the size at which it is read
SLOW = 0.5  # seconds after which a visitor sees progress


def size(value: Any) -> int:
    """Bytes of all arrays inside a result, plus a little for the rest."""
    if isinstance(value, np.ndarray):
        return value.nbytes + 128
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return 128 + sum(size(getattr(value, f.name)) for f in dataclasses.fields(value))
    if isinstance(value, Mapping):
        return 128 + sum(size(v) for v in value.values())
    if isinstance(value, tuple | list):
        return 128 + sum(size(v) for v in value)
    return len(value) + 64 if isinstance(value, str | bytes) else 64


def freeze(value: T) -> T:
    """Make all arrays inside a result read-only: answers are shared between visitors."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for f in dataclasses.fields(value):
            freeze(getattr(value, f.name))
    elif isinstance(value, Mapping):
        for v in value.values():
            freeze(v)
    elif isinstance(value, tuple | list):
        for v in value:
            freeze(v)
    return value


_answers: LRUCache = LRUCache(ANSWERS, getsizeof=size)
_models: LRUCache = LRUCache(MODELS, getsizeof=lambda pool: min(pool.nbytes, MODELS))  # one larger than all: it alone
_lock = threading.Lock()


@cache
def _torch_ready() -> None:
    """One thread a request: two collapse 10 to 100 times as soon as anything else runs on the cores."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)


def copies(slug: str, step: int | None = None, twin: bool = False, seed: int = 0) -> Copies:
    """The pool of private copies of one trained network. Raises CheckpointError."""
    key = (slug, step, twin, seed)
    with _lock:
        found = _models.get(key)
    if found is None:
        _torch_ready()
        from app.interpret.copies import Copies

        found = Copies(models.load(slug, step, twin, seed).module)
        with _lock:
            found = _models.setdefault(key, found)
    return found


def ask(
    question: Callable[..., T],
    visit: Visit,
    *,
    step: int | None = None,
    twin: bool = False,
    seed: int = 0,
    keep: bool = True,
    **settings: Any,
) -> T:
    """`question(module, paper, x, **settings)` on a private copy of the visit's network; answered once, then kept.

    Without `keep` the answer is kept and the network is not: for one look at every snapshot of a training.
    Settings must be hashable. A question with a `tick` parameter is given a function to call with its progress (0..1);
    after half a second the visitor sees a bar, and choosing something else abandons the question at its next tick.
    """
    key = _key(question, visit, step, twin, seed, settings)
    with _lock:
        if key in _answers:
            return _answers[key]
    extra: dict[str, Any] = {"tick": _progress()} if "tick" in inspect.signature(question).parameters else {}
    with copies(visit.paper.slug, step, twin, seed).lend() as module:
        x = visit.x.copy()  # torch takes no read-only array, and nobody may write into a shared one
        answer = freeze(question(module, visit.paper, x, **settings, **extra))
    if extra:
        extra["tick"](None)
    with _lock:
        if size(answer) < ANSWERS:
            _answers[key] = answer
        if not keep:
            _models.pop((visit.paper.slug, step, twin, seed), None)
    return answer


def kept(question: Callable[..., Any], visit: Visit, *, step: int | None = None, **settings: Any) -> bool:
    """Whether `ask` would answer this at once, from what is kept."""
    with _lock:
        return _key(question, visit, step, False, 0, settings) in _answers


def _key(
    question: Callable[..., Any], visit: Visit, step: int | None, twin: bool, seed: int, settings: Mapping[str, Any]
) -> tuple[Any, ...]:
    named = f"{question.__module__}.{question.__qualname__}"
    return (named, visit.paper.slug, visit.key, step, twin, seed, tuple(sorted(settings.items())))


def _progress() -> Callable[[float | None], None]:
    """A tick that shows a progress bar once the work is slow, and takes it away at None."""
    started, bar = time.monotonic(), st.empty()

    def tick(done: float | None) -> None:
        if done is None:
            bar.empty()
        elif time.monotonic() - started > SLOW:
            bar.progress(min(max(done, 0.0), 1.0), text="computing; choose something else to abandon it")

    return tick


def dark() -> bool:
    """Whether the visitor's theme is dark."""
    return st.context.theme.type == "dark"


def visit(paper: Paper, source: bytes | str, name: str) -> Visit:
    """The visit of a network with an input. Raises BadInput."""
    data = source if isinstance(source, bytes) else source.encode()
    key = hashlib.sha256(data).hexdigest()
    x = _parsed(paper, source, key)
    return Visit(paper, x, key, source, name, dark())


def _parsed(paper: Paper, source: bytes | str, key: str) -> np.ndarray:
    cached = ("parse", paper.slug, key)
    with _lock:
        if cached in _answers:
            return _answers[cached]
    x = freeze(paper.takes.parse(source))
    with _lock:
        _answers[cached] = x
    return x


def once(key: tuple, make: Callable[[], T]) -> T:
    """`make()`, kept beside the answers under a key that begins with a name of its own."""
    with _lock:
        if key in _answers:
            return _answers[key]
    value = freeze(make())
    with _lock:
        if size(value) < ANSWERS:
            _answers[key] = value
    return value


@dataclasses.dataclass(frozen=True)
class Picture:
    """The one picture that a visitor uploaded or took. It lives as long as the visit, and is never in the address."""

    data: bytes
    tool: str  # which of the panel's tools it came by


def keep_picture(paper: Paper, data: bytes, tool: str) -> None:
    """Take a picture in place of the one before. Raises BadInput, and then the one before stays."""
    visit(paper, data, tool)
    if len(data) > LARGE:  # the very pixels that would be read from it, losslessly
        from models.decode import decode

        file = io.BytesIO()
        decode(data).save(file, "PNG")
        data = file.getvalue()
    st.session_state["picture"] = Picture(data, tool)


def picture(tool: str) -> bytes | None:
    """The visitor's picture if it came by this tool."""
    kept = st.session_state.get("picture")
    return kept.data if kept is not None and kept.tool == tool else None


def drop_picture() -> None:
    st.session_state.pop("picture", None)


def probe_visit(visit: Visit) -> Visit:
    """The same network with the whole probe set of its data set as input: pictures, or all facts that it knows.

    Raises KeyError where there is none.
    """
    takes, key = visit.paper.sized, f"probe:{visit.paper.dataset}"
    if isinstance(takes, Fact):
        if not takes.answers:
            raise KeyError(f"no facts in {visit.paper.slug}")
        return visit.given(np.concatenate([takes.parse(question) for question, _ in takes.answers]), key)
    from models.data.probe import probe

    return visit.given(_probe_input(visit.paper.slug, takes, probe(visit.paper.dataset).images), key)


def _probe_input(slug: str, takes: Image, images: np.ndarray) -> np.ndarray:
    key = ("probe", slug)
    with _lock:
        if key in _answers:
            return _answers[key]
    x = freeze(takes.from_pixels(images))
    with _lock:
        _answers[key] = x
    return x


def warm() -> None:
    """Import torch and captum in the background, once, so that the first paper opens quickly."""
    _warm()


@cache
def _warm() -> None:
    threading.Thread(target=_ahead, daemon=True).start()


def _ahead() -> None:
    _torch_ready()
    importlib.import_module("app.interpret.attribution")
