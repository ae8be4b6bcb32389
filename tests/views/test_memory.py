"""What was imported is walked through by the garbage collector once, and then no more."""

from __future__ import annotations

import gc
import sys
import types

import pytest

from app import memory


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_it_freezes_when_modules_came_and_not_again(monkeypatch):
    freeze, asked = gc.freeze, []
    monkeypatch.setattr(gc, "freeze", lambda: (asked.append(1), freeze()))
    monkeypatch.setattr(memory, "_seen", 0)
    memory.settle()
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    keep = [[i] for i in range(1000)]
    memory.settle()
    still = gc.get_freeze_count()
    assert still <= frozen and len(asked) == 1, "not again; a few of the frozen may end, other threads' among them"
    for i in range(memory.ENOUGH + 1):
        monkeypatch.setitem(sys.modules, f"made_up_{i}", types.ModuleType("made_up"))
    memory.settle()
    assert gc.get_freeze_count() >= still + len(keep) and len(asked) == 2


def test_memory_is_given_back_once_after_the_last_of_several_runs(monkeypatch):
    given = []
    monkeypatch.setattr(memory, "SOON", 0.2)
    monkeypatch.setattr(memory, "_give_back", lambda: given.append(1))
    for _ in range(5):
        memory.settle()
    assert not given
    memory._later.join()
    assert given == [1]
