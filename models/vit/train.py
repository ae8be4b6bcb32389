"""ViT on the 50,000 photographs of CIFAR-10, mostly on half of their patches; and its twin, which is not told where they lie.

python -m models train vit
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, photos, restore, training
from models.checkpoint import Metric
from models.vit.model import ViT

SLUG = "vit"
SEEDS = (0,)
CONFIGS = {"model": "SMALL", "twin": "TWIN"}
EPOCHS = 20  # of the model and of the twin, passes through the training set
BATCH = 64
RATE = 1.5e-3  # the largest learning rate, reached after a tenth of the training
DECAY = 0.05  # of the matrices, times the learning rate, at every step
SMOOTH = 0.1  # of the target is spread evenly over all classes
CLIP = 1.0  # the longest gradient (the paper clips at 1 too)
KEPT = 32  # of the 64 patches, chosen at random for every picture, until ...
WHOLE = 0.85  # ... this share of the training; then the pictures are shown whole
AVERAGED = 0.998  # how much of the averaged weights a step keeps
CURVE = 2_000  # test pictures on which the curve is measured; nothing is chosen by it
DISTANCES = 200  # test pictures over which attention distances are averaged


def kept(z: Tensor, count: int, order: torch.Generator) -> Tensor:
    """The class token and `count` patches of each picture, drawn at random: (n, t, d) -> (n, 1 + count, d)."""
    chosen = 1 + torch.rand(len(z), z.shape[1] - 1, generator=order).topk(count, 1).indices
    chosen = torch.cat([chosen.new_zeros(len(z), 1), chosen], 1).to(z.device)
    return z.gather(1, chosen[:, :, None].expand(-1, -1, z.shape[2]))


def optimiser(module: nn.Module) -> torch.optim.Optimizer:
    """AdamW; only the matrices are pulled towards 0, not biases, norms, positions or the class token."""
    decays = [m.weight for m in module.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    others = [p for p in module.parameters() if all(p is not d for d in decays)]
    groups = [{"params": decays, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=RATE, fused=True)


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin" and save it with its curve and, for seed 0, its snapshots."""
    order = training.seed_all(seed)
    module = build(SLUG, CONFIGS[which]).to(device)
    assert isinstance(module, ViT)
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
            z = module.embed(photos.crops_and_flips(x[part], order).to(device))
            if step < WHOLE * steps:
                z = kept(z, KEPT, order)
            scores = module.encode(z)
        loss = F.cross_entropy(scores.float(), y[part].to(device), label_smoothing=SMOOTH)
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


def similarity(module: ViT) -> Tensor:
    """Cosine similarity of every patch's position embedding to every other's (Fig. 7, centre): (t - 1, t - 1)."""
    places = F.normalize(module.E_pos[0, 1:], dim=1)
    return places @ places.T


def apart(module: ViT) -> Tensor:
    """The distance between the middles of any two patches, in pixels: (t - 1, t - 1)."""
    side = module.config.side // module.config.patch
    places = torch.cartesian_prod(torch.arange(side), torch.arange(side)) * float(module.config.patch)
    return torch.cdist(places, places, compute_mode="donot_use_mm_for_euclid_dist")


@torch.no_grad()
def distances(module: ViT, x: Tensor) -> Tensor:
    """Mean attention distance in pixels (Fig. 7, right; appendix D.7), for every layer and head: (layers, heads).

    The distance from a patch to the patches that it attends to, weighted by how much, averaged over patches and pictures.
    The class token lies nowhere and is left out: what remains of each row is made to add up to 1 again.
    """
    far = apart(module)
    sums = torch.zeros(module.config.layers, module.config.heads)
    handles = []
    patterns = [m for name, m in module.named_modules() if name.endswith("attn.hook_pattern")]
    for layer, hook in enumerate(patterns):

        def add(_module: nn.Module, _inputs: object, pattern: Tensor, layer: int = layer) -> None:
            among = pattern[:, :, 1:, 1:]  # (n, h, query, key)
            sums[layer] += ((among * far).sum(3) / among.sum(3)).mean(2).sum(0)

        handles.append(hook.register_forward_hook(add))
    try:
        for part in x.split(100):
            module(part)
    finally:
        for handle in handles:
            handle.remove()
    return sums / len(x)


def portrait() -> np.ndarray:
    """Fig. 7, centre, drawn by our network: how alike the position embeddings of 6x8 patches are to all others, -1..1.

    A tile is a patch, a square of 2x2 points in it a patch that it is compared with; returns float32 (101, 135).
    """
    module = restore(SLUG)
    assert isinstance(module, ViT)
    side = module.config.side // module.config.patch
    tiles = similarity(module).view(side, side, side, side)[1:-1].numpy()
    framed = np.pad(np.kron(tiles, np.ones((2, 2))), ((0, 0), (0, 0), (0, 1), (0, 1)))  # a point between any two
    rows, columns, height, width = framed.shape
    return framed.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)[:-1, :-1].astype(np.float32)


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all 10,000 test pictures or the first `limit`."""
    torch.set_num_threads(1)
    x, y = (part[:limit] for part in photos.pictures("test"))
    n = len(x)
    model = restore(SLUG)
    assert isinstance(model, ViT)
    found: list[Metric] = []
    for prefix, nets in (
        ("", [restore(SLUG, seed=seed) for seed in SEEDS]),
        ("twin_", [restore(SLUG, twin=True)]),
    ):
        right = [photos.right(net, x, y) for net in nets]
        found.append(photos.share(f"{prefix}test_accuracy", right, n))
        found.append(photos.share(f"{prefix}test_error", [n - count for count in right], n))
    seen = x[:DISTANCES]
    for layer, heads in enumerate(distances(model, seen)):
        for name, value in (("", heads.mean()), ("_nearest", heads.min()), ("_farthest", heads.max())):
            found.append(Metric(f"attention_distance_{layer}{name}", round(value.item(), 2), len(seen), "pixels"))
    return (*found, *places(model))


def places(module: ViT) -> tuple[Metric, ...]:
    """How far the position embeddings have found the grid: mean similarity along lines and off them, nearest ones."""
    alike, far = similarity(module), apart(module)
    side, count = module.config.side // module.config.patch, len(alike)
    row, column = torch.arange(count) // side, torch.arange(count) % side
    line = (row[:, None] == row) ^ (column[:, None] == column)  # the same row or column, and not the patch itself
    other = (row[:, None] != row) & (column[:, None] != column)
    closest = (alike - 2 * torch.eye(count)).argmax(1)
    touching = int((far[torch.arange(count), closest] == module.config.patch).sum())
    return (
        Metric("position_similarity_line", round(alike[line].mean().item(), 3), count, split="weights"),
        Metric("position_similarity_other", round(alike[other].mean().item(), 3), count, split="weights"),
        Metric("position_nearest_touches", 100 * touching / count, count, "%", "weights"),
    )
