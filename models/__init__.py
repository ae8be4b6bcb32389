"""The papers. `papers()` finds them, `build` makes a network, `load` gives it with its trained weights.

A paper is a folder here with `PAPER` in its `__init__.py`, and a folder of the same name under `checkpoints/`: it is on show
once its record is there. A folder inside it with a `PAPER` of its own is a further network of the same paper
(`backprop/families`).
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from models.paper import BadInput, Paper

if TYPE_CHECKING:
    from torch import nn

    from models.checkpoint import Record

__all__ = ["BadInput", "Paper", "Pretrained", "build", "load", "networks", "paper", "papers", "restore", "waiting"]


@dataclass(frozen=True)
class Pretrained:
    """A trained network in eval mode, with what is known about it. The module is shared: hook only copies of it."""

    module: nn.Module
    paper: Paper
    record: Record
    step: int | None = None  # None: the end of training
    twin: bool | str = False
    seed: int = 0


def _found(package: str) -> tuple[Paper, ...]:
    module = importlib.import_module(package)
    names = [i.name for i in pkgutil.iter_modules(module.__path__) if i.ispkg]
    members = (importlib.import_module(f"{package}.{name}") for name in sorted(names))
    return tuple(m.PAPER for m in members if hasattr(m, "PAPER"))


@cache
def _all() -> tuple[Paper, ...]:
    return tuple(sorted(_found(__name__), key=lambda p: (p.year, p.slug)))


@cache
def papers() -> tuple[Paper, ...]:
    """All papers whose networks are trained, oldest first."""
    return tuple(p for p in _all() if p.slug not in {w.slug for w in waiting()})


@cache
def waiting() -> tuple[Paper, ...]:
    """The papers that are implemented and have no record yet, of one network at least: nobody is shown these."""
    from models import checkpoint

    def trained(slug: str) -> bool:
        return (checkpoint.folder(slug) / "record.json").exists()

    return tuple(p for p in _all() if not all(trained(n.slug) for n in networks(p.slug)))


@cache
def networks(slug: str) -> tuple[Paper, ...]:
    """All networks of one paper, the main one first."""
    main = next((p for p in _all() if p.slug == slug), None)
    if main is None:
        raise KeyError(f"no paper {slug!r}; there are {', '.join(p.slug for p in _all())}")
    return (main, *_found(f"{__name__}.{slug}"))


def paper(slug: str) -> Paper:
    """The paper, or the further network, of that slug. Raises KeyError."""
    found = next((p for p in networks(slug.split("/")[0]) if p.slug == slug), None)
    if found is None:
        raise KeyError(f"no network {slug!r}")
    return found


def build(slug: str, config: str = "SMALL") -> nn.Module:
    """A network with fresh weights. `config` is SMALL (what we train), PAPER (as published), TWIN or a further twin."""
    paper(slug)
    model = importlib.import_module(f"{__name__}.{slug.replace('/', '.')}.model")
    if not hasattr(model, config):
        raise KeyError(f"{slug} has no config {config!r}")
    return model.build(getattr(model, config))


def load(slug: str, step: int | None = None, twin: bool | str = False, seed: int = 0) -> Pretrained:
    """The trained network: at the end, or at one of the saved `record.snapshots`. Raises CheckpointError."""
    from models import checkpoint

    module = restore(slug, step, twin, seed)
    return Pretrained(module, paper(slug), checkpoint.read_record(slug), step, twin, seed)


def restore(slug: str, step: int | None = None, twin: bool | str = False, seed: int = 0) -> nn.Module:
    """As `load`, the module alone: it needs no record, so that an evaluation can use it before there is one."""
    from models import checkpoint

    module = build(slug, twin.upper() if isinstance(twin, str) else "TWIN" if twin else "SMALL")
    checkpoint.read_weights(slug, module, step=step, twin=twin, seed=seed)
    return module.eval().requires_grad_(False)


def root() -> Path:
    """The folder that holds `models/` and `checkpoints/`."""
    return Path(__file__).resolve().parent.parent
