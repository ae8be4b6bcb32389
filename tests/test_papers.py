"""What must hold for every paper that discovery finds; a new one is tested without editing this file."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
import torch

import models
from app.interpret.trace import expand, trace
from models import bits, checkpoint, notes, verify
from models.data.samples import sample_bytes
from models.paper import TRACKS, ClassScores, Fact, Image, Text

NETWORKS = [network for paper in models.papers() for network in models.networks(paper.slug)]
WAITING = [network for paper in models.waiting() for network in models.networks(paper.slug)]


def every(networks=NETWORKS):
    return pytest.mark.parametrize("card", networks, ids=lambda card: card.slug)


def fresh(card) -> np.ndarray:
    """Any input that the network takes, made without a tokenizer."""
    if isinstance(card.takes, Image | Fact):
        return np.zeros((1, *card.takes.shape), np.float32)
    return np.arange(1, 7).reshape((1, 6) if isinstance(card.takes, Text) else (1, 2, 3))


@every([*NETWORKS, *WAITING])
def test_the_card_is_complete(card):
    assert card.track in TRACKS
    assert card.title
    assert card.authors
    assert card.venue
    assert card.url.startswith("https://")
    assert 40 <= len(card.idea) <= 260, "the idea is one sentence"
    assert len(card.about) > 150
    assert card.probes
    assert card.samples
    assert card.twin
    assert len({probe.path for probe in card.probes}) == len(card.probes)
    assert all(probe.what for probe in card.probes)


@every()
def test_every_claim_has_our_value_beside_it(card):
    record = checkpoint.read_record(card.slug)
    for claim in card.claims:
        metric = record.metric(claim.metric)
        assert metric is not None, claim.metric
        assert math.isfinite(metric.value)
        assert metric.samples > 0


@every()
def test_the_record_tells_the_truth_about_the_folder(card):
    record = checkpoint.read_record(card.slug)
    trainable = sum(p.numel() for p in models.build(card.slug).parameters() if p.requires_grad)
    assert record.parameters == trainable
    assert record.snapshots == checkpoint.snapshots(card.slug)
    assert record.snapshots[0] == 0
    assert record.snapshots[-1] == record.steps
    assert (8 if record.parameters > bits.HUGE else 11) <= len(record.snapshots) <= 20
    assert record.deviations == card.deviations
    assert list(verify.faults(card.slug, fresh=False)) == []


@every()
def test_the_note_and_its_figure_have_the_records_numbers(card):
    files = notes.files(card.slug)
    assert notes.path(card.slug) in files
    for file, text in files.items():
        assert file.read_text("utf8") == text, file


def test_the_readme_has_the_records_numbers():
    assert notes.readme() == (models.root() / "README.md").read_text("utf8")


@every()
def test_the_probes_are_what_a_forward_pass_computes(card):
    module = models.load(card.slug).module
    x = card.takes.parse(sample_bytes(card, card.samples[0]))
    seen = trace(module, card, x)
    assert seen.values.keys() == expand(module, card.probes).keys()
    for path, values in seen.values.items():
        assert values.ndim == len(seen.axes[path]), path
        assert seen.axes[path][0] == "batch"
        assert np.isfinite(values).all()
    with torch.no_grad():
        plain = module(torch.from_numpy(x)).numpy()
    assert np.array_equal(seen.scores, plain)
    assert seen.scores.shape[0] == 1
    if isinstance(card.gives, ClassScores):
        assert seen.scores.shape == (1, len(card.gives.labels))
    else:
        assert seen.scores.ndim == 3, "something for every token"


@every(WAITING)
def test_the_probes_of_an_untrained_network_are_there(card):
    seen = trace(models.build(card.slug).eval(), card, fresh(card))
    assert {path: values.ndim for path, values in seen.values.items()} == {
        path: len(axes) for path, axes in seen.axes.items()
    }


@every()
def test_every_sample_can_be_read(card):
    for sample in card.samples:
        x = card.takes.parse(sample_bytes(card, sample))
        if isinstance(card.takes, Image | Fact):
            assert x.dtype == np.float32
            assert x.shape == (1, *card.takes.shape)
            assert np.isfinite(x).all()
        else:
            assert x.dtype == np.int64
            assert x.ndim == fresh(card).ndim
            assert 1 < x.shape[-1] <= card.takes.context


@every()
def test_snapshots_and_twin_load(card):
    steps = checkpoint.snapshots(card.slug)
    last, end = models.load(card.slug, step=steps[-1]), models.load(card.slug)
    large = sum(p.numel() for p in end.module.parameters()) > bits.LARGE
    for (name, a), b in zip(last.module.state_dict().items(), end.module.state_dict().values(), strict=True):
        least = 5e-3 if large and b.ndim > 1 else 2e-3  # of the largest: half a step of 8 bits is 1/254
        assert torch.allclose(a.float(), b.float(), atol=least * max(1.0, float(b.abs().max()))), name
    assert models.load(card.slug, twin=True).twin
    first = models.load(card.slug, step=0).module.state_dict()
    assert any(not torch.equal(a, b) for a, b in zip(first.values(), end.module.state_dict().values(), strict=True))


@every()
def test_the_curves_hold_model_and_twin(card):
    curves = checkpoint.read_curves(card.slug)
    seeds = checkpoint.read_record(card.slug).metric(card.headline.metric).seeds
    assert len(curves["model"]) == max(1, len(seeds)), "as many curves as seeds in the record"
    assert curves["twin"]
    for trainings in curves.values():
        for rows in trainings.values():
            steps = [row["step"] for row in rows]
            assert steps == sorted(set(steps))
            assert len(rows) >= 5


@every([*NETWORKS, *WAITING])
def test_all_three_configs_build(card):
    for config in ("PAPER", "SMALL", "TWIN"):
        with torch.device("meta"):  # shapes without memory: some of the published networks fill a gigabyte
            assert sum(p.numel() for p in models.build(card.slug, config).parameters()) > 0


@pytest.mark.data
@every()
def test_the_record_is_what_the_weights_score(card):
    assert list(verify.faults(card.slug, fresh=True)) == []


def reads_pictures(card) -> bool:
    """Whether its accuracy can be counted here: classes of pictures whose data set has a reader of its own."""
    metric = checkpoint.read_record(card.slug).metric("test_accuracy")
    return isinstance(card.takes, Image) and isinstance(card.gives, ClassScores) and metric is not None


@pytest.mark.data
@every([card for card in NETWORKS if reads_pictures(card)])
def test_accuracy_by_other_code_agrees_with_the_record(card):
    pixels, labels = importlib.import_module(f"models.data.{card.dataset}").read("test")
    record = checkpoint.read_record(card.slug)
    few = next((m for m in record.sample if m.name == "test_accuracy"), None)
    metric = few or record.metric("test_accuracy")
    module = models.load(card.slug).module
    x = torch.from_numpy(card.takes.from_pixels(pixels[: metric.samples]))
    with torch.no_grad():
        answers = torch.cat([module(part).argmax(1) for part in x.split(500)]).numpy()
    right = 100 * float((answers == labels[: metric.samples]).mean())
    assert metric.value == pytest.approx(right, abs=1e-6 if few is None else 100.1 / metric.samples)


def test_an_unknown_paper_and_config_say_so():
    with pytest.raises(KeyError, match="no paper 'nosuch'"):
        models.load("nosuch")
    with pytest.raises(KeyError, match="no config"):
        models.build(NETWORKS[0].slug, "HUGE")
