"""CLIP on emoji: pictures by six vendors and their captions, one batch after the other; Twemoji's are kept for the test.

    python -m models train clip

A batch holds each emoji at most once, drawn by one vendor, so that no other text in the batch is right for a picture. The
recipe was set without a look at any network's answers to the drawings of the test.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, restore, tokens, training
from models.checkpoint import Metric
from models.clip import MEAN, NAMES, PICTURE, STD
from models.clip.model import CLIP, SMALL, contrast
from models.data import emoji
from models.data.emoji import GROUPS, HELD_OUT, VENDORS

SLUG = "clip"
SEEDS = (0,)
BATCH = 174  # of the 1,914 emoji: eleven batches show each of them once
STEPS = 3300
RATE = 1.5e-3
DECAY = 0.1  # of the weights
KEPT = (
    32  # patches of the 64 that the network is shown in training, chosen at random (Li et al. 2022, arXiv 2212.00794)
)
WHOLE = 0.3  # the last part of the training, with all patches
AVERAGE = 0.995  # decay of the moving average of the weights that is kept
LOOKS = 636  # test pictures on which the curve is measured: every third
PAD, START, END = "<|pad|>", "<|startoftext|>", "<|endoftext|>"
TEMPLATES = ("{}", "a picture of {}", "an emoji of {}", "a drawing of {}", "the {} emoji")


def learn_vocabulary() -> None:
    """Byte pairs of all names, keywords and templates, lower case; written once."""
    texts = [f" {text.lower()}" for e in emoji.emoji() for text in (e.name, *e.tags)] + [f" {t}" for t in TEMPLATES]
    tokens.train(SLUG, texts, SMALL.vocabulary, special=(PAD, START, END))


def tokenised(texts: Iterable[str]) -> Tensor:
    """(n, t) ids: start, the text in lower case, end, then padding up to the longest; cut where the context ends."""
    found = [e.ids for e in tokens.tokenizer(SLUG).encode_batch([f" {text.lower()}" for text in texts])]
    longest = min(SMALL.context, 2 + max(map(len, found)))
    rows = torch.zeros(len(found), longest, dtype=torch.long)
    for row, ids in zip(rows, found, strict=True):
        kept = [1, *ids[: longest - 2], SMALL.end]
        row[: len(kept)] = torch.tensor(kept)
    return rows


def prompts(names: Sequence[str]) -> Tensor:
    """(names, templates, t): every name in every template."""
    return tokenised(t.format(name) for name in names for t in TEMPLATES).unflatten(0, (len(names), len(TEMPLATES)))


def caption(place: int, chance: random.Random) -> str:
    """What one might write below an emoji: its name, its name in a sentence, or its name with some of its keywords."""
    one = emoji.emoji()[place]
    kind = chance.random()
    if kind < 0.4:
        return one.name
    if kind < 0.7:
        return chance.choice(TEMPLATES[1:]).format(one.name)
    return ", ".join([one.name, *chance.sample(one.tags, chance.randint(1, len(one.tags)))])


class Drawers:
    """For every emoji, the drawings that some vendors have made of it: RGBA, colours times alpha."""

    def __init__(self, vendors: Sequence[str]) -> None:
        every = emoji.drawings()
        chosen = every.of(*vendors)
        rgba = torch.from_numpy(every.rgba[chosen].transpose(0, 3, 1, 2).copy())
        rgba[:, :3] = (rgba[:, :3].float() * (rgba[:, 3:].float() / 255)).round().byte()
        self.rgba = rgba  # uint8 (drawings, 4, 64, 64)
        labels = torch.from_numpy(every.labels[chosen])
        self.first = torch.searchsorted(labels.sort()[0], torch.arange(len(NAMES) + 1))
        self.sorted = labels.argsort(stable=True)

    def draw(self, places: Tensor, order: torch.Generator) -> Tensor:
        """uint8 (n, 4, 64, 64): each emoji by one of its vendors, chosen at random."""
        many = self.first[places + 1] - self.first[places]
        chosen = (torch.rand(len(places), generator=order) * many).long()
        return self.rgba[self.sorted[self.first[places] + chosen]]


@cache
def drawers(vendors: tuple[str, ...]) -> Drawers:
    return Drawers(vendors)


@cache
def mirrored() -> Tensor:
    """(names,): whether an emoji means the same in a mirror. Flags, signs and anything with a side do not."""
    sided = ("left", "right", "facing", "quarter", "moon", "clock", "input")
    groups = ("smileys-emotion", "people-body", "animals-nature", "food-drink")
    return torch.tensor([e.group in groups and not any(word in e.name for word in sided) for e in emoji.emoji()])


def shown(rgba: Tensor, places: Tensor, order: torch.Generator) -> Tensor:
    """(n, 4, 64, 64) -> (n, 3, 64, 64) as the network takes them: turned, moved, tinted, on a ground of any colour."""
    n = len(rgba)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(n, *shape).uniform_(low, high, generator=order)

    angle, zoom, squeeze = uniform(-0.25, 0.25), uniform(-0.25, 0.2).exp(), uniform(-0.1, 0.1).exp()
    flip = torch.where((torch.rand(n, generator=order) < 0.5) & mirrored()[places], -1.0, 1.0)
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    rows = [
        torch.stack([flip * cos * squeeze, -sin * squeeze, uniform(-0.15, 0.15)], 1),
        torch.stack([flip * sin / squeeze, cos / squeeze, uniform(-0.15, 0.15)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), [n, 4, 64, 64], align_corners=False)
    moved = F.grid_sample(rgba.float() / 255, grid, align_corners=False)
    colour, alpha = moved[:, :3], moved[:, 3:]
    grey = colour.mean(1, keepdim=True)
    colour = grey + (colour - grey) * uniform(0.5, 1.5, 1, 1, 1)  # paler or stronger
    colour = colour * uniform(0.8, 1.2, 3, 1, 1) + alpha * uniform(-0.1, 0.1, 1, 1, 1)
    ground = uniform(0, 1, 3, 1, 1)
    ground[torch.rand(n, generator=order) < 0.5] = 1  # half of them on white
    x = (colour + (1 - alpha) * ground).clamp(0, 1)
    return (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def seen(module: CLIP, x: Tensor, kept: int, order: torch.Generator) -> Tensor:
    """I_e of pictures of which only `kept` patches, chosen at random for each, are shown."""
    if kept == module.config.patches:
        return module.encode_image(x)
    chosen = torch.rand(len(x), module.config.patches, generator=order).argsort(1)[:, :kept]
    return module.encode_part(x, chosen.to(x.device))


def loss_of(module: CLIP, places: Tensor, drawn: Drawers, kept: int, order: torch.Generator) -> Tensor:
    """Fig. 3's loss of one batch; for the twin the cross-entropy over all names."""
    device = module.logit_scale.device
    x = shown(drawn.draw(places, order), places, order).to(device)
    with training.half(device.type):
        image = seen(module, x, kept, order)
    image = image.float()
    if not module.config.contrast:
        return F.cross_entropy(module.scale() * image @ F.normalize(module.names, dim=1).T, places.to(device))
    chance = random.Random(int(torch.randint(2**31, (), generator=order)))
    captions = tokenised(caption(int(place), chance) for place in places).to(device)
    with training.half(device.type):
        text = module.encode_text(captions)
    return contrast(module.scale() * image @ text.float().T)


