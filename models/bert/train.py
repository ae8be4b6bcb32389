"""BERT on English text of all kinds, some of the tokens hidden; and its twin, that reads from left to right.

    python -m models train bert

What is held out is the last 2 % of every source; of the tweets, all but their training split. Model and twin see the same
windows in the same order and are asked for the same number of tokens: the twin for a random 40 % of the next ones, since all
of them would have given it more lessons. Fine-tuning stands in `sentiment/train.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, checkpoint, heads, restore, tokens, training
from models.bert.model import SMALL, Bert
from models.checkpoint import Metric
from models.data import text, tweets

SLUG = "bert"
SEEDS = (0,)
SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[MASK]")
PAD, CLS, SEP, MASK = range(4)
STEPS = 9_000
BATCH = 32  # windows of LENGTH tokens, or half as many of LONG
LENGTH, LONG = 64, 128  # tokens of a window, special ones included; short ones are cheaper (A.2)
SHORT = 0.5  # of the steps have short windows alone
ONE_IN = 3  # of the steps after them has the longest windows there are
RATE = 1.5e-3
DECAY = 0.01
HIDE = 0.15  # of all tokens, where it is measured: eight of ten become [MASK], one any token, one stays (section 3.1)
LEARN = 0.4  # of all tokens, where it learns: with less than one pass more questions teach more (Wettig et al. 2022)
TIMES = {"tweets": 6, "tatoeba-en": 3, "fortunes": 2}  # how often a small source is in the stream; others once
VOCABULARY_TEXT = 3_000_000  # characters of each source that the byte pairs are counted on
LOOK = 256  # held-out windows for the curve
BLANKS = "The doctor [MASK] her hand and said that all would be well."  # for the portrait


def training_texts() -> dict[str, list[str]]:
    """The paragraphs of every source that may be learnt from."""
    found = {name: text.paragraphs(text.divided(name)[0]) for name in text.NAMES}
    return found | {"tweets": list(tweets.read("train")[0])}


@cache
def held_out_texts() -> dict[str, list[str]]:
    """The paragraphs that are kept for measuring: the last 2 % of each source, and the tweets' test split."""
    found = {name: text.paragraphs(text.divided(name)[1]) for name in text.NAMES}
    return found | {"tweets": list(tweets.read("test")[0])}


def vocabulary() -> None:
    """Learn the byte pairs of lower-cased text, unless they are there."""
    from tokenizers import AddedToken, Tokenizer, normalizers

    if tokens.path(SLUG).exists():
        return
    lines: list[str] = []
    for paragraphs in training_texts().values():
        size = 0
        for paragraph in paragraphs:
            lines.append(f" {paragraph.lower()}")
            size += len(paragraph)
            if size > VOCABULARY_TEXT:
                break
    tokens.train(SLUG, lines, SMALL.vocabulary, SPECIAL)
    made = Tokenizer.from_file(str(tokens.path(SLUG)))
    made.normalizer = normalizers.Lowercase()
    made.add_special_tokens([AddedToken("[MASK]", lstrip=True)])  # it stands for the blank before a word as well
    made.save(str(tokens.path(SLUG)))


@dataclass(frozen=True)
class Stream:
    """Paragraphs one after another, each ended by [SEP], and where each begins (the end of all is the last entry)."""

    ids: np.ndarray  # int16 (tokens,)
    begins: np.ndarray  # int64 (paragraphs + 1,)


def stream(paragraphs: list[str]) -> Stream:
    coded = tokens.tokenizer(SLUG).encode_batch(paragraphs)
    ids = [np.array([*line.ids, SEP], np.int16) for line in coded]
    return Stream(np.concatenate(ids), np.concatenate([[0], np.cumsum([len(line) for line in ids])]))


@cache
def everything() -> Stream:
    """All that is learnt from, small sources several times; kept beside the state of the training."""
    from safetensors.numpy import save_file

    kept = training.run_folder(SLUG, f"stream-{checkpoint.sha256(tokens.path(SLUG))[:12]}.safetensors")
    if kept.exists():
        return Stream(**checkpoint.read_arrays(kept))
    parts = []
    for name, paragraphs in training_texts().items():
        parts += [stream(paragraphs)] * TIMES.get(name, 1)
    ends = np.cumsum([0, *(len(part.ids) for part in parts)])
    begins = np.concatenate([part.begins[:-1] + end for part, end in zip(parts, ends, strict=False)])
    made = Stream(np.concatenate([part.ids for part in parts]), np.append(begins, ends[-1]))
    save_file({"ids": made.ids, "begins": made.begins}, kept)
    return made


