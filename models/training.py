"""What every training loop needs and no paper should repeat: seeding, schedules, snapshots, curves, resuming, progress.

The loop itself stands in each paper's `train.py`; `Run` keeps its books and never touches a loss or a gradient.
"""

from __future__ import annotations

import copy
import inspect
import json
import math
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from models import checkpoint, notes, restore, root

Rows = list[dict[str, float]]
SAVE_SECONDS = 180  # between two states on disk of a training that goes on


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


def epoch_batch(n: int, size: int, step: int, seed: int) -> torch.Tensor:
    """The `size` indices below `n` of batch `step`, counted over all epochs; every epoch has an order of its own.

    An epoch is n // size batches. Nothing is remembered between calls, so that a resumed training goes on exactly.
    """
    epoch, batch = divmod(step, n // size)
    return _order(n, epoch, seed)[batch * size : (batch + 1) * size]


@lru_cache(maxsize=4)
def _order(n: int, epoch: int, seed: int) -> torch.Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def one_cycle(step: int, total: int, warm: float = 0.1) -> float:
    """0..1: up in a straight line for `warm` of the training, then down half a cosine to 0."""
    rise = max(1.0, warm * total)
    return min((step + 1) / rise, 0.5 + 0.5 * math.cos(math.pi * max(0.0, step - rise) / (total - rise)))


class Several:
    """Several optimisers, each with parameters of its own, that step as one. Their groups and states stand one after the other."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self.parts = parts

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad()

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """As that of one optimiser: parameters are counted on from part to part."""
        state: dict[int, Any] = {}
        groups: list[dict[str, Any]] = []
        for part, first in zip(self.parts, self._firsts(), strict=True):
            own = part.state_dict()
            state |= {first + i: slots for i, slots in own["state"].items()}
            groups += [group | {"params": [first + i for i in group["params"]]} for group in own["param_groups"]]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, whole: dict[str, Any]) -> None:
        groups = iter(whole["param_groups"])
        for part, first in zip(self.parts, self._firsts(), strict=True):
            own = [next(groups) for _ in part.param_groups]
            own = [group | {"params": [i - first for i in group["params"]]} for group in own]
            theirs = {i for group in own for i in group["params"]}
            state = {i - first: slots for i, slots in whole["state"].items() if i - first in theirs}
            part.load_state_dict({"state": state, "param_groups": own})

    def _firsts(self) -> list[int]:
        """The number of each part's first parameter."""
        counts = [sum(len(group["params"]) for group in part.param_groups) for part in self.parts]
        return [sum(counts[:i]) for i in range(len(counts))]


Optimizer = torch.optim.Optimizer | Several


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every group of parameters this learning rate, times the group's own `scale` where it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def half(device: str) -> torch.autocast:
    """A context for a step's forward pass: products of matrices and convolutions in bfloat16, all else as it was.

    Weights, gradients and what the optimiser keeps stay float32. Where a CPU has no bfloat16 of its own, nothing changes.
    """
    kind = torch.device(device).type
    able = kind != "cpu" or torch.cpu.get_capabilities().get("avx512_bf16", False)
    return torch.autocast(kind, torch.bfloat16, enabled=bool(able))


class Average:
    """An exponential moving average of a network's weights; `module` is the averaged network, in eval mode.

    Early on the average is shorter, as at step n no more than (1 + n) / (10 + n) of the old one is kept. Buffers are copied.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module, self.decay, self.count = copy.deepcopy(module).eval().requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        keep = min(self.decay, (1 + self.count) / (10 + self.count))
        torch._foreach_lerp_(list(self.module.parameters()), list(module.parameters()), 1 - keep)
        for mine, theirs in zip(self.module.buffers(), module.buffers(), strict=True):
            mine.copy_(theirs)
        self.count += 1


class Run:
    """The books of one training: `for step in run` counts, and at the right steps looks, keeps snapshots and saves.

    `which` is "model", "twin", or the name of a further twin in lower case. `measure(module)` gives a row's numbers; it
    is called in eval mode on the averaged network where there is one, at `snapshots` log-spaced steps and at `looks`
    evenly spaced ones. Snapshots are those of the model with seed 0. A training that is complete on disk yields nothing.
    """

    def __init__(
        self,
        slug: str,
        which: str,
        seed: int,
        *,
        total: int,
        module: nn.Module,
        optimizer: Optimizer,
        order: torch.Generator,
        measure: Callable[[nn.Module], dict[str, float]],
        epoch: float,
        average: Average | None = None,
        snapshots: int = 12,
        looks: int = 24,
    ) -> None:
        self.slug, self.which, self.seed, self.total, self.epoch = slug, which, seed, total, epoch
        self.module, self.optimizer, self.order, self.average = module, optimizer, order, average
        self.measure, self.moments = measure, log_spaced(total, snapshots)
        self.looks = {round(total * i / looks) for i in range(looks + 1)} | set(self.moments)
        self.state = run_folder(slug, f"{which}-{seed}.safetensors")
        self.made = checkpoint.made(slug, str(next(module.parameters()).device))
        self.step, self.seconds, self.rows = 0, 0.0, Rows()
        self._sums: dict[str, list[float]] = {}

    @property
    def done(self) -> bool:
        """Whether this training's weights and its whole curve are on disk."""
        try:
            rows = checkpoint.read_curves(self.slug)[self.which][str(self.seed)]
        except (checkpoint.CheckpointError, KeyError):
            return False
        there = checkpoint.weights_path(self.slug, twin=twin_of(self.which), seed=self.seed).exists()
        return there and rows[-1]["step"] == self.total

    def note(self, **values: float) -> None:
        """Numbers of this step, such as `train_loss`; their mean since the last look goes into the curve."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[int]:
        if self.done:
            return
        self._resume()
        started = saved = time.monotonic()
        before = self.seconds
        if not self.rows:
            self._look()
        while self.step < self.total:
            yield self.step
            if self.average is not None:
                self.average.update(self.module)
            self.step += 1
            now = time.monotonic()
            self.seconds = before + now - started
            if self.step in self.looks:
                self._look()
                text = " ".join(f"{k} {v:.4g}" for k, v in self.rows[-1].items() if k not in ("step", "seconds"))
                progress(self.step, self.total, f"{self.slug} {self.which} {self.seed}: {text}", started, always=True)
            if now - saved > SAVE_SECONDS:
                saved = now
                self._save()
        twin = twin_of(self.which)
        checkpoint.write_weights(self.slug, self._shown(), twin=twin, seed=self.seed, made=self.made)
        write_curve(self.slug, self.which, self.seed, self.rows)
        self.state.unlink(missing_ok=True)

    def _shown(self) -> nn.Module:
        return self.module if self.average is None else self.average.module

    def _look(self) -> None:
        net = self._shown()
        mode = net.training
        net.eval()
        with torch.no_grad():
            row = {"step": self.step, "epoch": self.step / self.epoch, "seconds": self.seconds}
            row |= {name: sum(values) / len(values) for name, values in self._sums.items()} | self.measure(net)
        net.train(mode)
        self.rows.append(row)
        self._sums.clear()
        if self.which == "model" and self.seed == 0 and self.step in self.moments:
            checkpoint.write_weights(self.slug, net, step=self.step, made=self.made)

    def _save(self) -> None:
        count = 0 if self.average is None else self.average.count
        note = {"step": self.step, "total": self.total, "seconds": self.seconds, "rows": self.rows, "averaged": count}
        average = None if self.average is None else self.average.module
        save_state(self.state, self.module, self.optimizer, self.order, note | {"sums": self._sums}, average)

    def _resume(self) -> None:
        average = None if self.average is None else self.average.module
        note = load_state(self.state, self.module, self.optimizer, self.order, average)
        if note is None:
            return
        if note["total"] != self.total:
            raise ValueError(f"{self.state} is of a training of {note['total']} steps, not {self.total}: remove it")
        self.step, self.seconds, self.rows, self._sums = note["step"], note["seconds"], note["rows"], note["sums"]
        if self.average is not None:
            self.average.count = note["averaged"]


def twin_of(which: str) -> bool | str:
    """What `restore` and `write_weights` call a training: False for the model, True for its twin, else its name."""
    return {"model": False, "twin": True}.get(which, which)


def progress(done: int, total: int, text: str, started: float, always: bool = False) -> None:
    """A progress bar on standard error: redrawn in a terminal, one line for every tenth (or `always`) in a log."""
    tenth = done * 10 // total != (done - 1) * 10 // total
    if not sys.stderr.isatty() and done != total and not tenth and not always:
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
    """Where an unfinished training keeps its state: `runs/<slug>/<name>`, or the same under CUTAWAY_RUNS where that is set."""
    path = Path(os.environ.get("CUTAWAY_RUNS") or root() / "runs") / slug / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def save_state(
    path: Path,
    module: nn.Module,
    optimizer: Optimizer,
    generator: torch.Generator,
    note: Mapping[str, Any],
    average: nn.Module | None = None,
) -> None:
    """Write all that a resumed training needs, as safetensors, atomically. `note` is any JSON (epoch, rows, ...)."""
    state = optimizer.state_dict()
    tensors = {f"module.{k}": v for k, v in module.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    scalars: dict[str, dict[str, Any]] = {}
    for index, slots in state["state"].items():
        for key, value in slots.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer.{index}.{key}"] = value
            else:
                scalars.setdefault(str(index), {})[key] = value
    tensors["rng.torch"], tensors["rng.order"] = torch.get_rng_state(), generator.get_state()
    if torch.cuda.is_available():
        tensors["rng.cuda"] = torch.cuda.get_rng_state()
    meta = {"note": json.dumps(note), "groups": json.dumps(state["param_groups"]), "scalars": json.dumps(scalars)}
    part = path.with_suffix(".part")
    save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, part, metadata=meta)
    part.replace(path)


def load_state(
    path: Path,
    module: nn.Module,
    optimizer: Optimizer,
    generator: torch.Generator,
    average: nn.Module | None = None,
) -> dict[str, Any] | None:
    """Restore what `save_state` wrote and return its note; None where there is nothing to resume."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as f:
        meta = f.metadata()
        tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118 (not a dict)
    module.load_state_dict({k[7:]: v for k, v in tensors.items() if k.startswith("module.")})
    if average is not None:
        average.load_state_dict({k[8:]: v for k, v in tensors.items() if k.startswith("average.")})
    slots: dict[int, dict[str, Any]] = {int(i): dict(s) for i, s in json.loads(meta["scalars"]).items()}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            slots.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": slots, "param_groups": json.loads(meta["groups"])})
    torch.set_rng_state(tensors["rng.torch"])
    if "rng.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["rng.cuda"])
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


def complete(
    learn: Callable[[str, int, str], None],
    only: str | None,
    device: str,
    *,
    seeds: Sequence[int],
    trainings: Iterable[str] = ("model", "twin"),
) -> bool:
    """`learn(which, seed, device)` for every training, the model's with every seed, or for `only` one of them.

    On one thread, or as many as OMP_NUM_THREADS says. Returns whether everything was asked for, so that `finish` may follow.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(max(1, int(threads)) if threads.isdecimal() else 1)
    for which in [only] if only else trainings:
        for seed in seeds if which == "model" else seeds[:1]:
            learn(which, seed, device)
    return only is None


def finish(
    slug: str,
    evaluate: Callable[..., tuple[checkpoint.Metric, ...]],
    golden: np.ndarray,
    portrait: np.ndarray,
    *,
    split: str,
    wall_seconds: float | None = None,
) -> checkpoint.Record:
    """End a training whose weights are saved: portrait, golden outputs of `golden` (n, ...), evaluation, record, note.

    Steps, passes and, unless given, seconds are those of the curves. Where `evaluate` takes a `limit`, the record also keeps
    every metric on the first `checkpoint.SAMPLE` test samples, by which `verify` can tell quickly whether the record is true.
    """
    checkpoint.write_arrays(slug, "portrait", {"portrait": portrait})
    curves = checkpoint.read_curves(slug)
    end = curves["model"]["0"][-1]
    if wall_seconds is None:
        wall_seconds = sum(rows[-1]["seconds"] for trainings in curves.values() for rows in trainings.values())
    checkpoint.drop_last(slug, int(end["step"]))
    module = restore(slug)
    x = torch.from_numpy(np.ascontiguousarray(golden))
    checkpoint.write_arrays(slug, "golden", {"input": x.numpy(), "output": outputs(module, x).numpy()})
    record = checkpoint.write_record(
        slug,
        split=split,
        seed=0,
        steps=int(end["step"]),
        epochs=round(end["epoch"], 2),
        wall_seconds=wall_seconds,
        metrics=evaluate(),
        sample=evaluate(limit=checkpoint.SAMPLE) if "limit" in inspect.signature(evaluate).parameters else (),
    )
    if checkpoint.folder(slug) == root() / "checkpoints" / slug:  # not a training aside
        notes.update(slug)
    return record
