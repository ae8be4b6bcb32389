"""Attributions to tokens: by hand where the network is linear, against Captum called directly, and what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import models
from app.interpret import token_attribution
from app.interpret.answers import answers, baselines, fixed, lengths
from app.interpret.copies import private, state
from app.interpret.token_attribution import METHODS, alike, attribute, rolled
from models import bert, gpt2, tokens, transformer, translation
from models.gpt2 import model
from models.paper import NextToken, Probe, Text

IDS = np.array([[0, 5, 3, 7, 5]])
SMALL = replace(gpt2.PAPER, takes=Text("gpt2", 40, before=(gpt2.END,)))
BARE = replace(SMALL, takes=Text("gpt2", 40))  # no special tokens: all can be replaced
TOY = replace(SMALL, slug="toy", probes=(Probe("hook_embed", ("batch", "token", "unit")),))
WEIGHTS = (1.0, 2.0, -1.0, 0.5, 3.0)


class Linear(nn.Module):
    """score[p, v] = E_v . sum over i <= p of w_i E_(x_i): linear in what comes out of the table, not in the table."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.hook_embed = nn.Embedding(300, 2), nn.Identity()
        with torch.no_grad():
            self.embed.weight.copy_(torch.arange(600).view(300, 2) / 10)
        self.requires_grad_(False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        w = torch.tensor(WEIGHTS)[: ids.shape[1], None]
        return (w * self.hook_embed(self.embed(ids))).cumsum(1) @ self.embed.weight.T


@pytest.fixture(scope="module")
def net() -> nn.Module:
    torch.manual_seed(0)
    net = (
        model.build(model.Config(vocabulary=1024, context=40, width=32, heads=4, layers=2)).eval().requires_grad_(False)
    )
    for p in net.parameters():
        p.add_(torch.randn_like(p) * 0.1)
    return net


@pytest.fixture
def vocabularies(monkeypatch, tmp_path) -> None:
    """Tokens for networks whose own ones lie beside weights that need not be there."""
    monkeypatch.setenv("CUTAWAY_CHECKPOINTS", str(tmp_path))
    texts = ["he sat on the bank of the river, not bad at all. where is the cat? "] * 20
    tokens.train("bert", texts, 300, ("[PAD]", "[CLS]", "[SEP]", "[MASK]"))
    tokens.train("transformer", texts, 300, translation.SPECIAL)


def fresh(slug: str) -> nn.Module:
    torch.manual_seed(1)
    return models.build(slug).eval().requires_grad_(False)


@pytest.mark.parametrize("method", METHODS)
def test_of_a_linear_network_every_method_says_what_one_works_out_by_hand(method):
    target, place, baseline = 4, 3, 2
    found = attribute(Linear(), TOY, IDS, method=method, places=(place,), targets=(target,), baseline=baseline)
    # E_i = (2 i, 2 i + 1) / 10; the first token is special and stays, the last comes after the place
    out = np.array([0.8, 0.9])
    own = [w * np.array([2 * i, 2 * i + 1]) @ out / 10 for w, i in zip(WEIGHTS[:4], (0, 5, 3, 7), strict=True)]
    bare = [w * np.array([4, 5]) @ out / 10 for w in WEIGHTS[:4]]
    change = [0.0, *(a - b for a, b in zip(own[1:], bare[1:], strict=True)), 0.0]
    wanted = [*own, 0.0] if method == "LayerGradientXActivation" else change
    np.testing.assert_allclose(found.values[0], wanted, atol=1e-5)
    assert found.values[0, 1] != 0 and found.values[0, 2] < 0
    assert found.scores[0] == pytest.approx(sum(own), abs=1e-5)
    assert found.bare[0] == pytest.approx(own[0] + sum(bare[1:]), abs=1e-5)


def test_captum_called_directly_gives_the_same_integrated_gradients(net):
    from captum.attr import LayerIntegratedGradients

    found = attribute(
        net, SMALL, IDS, method="LayerIntegratedGradients", places=(4, 2), targets=(9, 8), baseline=1, steps=20
    )
    bare = torch.tensor([[0, 1, 1, 1, 1]])
    for row, spot in enumerate(((4, 9), (2, 8))):
        theirs, delta = LayerIntegratedGradients(net, net.embed).attribute(
            torch.tensor(IDS), bare, target=spot, n_steps=20, return_convergence_delta=True
        )
        np.testing.assert_allclose(found.values[row], theirs[0].detach().sum(1), atol=1e-5)
        assert found.delta[row] == pytest.approx(delta.item(), abs=1e-5)


def test_captum_called_directly_gives_the_same_gradients_and_ablations(net):
    from captum.attr import FeatureAblation, LayerGradientXActivation

    asked = {"places": (4, 2), "targets": (9, 8), "baseline": 1}
    slope = attribute(net, SMALL, IDS, method="LayerGradientXActivation", **asked)
    gone = attribute(net, SMALL, IDS, method="FeatureAblation", **asked)
    bare, ids = torch.tensor([[0, 1, 1, 1, 1]]), torch.tensor(IDS)
    for row, spot in enumerate(((4, 9), (2, 8))):
        theirs = LayerGradientXActivation(net, net.embed).attribute(ids, target=spot)
        np.testing.assert_allclose(slope.values[row], theirs[0].detach().sum(1), atol=1e-5)
        theirs = FeatureAblation(net).attribute(ids, baselines=bare, target=spot)
        np.testing.assert_allclose(gone.values[row], theirs[0], atol=1e-5)


def test_captum_with_the_same_seed_gives_the_same_shapley_values(net):
    from captum.attr import ShapleyValueSampling

    found = attribute(
        net, BARE, IDS, method="ShapleyValueSampling", places=(4,), targets=(9,), baseline=1, steps=6, seed=3
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        theirs = ShapleyValueSampling(net).attribute(
            torch.tensor(IDS), baselines=torch.ones(1, 5, dtype=torch.long), target=(4, 9), n_samples=6
        )
    np.testing.assert_allclose(found.values[0], theirs[0], atol=1e-5)
    assert found.values[0].sum() == pytest.approx(found.scores[0] - found.bare[0], abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_many_answers_at_once_are_each_by_itself_and_none_knows_of_what_comes_after(net, method):
    places, targets = tuple(range(5)), (3, 9, 8, 7, 6)
    asked = {"method": method, "baseline": 1, "steps": 8}
    whole = attribute(net, SMALL, IDS, places=places, targets=targets, **asked)
    assert whole.values.shape == (5, 5)
    assert np.abs(np.triu(whole.values, 1)).max() < 1e-6  # some processors round each row of a batch otherwise
    assert (np.abs(np.tril(whole.values)[2:, 1:]).sum(1) > 0).all()
    for row in places:
        one = attribute(net, SMALL, IDS, places=(row,), targets=(targets[row],), **asked)
        np.testing.assert_allclose(one.values[0], whole.values[row], atol=1e-5)


SAMPLES = [(slug, i) for slug in ("gpt2", "bert") for i in range(len(models.paper(slug).samples))]


@pytest.mark.parametrize(("slug", "sample"), SAMPLES)
def test_integrated_gradients_of_every_sample_are_complete_to_one_percent(slug, sample):
    trained = models.load(slug)
    module, paper = private(trained.module), trained.paper
    x = paper.takes.parse(paper.samples[sample].source)
    said, baseline = answers(module, paper, x), next(iter(baselines(paper)))
    place, target = (said.place,), (int(said.ids[said.place, 0]),)
    found = attribute(
        module, paper, x, method="LayerIntegratedGradients", places=place, targets=target, baseline=baseline
    )
    change = found.scores[0] - found.bare[0]
    assert abs(change) > 0.5
    assert abs(found.values[0].sum() - change) < 0.01 * abs(change)
    assert found.delta[0] == pytest.approx(found.values[0].sum() - change, abs=1e-5)


def test_the_way_has_as_many_points_as_completeness_takes(net, monkeypatch):
    asked = {"method": "LayerIntegratedGradients", "places": (4,), "targets": (9,), "baseline": 1}
    found = attribute(net, SMALL, IDS, **asked)
    assert found.steps == token_attribution.STEPS[0]
    assert abs(found.delta[0]) < 0.01 * abs(found.scores[0] - found.bare[0])
    monkeypatch.setattr(token_attribution, "COMPLETE", 0.0)
    monkeypatch.setattr(token_attribution, "FLOAT", -1.0)  # never enough
    assert attribute(net, SMALL, IDS, **asked).steps == token_attribution.STEPS[-1]


@pytest.mark.parametrize("slug", ["transformer", "seq2seq"])
@pytest.mark.parametrize("method", ["LayerIntegratedGradients", "ShapleyValueSampling"])
def test_of_a_translation_both_sides_count_and_padding_does_not(slug, method):
    module, paper = fresh(slug), replace(transformer.PAPER, slug=slug, probes=_probes(slug))
    x = np.array([[[20, 21, 22, 23, 2], [1, 30, 31, 0, 0]]])
    longer = np.pad(x, ((0, 0), (0, 0), (0, 3)))
    asked = {"method": method, "places": (2, 1), "targets": (40, 41), "baseline": 2, "steps": 12}
    found, padded = (attribute(module, paper, given, **asked) for given in (x, longer))
    assert lengths(paper, x) == (5, 3)
    assert found.values.shape == (2, 8)
    np.testing.assert_allclose(found.values, padded.values, atol=1e-5)
    change = found.scores - found.bare
    np.testing.assert_allclose(found.values.sum(1), change + found.delta, atol=1e-5)
    if method == "ShapleyValueSampling":
        assert np.abs(found.delta).max() < 1e-5 < np.abs(change).max()
    assert (found.values[:, [4, 5]] == 0).all(), "the sentence's end and the translation's start stay"
    assert (found.values[0, :4] != 0).all() and found.values[0, 7] != 0
    assert abs(found.values[1, 7]) < 1e-6, "place 1 does not know the token after it"


def _probes(slug: str) -> tuple[Probe, ...]:
    return next(p for p in models._all() if p.slug == slug).probes


def test_bert_sees_both_ways_and_its_blank_stands_for_nothing(vocabularies):
    module = fresh("bert")
    x = bert.PAPER.takes.parse("he sat on the [MASK] of the river")
    module.embed.weight[300:] = 0  # tokens that no text here has
    said = answers(module, bert.PAPER, x)
    mask, blank = next(iter(baselines(bert.PAPER))), said.place
    assert baselines(bert.PAPER)[mask] == "[MASK]" and x[0, blank] == mask
    assert said.there[blank] == -1 and said.there[1] == x[0, 1]
    assert said.explained[blank] == said.ids[blank, 0]
    target = (int(said.ids[blank, 0]),)
    found = attribute(
        module, bert.PAPER, x, method="ShapleyValueSampling", places=(blank,), targets=target, baseline=mask
    ).values[0]
    assert (found[[0, blank, -1]] == 0).all()
    assert (np.delete(found, [0, blank, x.shape[1] - 1]) != 0).all()


def test_what_stands_there_is_the_token_after_and_the_last_place_comes_first(net):
    said = answers(net, SMALL, IDS)
    assert said.there.tolist() == [5, 3, 7, 5, -1]
    assert said.place == 4
    assert said.explained.tolist() == [5, 3, 7, 5, said.ids[4, 0]]
    share = net(torch.tensor(IDS))[0].softmax(-1).numpy()
    np.testing.assert_allclose(said.shares[2], np.sort(share[2])[::-1][:12], rtol=1e-5)
    np.testing.assert_allclose(said.there_shares[1], share[1, 3], rtol=1e-5)
    assert fixed(SMALL, IDS).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("method", METHODS)
def test_the_network_is_left_as_it_was_also_after_an_error(net, method):
    module = private(net)
    before = state(module)
    asked = {"method": method, "places": (4, 3), "targets": (9, 8), "baseline": 1}
    attribute(module, SMALL, IDS, **asked)
    assert state(module) == before

    def abandon(_done: float | None) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        attribute(module, SMALL, IDS, **asked, tick=abandon)
    assert state(module) == before
    with pytest.raises(IndexError):
        attribute(module, SMALL, IDS, **{**asked, "targets": (9, 5000)})
    assert state(module) == before


def test_a_text_of_nothing_but_the_baseline_counts_nothing(net):
    ids = np.array([[0, 1, 1]])
    for method in ("LayerIntegratedGradients", "FeatureAblation", "ShapleyValueSampling"):
        found = attribute(net, SMALL, ids, method=method, places=(2,), targets=(9,), baseline=1)
        np.testing.assert_allclose(found.values, np.zeros((1, 3)), atol=1e-6)


def test_another_method_is_refused(net):
    with pytest.raises(KeyError):
        attribute(net, SMALL, IDS, method="Astrology", places=(4,), targets=(9,), baseline=1)


def test_rollout_is_half_the_looks_and_half_what_was_there(net):
    from models.heads import patterns

    first, second = (0.5 * p[0].mean(0).numpy() + 0.5 * np.eye(5) for p in patterns(net, torch.tensor(IDS))[0])
    np.testing.assert_allclose(rolled(net, SMALL, IDS), second @ first, atol=1e-6)


@pytest.mark.parametrize("slug", ["transformer", "seq2seq"])
def test_rollout_of_a_translation_shares_out_all_that_a_place_holds(slug):
    module, paper = fresh(slug), replace(transformer.PAPER, slug=slug, probes=_probes(slug))
    x = np.array([[[20, 21, 22, 23, 2], [1, 30, 31, 0, 0]]])
    found = rolled(module, paper, x)
    assert found.shape == (3, 8)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert (found[:, :5] > 0).all()
    assert (np.triu(found[:, 5:], 1) == 0).all()


def test_likeness_is_spearmans_of_sizes_over_the_tokens_compared():
    from scipy.stats import spearmanr

    maps = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32)
    compared = np.arange(12) >= 2
    found = alike(maps, compared)
    assert found.shape == (3, 3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        wanted = spearmanr(np.abs(maps[i, 2:]), np.abs(maps[j, 2:])).statistic
        assert found[i, j] == found[j, i] == pytest.approx(wanted, abs=1e-6)


def test_only_networks_of_words_that_give_answers_have_the_view():
    from app.view import fits
    from app.views.token_attribution import VIEW

    slugs = {p.slug: p for p in models._all()}
    assert all(fits(VIEW, slugs[slug]) for slug in ("gpt2", "bert", "transformer", "seq2seq"))
    assert not any(fits(VIEW, slugs[slug]) for slug in ("word2vec", "lenet5", "vit", "backprop"))
    assert isinstance(slugs["gpt2"].gives, NextToken)
