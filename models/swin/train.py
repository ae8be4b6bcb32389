"""Swin on the 50,000 photographs of CIFAR-10; and its twin, whose windows stay where they are.

python -m models train swin
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, photos, restore, training
from models.checkpoint import Metric
from models.muon import Muon
from models.swin.model import Attention, Swin

SLUG = "swin"
SEEDS = (0,)
CONFIGS = {"model": "SMALL", "twin": "TWIN"}
EPOCHS = 16  # of the model and of the twin, passes through the training set
BATCH = 64
RATE = 3e-3  # the largest learning rate, reached after a tenth of the training
MUON = 5.0  # times that for the matrices inside the blocks, whose steps Muon makes all equally long
DECAY = 0.05  # of the first and the last matrix, times the learning rate, at every step, as in the paper
MUON_DECAY = 0.01  # the same for the matrices inside the blocks
TABLES = 40.0  # times that rate for the tables of relative positions, whose numbers have a longer way to go
SMOOTH = 0.1  # of the target is spread evenly over all classes
CLIP = 1.0  # the longest gradient (the paper clips at 1 too)
AVERAGED = 0.998  # how much of the averaged weights a step keeps
CURVE = 2_000  # test pictures on which the curve is measured; nothing is chosen by it
DISTANCES = 200  # test pictures over which attention distances are averaged


def optimiser(module: Swin) -> training.Several:
    """Muon (Jordan 2024) for the matrices of the stages, AdamW for all else.

    Muon's step is the matrix nearest to the gradient's running mean that turns and does not stretch: no direction is learnt
    faster than another. Only matrices are pulled towards 0, not biases, norms or the tables of relative positions.
    """
    inside = [m.weight for m in module.stages.modules() if isinstance(m, nn.Linear)]
    ends = [module.embed.weight, module.unembed.weight]
    tables = [part.table for part in attentions(module).values()]
    others = [p for p in module.parameters() if all(p is not q for q in (*inside, *ends, *tables))]
    adam = (
        {"params": ends, "weight_decay": DECAY},
        {"params": tables, "weight_decay": 0.0, "scale": TABLES},
        {"params": others, "weight_decay": 0.0},
    )
    return training.Several(
        Muon([{"params": inside, "scale": MUON}], weight_decay=MUON_DECAY),
        torch.optim.AdamW(adam, fused=True),
    )


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin" and save it with its curve and, for seed 0, its snapshots."""
    order = training.seed_all(seed)
    module = build(SLUG, CONFIGS[which]).to(device)
    assert isinstance(module, Swin)
    optimizer = optimiser(module)
    x, y = photos.pictures("train")
    shown, named = (part[:CURVE].to(device) for part in photos.pictures("test"))
    epoch = len(x) // BATCH
    steps = EPOCHS * epoch
    run = training.Run(
        SLUG,
        which,
        seed,
        total=steps,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=lambda net: photos.measures(net, shown, named),
        epoch=epoch,
        average=training.Average(module, AVERAGED),
    )
    module.train()
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, steps))
        part = training.epoch_batch(len(x), BATCH, step, seed)
        with training.half(device):
            scores = module(photos.crops_and_flips(x[part], order).to(device)).float()
        loss = F.cross_entropy(scores, y[part].to(device), label_smoothing=SMOOTH)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), CLIP)
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS):
        training.finish(
            SLUG, evaluate, photos.one_of_each(), portrait(), split="50,000 pictures to train, 10,000 to test"
        )


def attentions(module: nn.Module) -> dict[str, Attention]:
    """The attention of every block by "stage_block"."""
    parts = [(name.split("."), part) for name, part in module.named_modules() if isinstance(part, Attention)]
    return {f"{path[1]}_{path[3]}": part for path, part in parts}  # stages.0.blocks.1.attn