def windows(source: Stream, count: int, length: int, order: torch.Generator) -> Tensor:
    """`count` windows "[CLS] ... [SEP]", int64 (count, length), from all over the stream.

    A paragraph is chosen as often as it has tokens. If it is short, the window starts with it and goes on to the next
    ones; else it lies anywhere inside.
    """
    size = length - 2
    place = torch.randint(len(source.ids) - size, (count,), generator=order).numpy()
    paragraph = np.searchsorted(source.begins, place, side="right") - 1
    first, end = source.begins[paragraph], source.begins[paragraph + 1]
    start = np.where(end - first <= size, first, np.minimum(place, end - size))
    return framed(source.ids[np.minimum(start, len(source.ids) - size)[:, None] + np.arange(size)])


def framed(rows: np.ndarray) -> Tensor:
    """[CLS] before and [SEP] behind each row."""
    return F.pad(F.pad(torch.from_numpy(rows.astype(np.int64)), (1, 0), value=CLS), (0, 1), value=SEP)


def hide(x: Tensor, order: torch.Generator, share: float = HIDE) -> tuple[Tensor, Tensor]:
    """The masked language model's question: x with tokens hidden, and which, bool like x. No special token is asked for."""
    asked = (torch.rand(x.shape, generator=order) < share) & (x > MASK)
    dice = torch.rand(x.shape, generator=order)
    size = tokens.tokenizer(SLUG).get_vocab_size()
    other = torch.randint(len(SPECIAL), size, x.shape, generator=order)
    changed = torch.where(dice < 0.8, MASK, torch.where(dice < 0.9, other, x))
    return torch.where(asked, changed, x), asked


def answers(module: Bert, x: Tensor, hidden: Tensor, asked: Tensor) -> Tensor:
    """Scores (asked, vocabulary) of the tokens that are asked for. The twin reads x as it is, up to the token before."""
    if module.config.left_to_right:
        return module.predict(module.encode(x)[:, :-1][asked[:, 1:]])
    return module.predict(module.encode(hidden)[asked])


