"""The text in the rail: typed, sampled, from the address, and what cannot be used."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from app.components.give_text import LONG
from models import texts, tokens
from models.paper import BadInput, Text, TextPair

BINARY = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))
TEN_THOUSAND = "on the mat " * 3334


@pytest.fixture(scope="module", autouse=True)
def vocabulary(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path_factory.mktemp("checkpoints")))
        yield tokens.train("stand-in", ["the cat sat on the mat " * 20], 290, ("<pad>", "<s>", "</s>"))


def rail(pair: bool):
    """The rail of a stand-in card; writes what the visit has."""
    import dataclasses

    import streamlit as st

    import models
    from app.components import give_text
    from models.paper import Sample, Text, TextPair

    takes = TextPair("stand-in", 12, ("English", "French")) if pair else Text("stand-in", 12, before=("<s>",))
    samples = (Sample("cat", "the cat\tle chat" if pair else "the cat"), Sample("mat", "on the mat"))
    paper = dataclasses.replace(models.paper("perceptron"), slug="stand-in", takes=takes, samples=samples)
    visit = give_text.give(paper)
    give_text.see(visit)
    st.code(f"{visit.source!r} {visit.name} {visit.x.tolist()}")


def shown(pair: bool = False, **address: str) -> AppTest:
    at = AppTest.from_function(rail, default_timeout=60, args=(pair,))
    for key, value in address.items():
        at.query_params[key] = value
    return at.run()


def test_it_opens_on_the_first_sample():
    at = shown()
    assert not at.exception
    assert at.code[0].value.startswith("'the cat' sample cat [[1, ")
    assert any(caption.value == "3 tokens." for caption in at.caption)
    chips = at.get("html")[0].proto.body
    assert "<small>" not in chips
    at.toggle(key="numbers").set_value(True).run()
    ids = json.loads(at.code[0].value.split(" sample cat ")[1])[0]
    chips = at.get("html")[0].proto.body
    assert len(ids) == 3 and all(f"<small> {i}</small></span>" in chips for i in ids)
    assert shown(numbers="true").get("html")[0].proto.body == chips, "a link keeps them"
    assert "<small>" not in shown(numbers="perhaps").get("html")[0].proto.body


def test_what_is_typed_counts():
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    assert at.code[0].value.startswith("'sat on the cat' your text")


def test_a_link_brings_the_text():
    assert shown(text="mat on cat").code[0].value.startswith("'mat on cat' your text")


def test_a_sample_fills_the_field():
    at = shown()
    at.selectbox(key="sample").select("mat").run()
    assert at.text_area(key="text").value == "on the mat"
    assert at.code[0].value.startswith("'on the mat'")


def test_the_list_of_samples_says_whether_the_text_is_one():
    assert shown().selectbox(key="sample").value == "cat"
    assert shown(text="on the mat").selectbox(key="sample").value == "mat"
    at = shown(text="mat on cat")
    assert at.selectbox(key="sample").value is None
    at.selectbox(key="sample").select("mat").run()
    assert at.selectbox(key="sample").value == "mat"
    at.text_area(key="text").set_value("on the cat").run()
    assert at.selectbox(key="sample").value is None
    at.selectbox(key="sample").select("mat").run()  # the same once more
    assert at.text_area(key="text").value == "on the mat"
    at.selectbox(key="sample").set_value(None).run()
    assert at.code[0].value.startswith("'the cat' sample cat")


def test_what_cannot_be_used_leaves_the_text_before_it():
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    at.text_area(key="text").set_value("zebra " * 30).run()
    assert not at.exception
    assert "shorten it. The text before it stays: your text." in at.error[0].value
    assert at.code[0].value.startswith("'sat on the cat'")
    at.text_area(key="text").set_value("on the mat").run()
    assert not at.error


def test_a_pair_takes_a_translation_as_well():
    at = shown(pair=True)
    assert at.code[0].value.startswith("'the cat\\tle chat' sample cat")
    at.text_area(key="text").set_value("the mat").run()
    assert at.code[0].value.startswith("'the mat\\t' your text")
    at.text_input(key="translation").set_value("le mat").run()
    assert at.code[0].value.startswith("'the mat\\tle mat' your text")


def test_a_samples_translation_goes_with_its_sentence():
    at = shown(pair=True)
    at.selectbox(key="sample").select("mat").run()
    at.selectbox(key="sample").select("cat").run()
    assert at.text_input(key="translation").value == "le chat"
    at.text_area(key="text").set_value("sat on the mat").run()
    assert at.code[0].value.startswith("'sat on the mat\\t' your text")
    at.text_input(key="translation").set_value("le tapis").run()
    at.text_area(key="text").set_value("on the mat").run()
    assert at.code[0].value.startswith("'on the mat\\tle tapis'"), "one's own stays"


def told(at: AppTest) -> str:
    """The one sentence about what was no good, and that the text before it is still the input."""
    assert not at.exception
    assert len(at.error) == 1
    sentence, _, stays = at.error[0].value.partition(" The text before it stays: ")
    assert stays == "your text." and at.code[0].value.startswith("'sat on the cat' your text")
    return sentence


def limit(at: AppTest) -> dict:
    proto = next(e.proto for e in at.get("bidi_component") if e.proto.component_name.endswith("cutaway_limit"))
    return json.loads(proto.json)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There is no text in that; type a few words."),
        ("  \n\t ", "There is no text in that; type a few words."),
        (TEN_THOUSAND, "tokens long; this network reads 12 at most: shorten it."),
        ("x" * 5000, "That text is 5,001 tokens long; this network reads 12 at most: shorten it."),
        ("x" * 500_000, "That is 500,000 characters long; a text has 100,000 at most."),
        ("the\0cat", "That text has control characters in it, as files that are not plain text have."),
    ],
)
def test_bad_text_is_told_and_what_cannot_be_mended_leaves_the_field(text, says):
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    at.text_area(key="text").set_value(text).run()
    assert told(at).endswith(says)
    assert at.text_area(key="text").value == "sat on the cat"
    assert at.query_params["text"] == "sat on the cat", "a link brings the text that is shown"
    at.run()
    assert not at.error, "said once"


def test_a_text_that_is_a_little_too_long_stays_to_be_shortened():
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    long = "on the mat " * 6
    assert len(long) < LONG
    at.text_area(key="text").set_value(long).run()
    assert "shorten it" in told(at)
    assert at.text_area(key="text").value == long
    assert limit(at)["over"] and limit(at)["text"].endswith(" too many")


def test_whoever_empties_the_field_of_a_sample_keeps_the_sample():
    at = shown()
    at.text_area(key="text").set_value(" ").run()
    assert at.error[0].value.endswith("The text before it stays: sample cat.")
    assert at.text_area(key="text").value == ""
    at.selectbox(key="sample").select("mat").run()
    at.text_area(key="text").set_value("").run()
    assert at.text_area(key="text").value == "on the mat" and at.code[0].value.startswith("'on the mat'")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "There is no text in that; type a few words."),
        (b" \r\n ", "There is no text in that; type a few words."),
        (BINARY, "That file is not plain text in UTF-8; save it as a text file and try again."),
        ("cat".encode("utf-16"), "That file is not plain text in UTF-8; save it as a text file and try again."),
        (b"the\0cat", "That text has control characters in it, as files that are not plain text have."),
        (
            b"%PDF-1.7\n" + b"\x01\x02" * 9,
            "That text has control characters in it, as files that are not plain text have.",
        ),
        (TEN_THOUSAND.encode(), "tokens long; this network reads 12 at most: shorten it."),
        (b"x" * 5000, "That text is 5,001 tokens long; this network reads 12 at most: shorten it."),
    ],
)
def test_a_bad_file_is_told_and_leaves_the_field(data, says):
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    at.file_uploader[0].upload("text.txt", data)
    at.run()
    assert told(at).endswith(says)
    assert at.text_area(key="text").value == "sat on the cat"
    at.file_uploader[0].upload("text.txt", "\ufeffon the\r\nmat".encode())
    at.run()
    assert not at.error and at.text_area(key="text").value == "on the\nmat"
    assert at.code[0].value.startswith("'on the\\nmat' your text")


@pytest.mark.parametrize("text", ["🙂", "🙂🙂🚀", "שלום", "مرحبا", "你好吗", "ä ö ü"])
def test_writing_it_never_saw_is_told_and_leaves_the_field(text):
    at = shown()
    at.text_area(key="text").set_value("sat on the cat").run()
    at.text_area(key="text").set_value(text).run()
    assert "never saw such writing" in told(at)
    assert at.query_params["text"] == "sat on the cat"
    at.file_uploader[0].upload("text.txt", text.encode())
    at.run()
    assert "never saw such writing" in told(at)
    assert at.code[0].value.startswith("'sat on the cat'")


@pytest.mark.parametrize("letter", ["🙂", "ä", "你"])
def test_a_letter_of_many_tokens_among_others_is_read_byte_by_byte(letter):
    at = shown(text=f"the cat sat on {letter} the mat")
    assert not at.exception and not at.error
    chips = at.get("html")[0].proto.body
    count = len(letter.encode())
    assert all(f"{letter}<sub>{part}</sub>" in chips for part in range(1, count + 1))
    assert f"part {count} of {count} of this letter" in chips


def test_a_network_of_whole_words_says_what_it_does_not_know(monkeypatch, tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Punctuation, Sequence, Whitespace

    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    made = Tokenizer(WordLevel({"[UNK]": 0, "cat": 1, "mat": 2}, "[UNK]"))
    made.pre_tokenizer = Sequence([Whitespace(), Punctuation("removed")])
    (tmp_path / "whole").mkdir()
    made.save(str(tmp_path / "whole" / "tokenizer.json"))
    kind = Text("whole", 8)
    assert texts.unknown(kind, kind.tokens("cat, mat")) == ""
    assert texts.unknown(kind, kind.tokens("dog, mat")) == (
        "It does not know 1 of these 2 words (“dog”): all such are one and the same to it."
    )
    with pytest.raises(BadInput, match="There is no word in that"):
        kind.tokens("!?!")
    with pytest.raises(BadInput, match="knows none of these words"):
        kind.tokens("שלום " + "x" * 500)


def test_what_is_typed_is_counted_meanwhile():
    at = shown(text="the cat")
    assert limit(at) == {
        "text": "3 of at most 12 tokens", "share": 0.25, "over": False, "field": "text", "most": texts.LONGEST
    }  # fmt: skip
    assert texts.count(Text("stand-in", 12, before=("<s>",)), "on the mat " * 9) > 12, "beyond the limit too"
    pair = TextPair("stand-in", 12, ("English", "French"))
    assert texts.count(pair, "the cat") == len(pair.tokens("the cat\tle chat")[0])


def test_bytes_of_a_letter_are_not_written_without_the_rest():
    def page():
        import streamlit as st

        from app.components.give_text import put

        st.text_area("Text", key="text")
        st.button("half", on_click=put, args=("cat \ufffd",))
        st.button("whole", on_click=put, args=("cat sat",))
        st.code(st.session_state.get("trouble", ""))

    at = AppTest.from_function(page).run()
    at.text_area(key="text").set_value("cat").run()
    at.button[0].click().run()
    assert at.text_area(key="text").value == "cat" and "part of a letter" in at.code[0].value
    at.button[1].click().run()
    assert at.text_area(key="text").value == "cat sat" and at.code[0].value == ""
