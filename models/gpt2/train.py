"""GPT-2 on six sources of fiction, nothing seen twice; and its twin, which is attention alone.

    python -m models train gpt2

The last 2 % of every source are held out: neither the vocabulary nor the weights have seen them.
"""

from __future__ import annotations

import hashlib
import math
import re
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, heads, restore, tokens, training
from models.checkpoint import Metric
from models.data import text
from models.gpt2 import CONTEXT, END
from models.gpt2.generate import write_continuations
from models.gpt2.model import GPT2, SMALL
from models.muon import Muon

SLUG = "gpt2"
SEEDS = (0,)
SOURCES = ("novels", "austen", "moby-dick", "alice", "grimm", "andersen")
STEPS = 5_500  # for the twin too
BATCH = 8  # windows of 256 tokens: with so little text, many small steps are worth more than few large ones
RATE = 3e-3  # the learning rate, reached after WARM steps and kept
WARM = 150  # steps
MUON = 6.67  # times that for the matrices inside the blocks, whose steps Muon makes all equally long
MUON_DECAY = 0.01  # of those matrices, times their rate, at every step
FALL = 0.3  # the last share of the training, in which the rate falls to 0 in a straight line
DECAY = 0.1  # of the tokens' vectors, lest they outgrow those of places; normalizations and biases keep their size
CLIP = 1.0  # the longest gradient
TEST_WINDOWS = 48  # held-out windows at each point of the curve: 12,288 tokens
REPEATS = (16, 100)  # sequences, and random tokens before they repeat
CHAPTER = re.compile(r"\n\n(?=(?:CHAPTER|Chapter|BOOK|VOLUME|PART|LETTER|STAVE)\b[^\n]{0,60}\n\n)")
SENTENCE = "“My dear Mr. Bennet,” said Mrs. Bennet, “have you heard that Mrs. Bennet"


def documents(source: str) -> list[str]:
    """A source cut before the headings of its chapters."""
    return [part.strip("\n") for part in CHAPTER.split(source) if part.strip()]


def vocabulary() -> None:
    """Learn the vocabulary on what is trained on, where there is none yet."""
    if not tokens.path(SLUG).exists():
        parts = (part for name in SOURCES for part in documents(text.divided(name)[0]))
        tokens.train(SLUG, parts, SMALL.vocabulary, (END,))


@cache
def stream(split: str) -> np.ndarray:
    """uint16 ids of all documents of "train" or "test", each followed by END; kept in the run folder."""
    version = hashlib.sha256(tokens.path(SLUG).read_bytes()).hexdigest()[:12]
    kept = training.run_folder(SLUG, f"{split}-{version}.npy")
    if not kept.exists():
        tokenizer, found = tokens.tokenizer(SLUG), list[np.ndarray]()
        behind = np.array([end()], np.uint16)
        for name in SOURCES:
            parts = documents(text.divided(name)[split == "test"])
            for first in range(0, len(parts), 32):
                cut = tokenizer.encode_batch_fast(parts[first : first + 32], add_special_tokens=False)
                found += [np.concatenate([np.array(part.ids, np.uint16), behind]) for part in cut]
        part = kept.with_suffix(".part.npy")
        np.save(part, np.concatenate(found))
        part.replace(kept)
    return np.load(kept)


