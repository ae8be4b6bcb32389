"""The reader of sentence pairs, on a stand-in of the file, and the file itself where it is."""

from __future__ import annotations

import gzip

import pytest

from models.data import DataMissing, tatoeba

ROWS = 'en\tfr\tsplit\n"Hi," he said.\t« Salut », dit-il.\ttrain\nWait!\tAttends !\ttest\nI see.\tJe vois.\ttrain\n'


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write the file with these bytes, into a data folder of its own."""
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    tatoeba._rows.cache_clear()

    def write(data: bytes) -> None:
        (tmp_path / "translation").mkdir()
        (tmp_path / "translation" / "tatoeba.en-fr.tsv.gz").write_bytes(data)

    yield write
    tatoeba._rows.cache_clear()


def test_pairs_are_read_by_split_with_quotes_as_they_are(put):
    put(gzip.compress(ROWS.encode()))
    assert tatoeba.read("train") == (['"Hi," he said.', "I see."], ["« Salut », dit-il.", "Je vois."])
    assert tatoeba.read("test") == (["Wait!"], ["Attends !"])
    assert tatoeba.read("valid") == ([], [])
    with pytest.raises(KeyError, match="no split 'dev'"):
        tatoeba.read("dev")


def test_a_reader_may_change_what_it_was_given(put):
    put(gzip.compress(ROWS.encode()))
    tatoeba.read("test")[0].append("Mine.")
    assert tatoeba.read("test")[0] == ["Wait!"]


DAMAGED = {
    "empty": b"",
    "no gzip": b"no gzip",
    "cut short": gzip.compress(ROWS.encode())[:-9],
    "without splits": gzip.compress(b"a\tb\nc\td\n"),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_says_so(put, data):
    put(data)
    with pytest.raises(DataMissing, match="damaged"):
        tatoeba.read("train")


def test_a_missing_file_says_so(put):
    with pytest.raises(DataMissing, match="set CUTAWAY_DATA"):
        tatoeba.read("train")


@pytest.mark.data
def test_no_test_sentence_is_trained_on():
    train, test = tatoeba.read("train"), tatoeba.read("test")
    assert (len(train[0]), len(train[1]), len(test[0])) == (134_987, 134_987, 2_000)
    for trained, held in zip(train, test, strict=True):
        assert not set(trained) & set(held)
    assert len(set(test[0])) == 2_000
