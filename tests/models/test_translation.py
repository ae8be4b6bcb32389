"""Batches, decoding and BLEU of the networks that translate, by hand-worked numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models import root, translation
from models.data import tatoeba
from models.translation import END, PAD, START, Pairs, State, Translator, beam, by_length, joined, packed, padded

A, B, C, D = 3, 4, 5, 6
NEVER = -1e4  # a log-probability that is as good as none


def test_sentences_are_padded_and_packed():
    assert padded([[7, 8], [9]], end=True).tolist() == [[7, 8, END], [9, END, PAD]]
    assert padded([[7, 8], [9]], start=True, end=True).tolist() == [[START, 7, 8, END], [START, 9, END, PAD]]
    pair = packed([[7, 8, 9]], [[5]])
    assert pair.tolist() == [[[7, 8, 9, END], [START, 5, PAD, PAD]]]
    assert pair.dtype == torch.int64


@pytest.fixture
def pairs():
    sources = [[10 + i] * (1 + i * 7 % 5) for i in range(40)]
    targets = [[60 + i] * (1 + i * 3 % 4) for i in range(40)]
    return Pairs(sources, targets)


def test_an_epoch_has_every_pair_once_within_the_budget(pairs):
    budget, seen = 30, []
    for step in range(len(pairs.cuts(budget))):
        source, target = pairs.batch(step, 0, budget)
        assert source.numel() + target[:, :-1].numel() <= budget
        assert (target[:, 0] == START).all()
        assert ((source == END).sum(1) == 1).all()
        assert ((target == END).sum(1) == 1).all()
        seen += [(s[s > END].tolist(), t[t > END].tolist()) for s, t in zip(source, target, strict=True)]
    assert sorted(seen) == sorted(zip(pairs.sources, pairs.targets, strict=True))


def test_a_batch_has_targets_of_like_length(pairs):
    for first, last in pairs.cuts(30):
        lengths = [target for target, _ in sorted(pairs.lengths)[first:last]]
        assert max(lengths) - min(lengths) <= 1


def test_a_batch_depends_on_its_step_alone(pairs):
    again = Pairs(pairs.sources, pairs.targets)
    count = len(pairs.cuts(30))
    for step in (2 * count, 0, 5):
        for one, other in zip(pairs.batch(step, 1, 30), again.batch(step, 1, 30), strict=True):
            assert torch.equal(one, other)
    orders = [pairs.epoch(number, seed, 30) for number, seed in ((0, 0), (1, 0), (0, 1))]
    assert orders[0][0] != orders[1][0] != orders[2][0] != orders[0][0]
    assert orders[0][1] != orders[1][1]


def test_a_pair_longer_than_the_budget_is_a_batch_of_its_own():
    pairs = Pairs([[9] * 50, [9], [9]], [[8] * 50, [8], [8]])
    assert pairs.cuts(20) == ((0, 2), (2, 3))


def test_the_loss_leaves_padding_out():
    logits = torch.zeros(1, 3, 4)
    logits[0, 0, 3] = math.log(3)  # 3 of 6 for token 3
    target = torch.tensor([[START, 3, END, PAD]])
    logits[0, 2] = 50.0  # over padding: whatever it says
    assert translation.loss(logits, target).item() == pytest.approx((math.log(2) + math.log(4)) / 2, abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_and_its_gradient_are_torchs(smoothing):
    torch.manual_seed(0)
    logits, target = torch.randn(3, 5, 40, requires_grad=True), torch.randint(1, 40, (3, 6))
    target[1, 3:] = target[2, 1] = PAD
    wanted = F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing)
    ours = translation.loss(logits, target, smoothing)
    assert ours.item() == pytest.approx(wanted.item(), abs=1e-6)
    gradients = [torch.autograd.grad(3 * loss, logits)[0] for loss in (ours, wanted)]
    assert torch.allclose(*gradients, atol=1e-7)
    assert not gradients[0][1, 2:].any(), "padding asks for nothing"


def grammar(table: dict[int, dict[int, float]]):
    """A decoder that knows only the last token: probabilities of the next one by the last."""
    logs = torch.full((8, 8), NEVER)
    for last, following in table.items():
        for token, probability in following.items():
            logs[last, token] = math.log(probability)

    def following(last: Tensor, state: State) -> tuple[Tensor, State]:
        assert len(last) == len(state["row"])
        return logs[last], {"row": state["row"]}

    return following


# The likelier first step, A, leads to a worse sentence: A C has 0.6 x 0.5 = 0.30, B D 0.4 x 0.9 = 0.36.
GARDEN = grammar(
    {START: {A: 0.6, B: 0.4}, A: {C: 0.5, END: 0.1, D: 0.4}, B: {D: 0.9, C: 0.1}, C: {END: 1.0}, D: {END: 1.0}}
)
ONE = {"row": torch.zeros(1, 1)}


def test_a_beam_finds_what_greed_misses():
    assert beam(GARDEN, ONE, 10, width=1) == [[A, C]]
    assert beam(GARDEN, ONE, 10, width=2) == [[B, D]]


def test_every_sentence_gets_its_own_translation():
    table = torch.full((2, 8, 8), NEVER)
    table[0, START, A] = table[0, A, END] = 0.0
    table[1, START, B] = table[1, B, C] = table[1, C, END] = 0.0

    def following(last: Tensor, state: State) -> tuple[Tensor, State]:
        return table[state["row"], last], state

    for width in (1, 2):
        assert beam(following, {"row": torch.tensor([0, 1])}, 10, width) == [[A], [B, C]]


def test_the_state_follows_its_hypothesis():
    """A decoder whose state is the sum of its tokens; only the sum A + D allows an end with a good probability."""

    def following(last: Tensor, state: State) -> tuple[Tensor, State]:
        total = state["total"] + last
        logs = torch.full((len(last), 8), NEVER)
        for row, value in enumerate(total.tolist()):
            options = {START: {A: 0.4, B: 0.6}, START + A: {D: 1.0}, START + B: {C: 0.5, D: 0.5}}.get(value)
            if options is None:
                options = {END: 1.0} if value == START + A + D else {END: 0.1, C: 0.9}
            for token, probability in options.items():
                logs[row, token] = math.log(probability)
        return logs, {"total": total}

    assert beam(following, {"total": torch.zeros(1, dtype=torch.long)}, 12, width=2) == [[A, D]]


def test_the_length_penalty_divides_by_a_power_of_the_length():
    """A: log 0.48 / (7/6)^a = -0.734, or -0.629 with a = 1. B C D: log 0.45 / (9/6)^a = -0.799, or -0.532."""
    following = grammar({START: {A: 0.48, B: 0.5}, A: {END: 1.0}, B: {C: 1.0}, C: {D: 0.9, A: 0.1}, D: {END: 1.0}})
    assert beam(following, ONE, 10, width=2, alpha=0.0) == [[A]]
    assert beam(following, ONE, 10, width=2, alpha=1.0) == [[B, C, D]]


def test_a_sentence_without_an_end_is_cut():
    endless = grammar({START: {A: 1.0}, A: {A: 0.9, END: 0.1}})
    assert beam(endless, ONE, 5, width=1) == [[A] * 5]


class Parrot(Translator):
    """Says what it is told: the token after a target's token is the source's at the same place, with probability 0.9."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def teach(self, source: Tensor, target: Tensor) -> Tensor:
        width = target.shape[1]
        told = torch.nn.functional.pad(source, (0, width), value=END)[:, :width]
        return torch.nn.functional.one_hot(told, 10) * math.log(81) + self.weight  # 81 of 81 + 9

    def start(self, source: Tensor) -> State:
        return {"source": source, "place": torch.zeros(len(source), dtype=torch.long)}

    def next(self, last: Tensor, state: State) -> tuple[Tensor, State]:
        place = state["place"].clamp(max=state["source"].shape[1] - 1)
        token = state["source"].gather(1, place[:, None])[:, 0]
        logits = torch.nn.functional.one_hot(token, 10) * math.log(81)
        return logits.log_softmax(-1), state | {"place": state["place"] + 1}


