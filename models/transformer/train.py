"""The Transformer on 134,987 pairs of Tatoeba, English to French; with one head, and without positions, for as long.

python -m models train transformer
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from models import build, restore, training, translation
from models.checkpoint import Metric
from models.muon import Muon
from models.transformer.model import Transformer

SLUG = "transformer"
SEEDS = (0,)
CONFIGS = {"model": "SMALL", "twin": "TWIN", "no_positions": "NO_POSITIONS"}  # all with the same budget
EPOCHS = 10
BATCH = 4000  # tokens, of both languages and with their padding; the paper has 25,000 of each
RATE = 1.5e-3  # the largest learning rate, reached after a tenth of the training: about what 5.3 gives for 128 units
MUON = 6.0  # times that for the matrices inside the blocks, whose steps Muon makes all equally long
EMBED = 3.0  # times that for the tokens' vectors, which Adam moves a unit at a time and which are as large as 0.09
DECAY = 0.3  # of the tokens' vectors, times their rate, at every step: lest they outgrow those of places
CLIP = 1.0  # the longest gradient
SMOOTH = 0.1  # of the target is spread evenly over the vocabulary (5.4)
AVERAGED = 0.999  # how much of the averaged weights a step keeps
CURVE = 1000  # test pairs on which the curve is measured; nothing is chosen by it
BEAM = 4  # hypotheses, compared with a length penalty of 0.6 (6.1)


def optimiser(module: Transformer) -> training.Several:
    """Muon (Jordan 2024) for the matrices of the blocks; for embedding, normalizations and biases Adam with 5.3's constants."""
    inside = [m.weight for m in module.modules() if isinstance(m, nn.Linear)]
    adam = (
        {"params": [module.embed.weight], "scale": EMBED, "weight_decay": DECAY},
        {"params": [p for p in module.parameters() if p.ndim == 1], "weight_decay": 0.0},
    )
    return training.Several(
        Muon([{"params": inside, "scale": MUON}]), torch.optim.AdamW(adam, betas=(0.9, 0.98), eps=1e-9, fused=True)
    )


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or one of its twins and save it with its curve and, for seed 0, its snapshots."""
    translation.vocabulary(SLUG)
    order = training.seed_all(seed)
    module = build(SLUG, CONFIGS[which]).to(device)
    assert isinstance(module, Transformer)
    optimizer = optimiser(module)
    pairs, held = translation.pairs(SLUG, "train"), translation.pairs(SLUG, "test").part(CURVE)
    epoch = len(pairs.cuts(BATCH))
    steps = EPOCHS * epoch
    run = training.Run(
        SLUG,
        which,
        seed,
        total=steps,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=lambda net: translation.measures(net, held),
        epoch=epoch,
        average=training.Average(module, AVERAGED),
        snapshots=8,
    )
    module.train()
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, steps))
        source, target = (rows.to(device) for rows in pairs.batch(step, seed, BATCH))
        with training.half(device):
            logits = module.teach(source, target[:, :-1]).float()
        loss = translation.loss(logits, target, SMOOTH)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), CLIP)
        with training.half(device):  # Muon's products too
            optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS, trainings=CONFIGS):
        training.finish(
            SLUG, evaluate, translation.golden(SLUG), portrait(), split="134,987 pairs to train, 2,000 to test"
        )


@torch.no_grad()
def portrait() -> np.ndarray:
    """How each head of the decoder looks at the source, 0..1: a row a block, a tile a head, in it a row a target token.

    For the first test pair of ten tokens on either side, special ones included; returns float32 (96, 128).
    """
    module, pairs = restore(SLUG), translation.pairs(SLUG, "test")
    assert isinstance(module, Transformer)
    chosen = next(i for i, lengths in enumerate(pairs.lengths) if lengths == (9, 9))
    seen: list[np.ndarray] = []
    handles = [
        block.get_submodule("cross_attn.hook_pattern").register_forward_hook(
            lambda _m, _i, y: seen.append(y[0].numpy())
        )
        for block in module.decoder.blocks
    ]
    module(translation.packed([pairs.sources[chosen]], [pairs.targets[chosen]]))
    for handle in handles:
        handle.remove()
    tiles = np.pad(np.kron(np.stack(seen), np.ones((3, 3))), ((0, 0), (0, 0), (1, 1), (1, 1)))  # (3, 4, 32, 32)
    return tiles.transpose(0, 2, 1, 3).reshape(96, 128).astype(np.float32)


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, on the first `limit` test pairs."""
    torch.set_num_threads(1)
    networks = {
        "": restore(SLUG),
        "twin_": restore(SLUG, twin=True),
        "no_positions_": restore(SLUG, twin="no_positions"),
    }
    return tuple(m for name, net in networks.items() for m in translation.quality(SLUG, net, name, BEAM, limit))
