"""A test that hangs ends its run and says where it stood."""

from __future__ import annotations

import subprocess
import sys

from tests import hang

STUCK = """
import threading
from pathlib import Path
from tests.hang import watched

gate = threading.Lock()
gate.acquire()

def visitor():
    gate.acquire()

with watched("tests/test_some.py::test_thing", 0.5, Path({log!r})):
    threads = [threading.Thread(target=visitor) for _ in range(3)]
    [thread.start() for thread in threads]
    threads[0].join()
"""


def test_stacks_of_a_deadlock_are_told_alike_ones_together(tmp_path):
    log = tmp_path / "log"
    ended = subprocess.run([sys.executable, "-c", STUCK.format(log=str(log))], cwd=hang.ROOT, timeout=60)
    assert ended.returncode == 1
    head, *stacks = hang.told(log.read_text()).splitlines()
    assert head.startswith("hung: tests/test_some.py::test_thing")
    assert any(line.startswith("3 x ") and " visitor" in line for line in stacks)
    assert len(stacks) == 2


def test_what_ends_in_time_leaves_nothing(tmp_path):
    log = tmp_path / "log"
    with hang.watched("quick", 60, log):
        assert log.exists()
    assert not log.exists()
