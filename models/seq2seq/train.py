"""RNNsearch on 134,987 pairs of Tatoeba, English to French; and its twin, one vector a sentence, for as long.

python -m models train seq2seq
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from models import build, restore, training, translation
from models.checkpoint import Metric
from models.seq2seq.model import RNNsearch

SLUG = "seq2seq"
SEEDS = (0,)
CONFIGS = {"model": "SMALL", "twin": "TWIN"}  # both with the same budget
EPOCHS = 8
BATCH = 4000  # tokens, of both languages and with their padding: some 170 pairs; the paper has 80 pairs
RATE = 2e-3  # the largest learning rate, reached after a tenth of the training
CLIP = 1.0  # the longest gradient (B.2)
SMOOTH = 0.1  # of the target is spread evenly over the vocabulary
AVERAGED = 0.999  # how much of the averaged weights a step keeps
CURVE = 1000  # test pairs on which the curve is measured; nothing is chosen by it
BEAM = 4  # hypotheses, compared with a length penalty of 0.6


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin" and save it with its curve and, for seed 0, its snapshots."""
    translation.vocabulary(SLUG)
    order = training.seed_all(seed)
    module = build(SLUG, CONFIGS[which]).to(device)
    assert isinstance(module, RNNsearch)
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE, betas=(0.9, 0.98), fused=True)
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
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS):
        training.finish(
            SLUG, evaluate, translation.golden(SLUG), portrait(), split="134,987 pairs to train, 2,000 to test"
        )


@torch.no_grad()
def portrait() -> np.ndarray:
    """The alignment of one translation (Fig. 3), 0..1: a row a target token, a column a source token.

    For the longest of the test pairs of up to fifteen and eleven tokens, special ones included; returns float32 (96, 128).
    """
    module, pairs = restore(SLUG), translation.pairs(SLUG, "test")
    short = [i for i, (target, source) in enumerate(pairs.lengths) if target <= 10 and source <= 14]
    chosen = max(short, key=lambda i: sum(pairs.lengths[i]))
    seen: list[np.ndarray] = []
    hook = module.get_submodule("decoder.align.hook_pattern")
    handle = hook.register_forward_hook(lambda _m, _i, pattern: seen.append(pattern[0, 0].numpy()))
    module(translation.packed([pairs.sources[chosen]], [pairs.targets[chosen]]))
    handle.remove()
    target, source = (length + 1 for length in pairs.lengths[chosen])
    drawn = np.kron(seen[0][:target, :source], np.ones((8, 8)))
    top, left = (96 - 8 * target) // 2, (128 - 8 * source) // 2
    return np.pad(drawn, ((top, 96 - 8 * target - top), (left, 128 - 8 * source - left))).astype(np.float32)


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, on the first `limit` test pairs."""
    torch.set_num_threads(1)
    networks = {"": restore(SLUG), "twin_": restore(SLUG, twin=True)}
    return tuple(m for name, net in networks.items() for m in translation.quality(SLUG, net, name, BEAM, limit))
