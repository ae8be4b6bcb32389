"""GoogLeNet on CIFAR-10, with its two auxiliary heads, and the twin that has none, trained in exactly the same way.

python -m models train googlenet
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models import build, photos, restore, training
from models.checkpoint import Metric
from models.googlenet.model import GoogLeNet

SLUG = "googlenet"
SEEDS = (0,)
BATCH = 128
EPOCHS = 18  # passes through the training set, for the twin too
RATE = 0.05  # the largest learning rate; the kernels have 0.6 times it
WARM = 0.2  # the share of the training that leads up to it
DECAY = 5e-4  # of the weights
SMOOTHING = 0.1  # of the labels
AVERAGE = 0.998  # what the averaged weights keep of themselves at every step
HEADS = 0.3  # the weight of an auxiliary head's loss (section 5)
LOOKED = 2000  # test pictures on which the curve is measured, and the branches
KNOWN = 10_000  # training pictures on which the training error is measured
BRANCHES = {"branch1": "1x1", "branch3": "3x3", "branch5": "5x5", "project": "pool"}


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin"."""
    x, y = photos.pictures("train")
    epoch = len(x) // BATCH
    total = EPOCHS * epoch
    order = training.seed_all(seed)
    module = build(SLUG, "SMALL" if which == "model" else "TWIN").to(device)
    assert isinstance(module, GoogLeNet)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU
    optimizer = photos.optimiser(module, RATE, DECAY)
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
        looks=12,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, total, WARM))
        chosen = training.epoch_batch(len(x), BATCH, step, seed)
        shown = photos.resized(photos.crops_and_flips(x[chosen], order), photos.side(step, total))
        right = y[chosen].to(device)
        with training.half(device):
            all_scores = module.all_scores(shown.to(device, memory_format=torch.channels_last))
        main, *heads = (F.cross_entropy(s.float(), right, label_smoothing=SMOOTHING) for s in all_scores)
        loss = main + HEADS * sum(heads)
        optimizer.zero_grad()
        loss.backward()
        with training.half(device):
            optimizer.step()
        run.note(train_loss=main.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS):
        training.finish(
            SLUG, evaluate, photos.one_of_each(), portrait(), split="50,000 photographs to train, 10,000 to test"
        )


@torch.no_grad()
def outputs_of(module: GoogLeNet, x: Tensor) -> dict[str, dict[str, Tensor]]:
    """What the four branches of every module find: {"3a": {"branch1": (n, maps, height, width), ...}, ...}."""
    found: dict[str, dict[str, Tensor]] = {}
    handles = []
    for name in module.config.modules:
        for branch in BRANCHES:
            unit = module.get_submodule(f"inception{name}.{branch}")
            of = found.setdefault(name, {})
            handles.append(
                unit.register_forward_hook(lambda _m, _i, out, of=of, branch=branch: of.update({branch: out}))
            )
    module(x)
    for handle in handles:
        handle.remove()
    return found


def portrait() -> np.ndarray:
    """What each branch of every module finds in the scene with the horse: modules across, branches downwards.

    float32 (67, 118), 0..1: the maps of a branch averaged at every place, as bright as the largest value allows.
    """
    module = restore(SLUG)
    assert isinstance(module, GoogLeNet)
    found = outputs_of(module, torch.from_numpy(photos.one_of_each()[7:8]))
    picture = np.zeros((67, 118), np.float32)
    for across, of in enumerate(found.values()):
        for down, maps in enumerate(of.values()):
            mean = maps[0].mean(0)  # (16, 16), (8, 8) or (4, 4)
            cell = np.kron((mean / mean.max().clamp(min=1e-6)).numpy(), np.ones((16 // len(mean),) * 2))
            picture[17 * down : 17 * down + 16, 17 * across : 17 * across + 16] = cell
    return picture


def shares(module: GoogLeNet, x: Tensor) -> dict[str, float]:
    """How strongly the maps of each branch answer, in % of the four together, as the mean over the modules of a stage.

    A branch's strength is the mean value of its maps, so that a branch of many maps is not strong for that.
    """
    strength: dict[str, Tensor] = {name: torch.zeros(len(BRANCHES)) for name in module.config.modules}
    for part in x.split(250):
        for name, of in outputs_of(module, part).items():
            strength[name] += torch.stack([of[branch].mean() * len(part) for branch in BRANCHES])
    shares: dict[str, float] = {}
    for stage in "345":
        each = [100 * values / values.sum() for name, values in strength.items() if name.startswith(stage)]
        for kind, share in zip(BRANCHES.values(), torch.stack(each).mean(0).tolist(), strict=True):
            shares[f"stage_{stage}_share_of_{kind}"] = share
    return shares


@torch.no_grad()
def right_by_head(module: GoogLeNet, x: Tensor, y: Tensor) -> list[int]:
    """How many of the pictures the main classifier names rightly, and each auxiliary one."""
    scores = [module.all_scores(part) for part in x.split(250)]
    return [int((torch.cat(one).argmax(1) == y).sum()) for one in zip(*scores, strict=True)]


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all 10,000 test pictures or the first `limit`."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    known = tuple(part[: limit or KNOWN] for part in photos.pictures("train"))
    n, m = len(x), len(known[0])
    nets, twin = [restore(SLUG, seed=seed) for seed in SEEDS], restore(SLUG, twin=True)
    assert isinstance(nets[0], GoogLeNet)
    main, *heads = right_by_head(nets[0], x, y)
    right, twins = [main, *(photos.right(net, x, y) for net in nets[1:])], photos.right(twin, x, y)
    looked = x[:LOOKED]
    return (
        photos.share("test_error", [n - count for count in right], n),
        photos.share("test_accuracy", right, n),
        photos.share("train_error", m - photos.right(nets[0], *known), m, "train"),
        photos.share("twin_test_error", n - twins, n),
        photos.share("twin_test_accuracy", twins, n),
        photos.share("twin_train_error", m - photos.right(twin, *known), m, "train"),
        *(
            photos.share(f"head_{name}_test_accuracy", count, n)
            for name, count in zip(nets[0].config.heads, heads, strict=True)
        ),
        *(Metric(name, value, len(looked), "%") for name, value in shares(nets[0], looked).items()),
    )