@cache
def windows(split: str) -> Tensor:
    """int64 (windows, 257): END, then 256 tokens of the stream; every token is one window's to predict, once.

    So a window always begins as a text of a visitor's does. The held-out ones are shuffled, for any first few to stand for all.
    """
    ids = torch.from_numpy(stream(split).astype(np.int64))
    ids = ids[: len(ids) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    if split == "test":
        ids = ids[torch.randperm(len(ids), generator=torch.Generator().manual_seed(0))]
    return F.pad(ids, (1, 0), value=end())


def end() -> int:
    """The id of END."""
    return tokens.special(SLUG, END)


@cache
def sizes() -> Tensor:
    """(vocabulary,): the bytes of text that each token stands for, none for END."""
    tokenizer = tokens.tokenizer(SLUG)
    names = (str(tokenizer.id_to_token(i)) for i in range(SMALL.vocabulary))  # a letter a byte
    return torch.tensor([0 if name == END else len(name) for name in names])


@torch.no_grad()
def reading(module: nn.Module, rows: Tensor) -> dict[str, float]:
    """Loss (nats a token), bits a byte and accuracy (%) of the next token over windows (n, 257)."""
    loss, right, device = 0.0, 0, next(module.parameters()).device
    for part in rows.to(device).split(BATCH):
        scores, target = module(part[:, :-1]).flatten(0, 1), part[:, 1:].flatten()
        loss += F.cross_entropy(scores, target, reduction="sum").item()
        right += int((scores.argmax(1) == target).sum())
    count, size = rows[:, 1:].numel(), int(sizes()[rows[:, 1:]].sum())
    return {
        "test_loss": loss / count,
        "bits_per_byte": loss / math.log(2) / size,
        "test_accuracy": 100 * right / count,
    }


def looking_back(module: nn.Module) -> dict[str, float]:
    """The best score of each kind of head on repeated random tokens, and what the repetition is worth (nats a token)."""
    merged = range(257, SMALL.vocabulary)  # after END and the single bytes, some of which no text has
    ids = heads.repeats(*REPEATS, tokens=merged, start=end())
    scores, (first, second) = heads.survey(module, ids.to(next(module.parameters()).device))
    return {f"{kind}_score": score for kind, (score, _, _) in heads.best(scores).items()} | {
        "induction_gain": first - second
    }


def measures(module: nn.Module) -> dict[str, float]:
    """A point of the curve: a part of the held-out text, and the heads."""
    return reading(module, windows("test")[:TEST_WINDOWS]) | looking_back(module)


def rate(step: int, total: int) -> float:
    """Up in a straight line, level, and down to 0."""
    return RATE * min(1.0, (step + 1) / WARM, (total - step) / (FALL * total))


def optimiser(module: GPT2) -> training.Several:
    """Muon (Jordan 2024) for the matrices of the blocks, AdamW for the embeddings, normalizations and biases."""
    inside = [m.weight for m in module.blocks.modules() if isinstance(m, nn.Linear)]
    others = [module.pos_embed.weight, *(p for p in module.parameters() if p.ndim == 1)]
    adam = ({"params": [module.embed.weight], "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0})
    return training.Several(
        Muon([{"params": inside, "scale": MUON}], weight_decay=MUON_DECAY), torch.optim.AdamW(adam, betas=(0.9, 0.98))
    )


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin"."""
    order = training.seed_all(seed)
    module = build(SLUG, "TWIN" if which == "twin" else "SMALL").to(device)
    assert isinstance(module, GPT2)
    optimizer = optimiser(module)
    rows, total = windows("train"), STEPS
    run = training.Run(
        SLUG,
        which,
        seed,
        total=total,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=measures,
        epoch=len(rows) // BATCH,
        snapshots=16,
        looks=30,
    )
    for step in run:
        training.set_rate(optimizer, rate(step, total))
        part = rows[training.epoch_batch(len(rows), BATCH, step, seed)].to(device)
        with training.half(device):
            logits = module(part[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), part[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), CLIP)
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    vocabulary()
    if training.complete(learn, only, device, seeds=SEEDS):
        write_continuations(windows("test")[:, 1:])
        split = (
            f"{len(windows('train')):,} windows of {CONTEXT} tokens to train, {len(windows('test')):,} held out: the last "
            f"{text.HELD_OUT:.0%} of each of {', '.join(SOURCES)}"
        )
        training.finish(SLUG, evaluate, windows("test")[:4, :16].numpy(), portrait(), split=split)


def portrait() -> np.ndarray:
    """Every head's pattern on the first twenty tokens of a sentence: a row a layer; float32 (96, 128), 0..1."""
    ids = torch.tensor([[end(), *tokens.encode(SLUG, SENTENCE)][:20]])
    pattern, _ = heads.patterns(restore(SLUG), ids)
    picture = np.zeros((96, 128), np.float32)
    for layer, row in enumerate(pattern[:, 0].sqrt().numpy()):  # the root, for faint looks to be seen
        for head, tile in enumerate(row):
            picture[25 * layer : 25 * layer + 20, 21 * head + 1 : 21 * head + 21] = tile
    return picture


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all held-out windows or, as one is a whole page, the first `limit` / 4."""
    torch.set_num_threads(1)
    rows, found = windows("test")[: limit and limit // 4], list[Metric]()
    text_ids = windows("test")[0, : CONTEXT - 1]
    for prefix, module in (("", restore(SLUG)), ("twin_", restore(SLUG, twin=True))):
        units = {"test_loss": "nats a token", "bits_per_byte": "bits a byte", "test_accuracy": "%"}
        for name, value in reading(module, rows).items():
            found.append(Metric(prefix + name, value, rows[:, 1:].numel(), units[name]))
        sequences, length = REPEATS
        for name, value in looking_back(module).items():
            unit, count = ("nats a token", length - 1) if name == "induction_gain" else ("", length)
            found.append(Metric(prefix + name, value, sequences * count, unit, "repeated random tokens"))
        pattern, _ = heads.patterns(module, text_ids[None])
        for kind, (score, _, _) in heads.best(heads.on_text(pattern[:, 0], text_ids)).items():
            found.append(Metric(f"{prefix}text_{kind}_score", score, len(text_ids)))
    return tuple(found)
