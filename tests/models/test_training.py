"""What all training loops share: spacing, order, resuming."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models import training
from models.muon import Muon


def test_snapshots_are_spaced_evenly_in_the_logarithm():
    assert training.log_spaced(1023, 11) == (0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023)
    assert training.log_spaced(5, 12) == (0, 1, 2, 3, 4, 5)


def test_an_epoch_shows_every_example_once():
    order = torch.cat(list(training.batches(103, 10, torch.Generator().manual_seed(3))))
    assert sorted(order.tolist()) == list(range(103))
    assert order.tolist() != list(range(103))


def test_a_seed_fixes_weights_and_order():
    def once():
        generator = training.seed_all(5)
        return nn.Linear(3, 2).weight.detach(), torch.cat(list(training.batches(20, 6, generator)))

    (weight, order), (again, same) = once(), once()
    assert torch.equal(weight, again)
    assert torch.equal(order, same)


def steps(module, optimizer, generator, count):
    for _ in range(count):
        x = torch.randn(8, 4, generator=generator)
        optimizer.zero_grad()
        (module(x) - x.sum(1, keepdim=True)).pow(2).mean().backward()
        optimizer.step()


def adam(module):
    return torch.optim.Adam(module.parameters(), 0.01)


def several(module):
    """Muon for the matrices, in two groups, and Adam for the biases."""
    matrices = [{"params": [module[i].weight], "lr": 0.01 * (i + 1)} for i in (0, 2)]
    return training.Several(Muon(matrices), torch.optim.Adam([module[0].bias, module[2].bias], 0.01))


@pytest.mark.parametrize("optimiser", [adam, several])
def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(tmp_path, optimiser):
    def fresh():
        generator = training.seed_all(1)
        module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        return module, optimiser(module), generator

    whole, optimizer, generator = fresh()
    steps(whole, optimizer, generator, 10)

    part, optimizer, generator = fresh()
    steps(part, optimizer, generator, 4)
    training.save_state(tmp_path / "state.safetensors", part, optimizer, generator, {"epoch": 4})

    again, optimizer, generator = fresh()
    note = training.load_state(tmp_path / "state.safetensors", again, optimizer, generator)
    assert note == {"epoch": 4}
    steps(again, optimizer, generator, 6)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def test_what_a_gpu_draws_goes_on_where_it_was(tmp_path, monkeypatch):
    """On a machine without one: what torch would be asked for and given back."""
    drawn, given = torch.arange(16, dtype=torch.uint8), []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: drawn)
    monkeypatch.setattr(torch.cuda, "set_rng_state", given.append)
    module, path = nn.Linear(1, 1), tmp_path / "state.safetensors"
    optimizer, generator = adam(module), torch.Generator()
    training.save_state(path, module, optimizer, generator, {})
    training.load_state(path, module, optimizer, generator)
    assert torch.equal(given[0], drawn)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    training.load_state(path, module, optimizer, generator)
    assert len(given) == 1, "what was begun on a GPU goes on without one"


def test_several_optimisers_step_as_each_would_alone():
    alone, together = nn.Linear(3, 2), nn.Linear(3, 2)
    together.load_state_dict(alone.state_dict())
    first, second = torch.optim.SGD([alone.weight], 0.1), torch.optim.SGD([alone.bias], 0.2)
    both = training.Several(torch.optim.SGD([together.weight], 9.0), torch.optim.SGD([together.bias], 0.0))
    both.parts[1].param_groups[0]["scale"] = 2
    training.set_rate(both, 0.1)
    for module, optimisers in ((alone, (first, second)), (together, (both,))):
        for optimizer in optimisers:
            optimizer.zero_grad()
        module(torch.ones(1, 3)).sum().backward()
        for optimizer in optimisers:
            optimizer.step()
    assert torch.equal(alone.weight, together.weight)
    assert torch.equal(alone.bias, together.bias)
    both.zero_grad()
    assert together.weight.grad is None


def test_there_is_nothing_to_resume_at_first(tmp_path):
    module = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    assert training.load_state(tmp_path / "no.safetensors", module, optimizer, torch.Generator()) is None


def test_outputs_come_in_batches_and_leave_the_mode_alone():
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train()
    x = torch.randn(7, 2)
    y = training.outputs(module, x, size=3)
    assert module.training
    assert torch.equal(y, module[0](x))
