"""What both networks that translate need: pairs as token ids, batches by length, decoding, BLEU.

A sentence is its tokens and END; a translation begins with START. A pair is int64 (2, tokens): row 0 the source and END,
row 1 START and the target, each filled up with PAD. What a network gives at a position is about the token after it.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import tokens
from models.checkpoint import Metric
from models.data import tatoeba
from models.figure import Axis, Figure, Line, lines, measured, upward

PAD, START, END = 0, 1, 2
SPECIAL = ("<pad>", "<s>", "</s>")
VOCABULARY = 3000  # tokens for both languages together: half of them are whole words, a sentence has about eleven
LENGTHS = ((1, 4), (5, 6), (7, 8), (9, 12), (13, 99))  # words of the source: the groups in which BLEU is told apart
JOINED = (2, 3, 4)  # test pairs in a row as one, for sentences as long as the paper's

Ids = list[list[int]]
State = dict[str, Tensor]  # what a decoder keeps between two tokens; sentences are the first axis of every tensor
Next = Callable[[Tensor, State], tuple[Tensor, State]]  # the last tokens (n,) -> log-probabilities (n, vocabulary)


def vocabulary(slug: str) -> None:
    """Learn the paper's tokens from both languages of the training pairs, if there are none yet."""
    if not tokens.path(slug).exists():
        tokens.train(slug, [s for language in tatoeba.read("train") for s in language], VOCABULARY, SPECIAL)


def encode(slug: str, sentences: Sequence[str]) -> Ids:
    """Token ids of each sentence, without START and END."""
    return [e.ids for e in tokens.tokenizer(slug).encode_batch_fast(list(sentences), add_special_tokens=False)]


def decode(slug: str, ids: Ids) -> list[str]:
    """Sentences of token ids; START, END and PAD are left out."""
    return [s.strip() for s in tokens.tokenizer(slug).decode_batch(ids, skip_special_tokens=True)]


@lru_cache(maxsize=8)
def pairs(slug: str, split: str) -> Pairs:
    """The sentence pairs of a split as that paper's tokens."""
    english, french = tatoeba.read(split)
    return Pairs(encode(slug, english), encode(slug, french))


def padded(rows: Ids, start: bool = False, end: bool = False) -> Tensor:
    """int64 (n, tokens): ids with START before and END after them where that is asked for, then PAD."""
    whole = [[START] * start + ids + [END] * end for ids in rows]
    width = max(map(len, whole))
    return torch.tensor([ids + [PAD] * (width - len(ids)) for ids in whole])


def packed(sources: Ids, targets: Ids) -> Tensor:
    """int64 (n, 2, tokens), as a network takes them: source and END, START and target."""
    source, target = padded(sources, end=True), padded(targets, start=True)
    width = max(source.shape[1], target.shape[1])
    return torch.stack([F.pad(rows, (0, width - rows.shape[1]), value=PAD) for rows in (source, target)], 1)


