"""What a hanging test was doing: `python -m tests.hang` tells it in few lines, after the run.

A test that hangs ends its process: pytest itself, or the worker of pytest-xdist that ran it.
"""

from __future__ import annotations

import faulthandler
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 600  # seconds; the slowest test takes a tenth
ROOT = Path(__file__).parents[1]
LOG = ROOT / f".hang-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


@contextmanager
def watched(name: str, patience: float = PATIENCE, log: Path = LOG) -> Iterator[None]:
    """End the process if what is inside takes longer, and leave the stacks of all threads in `log`.

    By faulthandler's own thread, which needs no interpreter lock: it also tells of a deadlock that holds it.
    """
    with log.open("w") as file:
        print(name, file=file, flush=True)
        faulthandler.dump_traceback_later(patience, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    log.unlink(missing_ok=True)  # another run in this folder may have the same name


def told(text: str, frames: int = 6) -> str:
    """The innermost frames of each thread of faulthandler's dump, one line a stack, alike stacks together."""
    name, *threads = re.split(r"^(?:Current thread|Thread) .*\n", text, flags=re.MULTILINE)
    stacks: Counter[str] = Counter()
    for thread in threads:
        found = re.findall(r'File ".*?([^/"]+)", line (\d+) in (\S+)', thread)
        stacks[" < ".join(f"{file}:{line} {function}" for file, line, function in found[:frames])] += 1
    return "\n".join([f"hung: {' '.join(name.split())}", *(f"{n} x {stack}" for stack, n in stacks.items())])


if __name__ == "__main__":
    for log in sorted(ROOT.glob(".hang-*")):
        if "Timeout" in (text := log.read_text()):
            print(told(text))
        log.unlink(missing_ok=True)  # another run in this folder may have the same name
