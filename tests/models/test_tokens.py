"""Vocabularies: any text there and back, special tokens, and files that are missing or damaged; the reader of text."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import tokens
from models.checkpoint import CheckpointError
from models.data import DataMissing, text

WORDS = ["the cat sat on the mat, and the cat ate the rat", "the mat that the cat sat on"] * 5


@pytest.fixture(scope="module")
def slug(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("tokens")))
        tokens.train("toy", WORDS, 270, ("<pad>", "<end>"))
        yield "toy"


@given(st.text())
def test_any_text_comes_back_unchanged(slug, source):
    cut = tokens.tokenizer(slug).encode(source, add_special_tokens=False).ids
    if "<" not in source:
        assert tokens.decode(slug, cut) == source
    assert all(0 <= i < 270 for i in cut)


def test_special_tokens_come_first_then_bytes_then_merges(slug):
    made = tokens.tokenizer(slug)
    assert made.get_vocab_size() == 270
    assert [made.id_to_token(i) for i in range(2)] == ["<pad>", "<end>"]
    assert all(len(made.id_to_token(i)) == 1 for i in range(2, 258))
    assert all(len(made.id_to_token(i)) > 1 for i in range(258, 270))
    assert tokens.special(slug, "<end>") == 1
    assert tokens.encode(slug, "<end>the cat")[0] == 1
    with pytest.raises(CheckpointError, match="no token <mask>"):
        tokens.special(slug, "<mask>")


def test_words_that_come_often_are_one_token(slug):
    assert tokens.pieces(slug, tokens.encode(slug, "the cat")) == ["the", " cat"]
    assert tokens.pieces(slug, tokens.encode(slug, "é")) == ["�", "�"]


def test_the_same_texts_give_the_same_vocabulary(slug):
    before = tokens.path(slug).read_text("utf8")
    again = tokens.train(slug, WORDS, 270, ("<pad>", "<end>"))
    assert tokens.path(slug).read_text("utf8") == before
    assert again.get_vocab_size() == 270


def test_a_vocabulary_is_read_once_for_each_version_of_its_file(slug):
    assert tokens.tokenizer(slug) is tokens.tokenizer(slug)


def test_a_missing_or_damaged_vocabulary_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is not there: train it"):
        tokens.tokenizer("nosuch")
    (tmp_path / "broken").mkdir()
    for content in (b"{}", b"not json", b"\xff\xfe\x00"):
        (tmp_path / "broken/tokenizer.json").write_bytes(content)
        with pytest.raises(CheckpointError, match="is damaged"):
            tokens.tokenizer("broken")


@pytest.fixture
def source(monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    (tmp_path / "text").mkdir()
    return tmp_path / "text/alice.txt.gz"


def test_a_text_is_read_whole_and_cut_into_paragraphs(source):
    whole = "Alice was\n\n\n\n“beginning”\nto get\n\nvery tired\n"
    source.write_bytes(gzip.compress(whole.encode()))
    assert text.read("alice") == whole
    assert text.paragraphs(whole) == ["Alice was", "“beginning”\nto get", "very tired"]


def test_the_end_of_a_text_is_held_out(source):
    parts = [f"paragraph number {i:04d}" for i in range(1000)]
    source.write_bytes(gzip.compress("\n\n".join(parts).encode()))
    before, held = text.divided("alice")
    assert text.paragraphs(before) + text.paragraphs(held) == parts
    assert len(text.paragraphs(held)) in (20, 21)
    assert len(text.paragraphs(text.divided("alice", 0.1)[1])) in (100, 101)


def test_text_that_is_not_here_or_damaged_says_so(source):
    with pytest.raises(DataMissing, match="The data set text is not on this machine"):
        text.read("alice")
    with pytest.raises(KeyError, match="no text 'nosuch'; there are novels"):
        text.read("nosuch")
    for content in (b"plain", gzip.compress(b"whole")[:-6], gzip.compress(b"\xff\xfe")):
        source.write_bytes(content)
        with pytest.raises(DataMissing, match="is damaged"):
            text.read("alice")


@pytest.mark.data
@pytest.mark.parametrize("name", [n for n in text.NAMES if n not in ("novels", "sotu", "wordnet-glosses")])
def test_every_source_is_there_and_divided_between_paragraphs(name):
    whole = text.read(name)
    before, held = text.divided(name)
    assert len(whole) == len(before) + len(held) + 2
    assert 0.019 < len(held) / len(whole) < 0.06
    assert not held.startswith("\n\n")