def golden(slug: str, count: int = 2) -> np.ndarray:
    """The first test pairs of nine tokens on either side, for the golden outputs: (count, 2, 10)."""
    held = pairs(slug, "test")
    chosen = [i for i, lengths in enumerate(held.lengths) if lengths == (9, 9)][:count]
    return packed([held.sources[i] for i in chosen], [held.targets[i] for i in chosen]).numpy()


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sentence pairs as token ids, cut into batches of like length."""

    sources: Ids
    targets: Ids

    @cached_property
    def lengths(self) -> list[tuple[int, int]]:
        return [(len(t), len(s)) for s, t in zip(self.sources, self.targets, strict=True)]

    @lru_cache(maxsize=4)  # noqa: B019 (a few instances live as long as the program)
    def cuts(self, budget: int) -> tuple[tuple[int, int], ...]:
        """First and last + 1 of every batch, in order of length: what a network is given of it stays within `budget`."""
        found, first = [], 0
        ordered = sorted(self.lengths)
        longest = 0
        for i, (target, source) in enumerate(ordered):
            longest = max(longest, source + 1)
            if (i + 1 - first) * (longest + target + 1) > budget and i > first:
                found.append((first, i))
                first, longest = i, source + 1
        return (*found, (first, len(ordered)))

    @lru_cache(maxsize=2)  # noqa: B019
    def epoch(self, number: int, seed: int, budget: int) -> tuple[list[int], list[tuple[int, int]]]:
        """The order of the pairs in one epoch, and its batches in the order they come."""
        order = random.Random(f"{seed}.{number}")
        indices = list(range(len(self.sources)))
        order.shuffle(indices)  # pairs of equal lengths change places
        indices.sort(key=self.lengths.__getitem__)
        return indices, order.sample(self.cuts(budget), len(self.cuts(budget)))

    def batch(self, step: int, seed: int, budget: int) -> tuple[Tensor, Tensor]:
        """Batch `step`, counted over all epochs: (n, source) with END and (n, 1 + target + 1) with START and END.

        Its pairs are of like length. Sources, and targets up to their last but one, which is what a network is given, have
        at most `budget` tokens with their padding. Nothing is remembered between calls.
        """
        number, place = divmod(step, len(self.cuts(budget)))
        indices, cuts = self.epoch(number, seed, budget)
        chosen = indices[slice(*cuts[place])]
        target = padded([self.targets[i] for i in chosen], start=True, end=True)
        return padded([self.sources[i] for i in chosen], end=True), target

    def part(self, count: int | None) -> Pairs:
        return Pairs(self.sources[:count], self.targets[:count])


class Translator(nn.Module):
    """A network of a source reader and a decoder. Its forward takes (n, 2, tokens), packed as above."""

    def teach(self, source: Tensor, target: Tensor) -> Tensor:
        """(n, source), (n, target) -> (n, target, vocabulary): logits of the token after each, the right ones shown."""
        raise NotImplementedError

    def start(self, source: Tensor) -> State:
        """What the decoder has to know of the sources (n, tokens) before the first token."""
        raise NotImplementedError

    def next(self, last: Tensor, state: State) -> tuple[Tensor, State]:
        """The last tokens (n,) -> log-probabilities of the next ones (n, vocabulary), and the state after them."""
        raise NotImplementedError


class CrossEntropy(torch.autograd.Function):
    """`F.cross_entropy` with smoothing, over what is not PAD: its gradient in one tensor of the logits' size, not five."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, right: Tensor, smoothing: float) -> Tensor:
        """Logits (n, vocabulary) of the tokens `right` (n,) -> a scalar, in nats."""
        logs, share = logits.log_softmax(1), (right != PAD) / (right != PAD).sum()
        ctx.save_for_backward(logs, right, share)
        ctx.smoothing = smoothing
        wanted = logs.gather(1, right[:, None])[:, 0].lerp(logs.mean(1), smoothing)
        return -(wanted * share).sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        """What was given minus what is wanted: (1 - smoothing) of the right token, the rest over all alike."""
        logs, right, share = ctx.saved_tensors
        given = logs.exp().sub_(ctx.smoothing / logs.shape[1])
        given[torch.arange(len(right), device=right.device), right] -= 1 - ctx.smoothing
        return given.mul_((share * grads[0])[:, None]), None, None


