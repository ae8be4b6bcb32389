"""The data that travels with the repository, and how the rest is fetched from home."""

from __future__ import annotations

import hashlib
import http.server
import io
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pictures

import models
from models.data import DataMissing, cifar10, drawings, fetch, folder, mnist, scenes
from models.data.probe import SETS, probe
from models.data.samples import FILES, sample_bytes
from models.paper import BadInput, Image, Paper, Sample

CARD = next(p for p in models.papers() if isinstance(p.takes, Image))


def test_the_probe_set_is_five_hundred_digits_taking_turns():
    known = probe("mnist")
    assert known.images.shape == (500, 28, 28)
    assert known.images.dtype == np.uint8
    assert np.array_equal(known.labels, np.arange(500) % 10)
    assert len(set(known.indices.tolist())) == 500
    for digit in range(10):
        assert (np.diff(known.indices[digit::10]) > 0).all(), "in the order of the test set"
    assert probe("mnist") is known
    with pytest.raises(ValueError, match="read-only"):
        known.images[0] = 0
    with pytest.raises(KeyError, match="no probe set of 'nosuch'"):
        probe("nosuch")


def test_the_probe_set_names_its_source_and_licence():
    note = (SETS / "README.md").read_text("utf8")
    for words in ("LeCun", "Cortes", "Burges", "ShareAlike 3.0", "python -m models.data.probe"):
        assert words in note
    for words in ("Twemoji", "Twitter, Inc. and other contributors", "Attribution 4.0"):
        assert words in note
    for words in ("Fluent Emoji, Microsoft", "MIT", "scenes-licence.txt"):
        assert words in note
    assert {p.stem for p in SETS.glob("*.npz")} == {"mnist", "emoji", "cifar10-painted"}
    for path in SETS.glob("*.npz"):
        assert len(probe(path.stem).images) <= 500
        assert path.stat().st_size < 2_000_000


