"""word2vec against the papers: sizes, the objective worked by hand, windows, noise and subsampling, analogies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from app.interpret import embedding
from app.interpret.trace import expand
from models import checkpoint, tokens
from models.word2vec import PAPER as CARD
from models.word2vec import analogies, model, train

TEXT = ["The king's men didn't see the queen.", "The Queen saw no one; the king saw the queen’s men, 42 of them."]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A vocabulary of a dozen words counted on two sentences, in a checkpoint folder of its own."""
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("CUTAWAY_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(train.text, "divided", lambda name: ("\n\n".join(TEXT * 20), TEXT[0]))
    monkeypatch.setattr(train, "SMALL", replace(model.SMALL, vocabulary=12))
    caches = (train.everything, train.frequency, train.subsampled, train.noise_table, train.held_out)
    for cached in caches:
        cached.cache_clear()
    train.vocabulary()
    yield tokens.tokenizer("word2vec")
    for cached in caches:
        cached.cache_clear()


def net(architecture: str = "skip-gram", window: int = 2) -> model.Word2Vec:
    """Eight words in three dimensions, with vectors that are not small."""
    torch.manual_seed(0)
    made = model.build(model.Config(8, 3, window, architecture))
    with torch.no_grad():
        for table in (made.input, made.output):
            table.weight.normal_()[model.UNKNOWN] = 0
    return made


def test_the_published_size_and_ours():
    with torch.device("meta"):
        paper = model.build(model.PAPER)
    assert paper.input.weight.shape == paper.output.weight.shape == (692_000, 300)
    assert sum(p.numel() for p in paper.parameters()) == 2 * 692_000 * 300
    for which in train.WHICH.values():
        assert sum(p.numel() for p in models.build("word2vec", which).parameters()) == 2 * 8000 * 48
    assert [models.build("word2vec", w).config.window for w in train.WHICH.values()] == [5, 5, 2, 10]


def test_there_is_one_probe_the_vectors():
    made = models.build("word2vec").eval()
    assert {path: probe.axes for path, probe in expand(made, CARD.probes).items()} == {
        "input": ("batch", "token", "unit")
    }
    words = torch.tensor([[3, 0, 7999]])
    assert made(words).shape == (1, 3, 48)
    assert torch.equal(made(words)[0, 2], made.input.weight[7999])
    assert not made(words)[0, 1].any()  # a word outside the vocabulary


def test_vectors_start_as_in_the_published_code():
    torch.manual_seed(0)
    made = models.build("word2vec")
    assert made.input.weight.abs().max() <= 0.5 / 48
    assert made.input.weight.std().item() == pytest.approx(1 / 48 / math.sqrt(12), rel=0.01)
    assert not made.output.weight.any()


def test_skip_gram_predicts_each_near_word_from_the_centre():
    made = net()
    centre, near = torch.tensor([4, 5]), torch.tensor([[0, 1, 2, 0], [3, 0, 0, 7]])
    v, wanted = made.hidden(centre, near)
    assert wanted.tolist() == [1, 2, 3, 7]
    assert torch.equal(v, made.input.weight[[4, 4, 5, 5]])


def test_cbow_predicts_the_centre_from_the_mean_of_near_words():
    made = net("cbow")
    centre, near = torch.tensor([4, 5, 6]), torch.tensor([[0, 1, 2, 0], [0, 0, 0, 0], [3, 0, 0, 0]])
    v, wanted = made.hidden(centre, near)
    assert wanted.tolist() == [4, 6]  # nothing is near the second word
    w = made.input.weight
    assert torch.allclose(v, torch.stack([(w[1] + w[2]) / 2, w[3]]))


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_the_loss_is_equation_4_worked_by_hand(architecture):
    made = net(architecture)
    centre, near, noise = torch.tensor([4, 5]), torch.tensor([[0, 1, 2, 0], [3, 0, 0, 7]]), torch.tensor([6, 1, 6])
    w, out = made.input.weight.tolist(), made.output.weight.tolist()

    def score(a: list[float], b: list[float]) -> float:
        return 1 / (1 + math.exp(-sum(x * y for x, y in zip(a, b, strict=True))))

    def mean(a: list[float], b: list[float]) -> list[float]:
        return [(x + y) / 2 for x, y in zip(a, b, strict=True)]

    examples = (
        [(w[4], 1), (w[4], 2), (w[5], 3), (w[5], 7)]
        if architecture == "skip-gram"
        else [(mean(w[1], w[2]), 4), (mean(w[3], w[7]), 5)]
    )
    by_hand = 0.0
    for v, wanted in examples:
        by_hand -= math.log(score(v, out[wanted]))
        by_hand -= 5 * sum(math.log(1 - score(v, out[i])) for i in (6, 1, 6)) / 3  # k = 5 draws, each a third of three
    assert made.loss(centre, near, noise, 5).item() == pytest.approx(by_hand / len(examples), abs=1e-5)


def test_an_unknown_word_never_learns():
    made = net()
    made.loss(torch.tensor([4]), torch.tensor([[0, 1, 2, 0]]), torch.tensor([0, 3]), 5).backward()
    assert not made.input.weight.grad[model.UNKNOWN].any()
    assert not made.output.weight.grad[model.UNKNOWN].any()
    assert made.input.weight.grad[4].any()


def test_words_are_letters_in_lower_case_with_inner_apostrophes(trained):
    cut = trained.encode(TEXT[1])
    known = {"the", "queen", "saw", "king", "men", "king's", "queen's", "didn't"} & set(trained.get_vocab())
    assert {"the", "queen", "king's", "queen's"} <= known
    assert [t for t in cut.tokens if t != "[UNK]"][:3] == ["the", "queen", "saw"]
    assert "42" not in cut.tokens
    assert trained.token_to_id("[UNK]") == model.UNKNOWN
    assert trained.token_to_id("the") == 1  # ids follow frequency
    assert CARD.takes.parse("The queen, the KING!").tolist() == [
        [trained.token_to_id(word) for word in ("the", "queen", "the", "king")]
    ]


def test_windows_end_with_the_paragraph_and_the_distance_drawn():
    read = train.Words(np.array([1, 2, 3, 4, 5, 6, 7], np.int16), np.array([0, 0, 0, 0, 1, 1, 1], np.int32))
    centre, near = train.surroundings(read, np.array([0, 2, 3, 6]), 2, np.array([2, 1, 2, 2]))
    assert centre.tolist() == [1, 3, 4, 7]
    assert near.tolist() == [[0, 0, 2, 3], [0, 2, 4, 0], [2, 3, 0, 0], [5, 6, 0, 0]]


def test_frequent_words_are_left_out_at_the_papers_rate(trained, monkeypatch):
    monkeypatch.setattr(train, "SAMPLE", 0.05)
    frequency, chance = train.frequency(), train.chance()
    assert frequency.sum() == pytest.approx(1)
    the = trained.token_to_id("the")
    assert frequency[the] > 0.05
    assert chance[the] == pytest.approx(math.sqrt(0.05 / frequency[the]))
    assert (chance[(frequency > 0) & (frequency < 0.05)] == 1).all()
    whole = train.everything()
    train.subsampled.cache_clear()
    left = train.subsampled(0, 0)
    share = (left.ids == the).sum() / (whole.ids == the).sum()
    assert share == pytest.approx(chance[the], abs=0.15)
    assert not (whole.ids == model.UNKNOWN).any()
    assert len(left.ids) == len(left.paragraph)


def test_noise_is_drawn_by_frequency_to_the_three_quarters(trained):
    drawn = train.noise(20_000, torch.Generator().manual_seed(0))
    share = np.bincount(drawn.numpy(), minlength=12) / 20_000
    wanted = train.frequency() ** 0.75
    wanted[model.UNKNOWN] = 0
    assert np.allclose(share, wanted / wanted.sum(), atol=0.015)
    assert not share[model.UNKNOWN]


def test_the_text_is_kept_as_words(trained):
    first = train.everything()
    train.everything.cache_clear()
    again = train.everything()
    assert np.array_equal(first.ids, again.ids)
    assert np.array_equal(first.paragraph, again.paragraph)


@pytest.mark.parametrize("which", ["model", "twin", "window_2"])
def test_a_training_learns_what_stands_together(trained, monkeypatch, which):
    config = {"model": model.SMALL, "twin": model.TWIN, "window_2": model.WINDOW_2}[which]
    monkeypatch.setattr(train, "build", lambda *_: model.build(replace(config, vocabulary=12)))
    monkeypatch.setattr(train, "SAMPLE", 1.0)
    monkeypatch.setattr(train, "BATCH", 16)
    monkeypatch.setattr(train, "RATE", 0.02)
    monkeypatch.setattr(analogies, "relations", lambda: {"r (semantic)": (("king", "king's"), ("queen", "queen's"))})
    train.learn(which, 0, "cpu")
    rows = checkpoint.read_curves("word2vec")[which]["0"]
    assert rows[-1]["test_loss"] < rows[0]["test_loss"] - 0.1
    assert rows[0]["test_loss"] == pytest.approx(6 * math.log(2), abs=0.01)  # all scores 0: one right, five wrong


def test_there_are_questions_of_meaning_and_of_form():
    found = analogies.relations()
    assert {name.split("(")[1] for name in found} == {"semantic)", "syntactic)"}
    assert ("king", "queen") in found["family (semantic)"]
    for name, pairs in found.items():
        assert len(set(pairs)) == len(pairs) >= 8, name


def test_every_two_pairs_make_a_question(trained):
    pairs = (("king", "king's"), ("queen", "queen's"), ("sphinx", "sphinx's"), ("king", "men"))
    asked = analogies.questions(pairs, "word2vec").tolist()
    word = {w: trained.token_to_id(w) for w in ("king", "king's", "queen", "queen's", "men")}
    assert [word["king"], word["king's"], word["queen"], word["queen's"]] in asked
    assert len(asked) == 4  # the pair that is not known is left out, and so are two pairs that share a word


def test_an_analogy_is_answered_by_direction_and_never_by_the_question():
    vectors = torch.tensor([[0.0, 0, 1], [1, 0, 0], [1, 1, 0], [5, 0, 5], [2, 2, 2], [-1, -1, -1]])
    asked = torch.tensor([[1, 2, 3, 4]])  # lengths 1, sqrt 2, sqrt 50: only directions count
    assert analogies.answer(vectors, asked).tolist() == [4]
    same = torch.tensor([[1, 1, 2, 0]])
    assert analogies.answer(vectors, same).item() not in (1, 2)
    assert analogies.answer(7 * vectors, asked).tolist() == [4]


def test_the_cards_questions_are_of_our_list_and_some_are_answered_and_some_are_not():
    blocks = [set(pairs) for pairs in analogies.relations().values()]
    for a, b, c, d in CARD.analogies:
        assert any({(a, b), (c, d)} <= block for block in blocks), (a, b, c, d)
    place = tokens.tokenizer("word2vec").token_to_id
    asked = torch.tensor([[place(word) for word in question] for question in CARD.analogies])
    net = models.load("word2vec")
    ours = analogies.answer(net.module.input.weight, asked)
    shown = embedding.analogies(net.module, CARD, np.zeros((1, 0), np.int64), CARD.analogies)
    assert [int(answer.ids[0]) for answer in shown] == ours.tolist(), "the view and the record ask alike"
    right = ours == asked[:, 3]
    assert right[0] and 5 <= int(right.sum()) <= len(right) - 3


def test_the_portrait_is_a_picture_of_the_pairs(monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(analogies, "questions", lambda *_: torch.tensor([[1, 2, 3, 4], [3, 4, 5, 6]]))
    picture = train.portrait(torch.randn(9, 5))
    assert picture.shape == (96, 128)
    assert picture.dtype == np.float32
    assert -1 <= picture.min() < 0 < picture.max() <= 1


def test_what_the_note_says_of_the_trained_vectors_is_so():
    value = {m.name: m.value for m in checkpoint.read_record("word2vec").metrics}
    for kind in ("analogy", "semantic", "syntactic"):
        by_window = [value[f"{which}{kind}_accuracy"] for which in ("window_2_", "", "window_10_")]
        assert by_window == sorted(by_window, reverse=True)
        assert value[f"{kind}_accuracy"] < value[f"twin_{kind}_accuracy"]
    assert min(value[f"analogy_{name}"] for name in ("family", "number", "past")) > value["analogy_accuracy"]
    assert max(value[f"analogy_{name}"] for name in ("superlative", "adverb")) < 2
    vectors = models.restore("word2vec").input.weight
    assert "software" in analogies.neighbours(vectors, "science", "word2vec")
    assert "nation" in analogies.neighbours(vectors, "freedom", "word2vec")
