"""What every training loop needs and no paper should repeat: seeding, snapshot spacing, curves, resuming, progress.

Functions and one small list of rows, no Trainer: the loop itself stands in each paper's `train.py`.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from models import checkpoint, notes, restore, root

Rows = list[dict[str, float]]


def seed_all(seed: int) -> torch.Generator:
    """Seed Python, NumPy and torch; return a generator of its own for the order of the examples."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def log_spaced(total: int, count: int = 12) -> tuple[int, ...]:
    """About `count` steps from 0 to `total`, both included, spaced evenly in log(1 + step)."""
    steps = np.expm1(np.linspace(0, np.log1p(total), count)).round().astype(int)
    return tuple(sorted({int(s) for s in steps} | {0, total}))


def batches(n: int, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """One epoch of indices in random order, `size` at a time; the last batch may be smaller."""
    yield from torch.randperm(n, generator=generator).split(size)


def progress(done: int, total: int, text: str, started: float) -> None:
    """A progress bar on standard error: redrawn in a terminal, one line for every tenth in a log."""
    if not sys.stderr.isatty() and done != total and done * 10 // total == (done - 1) * 10 // total:
        return
    width = min(30, max(10, shutil.get_terminal_size().columns - 70))
    bar = "█" * (width * done // total)
    end = "\n" if done == total or not sys.stderr.isatty() else ""
    lead = "\r" if sys.stderr.isatty() else ""
    print(
        f"{lead}{bar:<{width}} {done}/{total} {text} {time.monotonic() - started:.0f}s",
        end=end,
        file=sys.stderr,
        flush=True,
    )


def run_folder(slug: str, name: str) -> Path:
    """Where an unfinished training keeps its state: `runs/<slug>/<name>`, ignored by git."""
    path = root() / "runs" / slug / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save_state(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator, note: Mapping[str, Any]
) -> None:
    """Write all that a resumed training needs, as safetensors, atomically. `note` is any JSON (epoch, rows, ...)."""
    state = optimizer.state_dict()
    tensors = {f"module.{k}": v for k, v in module.state_dict().items()}
    scalars: dict[str, dict[str, Any]] = {}
    for index, slots in state["state"].items():
        for key, value in slots.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                scalars.setdefault(str(index), {})[key] = value
    tensors["rng.torch"], tensors["rng.order"] = torch.get_rng_state(), generator.get_state()
    meta = {"note": json.dumps(note), "groups": json.dumps(state["param_groups"]), "scalars": json.dumps(scalars)}
    part = path.with_suffix(".part")
    save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, part, metadata=meta)
    part.replace(path)


def load_state(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator
) -> dict[str, Any] | None:
    """Restore what `save_state` wrote and return its note; None where there is nothing to resume."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as f:
        meta = f.metadata()
        tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
    module.load_state_dict({k[7:]: v for k, v in tensors.items() if k.startswith("module.")})
    slots: dict[int, dict[str, Any]] = {int(i): dict(s) for i, s in json.loads(meta["scalars"]).items()}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            slots.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": slots, "param_groups": json.loads(meta["groups"])})
    torch.set_rng_state(tensors["rng.torch"])
    generator.set_state(tensors["rng.order"])
    return json.loads(meta["note"])


def write_curve(slug: str, which: str, seed: int, rows: Rows) -> None:
    """Put one training's curve into curves.json beside those that are there. `which` is "model" or "twin"."""
    try:
        curves = {k: dict(v) for k, v in checkpoint.read_curves(slug).items()}
    except checkpoint.CheckpointError:
        curves = {}
    curves.setdefault(which, {})[str(seed)] = [{k: round(float(v), 6) for k, v in row.items()} for row in rows]
    checkpoint.write_json(slug, "curves", curves)


@torch.no_grad()
def outputs(module: nn.Module, x: torch.Tensor, size: int = 1000) -> torch.Tensor:
    """module(x) in batches, in eval mode; the mode is put back."""
    mode = module.training
    module.eval()
    y = torch.cat([module(part) for part in x.split(size)])
    module.train(mode)
    return y


def finish(
    slug: str,
    evaluate: Callable[[], tuple[checkpoint.Metric, ...]],
    golden: np.ndarray,
    *,
    split: str,
    steps: int,
    epochs: float,
    wall_seconds: float,
    seed: int = 0,
) -> checkpoint.Record:
    """End a training whose weights are saved: golden outputs of `golden` (n, ...), evaluation, record, note."""
    module = restore(slug)
    x = torch.from_numpy(np.ascontiguousarray(golden))
    checkpoint.write_arrays(slug, "golden", {"input": x.numpy(), "output": outputs(module, x).numpy()})
    record = checkpoint.write_record(
        slug,
        split=split,
        seed=seed,
        steps=steps,
        epochs=epochs,
        wall_seconds=wall_seconds,
        metrics=evaluate(),
    )
    notes.update(slug)
    return record