def groups_of(module: nn.Module) -> list[dict[str, object]]:
    """AdamW's groups: matrices decay; gains, biases, positions and the temperature do not (section 2.5)."""
    named = list(module.named_parameters())
    decay = [p for name, p in named if p.ndim > 1 and not name.endswith("positions")]
    rest = [p for name, p in named if p.ndim < 2 or name.endswith("positions")]
    return [{"params": decay, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}]


@cache
def tested(every: int = 1) -> tuple[Tensor, Tensor]:
    """The held-out vendor's drawings on white, as the network takes them, and their places among the names."""
    pixels, labels = (array[::every] for array in emoji.read("test"))
    return torch.from_numpy(PICTURE.from_pixels(pixels)), torch.from_numpy(labels.copy())


@cache
def name_prompts() -> Tensor:
    return prompts(NAMES)


def measures(module: nn.Module) -> dict[str, float]:
    """Cross-entropy over all names, and how often the right one is the best or among ten (%), for every third drawing.

    The names are written into the network first, so that a snapshot taken now has those of its own text tower.
    """
    assert isinstance(module, CLIP)
    device = module.logit_scale.device
    if module.config.contrast:
        module.write_names(name_prompts().to(device))
    x, target = (part.to(device) for part in tested(every=3))
    scores = training.outputs(module, x, 256)
    place = places_of(scores, target)
    row = {"test_loss": F.cross_entropy(scores, target).item()}
    return row | {"test_accuracy": percent(place < 1), "test_recall_at_10": percent(place < 10)}


