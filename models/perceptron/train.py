"""Error correction, one digit after the other, until a whole sweep over the 60,000 training digits has no error.

    python -m models train perceptron

The rule is `Perceptron.correct`, applied to every example in turn. `present` does the same for many examples at once,
and much faster: nothing changes between two errors, so that it computes the responses to a whole run of examples and
then only what each correction changes in them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import build, checkpoint, restore, training
from models.checkpoint import Metric
from models.data import mnist
from models.perceptron import RETINA
from models.perceptron.model import SMALL, TWIN, Config, Perceptron, rivals
from models.perceptron.model import build as make

SLUG = "perceptron"
SEEDS = (0, 1, 2)
TRAININGS = (*(("model", seed) for seed in SEEDS), ("twin", 0))
SWEEPS = 200  # at most; with the association units about a third of it is enough
PAIR_SWEEPS = 100  # at most, for two classes
RUN = 250  # examples whose responses are computed at once
MOMENTS = tuple(10 * 2**k for k in range(20))  # examples shown when the curve gets a row; every other row is a snapshot
PAIRS = {"separable_pair": (0, 1), "hard_pair": (3, 5)}


@torch.no_grad()
def present(module: Perceptron, a: Tensor, target: Tensor) -> int:
    """Show examples in their order and correct every error at once. Returns the number of corrections.

    a: float32 (n, A), the active units of each; target: int64 (n,). All numbers are whole multiples of the rate, and
    sums of them are exact, so that this is bit for bit what `correct` does one by one.
    """
    values = module.R.weight
    scores = a @ values.T
    shown = corrections = 0
    while True:
        rival, wrong = rivals(scores[shown:], target[shown:])
        if not wrong.any():
            return corrections
        first = int(wrong.int().argmax())
        this = shown + first
        right, other = int(target[this]), int(rival[first])
        change = module.rate * a[this]
        values[right] += change
        values[other] -= change
        felt = a[this:] @ change  # what every example still to come feels of it: the active units it shares
        scores[this:, right] += felt
        scores[this:, other] -= felt
        shown, corrections = this + 1, corrections + 1
        if shown == len(a):
            return corrections


@torch.no_grad()
def active(module: Perceptron, pixels: np.ndarray) -> Tensor:
    """MNIST pictures uint8 (n, 28, 28) -> uint8 (n, A): the active A-units of each, computed once as they never change."""
    x = torch.from_numpy(RETINA.from_pixels(pixels)).to(module.R.weight.device)
    return torch.cat([module.associate(part).byte() for part in x.split(1000)])


@torch.no_grad()
def responses(module: Perceptron, a: Tensor) -> Tensor:
    """uint8 (n, A) -> net inputs (n, responses)."""
    return torch.cat([module.R(part.float()) for part in a.split(2000)])


def measures(module: Perceptron, data: dict[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Loss and accuracy (%) on each split. The loss is the perceptron's criterion: by how much the right answer lost."""
    row = {}
    for split, (a, target) in data.items():
        scores = responses(module, a)
        row[f"{split}_loss"] = float((scores.max(1).values - scores.gather(1, target[:, None])[:, 0]).mean())
        row[f"{split}_accuracy"] = 100 * float((scores.argmax(1) == target).float().mean())
    return row


def learn(which: str, seed: int, sweeps: int, device: str) -> float:
    """Train the "model" or its "twin" until a sweep has no error, and save it. Returns the seconds it took."""
    twin = which == "twin"
    order = training.seed_all(seed)
    module = build(SLUG, "TWIN" if twin else "SMALL").to(device)
    assert isinstance(module, Perceptron)
    holder = torch.optim.SGD([module.R.weight], lr=module.rate)  # no gradient is ever taken: `save_state` wants one
    state = training.run_folder(SLUG, f"{which}-{seed}.safetensors")
    fresh: dict[str, Any] = {"step": 0, "sweep": 0, "corrections": 0, "missed": -1, "seconds": 0.0, "rows": []}
    note = training.load_state(state, module, holder, order) or fresh
    started = time.monotonic() - note["seconds"]
    read = {split: mnist.read(split) for split in ("train", "test")}
    data = {s: (active(module, pixels), torch.tensor(labels, device=device)) for s, (pixels, labels) in read.items()}
    a, target = data["train"]

    def row(last: bool = False) -> None:
        counted = {key: note[key] for key in ("step", "corrections")}
        note["rows"].append(counted | {"epoch": note["step"] / len(a)} | measures(module, data))
        if which == "model" and seed == 0 and (len(note["rows"]) % 2 == 1 or last):
            checkpoint.write_weights(SLUG, module, step=note["step"])

    if not note["rows"]:
        row()
    while note["missed"] and note["sweep"] < sweeps:
        before = note["corrections"]
        shuffled = torch.randperm(len(a), generator=order).to(device)
        for part in shuffled.tensor_split(cuts(note["step"], len(a))):
            note["corrections"] += present(module, a[part].float(), target[part])
            note["step"] += len(part)
            if note["step"] in MOMENTS:
                row()
        note["sweep"] += 1
        note["missed"] = note["corrections"] - before
        note["seconds"] = time.monotonic() - started
        training.save_state(state, module, holder, order, note)
        training.progress(note["sweep"], sweeps, f"{which} {seed}: {note['missed']} errors in the sweep", started)
    row(last=True)
    checkpoint.write_weights(SLUG, module, twin=twin, seed=0 if twin else seed)
    training.write_curve(SLUG, which, seed, note["rows"])
    state.unlink()
    return note["seconds"]


