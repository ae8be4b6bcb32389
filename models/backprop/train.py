"""Back-propagation on the 60,000 MNIST digits, gradient descent with momentum; three seeds and the twin.

    python -m models train backprop

The recipe was chosen on the last 10,000 training digits, with a training on the others; what is kept is trained on all.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models import build, checkpoint, restore, training
from models.backprop import RETINA
from models.backprop.model import Digits, error
from models.checkpoint import Metric
from models.data import mnist

SLUG = "backprop"
SEEDS = (0, 1, 2)
SWEEPS = 20  # passes through the training set
BATCH = 20  # digits between two changes of the weights
EPSILON = 0.06  # learning rate for the error summed over the batch (Eq. 8), reached after the first sweep
TWIN_EPSILON = 0.01  # the twin's: at the other its outputs saturate and it learns nothing
ALPHA = 0.9  # momentum (Eq. 9), as in the paper
TRAIN_SAMPLES = 10_000  # training digits on which the curve's training columns are measured
TILES = 5  # the portrait shows TILES x TILES hidden units


@cache
def digits(split: str) -> tuple[Tensor, Tensor]:
    """The pictures (n, 1, 28, 28) as the network takes them, and their classes (n,)."""
    pixels, labels = mnist.read(split)
    return torch.from_numpy(RETINA.from_pixels(pixels)), torch.from_numpy(labels.copy())


def desired(labels: Tensor) -> Tensor:
    """What the output units should say: (n, 10), 1 for the digit and 0 for all others."""
    return torch.eye(10, device=labels.device)[labels]


def rate(step: int, steps: int, total: int) -> float:
    """Share of the learning rate: up in a straight line for the first sweep of `steps`, and down to 0 at `total`."""
    return min((step + 1) / steps, 1.0) * (1 - step / total)


def measures(module: nn.Module, device: str) -> dict[str, float]:
    """Error a digit (Eq. 3) and accuracy (%) on training and test digits."""
    row = {}
    for split, count in (("train", TRAIN_SAMPLES), ("test", None)):
        x, labels = (part[:count].to(device) for part in digits(split))
        y = training.outputs(module, x)
        row[f"{split}_loss"] = error(y, desired(labels)).item() / len(x)
        row[f"{split}_accuracy"] = 100 * (y.argmax(1) == labels).float().mean().item()
    return row


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin" and save it with its curve and, for seed 0, its snapshots."""
    started, twin = time.monotonic(), which == "twin"
    order = training.seed_all(seed)
    epsilon = TWIN_EPSILON if twin else EPSILON
    module = build(SLUG, "TWIN" if twin else "SMALL").to(device)
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=epsilon, momentum=ALPHA)
    state = training.run_folder(SLUG, f"{which}-{seed}.safetensors")
    note: dict[str, Any] = {"step": 0, "sweep": 0, "seconds": 0.0, "rows": []}
    note = training.load_state(state, module, optimizer, order) or note
    started -= note["seconds"]
    x, labels = (part.to(device) for part in digits("train"))
    steps = -(-len(x) // BATCH)
    total = SWEEPS * steps
    moments = training.log_spaced(total)

    def look() -> None:
        row = {"step": note["step"], "epoch": note["step"] / steps, "seconds": time.monotonic() - started}
        note["rows"].append(row | measures(module, device))
        if which == "model" and seed == 0 and note["step"] in moments:
            checkpoint.write_weights(SLUG, module, step=note["step"])

    if not note["rows"]:
        look()
    while note["sweep"] < SWEEPS:
        for part in training.batches(len(x), BATCH, order):
            for group in optimizer.param_groups:
                group["lr"] = epsilon * rate(note["step"], steps, total)
            loss = error(module(x[part]), desired(labels[part]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            note["step"] += 1
            if note["step"] in moments or note["step"] % steps == 0:
                look()
        note |= {"sweep": note["sweep"] + 1, "seconds": time.monotonic() - started}
        training.save_state(state, module, optimizer, order, note)
        row = note["rows"][-1]
        text = f"sweeps, {which} {seed}: error {row['train_loss']:.4f}, test {row['test_accuracy']:.2f} %"
        training.progress(note["sweep"], SWEEPS, text, started)
    checkpoint.write_weights(SLUG, module, twin=twin, seed=seed)
    training.write_curve(SLUG, which, seed, note["rows"])
    state.unlink()


def run(device: str = "cpu") -> None:
    """Train what is not there yet, three seeds and the twin; portrait, record and note."""
    torch.set_num_threads(1)
    for which, seed in (*(("model", seed) for seed in SEEDS), ("twin", 0)):
        if not checkpoint.weights_path(SLUG, twin=which == "twin", seed=seed).exists():
            learn(which, seed, device)
    x, labels = digits("test")
    module = restore(SLUG)
    assert isinstance(module, Digits)
    training.finish(
        SLUG,
        evaluate,
        np.stack([x[labels == label][0].numpy() for label in range(10)]),
        portrait(module),
        split="60,000 digits to train, 10,000 to test",
    )


def portrait(module: Digits) -> np.ndarray:
    """What the hidden units that count for most look for: weights on the retina, each unit from -1 to 1.

    Those with the largest outgoing weights, in their own order; float32 (144, 144), a point of 0 between any two.
    """
    strongest = module.output.weight.abs().sum(0).topk(TILES**2).indices.sort().values
    pictures = module.retina()[strongest].numpy()  # (25, 28, 28)
    pictures = pictures / np.abs(pictures).max(axis=(1, 2), keepdims=True)
    framed = np.pad(pictures, ((0, 0), (0, 1), (0, 1))).reshape(TILES, TILES, 29, 29)
    return framed.transpose(0, 2, 1, 3).reshape(TILES * 29, TILES * 29)[:-1, :-1].astype(np.float32)


def accuracy(module: nn.Module, split: str) -> float:
    """How many of the digits are read as what they are, in %."""
    x, labels = digits(split)
    return 100 * int((training.outputs(module, x).argmax(1) == labels).sum()) / len(x)


def evaluate() -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all 10,000 test and 60,000 training digits."""
    torch.set_num_threads(1)
    seeds = tuple(accuracy(restore(SLUG, seed=seed), "test") for seed in SEEDS)
    twin = restore(SLUG, twin=True)
    twins, tests, trains = accuracy(twin, "test"), len(digits("test")[0]), len(digits("train")[0])
    return (
        Metric("test_accuracy", seeds[0], tests, "%", seeds=seeds),
        Metric("gain_over_twin", seeds[0] - twins, tests, "%"),
        Metric("test_error", 100 - seeds[0], tests, "%", seeds=tuple(100 - a for a in seeds)),
        Metric("train_accuracy", accuracy(restore(SLUG), "train"), trains, "%", "train"),
        Metric("twin_test_accuracy", twins, tests, "%"),
        Metric("twin_train_accuracy", accuracy(twin, "train"), trains, "%", "train"),
    )
