"""The books of a training: an interrupted one goes on as if it had not been, and large networks are kept in few bits."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import models
from models import checkpoint, training


def net():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setenv("CUTAWAY_RUNS", str(tmp_path / "runs"))
    return tmp_path


def train(slug, stop=None, which="model", total=40):
    """Forty steps on random sums; `stop` leaves the loop early, as a killed process does after its last save."""
    order = training.seed_all(3)
    module = net()
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    average = training.Average(module, 0.9)
    run = training.Run(
        slug,
        which,
        0,
        total=total,
        module=module,
        optimizer=optimizer,
        order=order,
        measure=lambda m: {"test_loss": float(m(torch.ones(2, 4)).square().sum())},
        epoch=10,
        average=average,
        snapshots=8,
        looks=4,
    )
    for step in run:
        if step == stop:
            run._save()
            return run
        training.set_rate(optimizer, 0.01 * training.one_cycle(step, total))
        x = torch.randn(16, 4, generator=order) + torch.randn(16, 4)
        loss = nn.functional.cross_entropy(module(x), (x.sum(1) > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.note(train_loss=loss.item())
    return run


def test_an_interrupted_training_goes_on_exactly(place):
    whole = train("whole")
    train("broken", stop=17)
    again = train("broken")
    for name, tensor in whole.average.module.state_dict().items():
        assert torch.equal(tensor, again.average.module.state_dict()[name]), name
    assert [{k: v for k, v in row.items() if k != "seconds"} for row in whole.rows] == [
        {k: v for k, v in row.items() if k != "seconds"} for row in again.rows
    ]
    assert checkpoint.snapshots("broken") == training.log_spaced(40, 8)


def test_a_training_that_is_there_is_not_done_again(place):
    assert train("once").rows
    assert train("once").rows == []
    assert checkpoint.read_curves("once")["model"]["0"][-1]["seconds"] > 0
    assert not (place / "runs" / "once" / "model-0.safetensors").exists()


@pytest.mark.parametrize(
    ("only", "done"),
    [
        (None, [("model", 0), ("model", 1), ("twin", 0), ("narrow", 0)]),
        ("model", [("model", 0), ("model", 1)]),
        ("narrow", [("narrow", 0)]),
    ],
)
def test_every_training_is_asked_for_once(only, done):
    asked = []
    whole = training.complete(
        lambda which, seed, device: asked.append((which, seed)),
        only,
        "cpu",
        seeds=(0, 1),
        trainings=("model", "twin", "narrow"),
    )
    assert asked == done
    assert whole == (only is None)


@pytest.mark.parametrize(("says", "threads"), [(None, 1), ("2", 2), ("", 1), ("0", 1), ("2,1", 1)])
def test_a_training_runs_on_one_thread_unless_the_environment_says_more(monkeypatch, says, threads):
    if says is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", says)
    ran = []
    try:
        training.complete(lambda *_: ran.append(checkpoint.made("lenet5")["hardware"]), "model", "cpu", seeds=(0,))
    finally:
        torch.set_num_threads(1)
    assert ran[0].endswith(f", {threads} thread{'s' * (threads > 1)}")


def test_a_twin_has_weights_and_a_curve_of_its_own_and_no_snapshots(place):
    train("pair", which="without_it")
    assert checkpoint.weights_path("pair", twin="without_it").name == "without_it.safetensors"
    assert checkpoint.weights_path("pair", twin="without_it").exists()
    assert list(checkpoint.read_curves("pair")) == ["without_it"]
    assert checkpoint.snapshots("pair") == ()
    assert [p.name for p in checkpoint.weight_files("pair")] == ["without_it.safetensors"]


def test_the_state_of_another_schedule_is_refused(place):
    train("long", stop=20)
    with pytest.raises(ValueError, match="of 40 steps, not 80"):
        train("long", total=80)


def test_the_mean_since_the_last_look_goes_into_the_curve(place):
    run = train("means", total=4)
    assert [row["step"] for row in run.rows] == [0, 1, 2, 3, 4]
    assert "train_loss" not in run.rows[0]
    assert all(row["train_loss"] > 0 for row in run.rows[1:])


def test_one_cycle_by_hand():
    assert training.one_cycle(0, 100, warm=0.1) == pytest.approx(0.1)
    assert training.one_cycle(9, 100, warm=0.1) == pytest.approx(1)
    assert training.one_cycle(55, 100, warm=0.1) == pytest.approx(0.5)
    assert training.one_cycle(100, 100, warm=0.1) == pytest.approx(0)


def test_every_epoch_is_a_permutation_of_its_own():
    first = torch.cat([training.epoch_batch(12, 4, step, seed=1) for step in range(3)])
    second = torch.cat([training.epoch_batch(12, 4, step, seed=1) for step in range(3, 6)])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(12))
    assert first.tolist() != second.tolist()
    assert torch.equal(training.epoch_batch(12, 4, 4, seed=1), second[4:8])


def test_the_average_by_hand():
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(0)
    average = training.Average(module, 0.5)
    with torch.no_grad():
        module.weight.fill_(1)
    average.update(module)  # keeps 1 / 10 of the old: 0.9
    average.update(module)  # keeps 2 / 11: 1 - 0.1 * 2 / 11
    assert average.module.weight.item() == pytest.approx(1 - 0.1 * 2 / 11)


def test_a_large_network_is_kept_in_few_bits_and_read_back(place):
    torch.manual_seed(0)
    large = nn.Sequential(nn.Linear(700, 500), nn.Linear(500, 3))
    with torch.no_grad():
        large[1].weight[0] = 0  # zeros have no scale
    checkpoint.write_weights("large", large)
    checkpoint.write_weights("large", large, step=7)
    final, snapshot = (
        nn.Sequential(nn.Linear(700, 500), nn.Linear(500, 3)),
        nn.Sequential(nn.Linear(700, 500), nn.Linear(500, 3)),
    )
    checkpoint.read_weights("large", final)
    checkpoint.read_weights("large", snapshot, step=7)
    assert final[0].weight.dtype == torch.float32
    assert torch.allclose(final[0].weight, large[0].weight, rtol=1e-3, atol=1e-6)
    most = large[0].weight.abs().amax(1, keepdim=True)
    assert ((snapshot[0].weight - large[0].weight).abs() <= 0.1521 * most).all(), "half of NF4's widest gap"
    assert (snapshot[1].weight[0] == 0).all()
    assert torch.allclose(snapshot[0].bias, large[0].bias, rtol=1e-3, atol=1e-6)
    sizes = [checkpoint.weights_path("large", step=step).stat().st_size for step in (None, 7)]
    assert sizes[0] == pytest.approx(2 * 352_003, rel=0.02)
    assert sizes[1] == pytest.approx((1 / 2 + 2 / 64) * 352_003, rel=0.02)


def test_a_paper_without_a_record_is_waiting(place):
    for ask in (models.papers, models.waiting):
        ask.cache_clear()
    try:
        assert models.papers() == ()
        assert {p.slug for p in models.waiting()} >= {"lenet5", "perceptron", "backprop"}
        assert sum(p.numel() for p in models.build("lenet5").parameters()) == 60_000
    finally:
        for ask in (models.papers, models.waiting):
            ask.cache_clear()
