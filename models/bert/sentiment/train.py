"""Fine-tuning (section 3.2): the pre-trained BERT learns what tweets sound like, negative, neutral or positive.

    python -m models train bert/sentiment

All weights go on learning, the encoder's with smaller steps the lower they lie. Every choice was made on the validation
split; the test split is only looked at by `evaluate`, and by the curves for showing.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import build, restore, tokens, training
from models.bert.model import Encoder
from models.bert.sentiment.model import Sentiment
from models.bert.train import CLS, MASK, PAD, SEP
from models.checkpoint import Metric
from models.data import tweets

SLUG, ENCODER = "bert/sentiment", "bert"
SEEDS = (0,)
EPOCHS = 5  # the paper has 2 to 4, of larger sets
BATCH = 32
RATE = 5e-4  # ten times the paper's, for a network eighty times smaller
LOWER = 0.85  # the rate of a block beside that of the one above it
DECAY = 0.01
BLANK = 0.1  # of a tweet's tokens turn to [MASK], other ones each time, so that no single word is relied on
SMOOTH = 0.1  # of the target is spread over all classes: people disagree, too
KEEP = 0.998  # of the average of the weights, at every step
GROUP = 8  # batches whose tweets are sorted by length, so that little is padding
LONGEST = 128
NEAREST = 8  # tweets that are looked at around each
LOOK = 600  # tweets of a split for the curve


@cache
def coded(split: str) -> tuple[Tensor, Tensor]:
    """Tweets as "[CLS] ... [SEP]", int64 (n, longest) padded with 0, and their classes (n,)."""
    texts, labels = tweets.read(split)
    rows = [line.ids[: LONGEST - 2] for line in tokens.tokenizer(ENCODER).encode_batch(list(texts))]
    x = torch.full((len(rows), max(map(len, rows)) + 2), PAD)
    for row, ids in zip(x, rows, strict=True):
        row[: len(ids) + 2] = torch.tensor([CLS, *ids, SEP])
    return x, torch.from_numpy(labels.copy())


def shortened(x: Tensor) -> Tensor:
    """Without the columns in which there is only padding."""
    return x[:, : int((x != PAD).sum(1).max())]


def batch(step: int, seed: int) -> Tensor:
    """Indices of the tweets of that step: each group of batches is shuffled, then sorted by length."""
    lengths = (coded("train")[0] != PAD).sum(1)
    group = training.epoch_batch(len(lengths), BATCH * GROUP, step // GROUP, seed)
    ranked = group[lengths[group].argsort(stable=True)].view(GROUP, BATCH)
    return ranked[(3 * step) % GROUP]  # long and short ones take turns


def blanked(x: Tensor, order: torch.Generator) -> Tensor:
    """x with some tokens hidden; special ones never."""
    return torch.where((torch.rand(x.shape, generator=order) < BLANK) & (x > MASK), MASK, x)


@torch.no_grad()
def scores(module: nn.Module, x: Tensor, size: int = 128) -> Tensor:
    """(n, classes), computed from short to long."""
    device = next(module.parameters()).device
    rank = (x != PAD).sum(1).argsort()
    found = torch.cat([module(shortened(part).to(device)).cpu() for part in x[rank].split(size)])
    return found[rank.argsort()]


def measures(module: nn.Module) -> dict[str, float]:
    """Loss and accuracy (%) on LOOK tweets of the validation split and of the test split."""
    row = {}
    for split in ("valid", "test"):
        x, target = (part[:LOOK] for part in coded(split))
        found = scores(module, x)
        row[f"{split}_loss"] = F.cross_entropy(found, target).item()
        row[f"{split}_accuracy"] = 100 * (found.argmax(1) == target).float().mean().item()
    return row


def pretrained(module: nn.Module, which: str) -> None:
    """Fill the encoder with BERT's weights, or those of its left-to-right twin. Raises CheckpointError."""
    known = restore(ENCODER, twin=which == "twin").state_dict()
    own = module.state_dict()
    module.load_state_dict(own | {k: v for k, v in known.items() if k in own})


def groups(module: Encoder) -> list[dict[str, object]]:
    """The parameters with the scale of their learning rate: 1 on top, LOWER less for every block further down."""
    depth = module.config.layers
    made: list[dict[str, object]] = []
    for name, parameter in module.named_parameters():
        place = int(name.split(".")[1]) if name.startswith("blocks.") else -1 if "embed" in name else depth
        decay = DECAY if parameter.ndim > 1 else 0.0
        made.append({"params": [parameter], "scale": LOWER ** (depth - place), "weight_decay": decay})
    return made