@cache
def held_out(source: str) -> tuple[Tensor, Tensor, Tensor]:
    """Consecutive windows (n, LONG) of a source that was held out, the same with tokens hidden, and which are."""
    ids, size = stream(held_out_texts()[source]).ids, LONG - 2
    x = framed(ids[: len(ids) // size * size].reshape(-1, size))
    return (x, *hide(x, torch.Generator().manual_seed(0)))


def sources() -> tuple[str, ...]:
    return (*text.NAMES, "tweets")


def part(source: str, limit: int | None) -> tuple[Tensor, ...]:
    """A source's held-out windows, or its share of `limit` windows of all sources, at least one."""
    whole = held_out(source)
    if limit is None:
        return whole
    share = limit / sum(len(held_out(name)[0]) for name in sources())
    return tuple(p[: max(1, round(share * len(p)))] for p in whole)


@torch.no_grad()
def score(module: nn.Module, part: tuple[Tensor, ...], size: int = 64) -> tuple[float, int, int]:
    """Sum of losses, how many hidden tokens are found (first guess), and of how many."""
    assert isinstance(module, Bert)
    loss, right, count = 0.0, 0, 0
    device = module.unembed.bias.device
    for x, hidden, asked in zip(*(p.to(device).split(size) for p in part), strict=True):
        found, target = answers(module, x, hidden, asked), x[asked]
        loss += float(F.cross_entropy(found, target, reduction="sum"))
        right, count = right + int((found.argmax(1) == target).sum()), count + len(target)
    return loss, right, count


def measures(module: nn.Module) -> dict[str, float]:
    """Loss and accuracy (%) on LOOK held-out windows of all sources, in their natural proportion."""
    some = zip(*(part(source, LOOK) for source in sources()), strict=True)
    loss, right, count = score(module, tuple(map(torch.cat, some)))
    return {"test_loss": loss / count, "test_accuracy": 100 * right / count}


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin"."""
    order = training.seed_all(seed)
    module = build(SLUG, "TWIN" if which == "twin" else "SMALL").to(device)
    assert isinstance(module, Bert)
    matrices = [p for p in module.parameters() if p.ndim > 1]
    rest = [p for p in module.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98), fused=True)
    epoch = len(everything().ids) / (BATCH * LENGTH)
    run = training.Run(
        SLUG,
        which,
        seed,
        total=STEPS,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=measures,
        epoch=epoch,
        snapshots=8,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, STEPS))
        length = LONG if step >= SHORT * STEPS and step % ONE_IN == 0 else LENGTH
        x = windows(everything(), BATCH * LENGTH // length, length, order)
        hidden, asked = hide(x, order, LEARN)
        x, hidden, asked = x.to(device), hidden.to(device), asked.to(device)
        with training.half(device):
            found = answers(module, x, hidden, asked)
        loss = F.cross_entropy(found.float(), x[asked])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    vocabulary()
    if training.complete(learn, only, device, seeds=SEEDS):
        golden = np.concatenate([held_out(source)[1][:1].numpy() for source in ("novels", "tatoeba-en")])
        training.finish(
            SLUG,
            evaluate,
            golden[:, :16],  # each with 4,000 scores a token
            portrait(),
            split="the first 98 % of each source and the tweets' training split to train, the last 2 % and their test split "
            "to test",
        )


@torch.no_grad()
def portrait() -> np.ndarray:
    """What every head of the trained network attends to as it fills a blank, float32 (4 x 31, 4 x 31), 0..1: a row a layer."""
    module, patterns = restore(SLUG), list[Tensor]()
    heads = [m for name, m in module.named_modules() if name.endswith("hook_pattern")]
    handles = [head.register_forward_hook(lambda _m, _i, y: patterns.append(y[0])) for head in heads]
    x = torch.tensor([[CLS, *tokens.encode(SLUG, BLANKS), SEP]])
    module(x)
    for handle in handles:
        handle.remove()
    side = max(1, 30 // x.shape[1])
    rows = [
        np.concatenate([np.pad(np.kron(head.numpy(), np.ones((side, side))), ((0, 1), (0, 1))) for head in layer], 1)
        for layer in patterns
    ]
    return np.sqrt(np.concatenate(rows)[:-1, :-1]).astype(np.float32)  # square roots: small weights can be seen


ONE = 1_000  # held-out windows with a single blank


def blanks(limit: int | None) -> tuple[Tensor, Tensor]:
    """ONE held-out windows (n, LENGTH) of all sources, or `limit`, with [MASK] in the middle, and what stood there (n,)."""
    x = torch.cat([part(source, limit or ONE)[0][:, : LENGTH - 1] for source in sources()])
    x = F.pad(x, (0, 1), value=SEP)
    middle = LENGTH // 2
    x = x[x[:, middle] > MASK]
    stood = x[:, middle].clone()
    x[:, middle] = MASK
    return x, stood


@torch.no_grad()
def sides(module: Bert, x: Tensor, stood: Tensor) -> dict[str, float]:
    """The share (%) of blanks found when the whole window is seen, and when all of one side is hidden too."""
    before, behind = (x.clone() for _ in range(2))
    before[:, LENGTH // 2 : -1] = MASK
    behind[:, 1 : LENGTH // 2] = MASK
    found = {}
    for name, window in {"both_sides": x, "what_stands_before": before, "what_stands_behind": behind}.items():
        scores = training.outputs(module, window, 64)[:, LENGTH // 2]
        found[f"blank_accuracy_{name}"] = 100 * float((scores.argmax(1) == stood).float().mean())
    return found


@torch.no_grad()
def inside(module: Bert, x: Tensor, stood: Tensor) -> dict[str, float]:
    """How much the strongest head looks from a blank to the token before it and behind it, and what can be read off the
    stream after every block: the share (%) of blanks that its `read` finds. And the share of unhidden tokens kept."""
    middle, streams = LENGTH // 2, list[Tensor]()
    handles = [
        module.get_submodule(f"blocks.{i}.hook_resid_post").register_forward_hook(
            lambda _m, _i, y: streams.append(y[:, middle])
        )
        for i in range(len(module.blocks))
    ]
    pattern, scores = heads.patterns(module, x)
    for handle in handles:
        handle.remove()
    row = pattern[:, :, :, middle].mean(1)  # (layers, heads, keys)
    found = {
        "next_token_head": float(row[..., middle + 1].max()),
        "previous_token_head": float(row[..., middle - 1].max()),
    }
    for i, stream in enumerate(streams):
        found[f"after_block_{i}_accuracy"] = 100 * float((module.read(stream).argmax(1) == stood).float().mean())
    plain = x > MASK
    found["kept_accuracy"] = 100 * float((scores.argmax(2) == x)[plain].float().mean())
    return found


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over all held-out windows or `limit` of them."""
    torch.set_num_threads(1)
    found: list[Metric] = []
    nets = {"masked": restore(SLUG), "twin_next": restore(SLUG, twin=True)}
    for what, module in nets.items():
        sums = {source: score(module, part(source, limit)) for source in sources()}
        loss, right, count = (sum(s[i] for s in sums.values()) for i in range(3))
        found.append(Metric(f"{what}_perplexity", float(np.exp(loss / count)), int(count), "", "held out"))
        found.append(Metric(f"{what}_accuracy", 100 * right / count, int(count), "%", "held out"))
        if what == "masked":
            for source, (_, good, of) in sums.items():
                found.append(
                    Metric(f"{what}_accuracy_{source.replace('-', '_')}", 100 * good / of, of, "%", "held out")
                )
    model, (x, stood) = nets["masked"], blanks(limit)
    assert isinstance(model, Bert)
    for name, value in (sides(model, x, stood) | inside(model, x, stood)).items():
        found.append(Metric(name, value, len(x), "%" if "accuracy" in name else "", "held out"))
    return tuple(found)