@contextmanager
def kept(hooks: dict[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What each of these modules puts out while the block runs."""
    seen: dict[str, Tensor] = {}

    def keeper(name: str):
        def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            seen[name] = output

        return keep

    handles = [hook.register_forward_hook(keeper(name)) for name, hook in hooks.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def distances(module: Swin, x: Tensor) -> dict[str, Tensor]:
    """Mean attention distance in pixels, for every block by "stage_block": (heads,).

    The distance from a token to those it attends to, weighted by how much, averaged over tokens and pictures.
    """
    found = attentions(module)
    with kept({name: part.hook_pattern for name, part in found.items()}) as seen:
        module(x)
    far = {}
    for name, pattern in seen.items():
        m, pixels = found[name].m, module.config.patch * 2 ** int(name.split("_")[0])  # of a token's side
        place = torch.cartesian_prod(torch.arange(m), torch.arange(m)) * float(pixels)
        apart = torch.cdist(place, place, compute_mode="donot_use_mm_for_euclid_dist")
        far[name] = (pattern * apart).sum(5).mean((0, 1, 2, 4))  # (n, r, c, h, query, key) -> (h,)
    return far


def pixels_seen(module: Swin, x: Tensor, stage: int) -> float:
    """On how many pixels of a picture (1, 3, side, side) a token depends after that stage: the mean over all its tokens."""
    side = module.config.side // module.config.patch // 2**stage
    x = x.expand(side * side, -1, -1, -1).clone().requires_grad_()
    last = module.get_submodule(f"stages.{stage}.blocks.{module.config.depths[stage] - 1}.hook_resid_post")
    with kept({"out": last}) as seen:
        module(x)
    token = torch.arange(side * side)
    out = seen["out"].flatten(2)[token, :, token]  # of copy i of the picture, token i: (tokens, d)
    direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad((out * direction).sum(), x)
    there = gradient.abs() > 1e-20  # a stranger's share is exp(-100): next to nothing, and not quite
    return there.any(1).sum((1, 2)).float().mean().item()


def portrait() -> np.ndarray:
    """The relative position biases of all heads, -1..1, stage after stage: what each adds for a key above, beside, below.

    A tile is a head; its middle is the token itself. Returns float32 (109, 131).
    """
    tiles = []
    for part in attentions(restore(SLUG)).values():
        for head in part.table.detach().T.numpy():
            tile = head.reshape(2 * part.m - 1, 2 * part.m - 1)[::-1, ::-1]  # the table counts from key to query
            tiles.append(np.kron(tile / np.abs(tile).max(), np.ones((3, 3))))
    across, side = 6, len(tiles[0])
    tiles += [np.zeros((side, side))] * (-len(tiles) % across)
    framed = np.pad(np.stack(tiles), ((0, 0), (0, 1), (0, 1)))  # a point between any two
    rows = framed.reshape(-1, across, side + 1, side + 1).transpose(0, 2, 1, 3)
    return rows.reshape(-1, across * (side + 1))[:-1, :-1].astype(np.float32)


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all 10,000 test pictures or the first `limit`."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    n = len(x)
    model, twin = restore(SLUG), restore(SLUG, twin=True)
    assert isinstance(model, Swin)
    assert isinstance(twin, Swin)
    found: list[Metric] = []
    for prefix, nets in (("", [restore(SLUG, seed=seed) for seed in SEEDS]), ("twin_", [twin])):
        right = [photos.right(net, x, y) for net in nets]
        found.append(photos.share(f"{prefix}test_accuracy", right, n))
        found.append(photos.share(f"{prefix}test_error", [n - count for count in right], n))
    for stage in range(2):
        for prefix, net in (("", model), ("twin_", twin)):
            seen = round(pixels_seen(net, x[:1], stage), 1)
            found.append(Metric(f"{prefix}pixels_seen_{stage}", seen, 1, f"of {model.config.side**2:,}"))
    shown = x[:DISTANCES]
    for name, heads in distances(model, shown).items():
        found.append(Metric(f"attention_distance_{name}", round(heads.mean().item(), 2), len(shown), "pixels"))
    return tuple(found)
