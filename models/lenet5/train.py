"""LeNet-5 on the 60,000 MNIST digits, a little distorted, by Adam with one warm cycle; three seeds and the twin.

    python -m models train lenet5

The recipe was chosen on the last 5,000 training digits, with a training on the others; what is kept is trained on all.
"""

from __future__ import annotations

import math
import time
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, checkpoint, restore, training
from models.checkpoint import Metric
from models.data import mnist
from models.lenet5 import PICTURE
from models.lenet5.model import LeNet5, Squash, criterion

SLUG = "lenet5"
SEEDS = (0, 1, 2)
EPOCHS = 20  # passes through the training set, as many as the paper's
BATCH = 64
RATE = 3e-3  # the largest learning rate, reached after WARM of all steps
WARM = 0.1
RUBBISH = 10.0  # j of Eq. 9: the squared distance at which the rubbish class lies
TRAIN_SAMPLES = 10_000  # training digits, as they are, on which the curve's training columns are measured
SHIFTS = (2, 4)  # pixels
NOISE = (2, 5)  # % of the pixels, turned to their negative
RUBBISH_SAMPLES = 1000  # pictures of random pixels
GROUND = float(PICTURE.normalise(np.zeros((1, 1, 1, 1))).item())  # -0.1


@cache
def digits(split: str) -> tuple[Tensor, Tensor]:
    """The pictures (n, 1, 32, 32) as the network takes them, and their classes (n,)."""
    pixels, labels = mnist.read(split)
    return torch.from_numpy(PICTURE.from_pixels(pixels)), torch.from_numpy(labels.copy())


def distort(x: Tensor, order: torch.Generator) -> Tensor:
    """Section III.B's planar affine distortions, at random for nine pictures of ten; the tenth is left as it is.

    Scaling and squeezing (thinner and taller, or the reverse) by up to a tenth each, horizontal shearing by up to a
    quarter, shifts by up to two pixels. The paper names the kinds and not the sizes.
    """
    scale, squeeze, shear, across, down = torch.empty(5, len(x)).uniform_(-1, 1, generator=order)
    scale, squeeze, shear = 1 + 0.1 * scale, 1 + 0.1 * squeeze, 0.25 * shear
    shift = 2 / (x.shape[2] / 2)  # 2 pixels, where the picture reaches from -1 to 1
    zero = torch.zeros(len(x))
    rows = [
        torch.stack([scale * squeeze, shear, shift * across], 1),
        torch.stack([zero, scale / squeeze, shift * down], 1),
    ]
    matrix = torch.stack(rows, 1)
    matrix[torch.rand(len(x), generator=order) < 0.1] = torch.eye(3)[:2]
    grid = F.affine_grid(matrix, list(x.shape), align_corners=False).to(x.device)
    return F.grid_sample(x - GROUND, grid, align_corners=False) + GROUND  # outside the picture there is ground


def rate(step: int, total: int) -> float:
    """The learning rate of a step: up in a straight line for WARM of the training, then down half a cosine to 0."""
    warm = WARM * total
    return RATE * min(step / warm, 0.5 + 0.5 * math.cos(math.pi * max(0.0, step - warm) / (total - warm)))


def measures(module: nn.Module, device: str) -> dict[str, float]:
    """Loss (Eq. 9) and accuracy (%) on training and test digits, undistorted."""
    row = {}
    for split, count in (("train", TRAIN_SAMPLES), ("test", None)):
        x, target = (part[:count].to(device) for part in digits(split))
        scores = training.outputs(module, x)
        row[f"{split}_loss"] = criterion(scores, target, RUBBISH).item()
        row[f"{split}_accuracy"] = 100 * (scores.argmax(1) == target).float().mean().item()
    return row


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin" and save it with its curve and, for seed 0, its snapshots."""
    started, twin = time.monotonic(), which == "twin"
    order = training.seed_all(seed)
    module = build(SLUG, "TWIN" if twin else "SMALL").to(device)
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE)
    state = training.run_folder(SLUG, f"{which}-{seed}.safetensors")
    note: dict[str, Any] = {"step": 0, "epoch": 0, "seconds": 0.0, "rows": []}
    note = training.load_state(state, module, optimizer, order) or note
    started -= note["seconds"]
    x, target = digits("train")
    steps = math.ceil(len(x) / BATCH)
    total = EPOCHS * steps
    moments = training.log_spaced(total)

    def look() -> None:
        row = {"step": note["step"], "epoch": note["step"] / steps, "seconds": time.monotonic() - started}
        note["rows"].append(row | measures(module, device))
        if which == "model" and seed == 0 and note["step"] in moments:
            checkpoint.write_weights(SLUG, module, step=note["step"])

    if not note["rows"]:
        look()
    while note["epoch"] < EPOCHS:
        for part in training.batches(len(x), BATCH, order):
            for group in optimizer.param_groups:
                group["lr"] = rate(note["step"], total)
            loss = criterion(module(distort(x[part], order).to(device)), target[part].to(device), RUBBISH)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            note["step"] += 1
            if note["step"] in moments or note["step"] % steps == 0:
                look()
        note |= {"epoch": note["epoch"] + 1, "seconds": time.monotonic() - started}
        training.save_state(state, module, optimizer, order, note)
        row = note["rows"][-1]
        text = f"epochs, {which} {seed}: loss {row['train_loss']:.3f}, test {row['test_accuracy']:.2f} %"
        training.progress(note["epoch"], EPOCHS, text, started)
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
    training.finish(
        SLUG,
        evaluate,
        np.stack([x[labels == label][0].numpy() for label in range(10)]),
        portrait(x[labels == 7][:1]),
        split="60,000 digits to train, 10,000 to test",
    )


