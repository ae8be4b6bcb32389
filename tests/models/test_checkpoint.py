"""Weights come back as they were, and what is not theirs is refused with a sentence."""

from __future__ import annotations

import shutil

import pytest
import torch

import models
from models import bits, checkpoint
from models.checkpoint import CheckpointError, Metric

SLUG = "lenet5"


@pytest.fixture
def away(tmp_path, monkeypatch):
    """A checkpoint folder of its own with a copy of one paper's weights."""
    shutil.copytree(checkpoint.folder(SLUG), tmp_path / SLUG)
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    return tmp_path


def test_weights_survive_the_way_to_disk_bit_by_bit(away):
    module = models.build(SLUG)
    checkpoint.write_weights(SLUG, module)
    again = models.restore(SLUG).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in module.state_dict().items())


def test_a_snapshot_is_half_as_precise_and_half_as_large(away):
    module = models.build(SLUG)
    checkpoint.write_weights(SLUG, module)
    checkpoint.write_weights(SLUG, module, step=77)
    whole, half = checkpoint.weights_path(SLUG), checkpoint.weights_path(SLUG, step=77)
    assert half.stat().st_size < 0.7 * whole.stat().st_size
    again = models.restore(SLUG, step=77).state_dict()
    for name, tensor in module.state_dict().items():
        assert torch.allclose(tensor.float(), again[name].float(), rtol=1e-3, atol=1e-4)


