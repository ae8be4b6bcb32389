"""python -m models, as a person types it."""

from __future__ import annotations

import importlib
import json
import shutil

import pytest

import models
from models import checkpoint, notes, verify
from models.__main__ import every, main
from models.checkpoint import Metric
from models.data import DataMissing


@pytest.fixture
def away(tmp_path, monkeypatch):
    """A copy of the smallest network's checkpoint, alone."""
    slug = min(every(), key=lambda s: checkpoint.read_record(s).parameters)
    shutil.copytree(checkpoint.folder(slug), tmp_path / slug)
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    return slug


def test_list_names_every_network_with_its_headline(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    waiting = [n.slug for p in models.waiting() for n in models.networks(p.slug)]
    assert [line.split()[0] for line in lines] == [*every(), *waiting]
    assert all("[not trained yet]" in line for line in lines[len(every()) :] if "/" not in line.split()[0])
    for slug, line in zip(every(), lines, strict=False):
        metric = checkpoint.read_record(slug).metric(models.paper(slug).headline.metric)
        assert metric is not None
        assert f"{metric.name} {metric.value:g}" in line


def test_list_says_what_is_not_trained(away, capsys):
    main(["list"])
    said = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
    assert "not trained yet" not in said.pop(away)
    assert all("not trained yet" in text for text in said.values())


def test_evaluate_prints_the_record_again(away, capsys):
    assert main(["evaluate", away]) == 0
    measured = {m["name"]: m["value"] for m in json.loads(capsys.readouterr().out)}
    assert measured == pytest.approx({m.name: m.value for m in checkpoint.read_record(away).metrics})


def test_verify_finds_a_changed_byte(away, capsys):
    assert main(["verify", away]) == 0
    assert capsys.readouterr().out.strip() == f"{away}: sound"
    path = checkpoint.weights_path(away, twin=True)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert main(["verify", away]) == 1
    assert "twin.safetensors has another sha256" in capsys.readouterr().out


def test_verify_finds_a_missing_file_a_wrong_number_and_other_outputs(away, capsys):
    checkpoint.weights_path(away, step=0).unlink()
    record = json.loads((checkpoint.folder(away) / "record.json").read_text())
    record["metrics"][0]["value"] += 0.5
    checkpoint.write_json(away, "record", record)
    golden = checkpoint.read_arrays(checkpoint.folder(away) / "golden.safetensors")
    checkpoint.write_arrays(away, "golden", {**golden, "output": golden["output"] + 0.01})
    assert main(["verify", away]) == 1
    said = capsys.readouterr().out
    assert "steps/000000.safetensors is missing" in said
    assert f"the record says {record['metrics'][0]['name']}" in said
    assert "differ from the golden ones by 0.01" in said


def test_verify_finds_a_headline_that_the_first_samples_deny(tmp_path, monkeypatch):
    shutil.copytree(checkpoint.folder("vit"), tmp_path / "vit")
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    record = json.loads((tmp_path / "vit" / "record.json").read_text())
    accuracy = next(m for m in record["metrics"] if m["name"] == "test_accuracy")
    accuracy["value"] += 15
    checkpoint.write_json("vit", "record", record)
    (found,) = verify.faults("vit", fresh=False)
    assert found.startswith(f"vit: the record says test_accuracy {accuracy['value']}, and ")


def test_verify_says_what_it_could_not_measure(away, capsys, monkeypatch):
    def missing(slug, **limit):
        raise DataMissing("No digits here.")

    monkeypatch.setattr(verify, "evaluate", missing)
    assert main(["verify", away]) == 0
    assert capsys.readouterr().out == f"{away}: sound as far as can be seen; not measured again: No digits here.\n"


def test_training_again_is_aside_and_anew_each_time(capsys, monkeypatch, tmp_path):
    slug, ours = "perceptron", tmp_path / "ours" / "perceptron"
    shutil.copytree(checkpoint.folder(slug), ours)
    (ours.parent / "another").mkdir()
    begun = []

    def run(device: str) -> None:
        here = checkpoint.folder(slug)
        begun.append(here.exists())
        shutil.copytree(ours, here, dirs_exist_ok=True)

    monkeypatch.setattr(importlib.import_module("models.perceptron.train"), "run", run)
    monkeypatch.setenv("CUTAWAY_RUNS", str(tmp_path / "runs"))
    before = {path: path.read_bytes() for path in sorted(ours.rglob("*")) if path.is_file()}
    for _ in range(2):
        monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(ours.parent))
        assert main(["train", slug, "--again"]) == 0
        aside = checkpoint.folder(slug)
        assert aside != ours and (aside.parent / "another").is_symlink()
        metric = checkpoint.read_record(slug).metrics[0]
        line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{metric.name} "))
        assert line.split()[1:3] == [f"{metric.value:.5g}"] * 2
    assert begun == [False, False], "nothing is left of the first time"
    assert {path: path.read_bytes() for path in sorted(ours.rglob("*")) if path.is_file()} == before
    with pytest.raises(checkpoint.CheckpointError, match="as a whole"):
        main(["train", slug, "--again", "--only", "twin"])


def test_notes_leaves_what_is_right(capsys):
    before = (models.root() / "README.md").read_text()
    assert main(["notes"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{slug}: as it should be" for slug in every()]
    assert (models.root() / "README.md").read_text() == before


def test_unknown_names_are_refused():
    with pytest.raises(KeyError, match="no paper 'nosuch'"):
        main(["train", "nosuch"])
    with pytest.raises(SystemExit):
        main(["fly"])


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (98.934, "%", "98.93 %"),
        (60000, "", "60,000"),
        (None, "%", "not given"),
        (4, "of 4", "4 of 4"),
        (0.95, "%", "0.95 %"),
    ],
)
def test_numbers_read_as_people_write_them(number, unit, text):
    assert notes.value(number, unit) == text


def test_a_share_says_how_far_chance_may_have_moved_it():
    assert notes.samples(Metric("test_error", 11.58, 10_000, "%")) == "10,000 (± 0.32)"
    assert notes.samples(Metric("masked_accuracy_alice", 39.82, 113, "%")) == "113 (± 4.6)"
    assert notes.samples(Metric("response_0_0", 0.42, 500)) == "500"
