"""The emoji: their reader on a stand-in of six drawings, their probe set, and what is known of the whole."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pictures

from models.clip import NAMES
from models.data import DataMissing, emoji, sources
from models.data.probe import probe

ROWS = (
    ("1F680", "google", "rocket", ["space"], "travel-places", "transport-air", (0, 0, 255, 255)),
    ("2764", "google", "red heart", ["love", "heart"], "smileys-emotion", "heart", (255, 0, 0, 128)),
    ("1F680", "twitter", "rocket", ["space"], "travel-places", "transport-air", (255, 255, 255, 255)),
    ("2764", "twitter", "red heart", ["love", "heart"], "smileys-emotion", "heart", (255, 0, 0, 128)),
    ("1F603", "openmoji", "grinning face", ["face"], "smileys-emotion", "face-smiling", (0, 0, 0, 0)),
)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    rows = []
    for hexcode, vendor, label, tags, group, subgroup, colour in ROWS:
        file = io.BytesIO()
        Pictures.new("RGBA", (64, 64), colour).save(file, "PNG")
        rows.append(
            {
                "image": {"bytes": file.getvalue(), "path": None},
                "hexcode": hexcode,
                "vendor": vendor,
                "label": label,
                "tags": tags,
                "group": group,
                "subgroup": subgroup,
            }
        )
    (tmp_path / "emoji").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "emoji" / "images.parquet")
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    forget()
    yield
    forget()


def forget() -> None:
    for cached in (emoji.emoji, emoji.drawings, emoji.read, emoji._all):
        cached.cache_clear()


def test_emoji_come_in_the_order_of_their_groups(stand_in):
    assert [e.name for e in emoji.emoji()] == ["grinning face", "red heart", "rocket"]
    assert emoji.emoji()[1] == emoji.Emoji("red heart", ("love", "heart"), "smileys-emotion", "heart", "2764")
    every = emoji.drawings()
    assert every.rgba.shape == (5, 64, 64, 4)
    assert every.labels.tolist() == [2, 1, 2, 1, 0]
    assert every.of("twitter").tolist() == [2, 3]
    assert every.of("google", "openmoji").tolist() == [0, 1, 4]


def test_the_held_out_vendor_is_the_test_and_lies_on_white(stand_in):
    pixels, labels = emoji.read("test")
    assert labels.tolist() == [2, 1]
    assert pixels.shape == (2, 64, 64, 3)
    assert pixels[:, 0, 0].tolist() == [[255, 255, 255], [255, 127, 127]]  # half a red on white
    pixels, labels = emoji.read("train")
    assert labels.tolist() == [2, 1, 0]
    assert pixels[:, 5, 5].tolist() == [[0, 0, 255], [255, 127, 127], [255, 255, 255]]
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0
    with pytest.raises(ValueError, match="train and test"):
        emoji.read("validation")


def test_any_ground_can_be_given(stand_in):
    on_green = emoji.composed(emoji.drawings().rgba, (0, 100, 0))
    assert on_green[:, 0, 0].tolist() == [[0, 0, 255], [128, 50, 0], [255, 255, 255], [128, 50, 0], [0, 100, 0]]


def test_emoji_that_are_not_here_are_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    forget()
    with pytest.raises(DataMissing, match="emoji"):
        emoji.read("test")


def test_every_vendor_is_named_with_its_licence():
    found = sources.source("emoji")
    assert found is not None
    for words in ("OpenMoji", "Noto", "Twemoji", "Fluent", "EmojiOne", "Firefox OS", "Unicode"):
        assert words in found.licence
    for words in (
        "OpenMoji",
        "Google",
        "Twitter, Inc.",
        "Microsoft",
        "LobeHub",
        "EmojiTwo",
        "Mozilla",
        "Miles Johnson",
    ):
        assert words in found.attribution


def test_the_probe_set_is_spread_over_all_names():
    known = probe("emoji")
    assert known.images.shape == (500, 64, 64, 3)
    assert known.images.dtype == np.uint8
    assert (np.diff(known.labels) > 0).all()
    assert known.labels.min() >= 0
    assert known.labels.max() < len(NAMES)
    assert set(np.diff(known.labels).tolist()) <= {3, 4, 5, 6}


@pytest.mark.data
def test_the_probe_set_is_of_the_held_out_vendor():
    images, labels = emoji.read("test")
    known = probe("emoji")
    assert np.array_equal(images[known.indices], known.images)
    assert np.array_equal(labels[known.indices], known.labels)


@pytest.mark.data
def test_the_data_is_as_it_is_described():
    assert len(emoji.emoji()) == 1914
    every = emoji.drawings()
    assert len(every.labels) == 11_139
    assert {v: len(every.of(v)) for v in emoji.VENDORS} == {
        "emojione": 1360,
        "fluent-3d": 1852,
        "fluent-flat": 1594,
        "fxemoji": 607,
        "google": 1906,
        "openmoji": 1914,
        "twitter": 1906,
    }
    assert set(emoji.GROUPS) == {e.group for e in emoji.emoji()}
