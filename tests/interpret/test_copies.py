"""A private copy shares its original's memory and nothing else, and comes back clean or not at all."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.interpret.copies import Copies, private, state, undisturbed
from tests.interpret.nets import make


def test_a_copy_shares_the_memory_of_every_weight_and_no_tensor_object():
    net, _ = make("bent")
    own = private(net)
    theirs = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    ours = {**dict(own.named_parameters()), **dict(own.named_buffers())}
    assert theirs.keys() == ours.keys()
    assert any("points" in name for name in ours), "buffers too"
    for name, tensor in ours.items():
        assert tensor.data_ptr() == theirs[name].data_ptr()
        assert tensor is not theirs[name]
    assert all(a is not b for a, b in zip(net.modules(), own.modules(), strict=True))
    assert isinstance(own.get_submodule("0").weight, nn.Parameter)


def test_tied_weights_stay_tied_in_a_copy():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    own = private(net)
    assert own[0].weight is own[1].weight


def test_requires_grad_gradients_hooks_and_modes_are_a_copys_own():
    net, card = make("relu")
    before, own = state(net), private(net)
    own.train()
    own.requires_grad_(True)
    own[0].register_forward_hook(lambda *_: None)
    own(torch.randn(1, *card.takes.shape)).sum().backward()
    assert own[0].weight.grad is not None
    assert state(net) == before
    assert net[0].weight.grad is None
    assert not net[0].weight.requires_grad


def test_a_write_through_one_copy_disturbs_no_backward_pass_through_another():
    """Autograd counts writes to a tensor; LRP writes weights back as they were. Copies count each for themselves."""
    net, card = make("relu")
    mine, other = private(net), private(net)
    x = torch.randn(1, *card.takes.shape, requires_grad=True)
    score = mine(x)[0, 0]
    other.load_state_dict(other.state_dict())
    score.backward()
    assert x.grad is not None


CHANGES = {
    "a forward hook": lambda m: m[1].register_forward_hook(lambda *_: None),
    "a pre-hook": lambda m: m[1].register_forward_pre_hook(lambda *_: None),
    "a backward hook": lambda m: m[1].register_full_backward_hook(lambda *_: None),
    "a mode": lambda m: m[1].train(),
    "an attribute": lambda m: setattr(m[1], "rule", 1),
    "a lost attribute": lambda m: delattr(m[0], "padding_mode"),
    "requires_grad": lambda m: m[0].weight.requires_grad_(True),
    "a gradient": lambda m: setattr(m[0].weight, "grad", torch.zeros_like(m[0].weight)),
    "another layer": lambda m: setattr(m, "1", nn.Tanh()),
    "a lost parameter": lambda m: setattr(m[0], "bias", None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_seen_and_thrown_away(change):
    net, _ = make("relu")
    pool = Copies(net)
    with pool.lend() as first:
        pass
    with pool.lend() as again:
        assert again is first
        CHANGES[change](again)
        assert state(again) != state(net)
    with pool.lend() as fresh:
        assert fresh is not first
        assert state(fresh) == state(net)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("error", [False, True])
def test_undisturbed_puts_everything_back(change, error):
    net, _ = make("relu")
    before = state(net)
    try:
        with undisturbed(net):
            CHANGES[change](net)
            assert state(net) != before
            if error:
                raise ArithmeticError
    except ArithmeticError:
        assert error
    assert state(net) == before


def test_undisturbed_keeps_hooks_that_were_there():
    net, card = make("relu")
    calls = []
    net[0].register_forward_hook(lambda *_: calls.append(1))
    with undisturbed(net):
        net[0]._forward_hooks.clear()
    net(torch.zeros(1, *card.takes.shape))
    assert calls == [1]


def test_weights_that_moved_are_seen():
    net, _ = make("relu")
    before = state(net)
    net[0].weight.data = net[0].weight.data.clone()
    assert state(net) != before


def test_a_pool_keeps_a_few_and_lends_each_to_one():
    net, _ = make("linear")
    pool = Copies(net, keep=2)
    with pool.lend() as a, pool.lend() as b, pool.lend() as c:
        assert len({id(a), id(b), id(c), id(net)}) == 4
    with pool.lend() as d, pool.lend() as e, pool.lend() as f:
        assert len({id(d), id(e)} & {id(a), id(b), id(c)}) == 2
        assert id(f) not in {id(a), id(b)} & {id(d), id(e)}


def test_a_pool_knows_the_bytes_that_its_copies_share():
    pool = Copies(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
    assert pool.nbytes == 4 * (3 * 2 + 2 + 4 * 2) + 8  # weights, biases, four rows of the normalisation, its counter
    with pool.lend():
        pass
    assert pool.nbytes == 72
