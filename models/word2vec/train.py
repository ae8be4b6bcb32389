"""word2vec on sixteen million words of English: skip-gram, its twin CBOW, and skip-gram with other windows.

    python -m models train word2vec

A word is a run of letters, apostrophes inside it included, in lower case; the 7,999 most frequent ones are the vocabulary.
Other words are left out before windows are laid. No window reaches beyond its paragraph. All trainings read the same words
for the same number of passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from models import build, checkpoint, notes, restore, tokens, training
from models.checkpoint import Metric
from models.data import text
from models.word2vec import analogies
from models.word2vec.model import SMALL, UNKNOWN, Word2Vec

SLUG = "word2vec"
SEEDS = (0,)
WHICH = {"model": "SMALL", "twin": "TWIN", "window_2": "WINDOW_2", "window_10": "WINDOW_10"}
SPECIAL = ("[UNK]",)
WORD = r"\p{L}+(?:'\p{L}+)*"
EPOCHS = 4  # passes through the words that subsampling leaves
BATCH = 2048  # words with what is near them
RATE = 3e-3  # of Adam, falling to 0 in a straight line as in the published code
NEGATIVE = 5  # k: negative samples an example (II, section 2.2: 5 to 20 for small data sets)
NOISE = 64  # words drawn for a batch, which share those k
POWER = 0.75  # of a word's frequency, by which it is drawn (II, section 2.2)
SAMPLE = (
    1e-4  # t: words more frequent than this are left out at times (II, Eq. 5; 1e-5 there, for a text 60 times as long)
)
LOOK = 20_000  # held-out words on which the loss is measured
SHOWN = tuple(  # words whose neighbours stand in the note; two lines of eight
    "king mother paris river happy quickly seven walked war house money science horse red night freedom".split()
)


def vocabulary() -> None:
    """Count the words and keep the most frequent ones, unless that has been done."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    if tokens.path(SLUG).exists():
        return
    made = Tokenizer(models.WordLevel(unk_token=SPECIAL[UNKNOWN]))
    made.normalizer = normalizers.Sequence([normalizers.Replace("’", "'"), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    trainer = trainers.WordLevelTrainer(vocab_size=SMALL.vocabulary, special_tokens=list(SPECIAL), show_progress=False)
    made.train_from_iterator((line for name in text.NAMES for line in text.paragraphs(text.divided(name)[0])), trainer)
    tokens.path(SLUG).parent.mkdir(parents=True, exist_ok=True)
    made.save(str(tokens.path(SLUG)))


@dataclass(frozen=True)
class Words:
    """A text as words of the vocabulary, (words,) each: their ids, int16, and which paragraph they stand in, int32."""

    ids: np.ndarray
    paragraph: np.ndarray

    def kept(self, which: np.ndarray) -> Words:
        return Words(self.ids[which], self.paragraph[which])


def words(paragraphs: list[str]) -> Words:
    coded = [line.ids for line in tokens.tokenizer(SLUG).encode_batch_fast(paragraphs, add_special_tokens=False)]
    ids = np.concatenate([np.array(line, np.int16) for line in coded])
    paragraph = np.repeat(np.arange(len(coded), dtype=np.int32), [len(line) for line in coded])
    return Words(ids, paragraph).kept(ids != UNKNOWN)


@cache
def everything() -> Words:
    """All that is learnt from; kept beside the state of the training."""
    from safetensors.numpy import save_file

    kept = training.run_folder(SLUG, f"words-{checkpoint.sha256(tokens.path(SLUG))[:12]}.safetensors")
    if kept.exists():
        return Words(**checkpoint.read_arrays(kept))
    made = words([line for name in text.NAMES for line in text.paragraphs(text.divided(name)[0])])
    save_file({"ids": made.ids, "paragraph": made.paragraph}, kept)
    return made


@cache
def frequency() -> np.ndarray:
    """(vocabulary,): each word's share of all words of the text."""
    counts = np.bincount(everything().ids, minlength=SMALL.vocabulary)
    return counts / counts.sum()


def chance() -> np.ndarray:
    """(vocabulary,): how likely an occurrence is kept: sqrt(t / f), all where f < t (II, Eq. 5)."""
    return np.minimum(1.0, np.sqrt(SAMPLE / np.maximum(frequency(), 1e-12)))


@lru_cache(maxsize=1)
def subsampled(epoch: int, seed: int) -> Words:
    """The words of one pass. Frequent ones are left out at random, and windows reach farther for it."""
    dice = np.random.default_rng((seed, epoch)).random(len(everything().ids), np.float32)
    return everything().kept(dice < chance().astype(np.float32)[everything().ids])


def surroundings(read: Words, place: np.ndarray, window: int, distance: np.ndarray) -> tuple[Tensor, Tensor]:
    """The words at `place` (n,), and those up to `distance` (n,) from them, (n, 2 window), UNKNOWN where none counts."""
    offset = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
    there = np.clip(place[:, None] + offset, 0, len(read.ids) - 1)
    good = (np.abs(offset) <= distance[:, None]) & (read.paragraph[there] == read.paragraph[place][:, None])
    good &= there != place[:, None]  # at either end of the text
    near = np.where(good, read.ids[there], UNKNOWN)
    return torch.from_numpy(read.ids[place].astype(np.int64)), torch.from_numpy(near.astype(np.int64))


@cache
def noise_table() -> Tensor:
    """(vocabulary,): running sums of the noise distribution, f to the power of 3/4."""
    share = torch.from_numpy(frequency()).pow(POWER)
    share[UNKNOWN] = 0
    return (share / share.sum()).cumsum(0)


def noise(count: int, order: torch.Generator) -> Tensor:
    """Word ids drawn from the noise distribution."""
    dice = torch.rand(count, generator=order, dtype=torch.float64)
    return torch.searchsorted(noise_table(), dice, right=True).clamp(max=SMALL.vocabulary - 1)


@cache
def held_out() -> Words:
    """The last 2 % of every source, subsampled as the training text is."""
    found = words([line for name in text.NAMES for line in text.paragraphs(text.divided(name)[1])])
    return found.kept(np.random.default_rng(0).random(len(found.ids)) < chance()[found.ids])


@torch.no_grad()
def held_out_loss(module: Word2Vec, count: int) -> float:
    """Eq. 4 on `count` held-out words with the nearest ones on each side, against always the same noise."""
    read, order = held_out(), torch.Generator().manual_seed(0)
    place = np.linspace(0, len(read.ids) - 1, min(count, len(read.ids))).astype(np.int64)
    centre, near = surroundings(read, place, module.config.window, np.full(len(place), module.config.window))
    device = module.input.weight.device
    return module.loss(centre.to(device), near.to(device), noise(1000, order).to(device), NEGATIVE).item()


def measures(module: nn.Module) -> dict[str, float]:
    """Loss on held-out text, and the share of analogies that are right (%)."""
    assert isinstance(module, Word2Vec)
    right = analogies.answers(module.input.weight.detach().cpu(), SLUG)
    accuracy = 100 * sum(map(sum, right.values())) / sum(map(len, right.values()))
    return {"test_loss": held_out_loss(module, LOOK), "test_accuracy": accuracy}


def learn(which: str, seed: int, device: str) -> None:
    """Train one of WHICH."""
    order = training.seed_all(seed)
    module = build(SLUG, WHICH[which]).to(device)
    assert isinstance(module, Word2Vec)
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE, fused=True)
    epoch = int((frequency() * chance()).sum() * len(everything().ids)) // BATCH
    total, window = EPOCHS * epoch, module.config.window
    run = training.Run(
        SLUG,
        which,
        seed,
        total=total,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=measures,
        epoch=epoch,
    )
    for step in run:
        training.set_rate(optimizer, RATE * (1 - step / total))
        read = subsampled(step // epoch, seed)
        place = torch.randint(len(read.ids), (BATCH,), generator=order).numpy()
        distance = torch.randint(1, window + 1, (BATCH,), generator=order).numpy()
        centre, near = surroundings(read, place, window, distance)
        loss = module.loss(centre.to(device), near.to(device), noise(NOISE, order).to(device), NEGATIVE)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    vocabulary()
    if training.complete(learn, only, device, seeds=SEEDS, trainings=WHICH):
        module = restore(SLUG)
        assert isinstance(module, Word2Vec)
        vectors = module.input.weight
        asked = [tokens.encode(SLUG, " ".join(line)) for line in (SHOWN[:8], SHOWN[8:16])]
        training.finish(
            SLUG,
            evaluate,
            np.array(asked, np.int64),
            portrait(vectors),
            split="the first 98 % of each source to train; analogies of our own",
        )
        note_neighbours(vectors)


def portrait(vectors: Tensor) -> np.ndarray:
    """Pairs of analogies on the plane in which their differences lie, as in Fig. 2 of the second paper: float32 (96, 128).

    Each pair of the relation "family" is a line from one word to the other, -1 at its first end and 1 at its second.
    """
    pairs = [(q[0], q[1]) for q in analogies.questions(analogies.relations()["family (semantic)"], SLUG).tolist()]
    ends = torch.tensor(sorted(set(pairs)))  # (pairs, 2)
    unit = nn.functional.normalize(vectors, dim=1)[ends]  # (pairs, 2, width)
    across = (unit[:, 1] - unit[:, 0]).mean(0)
    across = across / across.norm()
    rest = unit - (unit @ across)[..., None] * across
    down = torch.linalg.svd(rest.flatten(0, 1) - rest.mean((0, 1)), full_matrices=False).Vh[0]
    place = torch.stack([unit @ down, unit @ across], 2)  # (pairs, 2 ends, down and across)
    low, high = place.amin((0, 1)), place.amax((0, 1))
    place = (place - low) / (high - low) * torch.tensor([91.0, 123.0]) + 2
    picture = np.zeros((96, 128), np.float32)
    for first, second in place:
        for t in torch.linspace(0, 1, 200):
            y, x = (first + t * (second - first)).round().int().tolist()
            picture[y, x] = 2 * float(t) - 1
    return picture


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk: analogies by relation, and the loss on held-out text."""
    torch.set_num_threads(1)
    found: list[Metric] = []
    for which in WHICH:
        module = restore(SLUG, twin=training.twin_of(which))
        assert isinstance(module, Word2Vec)
        right = analogies.answers(module.input.weight, SLUG)
        name = "" if which == "model" else f"{which}_"
        for kind in ("", "semantic", "syntactic"):
            chosen = [r for relation, rs in right.items() if kind in relation for r in rs]
            share = 100 * sum(chosen) / len(chosen)
            found.append(Metric(f"{name}{kind or 'analogy'}_accuracy", share, len(chosen), "%", "analogies"))
        if which in ("model", "twin"):
            for relation, rs in right.items():
                short = relation.split(" (")[0].replace(" ", "_")
                found.append(Metric(f"{name}analogy_{short}", 100 * sum(rs) / len(rs), len(rs), "%", "analogies"))
        count = min(len(held_out().ids), limit or LOOK)
        found.append(Metric(f"{name}held_out_loss", held_out_loss(module, count), count, "nats", "held out"))
    return tuple(found)


START, END = "<!-- neighbours: python -m models train word2vec -->", "<!-- /neighbours -->"


def note_neighbours(vectors: Tensor) -> None:
    """Write the table of nearest words into the note."""
    path = notes.path(SLUG)
    head, rest = path.read_text("utf8").split(START, 1)
    rows = [f"| {word} | {', '.join(analogies.neighbours(vectors, word, SLUG))} |" for word in SHOWN]
    table = "\n".join(["| word | nearest first |", "|---|---|", *rows])
    path.write_text(f"{head}{START}\n{table}\n{END}{rest.split(END, 1)[1]}", "utf8")
