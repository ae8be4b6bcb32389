"""Cards for small networks that stand in a test."""

from __future__ import annotations

from models.paper import ClassScores, Fact, Image, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")


def card(*paths: str, takes: Image | Fact | None = None, labels: tuple[str, ...] = ("a", "b")) -> Paper:
    """A paper whose probes are these module paths."""
    return Paper(
        slug="small",
        title="A small network",
        authors=(),
        year=2000,
        venue="",
        url="",
        track="Foundations",
        idea="",
        about="",
        takes=takes or Image(1, (3, 3), labels),
        gives=ClassScores(labels),
        probes=tuple(Probe(path, UNITS, f"This is {path}.") for path in paths),
        claims=(),
        samples=(),
        dataset="none",
        twin="",
    )