def tiled(maps: np.ndarray, across: int) -> np.ndarray:
    """(n, height, width) -> one picture of them, that many in a row, a point of 0 between any two."""
    n, height, width = maps.shape
    framed = np.pad(maps, ((0, 0), (0, 1), (0, 1))).reshape(n // across, across, height + 1, width + 1)
    return framed.transpose(0, 2, 1, 3).reshape(n // across * (height + 1), across * (width + 1))[:-1, :-1]


@torch.no_grad()
def portrait(x: Tensor) -> np.ndarray:
    """A digit on its way through the network, -1..1: C1, S2 and C3 below each other; beside them the digit and F6's.

    x: (1, 1, 32, 32); returns float32 (96, 128).
    """
    module = restore(SLUG)
    assert isinstance(module, LeNet5)
    c1 = module.C1_squash(module.C1(x))
    s2 = module.S2_squash(module.S2(c1))
    c3 = module.C3_squash(module.C3(s2))
    c5 = module.C5_squash(module.C5(module.S4_squash(module.S4(c3))))
    f6 = module.F6_picture(module.F6_squash(module.F6(module.flatten(c5))))
    picture = np.zeros((96, 128), np.float32)
    for top, maps, across in ((0, c1, 3), (59, s2, 6), (75, c3, 8)):
        tile = tiled(maps[0].numpy() / Squash.A, across)
        left = (89 - tile.shape[1]) // 2
        picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    picture[:32, 94:126] = PICTURE.unnormalise(x[0].numpy())[0, 0]
    picture[36:, 93:] = np.kron(f6[0, 0].numpy() / Squash.A, np.ones((5, 5), np.float32))
    return picture


def shifted(x: Tensor, pixels: int) -> Tensor:
    """Every digit moved by that many pixels: the first to the right, the next left, down, up, and so on."""
    moved = x.clone()
    around = F.pad(x, (pixels,) * 4, value=GROUND)
    for i, (down, across) in enumerate(((0, 1), (0, -1), (1, 0), (-1, 0))):
        top, left = pixels * (1 - down), pixels * (1 - across)
        moved[i::4] = around[i::4, :, top : top + x.shape[2], left : left + x.shape[3]]
    return moved


def noisy(x: Tensor, percent: int) -> Tensor:
    """That share of all pixels turned to their negative, ink to ground and ground to ink, always the same ones."""
    turned = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < percent / 100
    v = torch.from_numpy(PICTURE.unnormalise(x.numpy()))
    return torch.from_numpy(PICTURE.normalise(torch.where(turned, 1 - v, v).numpy()))


def errors(module: nn.Module, x: Tensor, target: Tensor) -> int:
    """How many of the digits are read as something else."""
    return int((training.outputs(module, x).argmax(1) != target).sum())


def nearest(module: nn.Module, x: Tensor) -> float:
    """The squared distance of F6's picture to the bitmap it is nearest to: the median over all inputs, to a tenth."""
    return round(-training.outputs(module, x).max(1).values.median().item(), 1)


def share(name: str, counts: list[int], of: int, split: str = "test") -> Metric:
    """A metric in %: how many out of `of`, for one network or for every seed."""
    values = tuple(100 * count / of for count in counts)
    return Metric(name, values[0], of, "%", split, values if len(values) > 1 else ())


def evaluate() -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all 10,000 test digits (and 60,000 training digits)."""
    torch.set_num_threads(1)
    x, target = digits("test")
    n = len(x)
    model, twin = restore(SLUG), restore(SLUG, twin=True)
    wrong = [errors(restore(SLUG, seed=seed), x, target) for seed in SEEDS]
    twins = [errors(twin, x, target)]
    found = [
        share("test_error", wrong, n),
        share("test_accuracy", [n - count for count in wrong], n),
        share("train_error", [errors(model, *digits("train"))], len(digits("train")[0]), "train"),
        share("twin_test_error", twins, n),
        share("twin_test_accuracy", [n - count for count in twins], n),
    ]
    for name, change, amounts in (("shift", shifted, SHIFTS), ("noise", noisy, NOISE)):
        for amount in amounts:
            changed = change(x, amount)
            found.append(share(f"{name}_{amount}_error", [errors(model, changed, target)], n))
            found.append(share(f"twin_{name}_{amount}_error", [errors(twin, changed, target)], n))
    rubbish = np.random.default_rng(0).random((RUBBISH_SAMPLES, *PICTURE.shape), np.float32)
    shown = {"digit_distance": x, "rubbish_distance": torch.from_numpy(PICTURE.normalise(rubbish))}
    return (*found, *(Metric(name, nearest(model, pictures), len(pictures)) for name, pictures in shown.items()))
