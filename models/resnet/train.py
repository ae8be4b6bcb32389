"""ResNet-20 and its plain twin on CIFAR-10 by SGD with one cycle, on pictures that grow; then depth 20 and 56 in brief.

    python -m models train resnet
    python -m models train resnet --only twin

The recipe follows the paper where a short training can; it is trained on all 50,000 pictures.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, photos, restore, training
from models.checkpoint import Metric
from models.photos import share
from models.resnet.model import Block

SLUG = "resnet"
SEEDS = (0,)
BATCH = 128  # as the paper's
RATE = 0.2  # the largest; the paper begins with 0.1 and divides by 10 twice
DECAY = 5e-4  # weight decay: the paper's 1e-4 is for 164 passes, a short training stands more
LOOKED = 2_000  # test pictures for the curve
LESIONED = 2_000  # test pictures for every network that has lost a block
RESPONDED = 500  # test pictures for the size of each block's responses


@dataclass(frozen=True)
class Plan:
    """How long a network is trained, and on which sides of the pictures from which share of the training on."""

    epochs: int
    growing: tuple[tuple[float, int], ...]

    @property
    def side(self) -> int:
        """The side at the end, at which the network is measured."""
        return self.growing[-1][1]


SMALL_PICTURES = ((0.0, 16),)
PLANS = {
    "model": Plan(50, photos.GROWING),
    "twin": Plan(12, ((0.0, 16), (0.35, 24), (0.7, 32))),
    # Fig. 6 in small: both kinds at two depths, for equal times, on pictures of 16x16.
    "plain_20": Plan(3, SMALL_PICTURES),
    "resnet_20": Plan(3, SMALL_PICTURES),
    "plain_56": Plan(3, SMALL_PICTURES),
    "resnet_56": Plan(3, SMALL_PICTURES),
}
CONFIGS = {"model": "SMALL", "twin": "TWIN"}


def learn(which: str, seed: int, device: str) -> None:
    """Train one network of PLANS, or go on with it; its weights, curve and snapshots are left on disk."""
    order = training.seed_all(seed)
    plan, (x, y) = PLANS[which], photos.pictures("train")
    test, target = (part[:LOOKED].to(device) for part in photos.pictures("test"))
    test = photos.resized(test, plan.side)
    module = build(SLUG, CONFIGS.get(which, which.upper())).to(device)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a quarter faster on a CPU
    optimizer = torch.optim.SGD(module.parameters(), lr=RATE, momentum=0.9, nesterov=True, weight_decay=DECAY)
    epoch = len(x) // BATCH
    total = plan.epochs * epoch
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
        looks=24,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, total))
        chosen = training.epoch_batch(len(x), BATCH, step, seed)
        seen = photos.resized(photos.crops_and_flips(x[chosen], order), photos.side(step, total, plan.growing))
        seen = seen.to(device, memory_format=torch.channels_last)
        with training.half(device):
            scores = module(seen)
        loss = F.cross_entropy(scores.float(), y[chosen].to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS, trainings=PLANS):
        x, y = photos.pictures("test")
        training.finish(
            SLUG,
            evaluate,
            photos.one_of_each(),
            portrait(x[y == 8][:1]),
            split="50,000 pictures to train, 10,000 to test",
        )


def blocks(module: nn.Module) -> dict[str, Block]:
    """Every block by its path, "stages.0.0", from the first to the last."""
    return {path: block for path, block in module.named_modules() if isinstance(block, Block)}


class Nothing(nn.Identity):
    """In place of a branch: it adds 0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def lesioned(module: nn.Module, path: str) -> nn.Module | None:
    """The network without what one block computes: in a plain net all that the block is given goes on as it is.

    None where that cannot be done: a block of a plain net that changes the number of maps.
    """
    net = copy.deepcopy(module)
    block = blocks(net)[path]
    if block.residual:
        block.hook_branch = Nothing()
    elif block.conv1.in_channels == block.conv2.out_channels:
        net.set_submodule(path, nn.Identity())
    else:
        return None
    return net


def lesions(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, int]:
    """For each block, how many pictures are named wrongly without it."""
    nets = {path: lesioned(module, path) for path in blocks(module)}
    return {path: len(x) - photos.right(net, x, y) for path, net in nets.items() if net is not None}


@torch.no_grad()
def branches(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """What every block adds to the stream (in a plain net: gives) for these pictures: (n, maps, height, width) each."""
    found: dict[str, Tensor] = {}

    def keep(path: str):
        return lambda _module, _inputs, output: found.__setitem__(path, output)

    net = copy.deepcopy(module).eval()
    for path, block in blocks(net).items():
        block.hook_branch.register_forward_hook(keep(path))
    net(x)
    return found


def named(path: str) -> str:
    """ "stages.0.1" -> "0_1", as it stands in a metric's name."""
    return path.removeprefix("stages.").replace(".", "_")


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all test pictures or the first `limit` of them."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    n = len(x)
    model, twin = restore(SLUG), restore(SLUG, twin=True)
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
    few, target = x[:LESIONED], y[:LESIONED]
    for lead, net in (("", model), ("twin_", twin)):
        for path, wrong in lesions(net, few, target).items():
            found.append(share(f"{lead}lesion_{named(path)}", wrong, len(few)))
        for path, added in branches(net, x[:RESPONDED]).items():  # Fig. 7: the deviation of each block's responses
            found.append(Metric(f"{lead}response_{named(path)}", round(added.std().item(), 2), min(n, RESPONDED)))
    for which, plan in PLANS.items():
        if which not in CONFIGS:
            count = photos.right(restore(SLUG, twin=which), photos.resized(x, plan.side), y)
            found.append(share(f"{which}_brief_error", n - count, n))
    return tuple(found)


def portrait(x: Tensor) -> np.ndarray:
    """What each block adds to one picture, -1..1: a row a stage, its three blocks from left to right; at the left the picture.

    x: (1, 3, 32, 32); returns float32 (96, 128).
    """
    picture = np.zeros((96, 128), np.float32)
    picture[:32, :32] = photos.CIFAR.unnormalise(x.numpy())[0].mean(0)
    for i, added in enumerate(branches(restore(SLUG), x).values()):
        maps = F.interpolate(added, (30, 30))[0].mean(0).numpy()
        top, left = 32 * (i // 3), 32 * (i % 3) + 32
        picture[top + 1 : top + 31, left + 1 : left + 31] = maps / np.abs(maps).max()
    return picture