def test_loss_and_accuracy_count_tokens():
    pairs = Pairs([[5, 6, 7], [8]], [[5, 6, 9], [8]])
    shown = translation.measures(Parrot(), pairs)
    assert shown["test_accuracy"] == pytest.approx(100 * 5 / 6)  # 9 is missed, of 5 6 9 END and 8 END
    assert shown["test_loss"] == pytest.approx((5 * -math.log(0.9) - math.log(1 / 90)) / 6, abs=1e-5)


def test_translations_come_back_in_their_order():
    sources = [[5, 6, 7], [8], [], [9, 9], [4, 5, 6, 7, 8]]
    for width in (1, 3):
        assert translation.translate(Parrot(), sources, width, budget=8) == sources


def test_bleu_is_sacrebleus():
    wanted = ["Le chat dort sur le lit.", "Je ne sais pas."]
    assert translation.bleu(wanted, wanted) == pytest.approx(100)
    assert translation.bleu(["Rien de tel ici.", "Oui !"], wanted) < 10
    # 7 tokens of 7, in 1- to 4-grams: 6/7, 4/6, 3/5, 2/4 are right; no brevity penalty
    score = 100 * (6 / 7 * 4 / 6 * 3 / 5 * 2 / 4) ** 0.25
    assert translation.bleu(["Le chien dort sur le lit."], wanted[:1]) == pytest.approx(score, abs=1e-6)
    assert "tok:13a" in translation.signature()
    assert "case:mixed" in translation.signature()


