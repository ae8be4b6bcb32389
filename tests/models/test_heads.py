"""The scores of heads: ideal patterns by hand, TransformerLens's detector, and a network that looks back by design."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from models import heads
from models.gpt2 import model
from models.gpt2.model import Config

IDS = torch.tensor([5, 3, 5, 7, 3, 5])


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = model.build(Config(vocabulary=20, context=40, width=32, heads=4, layers=2)).eval().requires_grad_(False)
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.3)
    return net


def test_the_ideal_patterns_by_hand():
    assert heads.ideal("previous_token", IDS).nonzero().tolist() == [[1, 0], [2, 1], [3, 2], [4, 3], [5, 4]]
    assert heads.ideal("duplicate_token", IDS).nonzero().tolist() == [[2, 0], [4, 1], [5, 0], [5, 2]]
    # the third token repeats the first: what came after that, the second, is where to look
    assert heads.ideal("induction", IDS).nonzero().tolist() == [[2, 1], [4, 2], [5, 1], [5, 3]]


@pytest.mark.parametrize("kind", heads.KINDS)
@pytest.mark.parametrize("measure", ["mul", "abs"])
@pytest.mark.parametrize("exclude", [{}, {"exclude_bos": True}, {"exclude_current_token": True}])
def test_transformer_lenss_detector_gives_the_same_scores(net, kind, measure, exclude):
    from transformer_lens import head_detector

    ids = torch.randint(20, (25,), generator=torch.Generator().manual_seed(4))
    pattern, _ = heads.patterns(net, ids[None])
    cfg = SimpleNamespace(n_layers=2, n_heads=4, n_ctx=40, device="cpu", dtype=torch.float32)
    lens = SimpleNamespace(cfg=cfg, to_tokens=lambda _text: ids[None])
    cache = {("pattern", layer, "attn"): pattern[layer, 0].clone() for layer in range(2)}
    theirs = head_detector.detect_head(lens, "", f"{kind}_head", cache=cache, error_measure=measure, **exclude)
    ours = heads.on_text(pattern[:, 0], ids, measure, **exclude)[kind]
    assert ours.shape == (2, 4)
    assert torch.allclose(ours, theirs, atol=1e-6 if measure == "mul" else 1.01e-3)


def test_patterns_are_those_of_every_layer_and_no_hook_is_left(net):
    ids = torch.randint(20, (3, 7))
    pattern, scores = heads.patterns(net, ids)
    assert pattern.shape == (2, 3, 4, 7, 7)
    assert torch.allclose(pattern.sum(-1), torch.ones(2, 3, 4, 7), atol=1e-5)
    assert torch.equal(scores, net(ids))
    with pytest.raises(IndexError):
        heads.patterns(net, ids + 50)
    assert not any(m._forward_hooks for m in net.modules())


def test_repeats_are_the_same_tokens_twice():
    ids = heads.repeats(5, 8, range(3, 20), start=1, seed=2)
    assert ids.shape == (5, 17)
    assert (ids[:, 0] == 1).all()
    assert torch.equal(ids[:, 1:9], ids[:, 9:])
    assert ids[:, 1:].min() >= 3
    assert ids.max() < 20
    assert torch.equal(ids, heads.repeats(5, 8, range(3, 20), start=1, seed=2))


def test_a_perfect_head_of_each_kind_scores_one_on_repeats():
    length, t = 6, 13
    perfect = torch.zeros(1, 2, 3, t, t)
    for query in range(1, t):
        for head, key in enumerate((query - 1, query - length, query - length + 1)):
            perfect[0, :, head, query, max(key, 0)] = 1
    scores = heads.on_repeats(perfect)
    assert {kind: score[0].tolist() for kind, score in scores.items()} == {
        "previous_token": [1, 0, 0],
        "duplicate_token": [0, 1, 0],
        "induction": [0, 0, 1],
    }
    assert heads.best(scores)["induction"] == (1.0, 0, 2)


def test_the_ideal_induction_pattern_on_repeats_is_where_on_repeats_looks():
    ids = torch.tensor([0, *range(1, 7), *range(1, 7)])
    ideal = heads.ideal("induction", ids)[None, None, None]
    assert heads.on_repeats(ideal)["induction"].item() == 1
    assert heads.on_repeats(heads.ideal("duplicate_token", ids)[None, None, None])["duplicate_token"].item() == 1


class Copier(nn.Module):
    """Knows that a half repeats the one before: certain in the second, without a clue in the first."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        length = (ids.shape[1] - 1) // 2
        scores = torch.zeros(*ids.shape, 20)
        following = ids[:, 2 : length + 1]
        scores[:, length + 1 : -1] = 30 * nn.functional.one_hot(following, 20).float()
        return scores


def test_the_repetition_is_worth_log_v_to_who_copies():
    ids = heads.repeats(4, 9, range(1, 20), start=0)
    first, second = heads.repeat_losses(Copier()(ids), ids)
    assert first == pytest.approx(torch.tensor(20.0).log().item(), abs=1e-5)
    assert second == pytest.approx(0, abs=1e-5)


def test_a_survey_in_parts_is_the_survey(net):
    ids = heads.repeats(5, 9, range(1, 20), start=0)
    whole, parts = heads.survey(net, ids, size=5), heads.survey(net, ids, size=2)
    for kind in heads.KINDS:
        assert whole[0][kind].shape == (2, 4)
        assert torch.allclose(whole[0][kind], parts[0][kind], atol=1e-6)
    assert whole[1] == pytest.approx(parts[1], abs=1e-5)
