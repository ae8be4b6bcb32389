"""Many visitors at once: eight threads on shared networks get bit for bit what each would get alone."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import models
from app import session
from app.interpret.attribution import METHODS, attribute, survey
from app.interpret.copies import Copies, state
from app.interpret.trace import trace
from app.view import Visit
from models import checkpoint
from models.paper import Fact, Image, Paper
from tests.interpret.nets import make, picture

THREADS, CALLS = 8, 400
NETS = ("relu", "bent", "step", "pooled")


class Abandoned(BaseException):
    """As Streamlit's exceptions when a visitor chooses something else: no Exception."""


Question = tuple[str, int, dict[str, Any]]
Nets = dict[str, tuple[nn.Module, Paper]]


def toys() -> Nets:
    return {name: make(name) for name in NETS}


def trained() -> Nets:
    """All trained networks that the repository holds, as they are shared between visitors."""
    found: Nets = {}
    for paper in (network for main in models.papers() for network in models.networks(main.slug)):
        if not isinstance(paper.takes, Image | Fact):  # what is asked here is asked of pictures and facts
            continue
        with contextlib.suppress(checkpoint.CheckpointError):
            found[paper.slug] = (models.restore(paper.slug), paper)
    return found


def questions(nets: Nets) -> list[Question]:
    """(network, seed of the input, settings): every method that works on each network, and traces; no two alike."""
    kinds: list[tuple[str, dict[str, Any]]] = []
    for name, (net, card) in nets.items():
        found = survey(net, card)
        for method in found.methods:
            where = {"layer": found.layers[method][-1]} if method in found.layers else {}
            few = {"samples": 6, "steps": 8, "block": card.takes.shape[-1] // 3}
            kinds.append((name, {"method": method, **few, **where}))
            if METHODS[method].batched:
                kinds.append((name, {"method": method, "smooth": "smoothgrad", "smooth_samples": 4, **where}))
        kinds += [(name, {})] * 3
    return [(name, i, settings) for i, (name, settings) in zip(range(CALLS), kinds * 99, strict=False)]


def answer(module: nn.Module, card: Paper, x: np.ndarray, settings: dict[str, Any], **more: Any) -> bytes:
    if settings:
        return attribute(module, card, x, target=1, **settings, **more).values.tobytes()
    found = trace(module, card, x)
    return b"".join(found.values[path].tobytes() for path in sorted(found.values)) + found.scores.tobytes()


@pytest.fixture(scope="module", params=[toys, trained])
def asked(request) -> tuple[Nets, list[Question], list[bytes]]:
    """Shared networks, the questions, and each one's answer alone on a network of its own."""
    torch.set_num_threads(1)
    shared = request.param()
    assert shared, "no network to ask"
    all_of_them, own = questions(shared), request.param()
    alone = [answer(*own[name], picture(own[name][1], seed), settings) for name, seed, settings in all_of_them]
    return shared, all_of_them, alone


def test_the_questions_cover_all_methods():
    assert {settings["method"] for _, _, settings in questions(toys()) if settings} == set(METHODS)


def in_threads(ask, count: int) -> list[object]:
    """`ask(i)` for every i, by threads that all start at once, in an order in which unlike questions meet."""
    order, gate = list(range(count)), threading.Barrier(THREADS)
    random.Random(0).shuffle(order)
    found: list[object] = [None] * count

    def visitor(mine: list[int]) -> None:
        gate.wait()
        for i in mine:
            found[i] = ask(i)

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(visitor, order[k::THREADS]) for k in range(THREADS)]:
            done.result()
    return found


def alike_for_all(ask, fresh, count: int, left) -> None:
    """`ask(module, i)` of one shared network, in threads, says what it says alone on a network of `fresh()`, for every i.

    Questions with `left(i)` are left in their middle first. Neither the network nor a copy of it is changed by any of it.
    """
    shared = fresh()
    own = [ask(fresh(), i) for i in range(count)]
    assert len(set(own)) == count
    pool, before = Copies(shared), state(shared)

    def leave(done):
        if done:
            raise Abandoned

    def visit(i):
        if left(i):
            with pytest.raises(Abandoned), pool.lend() as module:
                ask(module, i, tick=leave)
        with pool.lend() as module:
            return ask(module, i)

    found = in_threads(visit, count)
    assert sum(a == b for a, b in zip(found, own, strict=True)) == count
    assert state(shared) == before
    assert all(state(copy) == before for copy in pool._free)


@pytest.mark.parametrize("abandon", [False, True])
def test_400_of_400_through_lent_copies(asked, abandon):
    """With `abandon`, every third question is left in its middle by some visitor, and then asked again by another."""
    shared, all_of_them, alone = asked
    before = {name: state(net) for name, (net, _) in shared.items()}
    pools = {name: Copies(net) for name, (net, _) in shared.items()}

    def leave(done: float | None) -> None:
        if done:
            raise Abandoned

    def ask(i: int) -> bytes:
        name, seed, settings = all_of_them[i]
        card = shared[name][1]
        if abandon and i % 3 == 0 and settings:
            try:
                with pools[name].lend() as module:
                    answer(module, card, picture(card, seed), settings, tick=leave)
            except Abandoned:
                pass
        with pools[name].lend() as module:
            return answer(module, card, picture(card, seed), settings)

    found = in_threads(ask, CALLS)
    assert sum(a == b for a, b in zip(found, alone, strict=True)) == CALLS
    for name, (net, _) in shared.items():
        assert state(net) == before[name]
        assert all(state(copy) == before[name] for copy in pools[name]._free)


@pytest.fixture
def app(monkeypatch):
    """The session's `ask` with the test networks in place of trained ones, and nothing answered yet."""
    shared = {card.slug: net for net, card in map(make, NETS)}
    monkeypatch.setattr(session.models, "load", lambda slug, *_: SimpleNamespace(module=shared[slug]))
    session._answers.clear()
    session._models.clear()
    yield shared
    session._answers.clear()
    session._models.clear()


CARDS = {name: make(name)[1] for name in NETS}  # made here: torch can deadlock when threads save its global generator


def asking(name: str, seed: int, settings: dict[str, Any]) -> np.ndarray:
    card = CARDS[name]
    visit = Visit(card, picture(card, seed), f"{name}:{seed}")
    if settings:
        return session.ask(attribute, visit, target=1, **settings).values
    return session.ask(trace, visit).scores


def test_400_of_400_through_the_session(app):
    """Half of the questions are asked by two visitors at the same time."""
    all_of_them = questions(toys())
    alone = []
    for name, seed, settings in all_of_them:
        net, card = make(name)
        x = picture(card, seed)
        one = attribute(net, card, x, target=1, **settings).values if settings else trace(net, card, x).scores
        alone.append(one)
    before = {slug: state(net) for slug, net in app.items()}

    found = in_threads(lambda i: asking(*all_of_them[i % CALLS]), CALLS + CALLS // 2)
    right = [np.array_equal(found[i], alone[i % CALLS]) for i in range(len(found))]
    assert sum(right) == len(found)
    assert {slug: state(net) for slug, net in app.items()} == before
    assert not any(f.flags.writeable for f in found)


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_thousand_reruns_leave_memory_as_it_was(app):
    """A rerun asks what the visitor's page shows; every one with another input, so that nothing comes from the cache."""
    all_of_them = questions(toys())

    def reruns(start: int, count: int) -> None:
        for i in range(start, start + count):
            name, _, settings = all_of_them[i % CALLS]
            asking(name, i, settings)

    reruns(0, 200)
    gc.collect()
    before = resident()
    reruns(200, 1000)
    gc.collect()
    assert resident() < 1.05 * before
