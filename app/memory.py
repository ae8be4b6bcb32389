"""Keep Python's garbage collector off what was imported, which is for good, and glibc from hoarding what was freed.

Streamlit collects all garbage after every run. With torch, plotly and their kin imported that walks through 350,000
objects, 0.1 to 0.2 s in which no other visitor's script runs, and finds nothing. Frozen objects are not walked through.
Every visit runs in a thread of its own, and glibc would give each up to eight heaps a core: two are enough. An attribution
leaves holes of some 200 MB in them: they go back to the system a second after every run, when Streamlit has collected its
garbage, in 5 to 30 ms without Python's lock. (To map large arrays singly instead would make attributions of a deep network
twice as slow.)
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
import threading

ENOUGH = 20  # modules imported since the last time that make it worth while to freeze again

HEAPS = -8  # mallopt's M_ARENA_MAX

SOON = 1.0  # seconds

_seen = 0
_later: threading.Timer | None = None


def settle() -> None:
    """Give freed memory back soon, and freeze all objects there are if many modules were imported since the last time."""
    global _seen, _later
    if _seen == 0:
        with contextlib.suppress(OSError, AttributeError):  # not glibc: nothing to set
            ctypes.CDLL(None).mallopt(HEAPS, 2)
    if len(sys.modules) > _seen + ENOUGH:
        _seen = len(sys.modules)
        gc.collect()
        gc.freeze()
    if _later is not None:
        _later.cancel()
    _later = threading.Timer(SOON, _give_back)
    _later.daemon = True
    _later.start()


def _give_back() -> None:
    """Return the heaps' free pages to the system."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc: nothing to ask for
        ctypes.CDLL(None).malloc_trim(0)
