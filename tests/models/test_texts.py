"""What a visitor types, as tokens: by a small vocabulary made on the spot, and every kind of bad text by one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import tokens
from models.paper import BadInput, Text, TextPair

SAID = "the cat sat on the mat, and the dog sat on the cat. le chat dort. "


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    """A tokenizer of 300 tokens, of which four are special."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", [SAID * 20], 300, ("<pad>", "<s>", "</s>", "[MASK]"))


TEXT = Text("stand-in", 40, before=("<s>",), after=("</s>",), mask="[MASK]")
PAIR = TextPair("stand-in", 20, ("English", "French"))


def test_a_text_is_its_tokens_with_the_special_ones_around_it(vocabulary):
    x = TEXT.parse("the cat sat")
    assert x.dtype == np.int64
    assert x.shape == (1, len(vocabulary.encode("the cat sat").ids) + 2)
    assert x[0, 0] == 1
    assert x[0, -1] == 2
    assert vocabulary.decode(x[0, 1:-1].tolist()) == "the cat sat"


def test_a_token_knows_which_characters_it_covers():
    found = TEXT.tokens("the cat, été")
    assert "".join(t.text for t in found[1:-1]).replace("é", "") in ("the cat, t", "the cat, tt")
    assert [(t.text, t.start, t.end) for t in (found[0], found[-1])] == [("<s>", 0, 0), ("</s>", 0, 0)]
    assert all("the cat, été"[t.start : t.end] == t.text for t in found[1:-1])


def test_a_typed_mask_is_the_mask():
    assert 3 in TEXT.parse("the [MASK] sat")[0]


def test_bytes_are_read_as_utf8_with_any_line_ends():
    assert np.array_equal(TEXT.parse(b"\xef\xbb\xbfthe\r\ncat"), TEXT.parse("the\ncat"))


def test_a_pair_has_a_row_a_side_padded_with_nothing(vocabulary):
    x = PAIR.parse("the cat sat on the mat\tle chat")
    source, target = vocabulary.encode("the cat sat on the mat").ids, vocabulary.encode("le chat").ids
    assert x.shape == (1, 2, max(len(source), len(target)) + 1)
    assert x[0, 0].tolist() == [*source, 2]
    assert x[0, 1].tolist() == [1, *target, *[0] * (len(source) - len(target))]


def test_without_a_translation_the_target_is_its_start():
    assert PAIR.parse("the cat")[0, 1, 0] == 1
    assert not PAIR.parse("the cat")[0, 1, 1:].any()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "no text"),
        (" \n\t ", "no text"),
        ("the cat " * 10_000, "shorten it"),
        ("the cat " * 200_000, "characters long"),
        ("x" * 5_000, "tokens long"),
        ("the \x00 cat", "control characters"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not plain text"),
        (b"\xff\xfet\x00h\x00e\x00", "not plain text"),
        ("half \ud800", "halves of characters"),
    ],
)
def test_what_cannot_be_used_is_answered_by_one_sentence(source, sentence):
    with pytest.raises(BadInput, match=sentence) as caught:
        TEXT.parse(source)
    assert str(caught.value).count("\n") == 0
    assert str(caught.value)[-1] == "."
    assert len(str(caught.value)) < 140


def test_a_pair_says_which_side_is_wrong():
    with pytest.raises(BadInput, match="English sentence is"):
        PAIR.parse("cat mat " * 40)
    with pytest.raises(BadInput, match="French sentence is"):
        PAIR.parse("cat\t" + "chat dort " * 40)
    with pytest.raises(BadInput, match="no English sentence"):
        PAIR.parse("\tle chat")


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)))
def test_anything_ends_in_tokens_or_a_sentence(source):
    for kind in (TEXT, PAIR):
        try:
            x = kind.parse(source)
        except BadInput as error:
            assert str(error).endswith(".")
        else:
            assert x.dtype == np.int64
            assert x.shape[-1] <= kind.context
            assert (x >= 0).all()
