"""CIFAR-10's reader and what the papers trained on it share, on a stand-in of forty pictures; the real set where it is."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image as Pictures
from torch import nn

from models import photos
from models.data import DataMissing, cifar10, fetch, folder
from models.data.cifar10 import CIFAR, LABELS


def pack(path, pixels: np.ndarray, labels: np.ndarray, form: str = "PNG") -> None:
    """A Parquet file in the layout of the public one."""
    rows = []
    for picture in pixels:
        file = io.BytesIO()
        Pictures.fromarray(picture).save(file, form)
        rows.append({"bytes": file.getvalue(), "path": None})
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"img": pa.array(rows, kind), "label": labels}), path, compression="zstd")


@pytest.fixture
def standin(tmp_path, monkeypatch):
    """Forty training and twenty test pictures of noise, each class around a colour of its own."""
    monkeypatch.setenv("CUTAWAY_DATA", str(tmp_path))
    chance = np.random.default_rng(0)
    made = {}
    for split, n in (("train", 40), ("test", 20)):
        labels = np.arange(n) % 10
        pixels = (chance.integers(0, 100, (n, 32, 32, 3)) + 15 * labels[:, None, None, None]).astype(np.uint8)
        pack(tmp_path / "cifar10" / f"{split}.parquet", pixels, labels)
        made[split] = (pixels, labels)
    for cached in (cifar10.read, photos.pictures):
        cached.cache_clear()
    monkeypatch.setattr(photos, "VALID", 10)
    yield made
    for cached in (cifar10.read, photos.pictures):
        cached.cache_clear()


def test_the_reader_gives_pixels_and_labels_in_the_order_of_the_file(standin):
    for split, (pixels, labels) in standin.items():
        read, named = cifar10.read(split)
        assert np.array_equal(read, pixels)
        assert np.array_equal(named, labels)
        assert (read.dtype, named.dtype) == (np.uint8, np.int64)
        assert not read.flags.writeable
    with pytest.raises(DataMissing, match="python -m models data fetch cifar10"):
        cifar10.read("validation")


def test_jpeg_files_are_read_as_well(tmp_path):
    pixels = np.full((3, 32, 32, 3), 90, np.uint8)
    pack(tmp_path / "a.parquet", pixels, np.arange(3), "JPEG")
    assert np.abs(cifar10.decode(tmp_path / "a.parquet")[0].astype(int) - 90).max() <= 2


def test_pictures_are_what_the_image_kind_gives(standin):
    x, y = photos.pictures("train")
    assert x.shape == (40, 3, 32, 32)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    assert np.allclose(x.numpy(), CIFAR.from_pixels(standin["train"][0]), atol=1e-6)
    assert y.tolist() == (np.arange(40) % 10).tolist()


def test_validation_is_the_end_of_the_training_set(standin):
    x, y = photos.pictures("train")
    fit, valid = photos.pictures("fit"), photos.pictures("valid")
    assert torch.equal(torch.cat([fit[0], valid[0]]), x)
    assert torch.equal(torch.cat([fit[1], valid[1]]), y)
    assert len(valid[0]) == 10


def test_a_photograph_of_the_right_size_reaches_the_network_as_the_training_set_does(standin):
    pixels = standin["train"][0][3]
    assert np.allclose(CIFAR.parse(pixels), photos.pictures("train")[0][3:4].numpy(), atol=1e-6)
    assert CIFAR.labels == LABELS


def by_hand(x: torch.Tensor, order: torch.Generator, pad: int, mode: str) -> torch.Tensor:
    """Crops and flips one picture at a time, from the same random numbers."""
    down, across = torch.randint(2 * pad + 1, (2, len(x), 1), generator=order)
    mirrored = torch.rand(len(x), 1, generator=order) < 0.5
    around = torch.nn.functional.pad(x, (pad,) * 4, mode=mode)
    made = []
    for i in range(len(x)):
        top, left = int(down[i]), int(across[i])
        crop = around[i, :, top : top + x.shape[2], left : left + x.shape[3]]
        made.append(crop.flip(2) if mirrored[i] else crop)
    return torch.stack(made)


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_crops_and_flips_are_those_of_one_picture_at_a_time(mode):
    x = torch.randn(50, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
    fast = photos.crops_and_flips(x, seeds[0], pad=3, mode=mode)
    assert torch.equal(fast, by_hand(x, seeds[1], 3, mode))
    assert fast.shape == x.shape


def test_without_a_border_half_the_pictures_are_mirrored():
    x = torch.randn(400, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    y = photos.crops_and_flips(x, torch.Generator().manual_seed(2), pad=0)
    same = (y == x).flatten(1).all(1)
    turned = (y == x.flip(3)).flatten(1).all(1)
    assert (same ^ turned).all()
    assert 160 < int(turned.sum()) < 240


def test_what_comes_in_at_the_border_is_the_mean_colour():
    y = photos.crops_and_flips(torch.ones(200, 3, 8, 8), torch.Generator().manual_seed(0), pad=4)
    kept = y.mean((1, 2, 3))
    assert set(y.unique().tolist()) == {0.0, 1.0}
    assert 0.25 <= kept.min() < 0.5
    assert kept.max() == 1


def test_pictures_are_made_smaller_without_losing_their_mean_and_left_alone_at_their_size():
    x = torch.rand(2, 3, 32, 32)
    assert photos.resized(x, 32) is x
    small = photos.resized(x, 16)
    assert small.shape == (2, 3, 16, 16)
    assert torch.allclose(photos.resized(torch.full((1, 3, 32, 32), 0.3), 24), torch.tensor(0.3))
    assert abs(float(small.mean() - x.mean())) < 0.02
    stripes = torch.zeros(1, 1, 32, 32)
    stripes[..., ::2] = 1
    assert (photos.resized(stripes, 16)[..., 2:-2] - 0.5).abs().max() < 0.1, (
        "fine stripes become grey, not other stripes"
    )


def test_the_side_grows_with_the_training():
    sides = [photos.side(step, 100) for step in range(100)]
    assert sides == [16] * 20 + [24] * 30 + [32] * 50
    assert {photos.side(step, 7, ((0.0, 8),)) for step in range(8)} == {8}


class Pointer(nn.Module):
    """Scores in which the class is the picture's first value."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.one_hot(x[:, 0, 0, 0].long(), 10).float()


