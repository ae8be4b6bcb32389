"""Which pairs of sentences this network solves: grammar and quotation of novels, and the copying it may have learned.

python -m models.gpt2.pairs        measure all families, and keep the best pairs of those it solves

Every frame is filled with both words of every swap. A pair counts if both sentences have equally many tokens and both
answers are one token each. Run it again after a training.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn

from models import pairs, restore, tokens
from models.gpt2 import PAPER
from models.gpt2.frames import KINDS, Kind
from models.pairs import Family, Pair, Pairs

SLUG = "gpt2"
SOLVED = 0.75  # the share of its pairs that a family must have solved for the best to be kept (chance: a quarter)
KEEP = 3  # pairs of a family, each in a frame of its own
BATCH = 64


def candidates(kind: Kind) -> Iterator[tuple[str, Pair]]:
    """(frame, pair not yet measured): all that are of equal length and have answers of one token."""
    ways = zip(kind.swaps, kind.answers, strict=True) if kind.own else itertools.product(kind.swaps, kind.answers)
    for frame, (swap, answer) in itertools.product(kind.frames, ways):
        clean, corrupted = (_filled(frame, word, swap) for word in swap)
        equal = len(tokens.encode(SLUG, clean)) == len(tokens.encode(SLUG, corrupted))
        if equal and all(_follows(text, token) for text in (clean, corrupted) for token in answer):
            yield frame, Pair(kind.name, clean, corrupted, *answer, 0.0, 0.0)


def _filled(frame: str, word: str, swap: tuple[str, str]) -> str:
    """The frame with its gap filled; three gaps are both words in a fixed order and then this one."""
    text = frame.format(*swap, word) if frame.count("{}") == 3 else frame.format(word)
    return text[0].upper() + text[1:] if frame.startswith("{}") else text


def _follows(text: str, token: str) -> bool:
    """Whether the token is one, and stays one behind the text."""
    before = tokens.encode(SLUG, text)
    behind = tokens.encode(SLUG, text + token)
    return len(behind) == len(before) + 1 and behind[:-1] == before


@torch.no_grad()
def measured(module: nn.Module, found: Sequence[Pair]) -> list[Pair]:
    """The same pairs with their differences of logits, those of equal length together."""
    rows: dict[int, list[int]] = defaultdict(list)
    ids = [[PAPER.takes.parse(text)[0] for text in (pair.clean, pair.corrupted)] for pair in found]
    for i, (clean, _) in enumerate(ids):
        rows[len(clean)].append(i)
    done = list(found)
    for which in rows.values():
        for part in (which[k : k + BATCH] for k in range(0, len(which), BATCH)):
            given = torch.tensor([[row.tolist() for row in ids[i]] for i in part]).flatten(0, 1)
            scores = module(given)[:, -1].unflatten(0, (-1, 2))  # (pairs, 2, V)
            for i, (clean, corrupted) in zip(part, scores, strict=True):
                target, against = (tokens.encode(SLUG, t)[0] for t in (found[i].target, found[i].against))
                differences = [float(side[target] - side[against]) for side in (clean, corrupted)]
                done[i] = replace(found[i], clean_difference=differences[0], corrupted_difference=differences[1])
    return done


def survey(module: nn.Module) -> Pairs:
    """All families measured; the best pairs of those that are solved, each frame of a family once: the far ones first."""
    families, kept = [], []
    for kind in KINDS:
        frames, fresh = zip(*candidates(kind), strict=True)
        found = measured(module, fresh)
        solved = sum(pair.margin > 0 for pair in found) / len(found)
        right = sum((p.clean_difference > 0) + (p.corrupted_difference < 0) for p in found) / len(found) / 2
        families.append(Family(kind.name, kind.what, len(found), round(solved, 4), round(right, 4), solved >= SOLVED))
        if families[-1].kept:
            best: dict[str, Pair] = {}
            for frame, pair in sorted(zip(frames, found, strict=True), key=lambda item: _merit(item[1])):
                best.setdefault(frame, pair)
            kept += [_short(pair) for pair in list(best.values())[:KEEP] if pair.margin > 0]
    return Pairs(tuple(families), tuple(sorted(kept, key=lambda pair: (-_bridge(pair), -pair.margin))))


def _bridge(pair: Pair) -> int:
    """The tokens from the difference to the end: how far attention has to carry it."""
    clean, corrupted = (tokens.encode(SLUG, text) for text in (pair.clean, pair.corrupted))
    return len(clean) - 1 - max(i for i, (a, b) in enumerate(zip(clean, corrupted, strict=True)) if a != b)


def _merit(pair: Pair) -> tuple[bool, float]:
    """In a family: solved with a bridge first, then by margin."""
    return _bridge(pair) == 0 or pair.margin <= 0, -pair.margin


def _short(pair: Pair) -> Pair:
    """Differences to four digits: what a file should hold."""
    return replace(
        pair,
        clean_difference=round(pair.clean_difference, 4),
        corrupted_difference=round(pair.corrupted_difference, 4),
    )


def main() -> None:
    torch.set_num_threads(1)
    found = survey(restore(SLUG))
    pairs.write(SLUG, found)
    for family in sorted(found.families, key=lambda f: -f.solved):
        print(
            f"{family.name:<42}{family.tried:>5} pairs, {family.solved:>6.1%} solved, {family.right:.1%} of sentences"
        )
    for pair in found.pairs:
        print(f"{pair.margin:6.2f}  {pair.clean!r} / {pair.corrupted!r}: {pair.target!r} / {pair.against!r}")


if __name__ == "__main__":
    main()