def test_bleu_by_length_goes_by_the_words_of_the_source():
    sources = ["one two", "a b c d", "a b c d e", "a b c d e f g h i"]
    wanted = ["un deux trois quatre"] * 4
    said = [*wanted[:3], "tout autre chose que cela"]
    found = by_length(sources, said, wanted)
    assert {words: count for words, (_, count) in found.items()} == {"1_4": 2, "5_6": 1, "9_12": 1}
    assert found["1_4"][0] == pytest.approx(100)
    assert found["9_12"][0] < 10


def test_joined_sentences_are_neighbours():
    assert joined(list("abcdefg"), 3, 2) == ["a b c", "d e f"]


def test_quality_names_every_metric(monkeypatch):
    """With digits as tokens, a network that repeats the English: it translates those that are the same in French."""
    english = [f"{i % 10} {i % 7} {i % 5} {i % 3} ok" for i in range(40)]
    monkeypatch.setattr(tatoeba, "read", lambda split: (english, english))
    ids = {"0": 3, "1": 4, "2": 5, "3": 6, "4": 7, "5": 8, "6": 9, "7": 3, "8": 4, "9": 5, "ok": 6}
    names = {v: k for k, v in ids.items()}
    monkeypatch.setattr(translation, "encode", lambda slug, s: [[ids[word] for word in x.split()] for x in s])
    monkeypatch.setattr(translation, "decode", lambda slug, rows: [" ".join(names[i] for i in row) for row in rows])
    translation.pairs.cache_clear()
    found = {m.name: m for m in translation.quality("parrot", Parrot(), "twin_", 2, 20)}
    translation.pairs.cache_clear()
    assert set(found) == {
        *(f"twin_{name}" for name in ("bleu", "test_loss", "perplexity", "test_accuracy", "bleu_words_5_6")),
        *(f"twin_bleu_joined_{times}" for times in (2, 3, 4)),
    }
    assert found["twin_bleu"].samples == 20
    assert found["twin_bleu_joined_4"].samples == 2
    assert found["twin_test_accuracy"].value == pytest.approx(100)
    assert found["twin_perplexity"].value == pytest.approx(1 / 0.9, abs=1e-4)


@pytest.mark.parametrize("slug", ["seq2seq", "transformer"])
def test_the_notes_say_how_bleu_was_counted(slug):
    assert translation.signature() in (root() / "models" / slug / "README.md").read_text("utf8")