def loss(logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy a token: logits (n, t, vocabulary) of target[:, 1:] (n, t); PAD does not count."""
    found: Tensor = CrossEntropy.apply(logits.flatten(0, 1), target[:, 1:].flatten(), smoothing)
    return found


@torch.no_grad()
def measures(module: nn.Module, held: Pairs, budget: int = 8000) -> dict[str, float]:
    """Cross-entropy a token in nats, and how many tokens (%) are guessed right when the right ones before are shown."""
    assert isinstance(module, Translator)
    total = right = count = 0.0
    device = next(module.parameters()).device
    for step in range(len(held.cuts(budget))):
        source, target = (rows.to(device) for rows in held.batch(step, 0, budget))
        logits = module.teach(source, target[:, :-1])
        known = target[:, 1:] != PAD
        total += loss(logits, target).item() * int(known.sum())
        right += int((logits.argmax(-1) == target[:, 1:])[known].sum())
        count += int(known.sum())
    return {"test_loss": total / count, "test_accuracy": 100 * right / count}


@torch.no_grad()
def beam(next_token: Next, state: State, limit: int, width: int, alpha: float = 0.6) -> Ids:
    """The best translation of each sentence that a beam of `width` finds, of at most `limit` tokens; width 1 is greedy.

    Hypotheses compare by log-probability / ((5 + length) / 6)^alpha (Wu et al. 2016). A sentence is done once its best
    finished one is ahead of its best open one.
    """
    n = len(next(iter(state.values())))
    state = {k: v.repeat_interleave(width, 0) for k, v in state.items()}
    device = next(iter(state.values())).device
    open_ = torch.arange(n)  # the sentences that are not done yet, `width` rows of the state each
    scores = torch.full((n, width), -torch.inf)
    scores[:, 0] = 0.0  # all hypotheses start alike: only one of them may be continued
    written = torch.full((n, width, 1), START)
    best: list[tuple[float, list[int]]] = [(-torch.inf, [])] * n
    for length in range(1, limit + 1):
        logs, state = next_token(written[:, :, -1].flatten().to(device), state)  # (sentences * width, vocabulary)
        logs[:, [PAD, START]] = -torch.inf
        options = scores[:, :, None] + logs.float().cpu().view(len(open_), width, -1)
        scores, flat = options.flatten(1).topk(2 * width)  # half of them go on, even if `width` end here
        parent, token = flat // options.shape[-1], flat % options.shape[-1]
        normal = scores / ((5 + length) / 6) ** alpha
        for row, column in ((token == END) & scores.isfinite())[:, :width].nonzero().tolist():
            sentence, found = int(open_[row]), written[row, parent[row, column], 1:].tolist()
            best[sentence] = max(best[sentence], (normal[row, column].item(), found), key=lambda pair: pair[0])
        going = torch.arange(2 * width) + 2 * width * (token == END)  # those that do not end, in order of their score
        kept = going.argsort(1)[:, :width]
        scores, parent, token, normal = (x.gather(1, kept) for x in (scores, parent, token, normal))
        before = written.gather(1, parent[:, :, None].expand(-1, -1, length))
        written = torch.cat([before, token[:, :, None]], 2)
        behind = normal[:, 0] <= torch.tensor([best[i][0] for i in open_.tolist()])
        if length == limit:
            for row in (~behind).nonzero()[:, 0].tolist():
                best[int(open_[row])] = (normal[row, 0].item(), written[row, 0, 1:].tolist())
        rows = torch.arange(len(open_))[:, None] * width + parent
        state = {k: v[rows[~behind].flatten().to(device)] for k, v in state.items()}
        open_, scores, written = open_[~behind], scores[~behind], written[~behind]
        if not len(open_):
            break
    return [ids for _, ids in best]


@torch.no_grad()
def translate(module: nn.Module, sources: Ids, width: int = 1, budget: int = 4000) -> Ids:
    """Token ids of the translations, at most twice as long as their source and 10 more; like lengths go together."""
    assert isinstance(module, Translator)
    device = next(module.parameters()).device
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    found: Ids = [[] for _ in sources]
    while order:
        count = max(1, budget // (width * (len(sources[order[-1]]) + 1)))
        part, order = order[-count:], order[:-count]
        source = padded([sources[i] for i in part], end=True).to(device)
        limit = 2 * source.shape[1] + 10
        for i, ids in zip(part, beam(module.next, module.start(source), limit, width), strict=True):
            found[i] = ids
    return found


def bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    """sacreBLEU over all sentences, 0..100, one reference each: its own tokens (13a), case kept."""
    return float(_scorer().corpus_score(list(translations), [list(references)]).score)


def signature() -> str:
    """How sacreBLEU counted, for whoever compares."""
    scorer = _scorer()
    scorer.corpus_score(["a"], [["a"]])
    return str(scorer.get_signature())


def _scorer():
    from sacrebleu.metrics import BLEU

    return BLEU()


def by_length(sources: Sequence[str], said: Sequence[str], wanted: Sequence[str]) -> dict[str, tuple[float, int]]:
    """BLEU, and of how many sentences, for each group of LENGTHS in words of the source: {"1_4": (61.2, 340), ...}."""
    found = {}
    for low, high in LENGTHS:
        chosen = [i for i, s in enumerate(sources) if low <= len(s.split()) <= high]
        if chosen:
            score = bleu([said[i] for i in chosen], [wanted[i] for i in chosen])
            found[f"{low}_{high}"] = (score, len(chosen))
    return found


def joined(sentences: Sequence[str], times: int, count: int) -> list[str]:
    """`count` long sentences: the first `times`, one after the other, then the next `times`, and so on."""
    return [" ".join(sentences[i * times : (i + 1) * times]) for i in range(count)]


def quality(slug: str, module: nn.Module, name: str, width: int, limit: int | None = None) -> tuple[Metric, ...]:
    """What a record says of a network that translates, every metric's name after `name`; on the first `limit` test pairs.

    Loss, perplexity and accuracy a token with the right ones before shown; BLEU of what a beam of `width` finds for all
    pairs, for each group of lengths, and for a tenth as many sentences that are two, three or four in a row.
    """
    english, french = (sentences[:limit] for sentences in tatoeba.read("test"))
    n, shown = len(english), measures(module, pairs(slug, "test").part(limit))
    said = decode(slug, translate(module, encode(slug, english), width))
    found = [
        Metric("bleu", bleu(said, french), n),
        Metric("test_loss", shown["test_loss"], n, "nats a token"),
        Metric("perplexity", math.exp(shown["test_loss"]), n),
        Metric("test_accuracy", shown["test_accuracy"], n, "%"),
    ]
    for words, (score, count) in by_length(english, said, french).items():
        found.append(Metric(f"bleu_words_{words}", score, count))
    for times in JOINED:
        given, wanted = (joined(sentences, times, n // 10) for sentences in (english, french))
        said = decode(slug, translate(module, encode(slug, given), width))
        found.append(Metric(f"bleu_joined_{times}", bleu(said, wanted), n // 10))
    return tuple(dataclasses.replace(m, name=name + m.name) for m in found)


def drawn(slug: str, said: str, names: dict[str, str]) -> Figure:
    """BLEU by the length of the source, for the networks whose metrics begin with the keys of `names` (Bahdanau's Fig. 2).

    To the right, and not joined to the others, several test sentences in a row; `said` is how the caption begins.
    """
    words = [(f"bleu_words_{low}_{high}", f"{low} to {high}" if high < 99 else f"{low} +") for low, high in LENGTHS]
    rows = [(f"bleu_joined_{times}", f"{times} in one") for times in JOINED]
    places = {metric: place for place, (metric, _) in enumerate(words + rows)}
    drawn = []
    for colour, (prefix, name) in enumerate(names.items()):
        for group, shown in ((words, ""), (rows, name)):
            points = [(places[metric], measured(slug, prefix + metric).value) for metric, _ in group]
            drawn.append(Line(shown, points, colour, dots=True))
    title = f"BLEU by words of the sentence: {', '.join(names.values())}"
    x = Axis(
        "words of the English sentence, and test sentences in one",
        -0.3,
        len(places) - 0.7,
        tuple(places.values()),
        tuple(shown for _, shown in words + rows),
    )
    svg = lines(title, x, upward("BLEU", max(y for line in drawn for _, y in line.points)), drawn)
    told = words[0][0], words[-1][0], rows[-1][0]
    falls = (
        f"{name} {', '.join(f'{measured(slug, prefix + metric).value:.1f}' for metric in told)}"
        for prefix, name in names.items()
    )
    return Figure(
        svg,
        title,
        f"*{said}* BLEU of sentences of up to {LENGTHS[0][1]} words, of {LENGTHS[-1][0]} and more "
        f"(only {measured(slug, told[1]).samples} sentences), and of {JOINED[-1]} test sentences in one: {'; '.join(falls)}.",
    )