def places_of(scores: Tensor, target: Tensor) -> Tensor:
    """(n,): how many of a row's scores are larger than the right one's; 0 is the best."""
    return (scores > scores.gather(1, target[:, None])).sum(1)


def percent(right: Tensor) -> float:
    return 100 * right.double().mean().item()


def learn(which: str, seed: int, device: str) -> None:
    """Train the "model" or its "twin": weights, curve and, for the model's seed 0, snapshots."""
    order = training.seed_all(seed)
    module = build(SLUG, "TWIN" if which == "twin" else "SMALL")
    assert isinstance(module, CLIP)
    module = module.to(device)
    optimizer = torch.optim.AdamW(groups_of(module), lr=RATE, betas=(0.9, 0.98), fused=True)
    drawn = drawers(tuple(vendor for vendor in VENDORS if vendor != HELD_OUT))
    total = STEPS
    run = training.Run(
        SLUG,
        which,
        seed,
        total=total,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=measures,
        epoch=len(NAMES) // BATCH,
        average=training.Average(module, AVERAGE),
        looks=16,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, total))
        places = training.epoch_batch(len(NAMES), BATCH, step, seed)
        kept = KEPT if step < (1 - WHOLE) * total else SMALL.patches
        loss = loss_of(module, places, drawn, kept, order)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        module.clip_scale()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if not tokens.path(SLUG).exists():
        learn_vocabulary()
    if training.complete(learn, only, device, seeds=SEEDS):
        x, labels = tested()
        split = f"{len(emoji.read('train')[0]):,} drawings by six vendors to train, the seventh's {len(x):,} to test"
        training.finish(SLUG, evaluate, x[:: len(x) // 3][:4].numpy(), portrait(x[labels.argsort()]), split=split)


@torch.no_grad()
def portrait(x: Tensor) -> np.ndarray:
    """Fig. 1's matrix, -1..1: 96 drawings down, their names across, in the order of the groups; three of them beside it.

    x: (n, 3, 64, 64), n the test drawings in the order of their names; returns float32 (96, 128).
    """
    module = restore(SLUG)
    assert isinstance(module, CLIP)
    labels = tested()[1].sort()[0]
    spread = torch.linspace(0, len(x) - 1, 96).long()
    picture = np.zeros((96, 128), np.float32)
    picture[:, 32:] = (module.encode_image(x[spread]) @ module.names[labels[spread]].T).numpy()
    for top, place in zip((0, 32, 64), spread[[16, 48, 80]], strict=True):
        grey = PICTURE.unnormalise(x[place][None].numpy())[0].mean(0)
        picture[top : top + 32, :32] = 2 * grey.reshape(32, 2, 32, 2).mean((1, 3)) - 1
    return picture


@torch.no_grad()
def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over the held-out vendor's drawings, or the first `limit` of them."""
    torch.set_num_threads(1)
    x, target = (part[:limit] for part in tested())
    model, twin = restore(SLUG), restore(SLUG, twin=True)
    assert isinstance(model, CLIP)
    image = training.outputs(Embedding(model), x, 256)
    scores = {"": image @ model.names.T, "twin_": training.outputs(twin, x, 256)}
    known = emoji.emoji()
    group_of_name = torch.tensor([list(GROUPS).index(e.group) for e in known])
    group = group_of_name[target]
    found = []

    def share(name: str, right: Tensor) -> None:
        found.append(Metric(name, percent(right), len(right), "%"))

    flags = group == list(GROUPS).index("flags")
    for of, s in scores.items():
        place, back = places_of(s, target), places_of(s.T[target], torch.arange(len(target)))
        share(f"{of}test_accuracy", place < 1)
        share(f"{of}recall_at_10", place < 10)
        share(f"{of}flags_recall_at_10", place[flags] < 10)
        share(f"{of}picture_recall_at_1", back < 1)
        share(f"{of}picture_recall_at_10", back < 10)
        share(f"{of}group_of_best_name", group_of_name[s.argmax(1)] == group)
    sentences = prompts(list(GROUPS.values()))
    text = F.normalize(model.encode_text(sentences.flatten(0, 1)).unflatten(0, sentences.shape[:2]).mean(1), dim=1)
    share("zero_shot_group", (image @ text.T).argmax(1) == group)
    keywords = model.encode_text(tokenised(", ".join(known[int(i)].tags) for i in target))
    share("picture_recall_at_10_by_keywords", places_of(keywords @ image.T, torch.arange(len(target))) < 10)
    return tuple(found)


class Embedding(nn.Module):
    """Pictures to their place in the common space."""

    def __init__(self, module: CLIP) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module.encode_image(x)
