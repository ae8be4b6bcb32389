"""AlexNet on CIFAR-10 with crops and reflections; and the race of Fig. 1, ReLUs against tanh at a constant rate.

    python -m models train alexnet

The model is trained with all that helps. The twin (tanh) and RELU, which is the same network with ReLUs, run the paper's
race: no dropout, no changed pictures, one rate from beginning to end.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models import build, checkpoint, photos, restore, training
from models.alexnet.model import AlexNet
from models.checkpoint import Metric

SLUG = "alexnet"
SEEDS = (0, 1, 2)
BATCH = 128
EPOCHS = 26  # passes through the training set
RATE = 1.5e-3  # the largest learning rate of AdamW, reached after a tenth of the steps
DECAY = 0.05  # of the weights
SMOOTHING = 0.1  # of the labels
AVERAGE = 0.998  # what the averaged weights keep of themselves at every step
RACE = "twin", "relu"
RACE_BATCH = 64
RACE_EPOCHS = 5
RACE_RATE = 1e-3  # for both: 3e-4 was slower for tanh; the paper chose each "to make training as fast as possible"
LOOKED = 2000  # test pictures on which the curve is measured
KNOWN = 10_000  # training pictures on which the training error is measured
MARK = 25.0  # % training error, the dashed line of Fig. 1


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model", or one of the two that race ("twin", "relu")."""
    race = which in RACE
    x, y = photos.pictures("train")
    batch = RACE_BATCH if race else BATCH
    steps = len(x) // batch  # of an epoch
    total = steps * (RACE_EPOCHS if race else EPOCHS)
    order = training.seed_all(seed)
    module = build(SLUG, "SMALL" if which == "model" else which.upper())
    module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU
    optimizer = torch.optim.AdamW(module.parameters(), weight_decay=0.0 if race else DECAY)
    test, target = (part[:LOOKED].to(device) for part in photos.pictures("test"))
    run = training.Run(
        SLUG,
        which,
        seed,
        total=total,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=lambda net: photos.measures(net, test, target),
        epoch=steps,
        average=None if race else training.Average(module, AVERAGE),
        looks=5 * RACE_EPOCHS if race else EPOCHS,
    )
    for step in run:
        rate = RACE_RATE if race else RATE * training.one_cycle(step, total)
        training.set_rate(optimizer, rate)
        chosen = training.epoch_batch(len(x), batch, step, seed)
        shown = x[chosen] if race else photos.crops_and_flips(x[chosen], order)
        with training.half(device):
            scores = module(shown.to(device, memory_format=torch.channels_last)).float()
        right = y[chosen].to(device)
        loss = F.cross_entropy(scores, right, label_smoothing=0.0 if race else SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        error = 100 * (scores.argmax(1) != right).float().mean().item()
        run.note(train_loss=loss.item(), train_error=error)


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS, trainings=("model", *RACE)):
        training.finish(
            SLUG, evaluate, photos.one_of_each(), portrait(), split="50,000 photographs to train, 10,000 to test"
        )


def kernels(module: nn.Module) -> torch.Tensor:
    """The kernels of conv1, (maps, 3, height, width)."""
    assert isinstance(module, AlexNet)
    return module.conv1.weight.detach()


def portrait() -> np.ndarray:
    """The kernels of conv1 as in Fig. 3, four rows of eight: the upper two of one group, the lower two of the other.

    uint8 (71, 127, 3): each kernel in its own colours, grey for 0, as bright as its largest weight allows.
    """
    w = kernels(restore(SLUG))
    w = 0.5 + 0.5 * w / w.abs().amax((1, 2, 3), keepdim=True)
    w = w.repeat_interleave(3, 2).repeat_interleave(3, 3)  # (32, 3, 15, 15)
    picture = torch.ones(3, 71, 127)
    for i, kernel in enumerate(w):
        top, left = i // 8 * 16 + (8 if i >= 16 else 0), i % 8 * 16
        picture[:, top : top + 15, left : left + 15] = kernel
    return (255 * picture).round().to(torch.uint8).permute(1, 2, 0).numpy()


def colour(module: nn.Module) -> list[float]:
    """For each group of conv1, how much of its kernels' squared weights is colour, in %: 0 where red, green and blue agree."""
    w = kernels(module)
    grey = w.mean(1, keepdim=True).expand_as(w).square().sum((1, 2, 3))
    share = 100 * (1 - grey / w.square().sum((1, 2, 3)))
    return [part.mean().item() for part in share.chunk(2)]


def race(rows: training.Rows) -> list[tuple[float, float]]:
    """(epoch, training error in %): the error averaged between two looks, and the middle of the time between them."""
    ends = [(row["epoch"], row["train_error"]) for row in rows if "train_error" in row]
    starts = [0.0, *(epoch for epoch, _ in ends)]
    return [((start + end) / 2, error) for start, (end, error) in zip(starts, ends, strict=False)]


def epochs_to_mark(rows: training.Rows, mark: float = MARK) -> float:
    """When the training error first is at the mark, on a straight line between two points of `race`: in epochs.

    All epochs of the race, where it never is: then the time is longer than that.
    """
    for (before, high), (after, low) in pairwise(race(rows)):
        if low <= mark < high:
            return before + (after - before) * (high - mark) / (high - low)
    return rows[-1]["epoch"]


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights and curves on disk, over all 10,000 test pictures or the first `limit`."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    known = tuple(part[: limit or KNOWN] for part in photos.pictures("train"))
    n, nets = len(x), [restore(SLUG, seed=seed) for seed in SEEDS]
    right = [photos.right(net, x, y) for net in nets]
    found = [
        photos.share("test_error", [n - count for count in right], n),
        photos.share("test_accuracy", right, n),
        photos.share("train_error", len(known[0]) - photos.right(nets[0], *known), len(known[0]), "train"),
        photos.share("relu_test_accuracy", photos.right(restore(SLUG, twin="relu"), x, y), n),
        photos.share("twin_test_accuracy", photos.right(restore(SLUG, twin=True), x, y), n),
    ]
    curves = checkpoint.read_curves(SLUG)
    relu, tanh = (epochs_to_mark(curves[which]["0"]) for which in ("relu", "twin"))
    shown, passes = len(photos.pictures("train")[0]), curves["twin"]["0"][-1]["epoch"]
    late, bound = "", ""
    if tanh == passes:
        late = f"all that it was given: {MARK:g} % not reached"
        bound = f"at least: tanh did not reach {MARK:g} % in {passes:g} epochs"
    found += [
        Metric("epochs_to_25_relu", relu, shown, "epochs", "train"),
        Metric("epochs_to_25_tanh", tanh, shown, "epochs", "train", note=late),
        Metric("relu_speedup", tanh / relu, shown, "", "train", note=bound),
    ]
    maps = len(kernels(nets[0])) // 2
    found += [Metric(f"colour_of_group_{i}", share, maps, "%", "weights") for i, share in enumerate(colour(nets[0]), 1)]
    return tuple(found)
