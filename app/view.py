"""What a view is, and what it is drawn for. Views are found in `app/views`, one file each, registered nowhere."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from types import UnionType

import numpy as np

from models.paper import Paper

Need = type | UnionType | tuple[str, ...] | str


@dataclass(frozen=True)
class Visit:
    """One network and one input, as a view is given them.

    `x` is (n, ...) as the network takes it: n is 1 for a visitor's input, 500 or so for the probe set. `key` identifies
    `x` in caches: the sha256 of the input's bytes, or the name of the probe set.
    """

    paper: Paper
    x: np.ndarray
    key: str
    source: bytes | str = b""
    name: str = ""  # what people call this input: "sample 7", "your drawing"
    dark: bool = False  # the visitor's theme

    def given(self, x: np.ndarray, key: str) -> Visit:
        """The same network with another input."""
        return replace(self, x=x, key=key)


@dataclass(frozen=True)
class View:
    """A room of a paper's page: one file in `app/views` with a `VIEW`.

    `needs` lists what a network must declare for the view to fit: a kind (a class of `models.paper`, or several joined
    by |, of which its `takes` or `gives` must be one), a tuple of axes (one of its probes must have them all), the path of
    a probe ("blocks.*.attn.hook_z", where a room works with TransformerLens's names), or the name of a field of `Paper`
    that must say something ("stream"). All needs must be met.
    """

    title: str
    order: int
    needs: tuple[Need, ...]
    draw: Callable[[Visit], None]
    about: str  # one sentence under the title: what a visitor sees here


def fits(view: View, paper: Paper) -> bool:
    """Whether the network declares all that the view needs."""
    return all(_met(need, paper) for need in view.needs)


def _met(need: Need, paper: Paper) -> bool:
    if isinstance(need, str) and "." in need:
        return any(probe.path == need for probe in paper.probes)
    if isinstance(need, str):
        return bool(getattr(paper, need))
    if isinstance(need, tuple):
        return any(set(need) <= set(probe.axes) for probe in paper.probes)
    return isinstance(paper.takes, need) or isinstance(paper.gives, need)


@cache
def views() -> dict[str, View]:
    """All views by the name of their file, in their order."""
    import app.views

    names = sorted(i.name for i in pkgutil.iter_modules(app.views.__path__))
    found = {name: importlib.import_module(f"app.views.{name}").VIEW for name in names}
    return dict(sorted(found.items(), key=lambda item: (item[1].order, item[0])))


def fitting(paper: Paper) -> dict[str, View]:
    """The views that fit a network, by name, in their order."""
    return {name: view for name, view in views().items() if fits(view, paper)}
