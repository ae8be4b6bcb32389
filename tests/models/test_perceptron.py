"""The perceptron: all-or-nothing units, its one rule of learning, and what the trained one is known to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from models import checkpoint
from models.perceptron import train
from models.perceptron.model import PAPER, SMALL, TWIN, Config, Threshold, build, rivals

TINY = Config(side=2, association=2, responses=2, excitatory=1, inhibitory=1, margin=0, rate=1.0)


def tiny():
    """Unit 0 is excited by point 0 and inhibited by point 1; unit 1 is excited by point 3 and inhibited by point 0."""
    module = build(TINY)
    module.S_A.origins.copy_(torch.tensor([[0, 1], [3, 0]]))
    return module


def seen(*points):
    x = torch.zeros(1, 1, 2, 2)
    x.view(-1)[list(points)] = 1
    return x


def test_the_published_machine_has_its_published_size():
    module = build(PAPER)
    assert module.S_A.matrix().shape == (512, 400)
    assert module.R.weight.shape == (8, 512)
    assert sum(p.numel() for p in module.parameters()) == 4096
    assert module(torch.zeros(3, 1, 20, 20)).shape == (3, 8)


def test_a_unit_is_all_or_nothing():
    assert Threshold(1)(torch.tensor([-2.0, 0.0, 0.99, 1.0, 1.5, 4.0])).tolist() == [0, 0, 0, 1, 1, 1]


def test_impulses_are_added_and_taken_off():
    module = tiny()
    assert module.S_A(seen(0, 3)).tolist() == [[1, 0]]
    assert module.S_A(seen(0, 1)).tolist() == [[0, -1]]
    assert module.associate(seen(0, 3)).tolist() == [[1, 0]]
    assert module.associate(seen(1, 3)).tolist() == [[0, 1]]
    assert module.S_A.matrix().tolist() == [[1, -1, 0, 0], [-1, 0, 0, 1]]


def test_the_bag_of_points_is_a_product_with_the_matrix():
    torch.manual_seed(1)
    module = build(SMALL)
    x = (torch.rand(7, 1, 28, 28) > 0.7).float()
    assert torch.equal(module.S_A(x), x.flatten(1) @ module.S_A.matrix().T)
    assert module.S_A.matrix().sum(1).eq(SMALL.excitatory - SMALL.inhibitory).all()
    assert module.S_A.matrix().abs().sum(1).le(SMALL.excitatory + SMALL.inhibitory).all()


def test_origins_cluster_about_a_centre():
    torch.manual_seed(2)
    near, far = (build(replace(SMALL, spread=spread)).S_A.origins.float() for spread in (3.0, 12.0))
    assert near.min() >= 0
    assert near.max() < 28 * 28
    assert (near // 28).std(1).mean() < 0.6 * (far // 28).std(1).mean()


def test_an_error_is_corrected_and_a_right_answer_is_left_alone():
    module = tiny()
    assert module.correct(seen(0, 3), 1)  # 0 against 0: a tie is an error; unit 0 alone is active
    assert module.R.weight.tolist() == [[-1, 0], [1, 0]]
    assert not module.correct(seen(0, 3), 1)  # 1 against -1
    assert module.R.weight.tolist() == [[-1, 0], [1, 0]]
    assert module.correct(seen(0, 3), 0, rate=3.0)
    assert module.R.weight.tolist() == [[2, 0], [-2, 0]]


def test_the_rival_is_the_strongest_of_the_others():
    rival, wrong = rivals(torch.tensor([[1.0, 5.0, 3.0], [1.0, 5.0, 3.0], [2.0, 2.0, 0.0]]), torch.tensor([1, 0, 0]))
    assert rival.tolist() == [2, 1, 1]
    assert wrong.tolist() == [False, True, True]


def test_values_are_thrown_back_onto_the_retina():
    module = tiny()
    module.R.weight.data = torch.tensor([[2.0, -1.0], [0.0, 4.0]])
    assert module.retina().tolist() == [[[3, -2], [0, -1]], [[-4, 0], [0, 4]]]
    assert module.retina(torch.tensor([[1.0, 1.0]])).tolist() == [[[0, -1], [0, 1]]]


def test_the_twins_values_are_its_retina():
    module = build(TWIN)
    module.R.weight.data.normal_()
    x = torch.rand(2, 1, 28, 28).round()
    assert torch.equal(module.retina().flatten(1), module.R.weight)
    assert torch.equal(module.associate(x), x.flatten(1))


def test_no_gradient_comes_through_the_threshold():
    module = build(SMALL)
    module.R.weight.data.normal_()
    x = torch.rand(1, 1, 28, 28, requires_grad=True)
    module(x).sum().backward()
    assert x.grad.abs().max() == 0
    assert [type(m) for m in module.modules() if getattr(m, "differentiable", True) is False] == [Threshold]


def test_many_at_once_is_bit_for_bit_one_after_the_other():
    torch.manual_seed(3)
    slow = build(replace(SMALL, association=60, responses=4))
    fast = build(replace(SMALL, association=60, responses=4))
    fast.load_state_dict(slow.state_dict())
    x, target = (torch.rand(300, 1, 28, 28) > 0.6).float(), torch.randint(4, (300,))
    a = slow.associate(x)
    for _ in range(2):
        one_by_one = sum(slow.correct(x[i : i + 1], int(target[i])) for i in range(300))
        at_once = sum(train.present(fast, a[part], target[part]) for part in torch.arange(300).split(70))
        assert one_by_one == at_once > 50
        assert torch.equal(slow.R.weight, fast.R.weight)


def test_a_sweep_is_cut_where_the_curve_wants_a_row():
    assert train.cuts(0, 1000) == [10, 20, 40, 80, 160, 250, 320, 500, 640, 750]
    assert train.cuts(1000, 700) == [250, 280, 500]


def test_two_classes_that_share_nothing_need_one_correction_each():
    pixels = np.zeros((2, 28, 28), np.uint8)
    pixels[0, 3, 3] = pixels[1, 20, 20] = 255
    assert train.two_classes(build(TWIN), TWIN, pixels, np.array([False, True])) == (2, 0)


def test_what_nothing_separates_never_comes_to_rest(monkeypatch):
    monkeypatch.setattr(train, "PAIR_SWEEPS", 5)
    pixels = np.zeros((2, 28, 28), np.uint8)
    pixels[:, 3, 3] = 255
    corrections, left = train.two_classes(build(TWIN), TWIN, pixels, np.array([False, True]))
    assert left > 0
    assert corrections >= 5


def test_trained_values_are_whole_corrections():
    for twin in (False, True):
        values = models.load("perceptron", twin=twin).module.R.weight / SMALL.rate
        assert torch.equal(values, values.round())
        assert values.sum(0).abs().max() == 0, "a correction adds to one response what it takes from another"


def test_snapshots_are_exact():
    record = checkpoint.read_record("perceptron")
    last, end = (models.load("perceptron", step).module for step in (record.steps, None))
    assert torch.equal(last.R.weight, end.R.weight)
    first = models.load("perceptron", 0).module
    assert not first.R.weight.any()
    assert torch.equal(first.S_A.origins, end.S_A.origins), "the wiring never changes"


def test_the_record_meets_its_floor_and_its_theorem():
    record = checkpoint.read_record("perceptron")
    assert record.parameters == 40_000
    assert record.metric("test_accuracy").value >= 93
    assert record.metric("twin_test_accuracy").value < record.metric("test_accuracy").value
    for name in ("training_errors", "separable_pair_errors", "hard_pair_errors"):
        assert record.metric(name).value == 0
    curves = checkpoint.read_curves("perceptron")
    for rows in curves["model"].values():
        assert rows[-1]["train_loss"] == 0
        assert rows[-1]["train_accuracy"] == 100
        corrections = [row["corrections"] for row in rows]
        assert corrections == sorted(corrections)


def test_a_training_learns_resumes_and_stops_at_a_sweep_without_an_error(tmp_path, monkeypatch):
    generator = np.random.default_rng(0)
    prototypes = generator.random((10, 28, 28)) > 0.8
    labels = np.arange(40) % 10
    pixels = np.uint8(255) * (prototypes[labels] ^ (generator.random((40, 28, 28)) > 0.99))
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(train.mnist, "read", lambda split: (pixels, labels))
    monkeypatch.setattr(train.training, "run_folder", lambda slug, name: tmp_path / name)
    assert train.learn("model", 0, 60, "cpu") > 0
    rows = checkpoint.read_curves("perceptron")["model"]["0"]
    shown = rows[-1]["step"]
    assert shown % 40 == 0
    assert shown < 40 * 60
    assert rows[-1]["train_accuracy"] == 100
    assert shown == checkpoint.snapshots("perceptron")[-1]
    whole = models.restore("perceptron").R.weight

    real, calls = train.training.save_state, []

    def interrupted(*args):
        real(*args)
        calls.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(train.training, "save_state", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train.learn("model", 0, 60, "cpu")
    monkeypatch.setattr(train.training, "save_state", real)
    train.learn("model", 0, 60, "cpu")
    assert len(calls) == 1
    assert torch.equal(models.restore("perceptron").R.weight, whole)
