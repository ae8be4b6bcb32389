"""Pairs of sentences that networks solve: what the files say is what the weights do."""

from __future__ import annotations

import pytest
import torch

import models
from models import pairs, tokens
from models.gpt2 import pairs as gpt2
from models.pairs import Pair

SLUGS = [p.slug for main in models.papers() for p in models.networks(main.slug) if pairs.read(p.slug).pairs]
ALL = [(slug, pair) for slug in SLUGS for pair in pairs.read(slug).pairs]


@pytest.fixture(scope="module")
def nets():
    return {slug: models.restore(slug) for slug in SLUGS}


def test_there_are_some():
    assert "gpt2" in SLUGS
    assert len(pairs.read("gpt2").pairs) >= 10
    assert pairs.read("lenet5") == pairs.Pairs()


@pytest.mark.parametrize(("slug", "pair"), ALL, ids=lambda p: p.clean if isinstance(p, Pair) else p)
def test_every_kept_pair_is_solved_again(nets, slug, pair):
    """One sentence at a time, read as a visitor's is."""
    takes = models.paper(slug).takes
    clean, corrupted = (torch.from_numpy(takes.parse(text)) for text in (pair.clean, pair.corrupted))
    assert clean.shape == corrupted.shape
    assert not torch.equal(clean, corrupted)
    target, against = (tokens.encode(takes.tokenizer, token) for token in (pair.target, pair.against))
    assert len(target) == len(against) == 1
    with torch.no_grad():
        found = [float(s[0, -1, target[0]] - s[0, -1, against[0]]) for s in map(nets[slug], (clean, corrupted))]
    assert found == pytest.approx([pair.clean_difference, pair.corrupted_difference], abs=2e-3)
    assert found[0] > 0 > found[1]
    assert pair.margin == min(pair.clean_difference, -pair.corrupted_difference) > 0


@pytest.mark.parametrize("slug", SLUGS)
def test_kept_pairs_are_of_families_that_are_solved(slug):
    found = pairs.read(slug)
    kept = {family.name for family in found.families if family.kept}
    assert {pair.family for pair in found.pairs} == kept
    assert len({(p.clean, p.corrupted, p.target) for p in found.pairs}) == len(found.pairs)
    assert all(0 <= f.solved <= f.right <= 1 for f in found.families)


def test_the_command_finds_the_same_again(nets):
    again, kept = gpt2.survey(nets["gpt2"]), pairs.read("gpt2")
    assert [(f.name, f.tried, f.kept) for f in again.families] == [(f.name, f.tried, f.kept) for f in kept.families]
    for now, then in zip(again.families, kept.families, strict=True):
        assert (now.solved, now.right) == pytest.approx((then.solved, then.right), abs=0.02)


def test_pairs_differ_only_in_their_gap_and_their_answers_are_single_tokens():
    kind = gpt2.Kind("k", "w", ("The {} said", "{} came"), (("man", "men"), ("day", "days")), ((" to", " him"),))
    found = list(gpt2.candidates(kind))
    assert ("The {} said", Pair("k", "The man said", "The men said", " to", " him", 0.0, 0.0)) in found
    assert all("day" not in pair.clean for _, pair in found)  # " days" is two tokens
    long = gpt2.Kind("k", "w", ("The {} said",), (("man", "men"),), ((" to", " queens"),))
    assert list(gpt2.candidates(long)) == []
    own = gpt2.Kind("k", "w", ("{}",), (("man", "men"), ("He", "It")), ((" to", " him"), (" is", " was")), own=True)
    assert [p.target for _, p in gpt2.candidates(own) if p.clean == "He"] == [" is"]


class Fixed(torch.nn.Module):
    """The scores after a text are ten times the last token's id, plus each token's own id."""

    def forward(self, ids):
        return 10.0 * ids[..., None] + torch.arange(1024.0)


def test_differences_are_of_the_last_place():
    pair = Pair("k", "The man", "The men", " to", " him", 0.0, 0.0)
    apart = tokens.encode("gpt2", " to")[0] - tokens.encode("gpt2", " him")[0]
    done = gpt2.measured(Fixed(), [pair, Pair("k", "A", "I", " to", " him", 0.0, 0.0)])
    assert [(p.clean_difference, p.corrupted_difference) for p in done] == [(apart, apart)] * 2
