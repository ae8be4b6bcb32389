"""VGG on CIFAR-10: ten layers of 3x3, and the shallow twin with as many weights, trained in exactly the same way.

python -m models train vgg
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from models import build, photos, restore, training
from models.checkpoint import Metric
from models.data.cifar10 import CIFAR
from models.vgg.model import SMALL, VGG, receptive_fields

SLUG = "vgg"
SEEDS = (0,)
BATCH = 128
EPOCHS = 26  # passes through the training set, for the twin too
RATE = 0.05  # the largest learning rate; the kernels have 0.6 times it
WARM = 0.2  # the share of the training that leads up to it
DECAY = 5e-4  # of the weights, as in the paper
SMOOTHING = 0.1  # of the labels
AVERAGE = 0.998  # what the averaged weights keep of themselves at every step
LOOKED = 2000  # test pictures on which the curve is measured
KNOWN = 10_000  # training pictures on which the training error is measured


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin"."""
    x, y = photos.pictures("train")
    epoch = len(x) // BATCH
    total = EPOCHS * epoch
    order = training.seed_all(seed)
    module = build(SLUG, "SMALL" if which == "model" else "TWIN").to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU
    assert isinstance(module, VGG)
    optimizer = photos.optimiser(module, RATE, DECAY, module.fc8.weight)
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
        epoch=epoch,
        average=training.Average(module, AVERAGE),
        looks=14,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, total, WARM))
        chosen = training.epoch_batch(len(x), BATCH, step, seed)
        shown = photos.resized(photos.crops_and_flips(x[chosen], order), photos.side(step, total))
        with training.half(device):
            scores = module(shown.to(device, memory_format=torch.channels_last)).float()
        loss = F.cross_entropy(scores, y[chosen].to(device), label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        with training.half(device):
            optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS):
        training.finish(
            SLUG, evaluate, photos.one_of_each(), portrait(), split="50,000 photographs to train, 10,000 to test"
        )


@torch.no_grad()
def portrait() -> np.ndarray:
    """The scene with the horse, and after it the strongest maps of blocks 1 to 4, ever smaller and ever more.

    float32 (94, 131), 0..1, each map as bright as its largest value.
    """
    module = restore(SLUG)
    x = torch.from_numpy(photos.one_of_each()[7:8])
    picture = np.zeros((94, 131), np.float32)
    picture[:32, :32] = CIFAR.unnormalise(x.numpy())[0].mean(0)
    top, left = 0, 33
    for block, (across, rows) in enumerate(((4, 1), (7, 2), (14, 2), (26, 2)), 1):
        x = module.get_submodule(f"block{block}")(x)
        side = x.shape[2] + 1
        count = across * rows - (left > 0)
        for values in x[0][x[0].amax((1, 2)).argsort(descending=True)[:count]]:
            picture[top : top + side - 1, left : left + side - 1] = values / values.max().clamp(min=1e-6)
            left += side
            if left >= across * side:
                top, left = top + side, 0
        x = module.get_submodule(f"pool{block}")(x)
    return picture


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all 10,000 test pictures or the first `limit`."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    known = tuple(part[: limit or KNOWN] for part in photos.pictures("train"))
    n, m = len(x), len(known[0])
    nets, twin = [restore(SLUG, seed=seed) for seed in SEEDS], restore(SLUG, twin=True)
    right, twins = [photos.right(net, x, y) for net in nets], photos.right(twin, x, y)
    return (
        photos.share("test_error", [n - count for count in right], n),
        photos.share("test_accuracy", right, n),
        photos.share("train_error", m - photos.right(nets[0], *known), m, "train"),
        photos.share("twin_test_error", n - twins, n),
        photos.share("twin_test_accuracy", twins, n),
        photos.share("twin_train_error", m - photos.right(twin, *known), m, "train"),
        Metric("shallow_minus_deep", (right[0] - twins) * 100 / n, n, "%"),
        Metric("receptive_field", receptive_fields(SMALL)["fc6"][0], n, "pixels"),
    )