def test_painted_scenes_stand_in_for_photographs_that_are_not_here(monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    probe.cache_clear()
    known = probe("cifar10")
    probe.cache_clear()
    assert known.what == "painted scenes"
    assert known.images.shape == (500, 32, 32, 3)
    assert np.array_equal(known.labels, np.arange(500) % 10)
    assert [scene.name for scene in scenes.SCENES] == list(cifar10.LABELS)


@pytest.mark.data
def test_where_the_photographs_are_they_are_taken():
    probe.cache_clear()
    known = probe("cifar10")
    images, labels = cifar10.read("test")
    assert known.what == "test pictures"
    assert np.array_equal(known.images, images[known.indices])
    assert np.array_equal(known.labels, labels[known.indices])


def test_a_crowd_is_drawn_by_lot_and_stays_in_the_picture():
    crowd = list(scenes.crowd(20))
    assert crowd == list(scenes.crowd(20))
    assert [scene.name for scene in crowd[:10]] == list(cifar10.LABELS)
    assert len({(scene.hexcode, scene.middle, scene.size) for scene in crowd}) == 200
    for scene in crowd:
        assert all(scene.size / 2 <= place <= 1 - scene.size / 2 for place in scene.middle)


@pytest.mark.data
def test_the_painted_probe_set_is_what_the_program_paints():
    with np.load(SETS / "cifar10-painted.npz", allow_pickle=False) as file:
        for i, scene in zip(range(12), scenes.crowd(2), strict=False):
            assert np.abs(file["images"][i].astype(int) - scenes.small(scene)).max() <= 1


@pytest.mark.data
def test_the_probe_set_is_the_first_fifty_test_digits_of_every_class():
    images, labels = mnist.read("test")
    known = probe("mnist")
    assert np.array_equal(images[known.indices], known.images)
    for digit in range(10):
        assert np.array_equal(known.indices[digit::10], np.flatnonzero(labels == digit)[:50])


@pytest.mark.data
def test_mnist_has_its_digits_in_order():
    images, labels = mnist.read("train")
    assert images.shape == (60_000, 28, 28)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_data_that_is_not_here_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="python -m models data fetch mnist"):
        mnist.read("validation")
    monkeypatch.delenv("CUTAWAY_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "cutaway"


def test_a_probe_sample_is_that_digit_as_a_png():
    data = sample_bytes(CARD, Sample("seven", "probe:17"))
    assert isinstance(data, bytes)
    assert np.array_equal(np.asarray(Pictures.open(io.BytesIO(data))), probe("mnist").images[17])


def test_a_sample_that_is_not_there_is_an_error():
    for source, error in (("none.png", FileNotFoundError), ("probe:500", IndexError), ("probe:x", ValueError)):
        with pytest.raises(error):
            sample_bytes(CARD, Sample("x", source))


def test_the_text_of_a_fact_is_its_own_sample():
    facts = [n for p in models.papers() for n in models.networks(p.slug) if not isinstance(n.takes, Image)]
    for card in facts:
        for sample in card.samples:
            assert sample_bytes(card, sample) == sample.source


@pytest.mark.parametrize("name", drawings.DRAWN)
def test_a_drawing_is_small_made_by_its_program_and_readable(name):
    data = sample_bytes(CARD, Sample(name, name))
    assert isinstance(data, bytes)
    assert len(data) < 60_000
    again = drawings.file(name)
    assert again == drawings.file(name)
    shipped, made = (np.asarray(Pictures.open(io.BytesIO(d))).astype(int) for d in (data, again))
    assert shipped.shape == made.shape
    assert np.abs(shipped - made).mean() < 1, "another JPEG library may round otherwise"
    mark = CARD.takes.steps(data)[-2].pixels
    assert 20 < mark.sum() < 200


def test_no_file_of_unknown_making_is_among_the_samples():
    made = {*drawings.DRAWN, *(sample.source for sample in scenes.SAMPLES), scenes.LICENCE}
    assert {p.name for p in FILES.iterdir()} == made


def best(card: Paper, data: bytes) -> int:
    import torch

    module = models.load(card.slug).module
    with torch.no_grad():
        return int(module(torch.from_numpy(card.takes.parse(data))).argmax())


def test_the_convolutional_network_reads_every_drawing():
    drawn = (p for p in models.papers() if isinstance(p.takes, Image) and p.takes.ink and "height" in p.probes[0].axes)
    card = max(drawn, key=_year)
    read = {name: best(card, (FILES / name).read_bytes()) for name in drawings.DRAWN}
    assert read == {name: int(name.split("-")[1][0]) for name in drawings.DRAWN}


def _year(card: Paper) -> int:
    return card.year


# Fetching: a server on this machine stands in for the public home.


class Home(http.server.SimpleHTTPRequestHandler):
    """Serves a folder; a file whose name ends in `.short` is announced longer than it is."""

    def log_message(self, *_: object) -> None:
        """Silent."""

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length" and (Path(self.directory) / "short").exists():
            value = str(int(value) + 1000)
        super().send_header(keyword, value)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Iterator[Path]:
    """The folder that the stand-in serves; the data folder is `data` beside it."""
    served = tmp_path / "home"
    served.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Home, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("CUTAWAY_HOME_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path / "data"))
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def packed(digits: np.ndarray, labels: np.ndarray, compression: str = "zstd") -> bytes:
    """A Parquet file in the layout of the public one."""
    rows = []
    for digit in digits:
        file = io.BytesIO()
        Pictures.fromarray(digit).save(file, "PNG")
        rows.append({"bytes": file.getvalue(), "path": None})
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    out = io.BytesIO()
    pq.write_table(pa.table({"image": pa.array(rows, kind), "label": labels}), out, compression=compression)
    return out.getvalue()


@pytest.fixture
def small(home, monkeypatch) -> Path:
    """A data set of one file with forty digits, known under MNIST's name; its file at home."""
    digits, labels = probe("mnist").images[:40], probe("mnist").labels[:40]
    digest = hashlib.sha256(b"(40, 28, 28)" + digits.tobytes() + b"(40,)" + labels.astype("<i8").tobytes())
    monkeypatch.setitem(fetch.FILES, "mnist", (fetch.File("sets/a.parquet", "test.parquet", digest.hexdigest()),))
    mnist.read.cache_clear()
    file = home / "sets" / "a.parquet"
    file.parent.mkdir()
    file.write_bytes(packed(digits, labels))
    yield file
    mnist.read.cache_clear()


def left() -> list[str]:
    """What lies in the data folder, half files included."""
    return sorted(p.name for p in folder().rglob("*") if p.is_file())


def test_a_set_is_fetched_checked_and_read(small, capsys):
    fetch.fetch("mnist")
    assert left() == ["test.parquet"]
    images, labels = mnist.read("test")
    assert np.array_equal(images, probe("mnist").images[:40])
    assert np.array_equal(labels, np.arange(40) % 10)
    said = capsys.readouterr()
    assert "is fetched and right" in said.out
    assert "kB of test.parquet" in said.err


def test_a_set_that_is_there_is_not_fetched_again(small, capsys):
    fetch.fetch("mnist")
    small.unlink()
    fetch.fetch("mnist")
    assert "is there and right" in capsys.readouterr().out


def test_a_damaged_set_that_is_there_is_fetched_anew(small):
    (folder() / "mnist").mkdir(parents=True)
    (folder() / "mnist" / "test.parquet").write_bytes(b"half a file")
    fetch.fetch("mnist")
    assert len(mnist.read("test")[0]) == 40


def test_the_same_content_packed_otherwise_is_right(small):
    small.write_bytes(packed(probe("mnist").images[:40], probe("mnist").labels[:40], "snappy"))
    fetch.fetch("mnist")
    assert left() == ["test.parquet"]


def test_other_content_is_refused_and_nothing_is_left(small):
    digits = probe("mnist").images[:40].copy()
    digits[7, 3, 3] ^= 1
    for wrong in (packed(digits, probe("mnist").labels[:40]), b"<html>Sign in to this network</html>", b""):
        small.write_bytes(wrong)
        with pytest.raises(DataMissing, match="is not the data set as we know it"):
            fetch.fetch("mnist")
        assert left() == []


def test_a_transfer_that_breaks_off_is_said(small, home):
    (home / "short").touch()
    with pytest.raises(DataMissing, match=r"broke off after [\d,]+ of [\d,]+ bytes: try again"):
        fetch.fetch("mnist")
    assert left() == []


def test_a_set_that_moved_is_said(small):
    small.unlink()
    with pytest.raises(DataMissing, match=r"answers 404 .*: the data set may have moved"):
        fetch.fetch("mnist")
    assert left() == []


def test_no_connection_is_said(small, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CUTAWAY_HOME_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(DataMissing, match=r"cannot be fetched \(.*refused\): is this machine on the internet\?"):
            fetch.fetch("mnist")
    assert left() == []


def test_an_unknown_set_names_the_known_ones():
    with pytest.raises(DataMissing, match=r"There is no data set 'mnits' to fetch; known are: cifar10, mnist\."):
        fetch.fetch("mnits")


def test_a_set_that_is_nowhere_as_we_have_it_says_where_it_comes_from():
    with pytest.raises(
        DataMissing, match=r"^English text cannot be fetched: .* Project Gutenberg; .* Set CUTAWAY_DATA"
    ):
        fetch.fetch("text")


def test_the_public_home_is_the_one_the_source_names():
    homes = {"mnist": "datasets/ylecun/mnist/", "cifar10": "datasets/uoft-cs/cifar10/"}
    assert homes.keys() == fetch.FILES.keys()
    for name, files in fetch.FILES.items():
        for file in files:
            assert len(file.sha256) == (0 if name == "cifar10" else 64)
            assert file.remote.startswith(homes[name])


@pytest.mark.data
def test_the_checksums_are_those_of_the_data_here():
    for name, files in fetch.FILES.items():
        for file in files:
            if file.sha256:
                assert fetch.checksum(name, folder() / name / file.local) == file.sha256


def test_a_file_that_is_no_picture_would_be_refused_as_a_sample(tmp_path):
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(BadInput):
        CARD.takes.parse(sample_bytes(CARD, Sample("x", str(tmp_path / "a.png"))))
