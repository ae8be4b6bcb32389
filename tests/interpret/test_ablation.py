"""Ablation: a part switched off is that part's output replaced, by hand, and nothing else."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

import models
from app.interpret import ablation
from app.interpret.ablation import ablate, alone, looks, parts
from app.interpret.lens import Lens
from models import tokens
from models.gpt2 import PAPER
from models.paper import Sample
from tests.interpret.test_load import alike_for_all
from tests.interpret.test_patching import CLEAN, fresh

FEW = dataclasses.replace(PAPER, samples=(Sample("a", "The man said"), Sample("b", "I have been there, and so")))


@pytest.fixture(scope="module", params=["fresh", "alone", "trained"])
def net(request):
    if request.param == "trained":
        return models.restore("gpt2")
    return fresh(mlp=0) if request.param == "alone" else fresh()


def by_hand(net, off, value, ids=CLEAN):
    """Logits with hooks of torch's own: `value(name of the part, output)` in place of a part's output."""
    handles = []
    for name in off:
        layer, part = name.split(".")
        block = net.blocks[int(layer)]

        def put(_m, _i, out, name=name, part=part):
            out = out.clone()
            if part == "mlp":
                out[:] = value(name, out)
            else:
                out[:, :, int(part)] = value(name, out)
            return out

        handles.append((block.hook_mlp_out if part == "mlp" else block.attn.hook_z).register_forward_hook(put))
    try:
        with torch.no_grad():
            return net(torch.from_numpy(ids))
    finally:
        for handle in handles:
            handle.remove()


def bits(logits, ids=CLEAN):
    """One token after the other."""
    share = logits[0].double().softmax(-1)
    return [-math.log2(float(share[i, t])) for i, t in enumerate(ids[0, 1:])]


def test_nothing_switched_off_is_the_plain_network(net):
    plain = by_hand(net, (), None)
    found = ablate(net, FEW, CLEAN)
    assert np.array_equal(found.losses[0], found.losses[1], equal_nan=True)
    assert np.array_equal(found.shares[0], found.shares[1])
    assert found.moved.max() == 0
    assert found.losses[0, 1:].tolist() == pytest.approx(bits(plain), abs=1e-4)
    assert np.isnan(found.losses[:, 0]).all()
    assert found.bits[0] == pytest.approx(np.mean(bits(plain)), abs=1e-4)
    top = plain[0, -1].softmax(-1).max()
    assert found.shares[0, 0] == float(top)
    assert found.names[0] == tokens.pieces("gpt2", [int(plain[0, -1].argmax())])[0]


def off_for(net):
    return ("0.1", "1.0", "1.3") + (() if net.blocks[0].attn_only else ("2.mlp",))


def test_zero_is_the_output_set_to_zero_by_hand(net):
    off = off_for(net)
    told = by_hand(net, off, lambda name, out: 0.0)
    found = ablate(net, FEW, CLEAN, off, "zero", place=3)
    assert found.losses[1, 1:].tolist() == pytest.approx(bits(told), abs=1e-4)
    ids = [tokens.pieces("gpt2", range(1024)).index(name) for name in found.names if "�" not in name]
    share = told[0, 3].softmax(-1)
    kept = [i for i, name in enumerate(found.names) if "�" not in name]
    assert found.shares[1, kept].tolist() == pytest.approx(share[ids].tolist(), abs=1e-6)
    assert float(share.max()) == pytest.approx(float(found.shares[1].max()), abs=1e-6)
    assert abs(found.bits[1] - found.bits[0]) > 1e-3
    assert not any(m._forward_hooks for m in net.modules())


def test_mean_is_the_mean_over_the_samples_worked_by_hand(net):
    """Every sample by itself, token by token, without the special one in front."""
    off, seen = off_for(net), {}
    for sample in FEW.samples:
        ids, handles = FEW.takes.parse(sample.source), []
        for name in off:
            layer, part = name.split(".")
            block = net.blocks[int(layer)]

            def keep(_m, _i, out, name=name, part=part):
                rows = out[0, 1:] if part == "mlp" else out[0, 1:, int(part)]
                seen.setdefault(name, []).extend(rows.unbind(0))

            handles.append((block.hook_mlp_out if part == "mlp" else block.attn.hook_z).register_forward_hook(keep))
        with torch.no_grad():
            net(torch.from_numpy(ids))
        for handle in handles:
            handle.remove()
    count = sum(FEW.takes.parse(sample.source).shape[1] - 1 for sample in FEW.samples)
    assert all(len(rows) == count for rows in seen.values())
    told = by_hand(net, off, lambda name, out: sum(seen[name]) / count)
    found = ablate(net, FEW, CLEAN, off, "mean")
    assert found.losses[1, 1:].tolist() == pytest.approx(bits(told), abs=2e-4)
    zero = ablate(net, FEW, CLEAN, off, "zero")
    assert np.nanmax(np.abs(zero.losses[1] - found.losses[1])) > 1e-3


@pytest.mark.parametrize("how", ["zero", "mean"])
def test_each_alone_is_each_by_itself(net, how, monkeypatch):
    monkeypatch.setattr("app.interpret.patching.TOKENS", 3 * CLEAN.shape[1])  # two heads in a batch
    found = alone(net, FEW, CLEAN, how)
    assert [list(row) for row in np.reshape(found.names, found.effects.shape)] == parts(Lens(net))
    for name, effect in zip(found.names, found.effects.ravel(), strict=True):
        one = ablate(net, FEW, CLEAN, (name,), how)
        assert effect == pytest.approx(one.bits[1] - one.bits[0], abs=1e-4), name
        assert found.bits == pytest.approx(one.bits[0], abs=1e-5)
    assert np.abs(found.effects).max() > 1e-3


def test_attention_downstream(net):
    off = ("0.1",)
    found = ablate(net, FEW, CLEAN, off)
    assert found.moved[0].max() == 0  # its own pattern, and its neighbours', come before it
    assert found.moved[1:].min() > 0
    pattern = looks(net, FEW, CLEAN, off, "zero", 1, 2)
    assert pattern.shape == (2, CLEAN.shape[1], CLEAN.shape[1])
    assert pattern.sum(-1) == pytest.approx(np.ones((2, CLEAN.shape[1])), abs=1e-5)
    moved = np.mean([sum(abs(a - b) for a, b in zip(*rows, strict=True)) / 2 for rows in zip(*pattern, strict=True)])
    assert found.moved[1, 2] == pytest.approx(moved, abs=1e-5)
    _, cache = Lens(net).run_with_cache(torch.from_numpy(CLEAN))
    assert np.allclose(pattern[0], cache["blocks.1.attn.hook_pattern"][0, 2].detach().numpy(), atol=1e-6)


def test_an_unknown_part_is_named(net):
    with pytest.raises(ValueError, match=r"no part 7\.9; there are 0\.0, "):
        ablate(net, FEW, CLEAN, ("7.9",))


def test_many_visitors_get_what_each_would_get_alone():
    names = [name for row in parts(Lens(fresh())) for name in row]
    generator = np.random.default_rng(1)
    questions = [
        (
            generator.integers(300, 1000, (1, 6 + i % 4)),
            tuple(generator.choice(names, 3, False)),
            ("zero", "mean")[i % 2],
        )
        for i in range(48)
    ]

    def ask(module, i, **more):
        x, off, how = questions[i]
        if i % 4 > 1:
            return alone(module, FEW, x, how, **more).effects.tobytes()
        found = ablate(module, FEW, x, off, how)
        return found.losses.tobytes() + found.shares.tobytes() + found.moved.tobytes()

    alike_for_all(ask, fresh, len(questions), left=lambda i: i % 4 == 3)


def test_parts_of_a_network_without_perceptrons():
    assert parts(Lens(fresh(mlp=0)))[2] == ["2.0", "2.1", "2.2", "2.3"]
    assert parts(Lens(fresh()))[0][-1] == "0.mlp"
    assert ablation._nothing(Lens(fresh()))["blocks.0.attn.hook_z"].shape == (4, 8)