class Wide(torch.nn.Module):
    """One kernel, one matrix, and what is kept of them with 16 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = torch.nn.Conv2d(2, 3, 3), torch.nn.Linear(10, 7)


def test_a_snapshot_of_a_large_network_has_8_bits_in_kernels_and_4_in_matrices(away, monkeypatch):
    monkeypatch.setattr(bits, "LARGE", 0)
    module, again = Wide(), Wide()
    with torch.no_grad():
        module.conv.weight.copy_(torch.arange(54.0).view(3, 2, 3, 3) - 20)
        values = torch.tensor(bits.NF4)
        module.fc.weight.copy_(
            torch.cat((2 * values.repeat(4), torch.tensor([0.3, 1.2, 0.0, 0.0, 0.9, -1.2]))).view(7, 10)
        )
    checkpoint.write_weights(SLUG, module, step=77)
    stored = checkpoint.read_tensors(checkpoint.weights_path(SLUG, step=77))
    assert {name: t.dtype for name, t in stored.items()} == {
        "conv.weight": torch.int8,
        "conv.weight::scale": torch.float32,
        "conv.bias": torch.float16,
        "fc.weight": torch.uint8,
        "fc.weight::scale": torch.float16,
        "fc.bias": torch.float16,
    }
    assert len(stored["fc.weight"]) == 64, "70 weights are two blocks of 64, two weights a byte"
    assert stored["fc.weight"][:8].tolist() == [16 * (i + 1) + i for i in range(0, 16, 2)]
    checkpoint.read_weights(SLUG, again, step=77)
    for kernel, other in zip(module.conv.weight, again.conv.weight, strict=True):
        assert (kernel - other).abs().max() <= kernel.abs().max() / 254 + 1e-6
    matrix = again.fc.weight.flatten()
    assert torch.equal(matrix[:64], 2 * values.repeat(4)), "what lies on the values stays as it is"
    near = torch.tensor([0.24611230, 1, 0, 0, 0.72295684, -1]) * 1.2  # 0.3 / 1.2 = 0.25, 0.9 / 1.2 = 0.75
    assert torch.allclose(matrix[64:], near, atol=1e-3)


@pytest.mark.parametrize("further", [{"twin": "deeper"}, {"seed": 2}])
def test_a_further_twin_or_seed_of_a_large_network_has_8_bits(away, monkeypatch, further):
    monkeypatch.setattr(bits, "LARGE", 0)
    torch.manual_seed(0)
    module, again = Wide(), Wide()
    checkpoint.write_weights(SLUG, module, **further)
    stored = checkpoint.read_tensors(checkpoint.weights_path(SLUG, **further))
    assert stored["conv.weight"].dtype == stored["fc.weight"].dtype == torch.int8
    checkpoint.read_weights(SLUG, again, **further)
    for row, other in zip(module.fc.weight, again.fc.weight, strict=True):
        assert (row - other).abs().max() <= row.abs().max() / 254 + 1e-6


def test_the_twin_has_the_models_bits_below_a_million_parameters_and_8_above(away, monkeypatch):
    monkeypatch.setattr(bits, "LARGE", 0)
    for least, kind in ((bits.HUGE, torch.float16), (sum(p.numel() for p in Wide().parameters()) - 1, torch.int8)):
        monkeypatch.setattr(bits, "HUGE", least)
        checkpoint.write_weights(SLUG, Wide(), twin=True)
        assert checkpoint.read_tensors(checkpoint.weights_path(SLUG, twin=True))["fc.weight"].dtype == kind
        checkpoint.write_weights(SLUG, Wide())
        assert checkpoint.read_tensors(checkpoint.weights_path(SLUG))["fc.weight"].dtype == torch.float16


def test_a_matrix_of_4_bits_and_another_size_is_refused(away, monkeypatch):
    monkeypatch.setattr(bits, "LARGE", 0)
    checkpoint.write_weights(SLUG, Wide(), step=77)
    wider = Wide()
    wider.fc.weight = torch.nn.Parameter(torch.zeros(7, 20))
    with pytest.raises(CheckpointError, match=r"another size: it differs in fc\.weight"):
        checkpoint.read_weights(SLUG, wider, step=77)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "damaged"), (b"\x80\x04K\x01.", "damaged"), (b"\xff" * 64, "damaged")]
)
def test_a_damaged_file_is_refused(away, content, says):
    checkpoint.weights_path(SLUG).write_bytes(content)
    with pytest.raises(CheckpointError, match=says):
        models.load(SLUG)


def test_a_truncated_file_is_refused(away):
    path = checkpoint.weights_path(SLUG)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        models.load(SLUG)


def test_a_missing_file_is_named(away):
    with pytest.raises(CheckpointError, match=r"000123\.safetensors is not there"):
        models.load(SLUG, step=123)
    checkpoint.weights_path(SLUG).unlink()
    with pytest.raises(CheckpointError, match="is not there"):
        models.load(SLUG)


def test_weights_of_another_model_are_refused(away):
    shutil.copy(checkpoint.folder(SLUG) / "portrait.safetensors", checkpoint.weights_path(SLUG))
    with pytest.raises(CheckpointError, match="another model"):
        models.load(SLUG)


def test_weights_of_another_size_are_refused(away):
    from safetensors.torch import save_file

    tensors = {k: torch.zeros(*v.shape, 2) for k, v in models.build(SLUG).state_dict().items()}
    save_file(tensors, checkpoint.weights_path(SLUG))
    with pytest.raises(CheckpointError, match="another size"):
        models.load(SLUG)


def test_a_damaged_record_is_refused(away):
    (checkpoint.folder(SLUG) / "record.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.read_record(SLUG)


def test_only_the_model_itself_has_snapshots():
    with pytest.raises(CheckpointError, match="snapshots are kept"):
        checkpoint.weights_path(SLUG, step=1, twin=True)


def test_the_spread_is_the_range_over_the_seeds():
    assert Metric("m", 98.9, 10000, seeds=(98.9, 99.1, 99.0)).spread == pytest.approx(0.2)
    assert Metric("m", 98.9, 10000).spread == 0.0


def test_a_share_of_answers_has_a_standard_error_and_nothing_else_has():
    assert Metric("twin_test_accuracy", 80, 400, "%").sampling == pytest.approx(2), "100 sqrt(0.8 x 0.2 / 400)"
    assert Metric("test_error", 0, 99, "%").sampling == pytest.approx(1), "none wrong of a few: as for 1 %"
    assert Metric("gain_over_twin", 80, 400, "%").sampling is None
    assert Metric("test_accuracy", 0.8, 400).sampling is None


def test_the_end_of_the_training_is_the_last_snapshot():
    end = checkpoint.read_record("lenet5").steps
    assert checkpoint.snapshots("lenet5")[-1] == end
    assert checkpoint.weights_path("lenet5", step=end) == checkpoint.weights_path("lenet5")
    assert checkpoint.weights_path("lenet5", step=end - 1) != checkpoint.weights_path("lenet5")
    assert checkpoint.weights_path("lenet5", step=0).parent.name == "steps"


def test_the_last_snapshot_goes_once_the_training_is_at_its_end(away):
    end = checkpoint.read_record(SLUG).steps
    checkpoint.write_weights(SLUG, models.build(SLUG), step=end)
    assert checkpoint.weights_path(SLUG, step=end).parent.name == "steps"
    checkpoint.drop_last(SLUG, end)
    assert checkpoint.weights_path(SLUG, step=end) == checkpoint.weights_path(SLUG)
    assert checkpoint.snapshots(SLUG)[-1] == end
    checkpoint.weights_path(SLUG).unlink()
    assert checkpoint.snapshots(SLUG)[-1] < end, "an end without weights is none"


def test_the_record_says_of_what_code_and_where_the_weights_were_made(tmp_path, monkeypatch):
    known = checkpoint.read_record(SLUG)
    shutil.copytree(checkpoint.folder(SLUG), tmp_path / SLUG)
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(checkpoint, "made", lambda slug: now)
    now = {"commit": "0ff1ce5+", "hardware": "a pocket calculator", "versions": '{"torch": "3"}'}
    rest = {
        key: getattr(known, key) for key in ("split", "seed", "steps", "epochs", "wall_seconds", "metrics", "sample")
    }

    def again() -> tuple[str, str]:
        record = checkpoint.write_record(SLUG, **rest)
        return record.commit, record.hardware

    assert again() == (known.commit, known.hardware), "measured again is not trained again"
    checkpoint.write_weights(SLUG, models.build(SLUG))
    assert again() == ("0ff1ce5+", "a pocket calculator")
    checkpoint.write_weights(SLUG, models.build(SLUG), made=now | {"commit": "ca11ed"})
    assert again() == ("ca11ed", "a pocket calculator")
    assert checkpoint.read_record(SLUG).versions == {"torch": "3"}


def test_a_made_thing_names_commit_and_processor():
    made = checkpoint.made(SLUG)
    assert made["commit"] and "torch" in made["hardware"]
