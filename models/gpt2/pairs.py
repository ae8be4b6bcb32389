"""Which pairs of sentences this network solves: grammar and quotation of novels, and the copying it may have learned.

python -m models.gpt2.pairs        measure all families, and keep the best pairs of those it solves

Every frame is filled with both words of every swap. A pair counts if both sentences have equally many tokens and both
answers are one token each. Run it again after a training.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from models import pairs, restore, tokens
from models.gpt2 import PAPER
from models.pairs import Family, Pair, Pairs

SLUG = "gpt2"
SOLVED = 0.75  # the share of its pairs that a family must have solved for the best to be kept (chance: a quarter)
KEEP = 3  # pairs of a family, each in a frame of its own
BATCH = 64


@dataclass(frozen=True)
class Kind:
    """A family before it is measured: frames with a gap {}, the words that fill it, and the answer to each of the two."""

    name: str
    what: str
    frames: Sequence[str]
    swaps: Sequence[tuple[str, str]]
    answers: Sequence[tuple[str, str]]
    own: bool = False  # each swap has an answer of its own, in the same order; else all answers go with all swaps


PEOPLE = (
    ("the man", "the woman"),
    ("the boy", "the girl"),
    ("the king", "the queen"),
    ("my father", "my mother"),
    ("his brother", "his sister"),
    ("her uncle", "her aunt"),
    ("her husband", "his wife"),
    ("the prince", "the princess"),
    ("the gentleman", "the lady"),
    ("the host", "the nun"),
    ("Mr. Bennet", "Mrs. Bennet"),
    ("Mr. White", "Mrs. White"),
    ("old Mr. Smith", "old Mrs. Smith"),
    ("Tom", "Anne"),
    ("John", "Mary"),
    ("Henry", "Elizabeth"),
)
MANY = (
    ("man", "men"),
    ("boy", "boys"),
    ("girl", "girls"),
    ("friend", "friends"),
    ("letter", "letters"),
    ("child", "children"),
    ("sister", "sisters"),
    ("horse", "horses"),
    ("house", "houses"),
    ("door", "doors"),
)
KINDS = (
    Kind(
        "gender of a pronoun",
        "he or she, for whom the sentence spoke of",
        (
            "{} said that",
            "{} knew that",
            "{} thought that",
            "{} went away, because",
            "{} was so much surprised that",
            "When {} came home,",
            "If {} had been there,",
            "{} sat down, and",
            "{} looked at me, and then",
            "{} told me that",
        ),
        PEOPLE,
        ((" he", " she"),),
    ),
    Kind(
        "gender of a possessor",
        "his or her, for whose it is",
        (
            "{} took off",
            "{} shook",
            "{} was proud of",
            "{} opened",
            "{} put out",
            "{} covered",
            "{} was in love with",
            "{} held out the letter in",
            "{} lost",
            "{} stood at the door with",
        ),
        PEOPLE,
        ((" his", " her"),),
    ),
    Kind(
        "himself or herself",
        "the reflexive of whom the sentence spoke of",
        (
            "{} said to",
            "{} threw",
            "{} found",
            "{} thought within",
            "{} had never before been so ashamed of",
            "{} would not allow",
            "{} seated",
            "{} tried to make",
        ),
        PEOPLE,
        ((" himself", " herself"),),
    ),
    Kind(
        "his for he, her for she",
        "whose it is, some words after who it was",
        (
            "Then {} put out",
            "And {} took off",
            "But {} did not take",
            "At last {} looked up from",
            "But {} turned away and shook",
            "Then {} had been a long time away from",
            "And {} sat down at the table and covered",
            "But {} went to the door, and there, with a great cry, lost",
        ),
        (("he", "she"),),
        ((" his", " her"),),
    ),
    Kind(
        "himself for he, herself for she",
        "the reflexive, some words after who it was",
        (
            "At last {} said to",
            "But {} threw",
            "Then {} thought within",
            "And {} would not allow",
            "But {} had never before been so ashamed of",
            "At last {} sat down, and, after a while, found",
        ),
        (("he", "she"),),
        ((" himself", " herself"),),
    ),
    Kind(
        "number of the subject",
        "was or were, is or are, has or have, for one or for many",
        (
            "The {}",
            "The old {}",
            "The little {}",
            "It was then that the {}",
            "I knew that the {}",
            "He said that the {}",
            "When the {}",
            "In the morning the {}",
        ),
        MANY,
        ((" was", " were"), (" is", " are"), (" has", " have")),
    ),
    Kind(
        "number at a distance",
        "was or were, with a noun of the other number or a clause in between",
        (
            "{} of whom you told me",
            "{} whom I had seen in the street",
            "{} at the end of the long road",
            "{}, as I have said,",
            "{}, who had never seen the king,",
            "I saw that {} in the other room",
            "It seems that {}, after all,",
            "And there {} then",
        ),
        (("the man", "the men"), ("this man", "these men"), ("the little thing", "the little things"), ("he", "they")),
        ((" was", " were"),),
    ),
    Kind(
        "person",
        "the verb of I, of you and of he",
        (
            "“{}",
            "“I think that {}",
            "“But {}",
            "“If {}",
            "“It is true that {}",
            "“You know very well that {}",
            "He asked me where {}",
            "“Since {}",
        ),
        (("I", "you"),),
        ((" am", " are"), (" was", " were")),
    ),
    Kind(
        "third person",
        "has or have, is or am, of he or she and of I",
        (
            "“But {}",
            "“I think {}",
            "“You know that {}",
            "“If {}",
            "“It is true that {}",
            "“And so {}",
            "“Because {}",
        ),
        (("she", "I"), ("he", "I")),
        ((" has", " have"), (" is", " am")),
    ),
    Kind(
        "have and the participle",
        "been after have, be after will; seen and see, done and do, and so on",
        (
            "He {}",
            "She {} not",
            "The man {}",
            "I thought it {}",
            "They {} never",
            "“It {}",
            "You {} always",
            "He {} certainly not",
            "It {} perhaps never",
            "They {} not, I think,",
        ),
        (("had", "would"), ("had", "could"), ("had", "should"), ("had", "must"), ("had", "might")),
        ((" been", " be"), (" seen", " see"), (" done", " do"), (" made", " make")),
    ),
    Kind(
        "to and the infinitive",
        "the plain verb after to, the past without it",
        (
            "He was going {}",
            "She was obliged {}",
            "They were about {}",
            "He sat down {}",
            "She got up {}",
            "The man stood up {}",
            "The king came in {}",
        ),
        (("to", "and"),),
        ((" look", " looked"), (" take", " took"), (" go", " went"), (" say", " said"), (" come", " came")),
    ),
    Kind(
        "one or many",
        "the noun after this and these, one and two",
        (
            "I have never seen {}",
            "He looked at {}",
            "What do you think of {}",
            "She was afraid of {}",
            "He had heard of {}",
            "And then {}",
        ),
        (("this", "these"), ("that", "those"), ("one", "two")),
        ((" man", " men"), (" thing", " things")),
    ),
    Kind(
        "a and an",
        "a word that begins with a vowel, or with a consonant",
        (
            "He was {}",
            "She saw {}",
            "There was once {}",
            "It was {}",
            "I have {}",
            "He lived in {}",
            "They came to {}",
            "It was like {}",
        ),
        (("an", "a"),),
        ((" old", " little"), (" old", " young"), (" old", " good"), (" hour", " moment")),
    ),
    Kind(
        "more than, as much as",
        "than or as, after the adjective",
        (
            "He was {} beautiful",
            "She was {} happy",
            "I never saw anything {} great",
            "It was {} certain",
            "There is nothing {} dangerous",
            "He was {} kind to me",
            "They were {} ready to go",
            "It was {} like a dream",
        ),
        (("more", "as"),),
        ((" than", " as"),),
    ),
    Kind(
        "a capital after a full stop",
        "a new sentence after a full stop, none after a comma",
        (
            "He went home{}",
            "She looked at him{}",
            "The old man shook his head{}",
            "They came to the house{}",
            "It was very dark{}",
            "I did not know what to do{}",
            "The king was very angry{}",
            "The door was open{}",
        ),
        ((".", ","), (".", ";")),
        ((" He", " he"), (" And", " and"), (" But", " but"), (" The", " the"), (" It", " it")),
    ),
    Kind(
        "a quotation closes with its mark",
        "a comma and the mark that opened it",
        (
            "{}I am very glad to see you",
            "{}I do not know what you mean",
            "{}Yes, my dear",
            "{}You are very good",
            "{}I will tell you all about it",
            "{}It is a long time ago",
            "{}Come with me",
            "{}I have seen him",
        ),
        (("“", "‘"), ("“", "‘"), ("“", "—"), ("“", "—")),
        ((",”", ",’"), (".”", ".’"), (",”", ","), (".”", ".")),
        own=True,
    ),
    Kind(
        "a question has its mark",
        "a question mark or a full stop at the end of what is said",
        (
            "“{} seen him",
            "“{} been there",
            "“{} told her",
            "“{} come to see me",
            "“{} heard of it",
            "“{} done it",
            "“{} never been there before",
            "“{} left the house",
        ),
        (("Have you", "You have"), ("Have they", "They have"), ("Has he", "He has"), ("Had she", "She had")),
        (("?”", ".”"),),
    ),
    Kind(
        "either and both",
        "or after either, and after both",
        (
            "It was {} good",
            "He was {} afraid",
            "She was {} mad",
            "They were {} dead",
            "I must see {} my father",
            "You are {} a fool",
            "{} the man",
        ),
        (("either", "both"),),
        ((" or", " and"),),
    ),
    Kind(
        "a name comes back",
        "of two names, that which was said, after Mr. or Miss",
        (
            "I have seen Mr. {} to-day. He is a good man, that Mr.",
            "“Good morning, Mr. {},” said he. “Good morning,” said Mr.",
            "Miss {} came in. I was glad to see Miss",
            "Mr. {} sat down. “Well,” said Mr.",
            "It was Mrs. {} who spoke, and nobody ever listened to Mrs.",
        ),
        (("Green", "Brown"), ("Darcy", "Collins"), ("Smith", "White"), ("Reed", "Ball"), ("Vane", "Hale")),
        ((" G", " B"), (" D", " C"), (" S", " W"), (" R", " B"), (" V", " H")),
        own=True,
    ),
    Kind(
        "the same again",
        "a list said a second time: what followed the word before",
        (
            "red {}, green door, red",
            "old {}, young child, old",
            "black {}, white house, long road, black",
            "the great {}, the little girl, the great",
            "first {}, then bread, first",
        ),
        (("man", "hand"), ("door", "house"), ("thing", "place"), ("friend", "father"), ("room", "night")),
        (
            (" man", " hand"),
            (" door", " house"),
            (" thing", " place"),
            (" friend", " father"),
            (" room", " night"),
        ),
        own=True,
    ),
    Kind(
        "who gave what to whom",
        "of two people, the one who has not spoken yet",
        (
            "When the {} and the {} met, the {} gave the letter to the",
            "The {} and the {} were in the room, and the {} spoke to the",
            "There was a {} and there was a {}; the {} loved the",
        ),
        (("man", "woman"), ("father", "girl"), ("friend", "child")),
        ((" woman", " man"), (" girl", " father"), (" child", " friend")),
        own=True,
    ),
)


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