def test_right_answers_are_counted_and_measured():
    x = torch.zeros(20, 3, 2, 2)
    x[:, 0, 0, 0] = torch.arange(20) % 10
    y = torch.arange(20) % 10
    y[0], y[13] = 1, 0
    net = Pointer()
    assert photos.answers(net, x, 7).tolist() == (torch.arange(20) % 10).tolist()
    assert photos.right(net, x, y) == 18
    counts = photos.right_by_class(net, x, y)
    assert counts[0] == (1, 2)
    assert counts[1] == (2, 3)
    assert counts[3] == (1, 1)
    assert counts[4] == (2, 2)
    row = photos.measures(net, x, y)
    assert row["test_accuracy"] == pytest.approx(90)
    assert row["test_loss"] == pytest.approx(np.log(np.e + 9) - 0.9, abs=1e-5)
    assert set(photos.measures(net, x, y, "valid")) == {"valid_loss", "valid_accuracy"}


def test_shares_are_in_per_cent_and_hold_every_seed():
    one, two = photos.share("a", 3, 12), photos.share("b", [3, 6], 12, "train")
    assert (one.value, one.samples, one.unit, one.split, one.seeds) == (25, 12, "%", "test", ())
    assert (two.value, two.split, two.seeds) == (25, "train", (25.0, 50.0))


def test_there_is_a_golden_scene_of_every_class():
    x = photos.one_of_each()
    assert x.shape == (10, 3, 32, 32)
    assert x.dtype == np.float32
    assert len({picture.tobytes() for picture in x}) == 10


def test_a_file_that_is_not_cifar10_is_doubted(standin, tmp_path, monkeypatch):
    path = tmp_path / "cifar10" / "train.parquet"
    assert "its pictures are (40, 32, 32, 3)" in cifar10.doubt(path)
    monkeypatch.setattr(cifar10, "SIZES", {40: "train"})
    assert "another colour" in cifar10.doubt(path)
    pixels, labels = standin["train"]
    monkeypatch.setattr(cifar10, "COLOURS", [pixels[labels == i].mean((0, 1, 2)) for i in range(10)])
    assert cifar10.doubt(path) == ""
    pack(path, pixels, np.zeros(40, np.int64))
    assert "not equally many" in cifar10.doubt(path)


def test_a_fetched_set_without_a_checksum_says_what_was_looked_at(standin, tmp_path, monkeypatch, capsys):
    pixels, labels = standin["train"]
    home = tmp_path / "home.parquet"
    pack(home, pixels, labels)
    monkeypatch.setattr(cifar10, "SIZES", {40: "train"})
    monkeypatch.setattr(cifar10, "COLOURS", [pixels[labels == i].mean((0, 1, 2)) for i in range(10)])
    monkeypatch.setitem(fetch.FILES, "cifar10", (fetch.File("sets/a.parquet", "new.parquet"),))
    monkeypatch.setattr(fetch, "_download", lambda url, part: part.write_bytes(home.read_bytes()))
    fetch.fetch("cifar10")
    fetch.fetch("cifar10")
    said = capsys.readouterr().out
    assert f"is fetched and looks right: {cifar10.CHECKED}" in said
    assert "is there and looks right" in said
    assert np.array_equal(cifar10.decode(folder() / "cifar10" / "new.parquet")[0], pixels)
    monkeypatch.setattr(fetch, "_download", lambda url, part: part.write_bytes(b"<html>Sign in</html>"))
    (folder() / "cifar10" / "new.parquet").unlink()
    with pytest.raises(DataMissing, match="is not the data set as we know it"):
        fetch.fetch("cifar10")


@pytest.mark.data
def test_cifar10_has_its_classes_and_colours(monkeypatch):
    monkeypatch.setattr(cifar10, "decode", cache(cifar10.decode))  # sixty thousand pictures, once
    x, y = photos.pictures("train")
    assert torch.bincount(y).tolist() == [5_000] * 10
    assert torch.allclose(x.mean((0, 2, 3)), torch.zeros(3), atol=2e-3)
    assert torch.allclose(x.std((0, 2, 3)), torch.ones(3), atol=1e-2)
    assert torch.bincount(photos.pictures("test")[1]).tolist() == [1_000] * 10
    for split in ("train", "test"):
        assert cifar10.doubt(folder() / "cifar10" / f"{split}.parquet") == ""