def cuts(shown: int, total: int) -> list[int]:
    """Where to cut the next sweep, of which `shown` examples came before: every RUN examples, and at every moment."""
    return sorted({*range(RUN, total, RUN), *(m - shown for m in MOMENTS if 0 < m - shown < total)})


def run(device: str = "cpu") -> None:
    """Train what is not there yet: three seeds, then the twin for as many sweeps as seed 0 took; record and note."""
    torch.set_num_threads(1)
    wanted = {(w, s): checkpoint.weights_path(SLUG, twin=w == "twin", seed=s) for w, s in TRAININGS}
    finished = all(path.exists() for path in wanted.values())  # then only the evaluation and the record are made again
    seconds = checkpoint.read_record(SLUG).wall_seconds if finished else 0.0
    for (which, seed), path in wanted.items():
        if not path.exists():
            sweeps = SWEEPS if which == "model" else round(last_row(0)["epoch"])
            seconds += learn(which, seed, sweeps, device)
    tiles = restored().retina().numpy().reshape(2, 5, 28, 28).transpose(0, 2, 1, 3).reshape(56, 140)
    training.finish(
        SLUG,
        evaluate,
        RETINA.from_pixels(mnist.read("test")[0][:8]),
        tiles / np.abs(tiles).max(),
        split="60,000 training and 10,000 test digits",
        wall_seconds=seconds,
    )


def last_row(seed: int) -> dict[str, float]:
    """The end of a seed's curve."""
    return checkpoint.read_curves(SLUG)["model"][str(seed)][-1]


def evaluate() -> tuple[Metric, ...]:
    """Every metric from the weights, on all digits of its split; `corrections` alone is read from the training's curve."""
    test, train = mnist.read("test"), mnist.read("train")
    modules = [restored(seed=seed) for seed in SEEDS]
    main, twin = modules[0], restored(twin=True)
    tested = tuple(100 - 100 * errors(m, *test) / len(test[1]) for m in modules)
    counted = tuple(last_row(seed)["corrections"] for seed in SEEDS)
    metrics = [
        Metric("test_accuracy", tested[0], len(test[1]), "%", seeds=tested),
        Metric("twin_test_accuracy", 100 - 100 * errors(twin, *test) / len(test[1]), len(test[1]), "%"),
        Metric("training_errors", errors(main, *train), len(train[1]), split="train"),
        Metric("twin_training_errors", errors(twin, *train), len(train[1]), split="train"),
        Metric("corrections", counted[0], len(train[1]), split="train", seeds=counted),
    ]
    for name, classes in PAIRS.items():
        pixels, labels = (part[np.isin(train[1], classes)] for part in train)
        for prefix, module, config in (("", main, SMALL), ("twin_", twin, TWIN)):
            corrections, left = two_classes(module, config, pixels, labels == classes[1])
            metrics.append(Metric(f"{prefix}{name}_corrections", corrections, len(labels), split="train"))
            metrics.append(Metric(f"{prefix}{name}_errors", left, len(labels), split="train"))
    return tuple(metrics)


def restored(**which: Any) -> Perceptron:
    """`models.restore`, as what it is."""
    module = restore(SLUG, **which)
    assert isinstance(module, Perceptron)
    return module


def errors(module: Perceptron, pixels: np.ndarray, labels: np.ndarray) -> float:
    """How many digits get the largest net input in another response unit than their own."""
    return float((responses(module, active(module, pixels)).argmax(1).numpy() != labels).sum())


def two_classes(module: Perceptron, config: Config, pixels: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Teach two classes from nothing with the wiring of `module`, sweep after sweep until one has no error.

    `second` (n,) says which examples are of the second class. Returns the corrections, and the errors of the last sweep:
    0 where it converged within PAIR_SWEEPS. Two response units corrected together are one that says yes or no: their values
    stay each other's negative.
    """
    pupil = make(replace(config, responses=2))
    pupil.S_A.load_state_dict(module.S_A.state_dict())
    a, target = active(pupil, pixels), torch.from_numpy(second.astype(np.int64))
    order, corrections, left = torch.Generator().manual_seed(0), 0, 1
    for _ in range(PAIR_SWEEPS):
        shuffled = torch.randperm(len(a), generator=order)
        left = sum(present(pupil, a[part].float(), target[part]) for part in shuffled.split(RUN))
        corrections += left
        if not left:
            break
    return float(corrections), float(left)
