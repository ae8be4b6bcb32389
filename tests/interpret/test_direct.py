"""Direct logit attribution: the parts are the logit, a head's sources are the head, and taking a part away takes its share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from app.interpret.direct import direct
from models.gpt2 import PAPER, model

IDS = np.array([[1, 5, 3, 5, 7, 3, 5, 11]])


@pytest.fixture(scope="module", params=[4, 0], ids=["with perceptrons", "attention alone"])
def net(request):
    torch.manual_seed(0)
    net = model.build(model.Config(vocabulary=20, context=16, width=32, heads=4, layers=3, mlp=request.param)).eval()
    for p in net.requires_grad_(False).parameters():
        p.add_(torch.randn_like(p) * 0.2)
    return net


@pytest.mark.parametrize("place", [0, 4, 7])
@pytest.mark.parametrize("against", [-1, 4])
def test_the_parts_are_the_logit(net, place, against):
    found = direct(net, PAPER, IDS, place=place, target=9, against=against)
    logits = net(torch.from_numpy(IDS))[0, place]
    expected = float(logits[9] - (logits[against] if against >= 0 else 0))
    assert abs(expected) > 0.1
    assert found.logit == pytest.approx(expected, abs=1e-6)
    assert found.total == pytest.approx(expected, abs=1e-4)
    assert found.heads.shape == (3, 4)
    assert len(found.mlps) == (3 if net.config.mlp else 0)
    assert abs(found.others["last norm's bias"]) > 0.01, "a constant of its own, not hidden in another part"
    assert not any(m._forward_hooks for m in net.modules())


def test_the_sources_of_a_head_are_the_head(net):
    found = direct(net, PAPER, IDS, place=5, target=9, against=4)
    assert np.allclose(found.sources.sum(2), found.heads, atol=1e-5)
    assert np.allclose(found.sources, found.pattern * found.offers, atol=1e-6)
    assert np.allclose(found.pattern.sum(2), 1, atol=1e-6)
    assert not found.sources[:, :, 6:].any(), "nothing comes from what lies ahead"
    assert np.abs(found.heads).min() > 1e-4


def test_a_part_taken_away_takes_its_share_when_the_scale_is_held(net):
    place, last = 6, len(net.blocks) - 1
    found = direct(net, PAPER, IDS, place=place, target=9)

    def without(head: int) -> float:
        def silence(_m, _i, z):
            z = z.clone()
            z[:, :, head] = 0
            return z

        hooks = [
            net.blocks[last].attn.hook_z.register_forward_hook(silence),
            net.ln_final.hook_scale.register_forward_hook(lambda _m, _i, y: torch.full_like(y, found.scale)),
        ]
        # a head of the last layer speaks to the scores, and where there is one to the perceptron behind it: hold that one too
        if net.config.mlp:
            hooks.append(net.blocks[last].hook_mlp_out.register_forward_hook(lambda _m, _i, y: kept["mlp"]))
        try:
            return float(net(torch.from_numpy(IDS))[0, place, 9])
        finally:
            for hook in hooks:
                hook.remove()

    kept = {}
    if net.config.mlp:
        handle = net.blocks[last].hook_mlp_out.register_forward_hook(lambda _m, _i, y: kept.update(mlp=y.clone()))
        net(torch.from_numpy(IDS))
        handle.remove()
    for head in range(4):
        assert found.logit - without(head) == pytest.approx(found.heads[last, head], abs=1e-4)


def test_a_difference_is_the_difference_of_two(net):
    one, other, both = (direct(net, PAPER, IDS, place=3, target=t, against=a) for t, a in ((9, -1), (4, -1), (9, 4)))
    assert np.allclose(both.heads, one.heads - other.heads, atol=1e-5)
    assert np.allclose(both.sources, one.sources - other.sources, atol=1e-5)
    for name, value in both.others.items():
        assert value == pytest.approx(one.others[name] - other.others[name], abs=1e-5)


def test_a_place_that_is_not_there_is_named(net):
    with pytest.raises(IndexError, match="no token 8"):
        direct(net, PAPER, IDS, place=8, target=1)
