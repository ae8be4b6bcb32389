"""The logit lens: its last row is the network's own answer, for every kind of network; and two ways to read agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from app.interpret import logit_lens
from app.interpret.logit_lens import course, reading, rows
from app.interpret.prediction import probabilities
from models.gpt2 import PAPER as GPT2
from models.gpt2 import model as gpt2
from models.paper import ClassScores, Image, TextPair

PAPERS = (*models.papers(), *models.waiting())
READABLE = [n.slug for p in PAPERS for n in models.networks(p.slug) if n.stream]
IDS = np.array([[1, 5, 3, 5, 7, 3, 5, 11]])


def randomised(net: torch.nn.Module) -> torch.nn.Module:
    """Weights that all matter, biases and gains too."""
    torch.manual_seed(0)
    net.eval().requires_grad_(False)
    empty = [b for b in net.buffers() if b.is_floating_point() and not b.any()]  # CLIP's names, which its texts write
    for p in [*net.parameters(), *empty]:
        p.add_(torch.randn_like(p) * 0.1)
    return net


def example(paper: models.Paper) -> np.ndarray:
    random = np.random.default_rng(1)
    if isinstance(paper.takes, Image):
        return random.standard_normal((1, *paper.takes.shape)).astype(np.float32)
    x = random.integers(5, 200, (1, 2, 9) if isinstance(paper.takes, TextPair) else (1, 9))
    if isinstance(paper.takes, TextPair):
        x[0, 1, 6:] = 0  # a target shorter than its source
    return x


@pytest.fixture(scope="module", params=[4, 0], ids=["with perceptrons", "attention alone"])
def small(request):
    return randomised(
        gpt2.build(gpt2.Config(vocabulary=20, context=16, width=32, heads=4, layers=3, mlp=request.param))
    )


@pytest.mark.parametrize("slug", READABLE)
def test_the_last_row_is_the_networks_own_answer(slug):
    net, paper = randomised(models.build(slug)), models.paper(slug)
    x = example(paper)
    scores = net(torch.from_numpy(x)).numpy()
    whole = scores[:, None] if isinstance(paper.gives, ClassScores) else scores  # classes: read at the first token
    if isinstance(paper.gives, ClassScores):
        own = probabilities(whole, paper.gives)[0]
    else:
        own = torch.from_numpy(whole).softmax(-1)[0].numpy()
    found = reading(net, paper, x)
    places = 6 if isinstance(paper.takes, TextPair) else found.ids.shape[1]
    assert found.ids.shape == found.shares.shape == (len(found.rows), places, min(10, own.shape[-1]))
    for place in range(places if whole.shape[1] > 1 else 1):
        best = np.argsort(-own[place], kind="stable")[:10]
        assert found.ids[-1, place].tolist() == best.tolist()
        assert np.allclose(found.shares[-1, place], own[place][best], atol=1e-5)
    target = int(found.ids[-1, 0, 2])
    way = course(net, paper, x, target=target)
    assert way.rows == found.rows
    assert way.shares[-1, 0] == pytest.approx(own[0, target], abs=1e-5)
    assert way.ranks[-1, 0] == 3
    assert not np.allclose(found.shares[0], found.shares[-1], atol=1e-3), "it says something else at first"
    assert not any(m._forward_hooks for m in net.modules())


@pytest.mark.parametrize("of", ["resid", "attn_out", "mlp_out"])
def test_transformer_lens_and_the_network_itself_read_alike(small, of, monkeypatch):
    if of == "mlp_out" and not small.config.mlp:
        pytest.skip("no perceptrons")
    theirs, way = reading(small, GPT2, IDS, of=of), course(small, GPT2, IDS, target=9, of=of)
    monkeypatch.setattr(logit_lens, "fits", lambda module: False)
    probes = [p for p in GPT2.probes if small.config.mlp or ("mlp" not in p.path and "ln2" not in p.path)]
    card = replace(GPT2, probes=tuple(p for p in probes if small.config.mlp or "mid" not in p.path))
    ours, own = reading(small, card, IDS, of=of), course(small, card, IDS, target=9, of=of)
    assert theirs.rows == ours.rows
    assert np.array_equal(theirs.ids, ours.ids)
    assert np.allclose(theirs.shares, ours.shares, atol=1e-6)
    assert np.allclose(way.shares, own.shares, atol=1e-6)
    assert np.array_equal(way.ranks, own.ranks)


def test_a_row_in_the_middle_by_hand(small):
    seen = {}
    handle = small.blocks[1].hook_attn_out.register_forward_hook(lambda _m, _i, y: seen.update(part=y))
    small(torch.from_numpy(IDS))
    handle.remove()
    part = seen["part"][0, 4]
    scaled = (part - part.mean()) / (part.var(correction=0) + 1e-5).sqrt() * small.ln_final.weight + small.ln_final.bias
    share = (small.embed.weight @ scaled).softmax(0)
    found = reading(small, GPT2, IDS, of="attn_out")
    assert found.rows == ("0.attention", "1.attention", "2.attention")
    assert found.ids[1, 4, 0] == int(share.argmax())
    assert found.shares[1, 4, 0] == pytest.approx(float(share.max()), abs=1e-5)


def test_rows_go_from_the_embedding_to_the_output_and_leave_out_what_is_not_there(small):
    parts = ("attention", "MLP") if small.config.mlp else ("attention",)
    assert list(rows(small, GPT2)) == ["embedding", *(f"{i}.{part}" for i in range(3) for part in parts)]
    translator = models.paper("transformer")
    found = rows(models.build("transformer"), translator)
    assert list(found)[:4] == ["embedding", "0.attention", "0.across", "0.MLP"]
    assert found["1.across"] == "decoder.blocks.1.hook_resid_mid_cross"
    assert rows(models.build("transformer"), translator, "cross_attn_out")["2.across"].endswith("2.hook_cross_attn_out")