def learn(which: str, seed: int, device: str) -> None:
    """Fine-tune the "model" or its "twin"."""
    order = training.seed_all(seed)
    module = build(SLUG, "TWIN" if which == "twin" else "SMALL").to(device)
    assert isinstance(module, Sentiment)
    pretrained(module, which)
    optimizer = torch.optim.AdamW(groups(module), lr=RATE, betas=(0.9, 0.98), fused=True)
    x, target = coded("train")
    epoch = len(x) // (BATCH * GROUP) * GROUP
    total = EPOCHS * epoch
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
        average=training.Average(module, KEEP),
        snapshots=8,
        looks=10,
    )
    for step in run:
        training.set_rate(optimizer, RATE * training.one_cycle(step, total))
        part = batch(step, seed)
        with training.half(device):
            found = module(blanked(shortened(x[part]), order).to(device))
        loss = F.cross_entropy(found.float(), target[part].to(device), label_smoothing=SMOOTH)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        run.note(train_loss=loss.item())


def run(device: str = "cpu", only: str | None = None) -> None:
    """Train what is not there yet; then portrait, record and note."""
    if training.complete(learn, only, device, seeds=SEEDS):
        x, target = coded("test")
        golden = torch.cat([x[target == label][:3] for label in range(len(tweets.LABELS))])
        split = (
            f"{len(coded('train')[0]):,} tweets to train, {len(coded('valid')[0]):,} to choose by, {len(x):,} to test"
        )
        training.finish(SLUG, evaluate, shortened(golden).numpy(), portrait(), split=split)


def portrait() -> np.ndarray:
    """How sure it is of each test tweet, float32 (96, 128), 0..1: three bands, of those that are negative, neutral and
    positive; in each the tweets from left to right by the probability of the right class, a bar for each."""
    x, target = coded("test")
    found = scores(restore(SLUG), x).softmax(1)
    picture = np.zeros((96, 128), np.float32)
    for label in range(len(tweets.LABELS)):
        sure = found[target == label, label].sort().values
        heights = F.interpolate(sure[None, None], size=128, mode="linear")[0, 0].numpy()
        for column, height in enumerate(heights):
            top = 32 * label + 31 - round(30 * float(height))
            picture[top : 32 * label + 31, column] = height
    return picture


def baseline(limit: int | None = None) -> float:
    """Accuracy (%) of a linear model on words and pairs of words, weighted by rarity (TF-IDF); its C is chosen on valid."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    texts, labels = tweets.read("train")
    x = vectors.fit_transform(texts)
    valid, test = (vectors.transform(tweets.read(split)[0]) for split in ("valid", "test"))
    fits = [LogisticRegression(C=c, max_iter=1000).fit(x, labels) for c in (1, 3, 10, 30)]
    best = max(fits, key=lambda fit: fit.score(valid, tweets.read("valid")[1]))
    return 100 * float(best.score(test[:limit], tweets.read("test")[1][:limit]))


@torch.no_grad()
def company(module: Encoder, x: Tensor, target: Tensor) -> float:
    """Of the NEAREST tweets whose vectors of [CLS] lie nearest to a tweet's, the share (%) of its class; over all tweets."""
    summary = torch.cat([module.encode(part)[:, 0] for part in x.split(128)])
    apart = torch.cdist(summary, summary).fill_diagonal_(torch.inf)
    beside = target[apart.topk(min(NEAREST, len(x) - 1), largest=False).indices]
    return 100 * float((beside == target[:, None]).float().mean())


def evaluate(limit: int | None = None) -> tuple[Metric, ...]:
    """Every metric from the weights on disk, over the 1,764 test tweets or the first `limit`."""
    torch.set_num_threads(1)
    x, target = (part[:limit] for part in coded("test"))
    answers = {which: scores(restore(SLUG, twin=which == "twin"), x).argmax(1) for which in ("model", "twin")}
    right = {which: 100 * float((answer == target).float().mean()) for which, answer in answers.items()}
    found = [
        Metric("test_accuracy", right["model"], len(x), "%"),
        Metric("lost_from_left_to_right", right["model"] - right["twin"], len(x), "points"),
        Metric("twin_test_accuracy", right["twin"], len(x), "%"),
        Metric("baseline_test_accuracy", baseline(limit), len(x), "%"),
    ]
    for label, name in enumerate(tweets.LABELS):
        ours = target == label
        share = 100 * float((answers["model"][ours] == label).float().mean())
        found.append(Metric(f"{name}_found", share, int(ours.sum()), "%"))
    for name, slug in (("before", ENCODER), ("after", SLUG)):
        module = restore(slug)
        assert isinstance(module, Encoder)
        found.append(Metric(f"same_class_nearby_{name}", company(module, x, target), len(x), "%"))
    return tuple(found)
