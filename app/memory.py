"""Keep Python's garbage collector off what was imported, which is for good, and glibc from hoarding.

Streamlit collects all garbage after every run. With torch, plotly and their kin imported that walks through 350,000
objects, 0.1 to 0.2 s in which no other visitor's script runs, and finds nothing. Frozen objects are not walked through.
Every visit runs in a thread of its own, and glibc would give each up to eight heaps a core: two are enough.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

ENOUGH = 20  # modules imported since the last time that make it worth while to freeze again

HEAPS = -8  # mallopt's M_ARENA_MAX

_seen = 0


def settle() -> None:
    """Freeze all objects there are, if a good many modules were imported since the last time."""
    global _seen
    if _seen == 0:
        with contextlib.suppress(OSError, AttributeError):  # not glibc: nothing to set
            ctypes.CDLL(None).mallopt(HEAPS, 2)
    if len(sys.modules) > _seen + ENOUGH:
        _seen = len(sys.modules)
        gc.collect()
        gc.freeze()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
