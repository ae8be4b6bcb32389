"""Many visitors at once in the rooms of words: eight threads get bit for bit what each would get alone, of every question.

Patching and ablation have the same test beside their own ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret.alignment import align, search
from app.interpret.attention import arithmetic, attention
from app.interpret.direct import direct
from app.interpret.generate import generate
from app.interpret.head_roles import look, roles
from app.interpret.logit_lens import course, reading
from app.interpret.reading import reading as guesses
from app.interpret.token_attribution import METHODS, attribute, rolled
from models import tokens
from models.bert import model as bert
from models.gpt2 import model as gpt2
from models.paper import Paper, Text, TextPair
from models.seq2seq import model as seq2seq
from models.transformer import model as transformer
from models.translation import END, START
from tests.interpret.test_load import alike_for_all

SIZE = 280  # tokens
EACH = 6  # times that each question is asked, every time of another text
TAKES = Text("stand-in", 32, before=("<s>",), after=("</s>",), mask="<mask>")
PAIR = TextPair("stand-in", 32, ("English", "French"))
Question = Callable[..., Any]  # question(module, paper, x, number, **tick)


def _card(slug: str) -> Paper:
    takes = {"gpt2": dataclasses.replace(TAKES, after=(), mask=""), "bert": TAKES}.get(slug, PAIR)
    return dataclasses.replace(models.paper(slug), takes=takes)


CARDS = {slug: _card(slug) for slug in ("gpt2", "bert", "transformer", "seq2seq")}


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", ["the cat sat on the mat " * 20], SIZE, ("<pad>", "<s>", "</s>", "<mask>"))


def fresh(slug: str) -> nn.Module:
    """A small network whose weights, biases too, all matter."""
    torch.manual_seed(0)
    if slug == "gpt2":
        net: nn.Module = gpt2.build(gpt2.Config(vocabulary=SIZE, context=32, width=16, heads=2, layers=2))
    elif slug == "bert":
        sizes = {"vocabulary": SIZE, "context": 32, "width": 16, "heads": 2, "layers": 2, "hidden": 32}
        net = bert.build(dataclasses.replace(bert.SMALL, **sizes))
    elif slug == "transformer":
        net = transformer.build(transformer.Config(SIZE, blocks=2, d_model=16, d_ff=24, heads=2, context=32))
    else:
        net = seq2seq.build(seq2seq.Config(vocabulary=SIZE, m=12, n=12, aligning=8, maxout=12))
    net.eval().requires_grad_(False)
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.2)
    return net


def text(slug: str, seed: int) -> np.ndarray:
    """Tokens at random, as the network takes them."""
    x = np.random.default_rng(seed).integers(4, SIZE, (1, 2, 9) if CARDS[slug].takes is PAIR else (1, 7 + seed % 4))
    if slug == "gpt2":
        x[0, 0] = 1
    elif slug == "bert":
        x[0, [0, 3, -1]] = 1, 3, 2
    else:
        x[0, 0, -1], x[0, 1, 0], x[0, 1, 9 - seed % 3 :] = END, START, 0
    return x


def shares(module, paper, x, i):
    """One look, worked out."""
    parts = list(attention(module, paper, x).parts.values())
    part = parts[i % len(parts)]
    layer = part.layers[-1]
    return arithmetic(module, paper, x, layer.path, i % layer.pattern.shape[1], 0, query=2)


def counts(method: str) -> Question:
    """Token attributions, without the time that they took."""

    def ask(module, paper, x, i, **more):
        found = attribute(
            module, paper, x, method=method, places=(3, 2), targets=(40 + i, 9), baseline=2, steps=8, **more
        )
        return dataclasses.replace(found, seconds=0.0)

    return ask


def written(module, paper, x, i, **more):
    return generate(module, paper, x, 4, temperature=1.0, top_k=0, top_p=0.9, dice=i, **more)


def heads(module, paper, x, i):
    return roles(module, paper, x), look(module, paper, x, i % 2, i // 2 % 2)


ALL = tuple(CARDS)
COUNTS = {method: counts(method) for method in METHODS}
TICKING = {written, *(ask for method, ask in COUNTS.items() if method != "LayerGradientXActivation")}
# question -> who is asked
QUESTIONS: Mapping[Question, tuple[str, ...]] = {
    lambda m, paper, x, i: attention(m, paper, x): ALL,
    lambda m, paper, x, i: reading(m, paper, x): ALL[:3],
    lambda m, paper, x, i: course(m, paper, x, 20 + i): ALL[:3],
    lambda m, paper, x, i: rolled(m, paper, x): ALL,
    lambda m, paper, x, i: guesses(m, paper, x): ALL,
    lambda m, paper, x, i: direct(m, paper, x, 3, 20 + i, 9): ("gpt2",),
    lambda m, paper, x, i: search(m, paper, x, 1 + i % 3): ALL[2:],
    lambda m, paper, x, i: align(m, paper, x): ALL[2:],
    shares: ALL[:3],
    heads: ("gpt2",),
    written: ("gpt2",),
    **dict.fromkeys(COUNTS.values(), ALL),
}


def bits(value: Any) -> bytes:
    """All that a result holds."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        value = list(value.values())
    return b"|".join(map(bits, value)) if isinstance(value, tuple | list) else repr(value).encode()


@pytest.mark.parametrize("slug", ALL)
def test_many_visitors_get_what_each_would_get_alone(slug):
    """All kinds of questions meet on one shared network; a third of those that tell of their progress are left midway first."""
    asked = [question for question, who in QUESTIONS.items() if slug in who] * EACH
    texts = [text(slug, i) for i in range(len(asked))]

    def ask(module, i, **more):
        return bits(asked[i](module, CARDS[slug], texts[i], i, **more))

    alike_for_all(ask, lambda: fresh(slug), len(asked), left=lambda i: i % 3 == 0 and asked[i] in TICKING)
