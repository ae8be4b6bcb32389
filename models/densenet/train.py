"""DenseNet of 16 layers and its twin on CIFAR-10 by Muon with one cycle, on pictures that grow.

    python -m models train densenet
    python -m models train densenet --only twin

The recipe is that of our VGG; nothing was chosen on a test picture. What is kept is trained on all 50,000.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch.nn import functional as F

from models import build, photos, restore, training
from models.checkpoint import Metric
from models.densenet.model import Block, DenseNet, Layer
from models.photos import share

SLUG = "densenet"
SEEDS = (0,)
EPOCHS = 20  # passes through the training set, for the twin too
BATCH = 128  # the paper's are of 64
RATE = 0.05  # the largest; the kernels have 0.6 times it; the paper begins with 0.1 and divides by 10 twice
DECAY = 5e-4  # weight decay: the paper's 1e-4 is for 300 passes, a short training stands more
LOOKED = 2_000  # test pictures for the curve
CUT = 1_000  # test pictures for the network whose long connections are cut


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin", or go on with it; weights, curve and snapshots are left on disk."""
    order = training.seed_all(seed)
    x, y = photos.pictures("train")
    test, target = (part[:LOOKED].to(device) for part in photos.pictures("test"))
    module = build(SLUG, "TWIN" if which == "twin" else "SMALL").to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU
    optimizer = photos.optimiser(module, RATE, DECAY)
    epoch = len(x) // BATCH
    total = EPOCHS * epoch
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
        looks=20,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, total))
        chosen = training.epoch_batch(len(x), BATCH, step, seed)
        seen = photos.resized(photos.crops_and_flips(x[chosen], order), photos.side(step, total))
        seen = seen.to(device, memory_format=torch.channels_last)
        with training.half(device):
            scores = module(seen)
        loss = F.cross_entropy(scores.float(), y[chosen].to(device))
        optimizer.zero_grad()
        loss.backward()
        with training.half(device):
            optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS):
        training.finish(
            SLUG, evaluate, photos.one_of_each(), portrait(), split="50,000 pictures to train, 10,000 to test"
        )


def reach(table: np.ndarray) -> float:
    """The mean weight on sources at least two layers back, in units of that on the source directly before."""
    size = len(table)
    near = [table[target, target] for target in range(1, size)]
    far = [table[source, target] for target in range(1, size) for source in range(target)]
    return float(np.mean(far) / np.mean(near))


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all test pictures or the first `limit` of them."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    n = len(x)
    model, twin = restore(SLUG), restore(SLUG, twin=True)
    assert isinstance(model, DenseNet)
    right = [photos.right(restore(SLUG, seed=seed), x, y) for seed in SEEDS]
    twin_right = photos.right(twin, x, y)
    known = [part[: min(n, 5_000)] for part in photos.pictures("train")]
    found = [
        share("test_error", [n - count for count in right], n),
        share("test_accuracy", right, n),
        share("train_error", len(known[0]) - photos.right(model, *known), len(known[0]), "train"),
        share("twin_test_error", n - twin_right, n),
        share("twin_test_accuracy", twin_right, n),
    ]
    few, target = x[:CUT], y[:CUT]
    for i, table in enumerate(model.reuse()):
        weights = int(np.isfinite(table).sum())
        found.append(Metric(f"reach_block_{i + 1}", round(reach(table), 3), weights, "of the last layer's weight"))
        cut = photos.right(without_far(model, i), few, target)
        found.append(share(f"without_far_block_{i + 1}", len(few) - cut, len(few)))
    return tuple(found)


def without_far(module: DenseNet, which: int) -> DenseNet:
    """The network in which one block's layers see the layer before them alone; what is farther back reaches them as 0.

    The weights towards farther sources are set to zero, those of the transition behind the block are left.
    """
    net = copy.deepcopy(module)
    block = net.blocks[which]
    assert isinstance(block, Block)
    spans = block.sources()
    with torch.no_grad():
        for layer, (start, _) in zip(block, spans[:-1], strict=True):
            assert isinstance(layer, Layer)
            layer.conv1.weight[:, :start] = 0
    return net


def portrait() -> np.ndarray:
    """Fig. 5 of our own network: the three blocks one above the other, sources from top to bottom, targets to the right.

    Returns float32 (96, 128), 0..1: each table on a scale of its own, 0 where there is no connection.
    """
    module = restore(SLUG)
    assert isinstance(module, DenseNet)
    picture = np.zeros((96, 128), np.float32)
    for i, table in enumerate(module.reuse()):
        tile = np.kron(np.nan_to_num(table / np.nanmax(table)), np.ones((6, 22), np.float32))
        picture[32 * i + 1 : 32 * i + 1 + tile.shape[0], 9 : 9 + tile.shape[1]] = tile
    return picture
