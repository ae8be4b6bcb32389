"""Roles of heads: measured as models.heads and TransformerLens's detector do, on a copy that is left as it was."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from app.components.roles import ROLES, verdict
from app.interpret.copies import private, state
from app.interpret.head_roles import LENGTH, ROWS, look, random_tokens, roles
from app.interpret.head_roles import ROLES as ORDER
from models import gpt2, heads, tokens
from models.gpt2 import model
from models.paper import Text


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.Module()
        self.attn.hook_pattern = nn.Identity()


class Built(nn.Module):
    """Two heads by hand: the first looks evenly at all before it, the second at the token before, with a share of its look."""

    def __init__(self, share: float, distance: int = 1) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block()])
        self.share, self.distance = share, distance

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        t = ids.shape[1]
        even = torch.ones(t, t).tril()
        even /= even.sum(1, keepdim=True)
        back = torch.zeros(t, t)
        for query in range(t):
            back[query, max(query - self.distance, 0)] = 1
        pattern = torch.stack([even, self.share * back + (1 - self.share) * even])
        self.blocks[0].attn.hook_pattern(pattern.expand(len(ids), 2, t, t))
        return torch.zeros(*ids.shape, 1024)


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(0)
    net = (
        model.build(model.Config(vocabulary=1024, context=130, width=32, heads=4, layers=2))
        .eval()
        .requires_grad_(False)
    )
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.2)
    return net


X = np.array([[0, 300, 400, 300, 500, 400]])


def test_roles_are_what_the_survey_of_heads_measures(net):
    found = roles(net, gpt2.PAPER, X)
    ids = random_tokens(gpt2.PAPER)
    wanted, losses = heads.survey(net, ids)
    assert found.scores.shape == (3, 2, 4)
    for i, role in enumerate(ORDER):
        np.testing.assert_allclose(found.scores[i], wanted[role], atol=1e-6)
    assert found.losses == pytest.approx(losses, abs=1e-5)
    assert tuple(ROLES) == ORDER


def test_random_tokens_come_twice_and_are_no_special_ones():
    ids = random_tokens(gpt2.PAPER)
    assert ids.shape == (ROWS, 1 + 2 * LENGTH)
    assert (ids[:, 0] == tokens.special("gpt2", gpt2.END)).all()
    assert torch.equal(ids[:, 1 : 1 + LENGTH], ids[:, 1 + LENGTH :])
    texts = tokens.tokenizer("gpt2")
    assert all(len(texts.id_to_token(int(i))) > 1 for i in ids[:, 1:].flatten())
    short = random_tokens(replace(gpt2.PAPER, takes=Text("gpt2", 20, before=(gpt2.END,))))
    assert short.shape == (ROWS, 19)


def test_an_even_head_scores_the_even_look_and_a_perfect_one_scores_one():
    found = roles(Built(1.0), gpt2.PAPER, X)
    np.testing.assert_allclose(found.scores[:, 0, 0], found.even, rtol=1e-5)
    assert found.scores[0, 0, 1] == 1
    assert found.scores[1, 0, 1] == found.scores[2, 0, 1] == 0
    induction = roles(Built(1.0, LENGTH - 1), gpt2.PAPER, X)
    assert induction.scores[2, 0, 1] == 1 and induction.scores[0, 0, 1] == 0


@pytest.mark.parametrize("role", range(3))
def test_on_a_text_scores_are_the_detectors_of_transformer_lens(net, role):
    from transformer_lens import head_detector

    x = np.random.default_rng(0).integers(300, 320, (1, 30))
    found = look(net, gpt2.PAPER, x, 1, 2)
    ids = torch.from_numpy(x)
    pattern, _ = heads.patterns(net, ids)
    cfg = SimpleNamespace(n_layers=2, n_heads=4, n_ctx=130, device="cpu", dtype=torch.float32)
    lens = SimpleNamespace(cfg=cfg, to_tokens=lambda _text: ids)
    cache = {("pattern", layer, "attn"): pattern[layer, 0].clone() for layer in range(2)}
    theirs = head_detector.detect_head(lens, "", f"{ORDER[role]}_head", cache=cache, error_measure="mul")
    np.testing.assert_allclose(found.scores[role], theirs, atol=1e-6)
    np.testing.assert_array_equal(found.pattern, pattern[1, 0, 2])


def test_a_text_without_repetition_has_no_place_for_two_roles():
    found = look(Built(1.0), gpt2.PAPER, np.array([[0, 5, 6, 7]]), 0, 1)
    assert np.isnan(found.scores[1:]).all() and not found.ideal[1:].any()
    assert found.scores[0, 0, 1] == pytest.approx(0.75)  # the first token has nobody before it, and looks at itself
    assert np.argwhere(found.ideal[0]).tolist() == [[1, 0], [2, 1], [3, 2]]


def test_the_network_is_left_as_it_was_also_after_an_error(net):
    module = private(net)
    before = state(module)
    roles(module, gpt2.PAPER, X)
    look(module, gpt2.PAPER, X, 0, 0)
    assert state(module) == before
    with pytest.raises(IndexError):
        look(module, gpt2.PAPER, X + 5000, 0, 0)
    assert state(module) == before


def scores(*tops: float) -> np.ndarray:
    """(steps, 1, 3): the middle head's score at each step; the others have none."""
    return np.array([[[0.0, top, 0.0]] for top in tops])


def test_the_verdict_says_what_the_numbers_say():
    role, steps = ROLES["induction"], (0, 10, 100)
    none = verdict(role, scores(0.01, 0.02, 0.0999), 0.01, steps, 100)
    assert none.startswith("No head reaches 0.1 as an induction head here at step 100: the strongest, layer 0, head 1,")
    assert none.endswith("an even look 1.0 %. None does at any snapshot.")
    early = verdict(role, scores(0.01, 0.02, 0.4), 0.01, steps, 10)
    assert early.startswith("No head reaches 0.1") and early.endswith("At step 100 one does.")
    late = verdict(role, scores(0.01, 0.1, 0.4), 0.01, steps, 100)
    assert late.startswith(
        "One head reaches 0.1 as an induction head at step 100. The strongest, layer 0, head 1, spends 40.0 %"
    )
    assert late.endswith("it has had at least 0.1 since step 10.")
    lost = verdict(role, scores(0.2, 0.05, 0.4), 0.01, steps, 100)
    assert lost.endswith("it has had at least 0.1 since step 100.")
    two = verdict(role, np.array([[[0.5, 0.2]]]), 0.01, (7,), 7)
    assert two.startswith("2 heads reach 0.1 as an induction head at step 7. The strongest, layer 0, head 0,")
