"""Our GPT-2 as TransformerLens's own bridge runs it: the same logits, and the same at every place where one can look."""

from __future__ import annotations

import pytest
import torch

import models
from app.interpret.direct import direct
from app.interpret.lens import Lens
from models import tokens
from models.gpt2 import PAPER, model
from tests.interpret.bridge import bridge
from tests.interpret.test_logit_lens import randomised

TEXT = "<|endoftext|>“I have not seen Mr. Copperthwaite to-day,” said Miss Lavender. “Nor I,” said the doctor. “But Mr. Copper"


def trained() -> tuple[model.GPT2, torch.Tensor]:
    return models.load("gpt2").module, torch.tensor([tokens.encode("gpt2", TEXT)])


def fresh() -> tuple[model.GPT2, torch.Tensor]:
    """Every weight matters, biases and normalizations included."""
    net = randomised(model.build(model.Config(vocabulary=50, context=24, width=32, heads=4, layers=3)))
    return net, torch.randint(50, (2, 24), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module", params=[trained, fresh])
def both(request):
    net, ids = request.param()
    return Lens(net), bridge(net), ids


@torch.no_grad()
def test_the_bridge_gives_the_same_logits_and_patterns(both):
    ours, theirs, ids = both
    logits, own = ours.run_with_cache(ids)
    their_logits, cache = theirs.run_with_cache(ids)
    assert logits.std() > 0.1
    assert torch.allclose(logits, their_logits, atol=1e-4)
    for layer in range(ours.cfg.n_layers):
        assert own["pattern", layer].std() > 0.01
        assert torch.allclose(own["pattern", layer], cache["pattern", layer], atol=1e-4)


@torch.no_grad()
def test_every_place_of_ours_is_one_of_the_bridges_and_has_the_same_in_it(both):
    ours, theirs, ids = both
    own, cache = ours.run_with_cache(ids)[1], theirs.run_with_cache(ids)[1]
    assert set(own.keys()) <= set(cache.keys())
    for name in own.keys():  # noqa: SIM118 (a cache goes through its values, not its names)
        seen = cache[name]
        if name.endswith("hook_attn_scores"):  # what lies ahead: -10,000 here, the least number there
            there = torch.ones_like(seen[0, 0], dtype=torch.bool).tril()
            assert torch.allclose(own[name][..., there], seen[..., there], atol=1e-4), name
            continue
        assert torch.allclose(own[name], seen, atol=1e-4), name


@torch.no_grad()
def test_tools_say_the_same_of_both(both):
    from transformer_lens.tools.analysis import logit_lens

    ours, theirs, ids = both
    found, known = (
        logit_lens(m, ids[:1], incl_mid=True, positions=None, top_k=5, return_type="probs") for m in (ours, theirs)
    )
    assert found.labels == known.labels
    assert torch.allclose(found.values, known.values, atol=1e-4)


@torch.no_grad()
def test_their_attribution_of_the_folded_network_is_ours(both):
    from transformer_lens.tools.analysis import direct_logit_attribution

    ours, _, ids = both
    ids, folded = ids[:1], bridge(ours.module)
    folded.enable_compatibility_mode()
    place = ids.shape[1] - 1
    known = direct_logit_attribution(
        folded, ids, answer_tokens=torch.tensor([9]), incorrect_tokens=torch.tensor([4]), unit="component"
    )
    theirs = dict(zip(known.labels, known.attribution.flatten().tolist(), strict=True))
    found = direct(ours.module, PAPER, ids.numpy(), place=place, target=9, against=4)
    assert theirs["embed"] == pytest.approx(found.others["embedding"], abs=1e-4)
    assert theirs["pos_embed"] == pytest.approx(found.others["position"], abs=1e-4)
    mlps = [theirs[f"{i}_mlp_out"] for i in range(ours.cfg.n_layers)]
    assert mlps == pytest.approx(found.mlps.tolist(), abs=1e-4)
    attention = sum(theirs[f"{i}_attn_out"] for i in range(ours.cfg.n_layers))
    assert attention == pytest.approx(found.heads.sum() + found.others["attention's biases"], abs=1e-4)
