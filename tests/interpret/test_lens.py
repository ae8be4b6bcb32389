"""TransformerLens over our GPT-2: what its tools say is what the network does."""

from __future__ import annotations

import pytest
import torch

from app.interpret.lens import Lens
from models.gpt2 import model
from models.gpt2.model import Config

IDS = torch.tensor([[1, 5, 3, 5, 7, 3, 5, 11]])
DEEP = Config(vocabulary=20, context=16, width=32, heads=4, layers=3)
ALONE = Config(vocabulary=20, context=16, width=32, heads=4, layers=3, mlp=0)


@pytest.fixture(scope="module", params=[DEEP, ALONE], ids=["with perceptrons", "attention alone"])
def lens(request):
    torch.manual_seed(0)
    net = model.build(request.param).eval().requires_grad_(False)
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.2)
    return Lens(net)


def test_the_cache_is_what_hooks_set_by_hand_see(lens):
    seen = {}
    points = {name: m for name, m in lens.module.named_modules() if "hook_" in name}
    handles = [m.register_forward_hook(lambda _m, _i, y, n=name: seen.update({n: y})) for name, m in points.items()]
    logits = lens.module(IDS)
    for handle in handles:
        handle.remove()
    theirs, cache = lens.run_with_cache(IDS)
    assert torch.equal(theirs, logits)
    assert set(cache.cache_dict) == set(seen)
    assert all(torch.equal(cache[name], value) for name, value in seen.items())
    assert not any(m._forward_hooks for m in lens.module.modules())


def test_parts_of_the_stream_add_up_to_the_logit(lens):
    logits, cache = lens.run_with_cache(IDS)
    parts, labels = cache.get_full_resid_decomposition(expand_neurons=False, return_labels=True)
    told = cache.logit_attrs(parts, tokens=torch.tensor([[9]])).sum(0)  # (1, t)
    constant = lens.ln_final.bias @ lens.W_U[:, 9]
    assert torch.allclose(told + constant, logits[..., 9], atol=1e-4)
    assert {"embed", "pos_embed", "L0H0", "L2H3", "bias"} <= set(labels)


def test_the_lens_at_the_last_layer_is_the_network(lens):
    from transformer_lens.tools.analysis import logit_lens

    found = logit_lens(lens, IDS, positions=None)
    assert torch.allclose(found.values[-1], lens(IDS), atol=1e-5)


def test_a_hook_may_write_where_it_is_called_and_nowhere_else(lens):
    plain, cache = lens.run_with_cache(IDS)

    def erase(tensor, hook):
        assert hook.layer() == 1
        tensor[:, 2] = 0
        return tensor

    after = {}
    keep = ("blocks.0.hook_resid_post", lambda x, hook: after.update({hook.name: x}))
    changed = lens.run_with_hooks(IDS, [("blocks.1.hook_attn_out", erase), keep])
    assert not torch.allclose(changed[:, 2], plain[:, 2])
    assert torch.equal(changed[:, :2], plain[:, :2])
    assert torch.equal(after["blocks.0.hook_resid_post"], cache["blocks.0.hook_resid_post"])


def test_patching_nothing_changes_nothing_and_everything_gives_the_clean_answer(lens):
    from transformer_lens import patching

    corrupted = IDS.clone()
    corrupted[0, 3] = 8
    clean, cache = lens.run_with_cache(IDS)
    start, own = lens.run_with_cache(corrupted)

    def metric(logits):
        return logits[0, -1, 9] - logits[0, -1, 4]

    nothing = patching.get_act_patch_resid_pre(lens, corrupted, own, metric)
    assert torch.equal(nothing, metric(start).expand_as(nothing))
    table = patching.get_act_patch_resid_pre(lens, corrupted, cache, metric)
    assert table.shape == (3, IDS.shape[1])
    assert table[0, 3].item() == pytest.approx(metric(clean).item(), abs=1e-5)  # the only token that differs
    assert torch.equal(table[0, 4:], metric(start).expand(4))


def test_gradients_are_those_of_autograd(lens):
    from transformer_lens.tools.analysis.attribution_patching import cache_activation_and_gradient

    name = "blocks.1.attn.hook_z"
    with torch.enable_grad():
        lens.module.requires_grad_(True)
        found = cache_activation_and_gradient(lens, IDS, lambda logits: logits[0, -1, 9], names_filter=[name])
        lens.module.requires_grad_(False)
    step = torch.zeros_like(found.activations[name])
    step[0, 4, 2, 1] = 1e-3
    up, down = (
        lens.run_with_hooks(IDS, [(name, lambda x, hook, s=sign: x + s * step)])[0, -1, 9].item() for sign in (1, -1)
    )
    assert found.gradients[name][0, 4, 2, 1].item() == pytest.approx((up - down) / 2e-3, rel=0.02, abs=1e-3)


def test_a_place_that_is_not_there_is_named_and_an_error_leaves_no_hook(lens):
    with pytest.raises(KeyError, match=r"blocks\.9\.hook_attn_out"):
        lens.run_with_hooks(IDS, [("hook_embed", lambda x, hook: x), ("blocks.9.hook_attn_out", lambda x, hook: x)])

    def fail(_x, hook):
        raise RuntimeError(hook.name)

    with pytest.raises(RuntimeError):
        lens.run_with_hooks(IDS, [("hook_embed", fail)])
    assert not any(m._forward_hooks for m in lens.module.modules())
