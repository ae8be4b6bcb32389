"""Back-propagation: the paper's equations by hand, the family trees, and what the trained networks are known to be."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

import models
from models import BadInput, checkpoint
from models.backprop import PAPER as DIGITS
from models.backprop import model as digits
from models.backprop import train as digits_train
from models.backprop.families import PAPER as FAMILIES
from models.backprop.families import facts as trees
from models.backprop.families import model as families
from models.backprop.families import train as families_train

SLUGS = ("backprop", "backprop/families")


def answers(text: str) -> set[str]:
    return {name for question in trees.facts() if question.text == text for name in question.answers}


# The family trees


def test_the_trees_hold_24_people_and_104_facts():
    assert len(set(trees.PEOPLE)) == 24
    assert len(trees.RELATIONS) == 12
    assert len({question.text for question in trees.facts()}) == len(trees.facts()) == 104


def test_each_relation_has_as_many_facts_as_the_trees_say():
    counts = Counter(question.relation for question in trees.facts())
    english = {"father": 6, "mother": 6, "husband": 5, "wife": 5, "son": 6, "daughter": 6}
    english |= {"uncle": 2, "aunt": 2, "brother": 3, "sister": 3, "nephew": 4, "niece": 4}
    assert counts == {relation: 2 * count for relation, count in english.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Colin has-aunt", {"Jennifer", "Margaret"}),
        ("Charlotte has-uncle", {"Arthur", "Charles"}),
        ("Alfonso has-aunt", {"Angela", "Gina"}),
        ("Victoria has-brother", {"Arthur"}),
        ("James has-sister", {"Jennifer"}),
        ("Colin has-mother", {"Victoria"}),
        ("Christopher has-daughter", {"Victoria"}),
        ("Andrew has-son", {"James"}),
        ("Charles has-wife", {"Jennifer"}),
        ("Gina has-husband", {"Emilio"}),
        ("Margaret has-nephew", {"Colin"}),
        ("Tomaso has-niece", {"Sophia"}),
        ("Lucia has-son", {"Alfonso"}),
        ("Arthur has-son", set()),
        ("Victoria has-nephew", set()),
        ("Penelope has-father", set()),
    ],
)
def test_facts_worked_out_by_hand(text, expected):
    assert answers(text) == expected


def test_only_uncles_and_aunts_come_in_twos():
    several = [question for question in trees.facts() if len(question.answers) > 1]
    assert len(several) == 8
    assert {question.relation for question in several} == {"uncle", "aunt"}
    assert all(len(question.answers) == 2 for question in several)


def test_the_two_trees_have_the_same_shape():
    other = {person.name: person.counterpart for person in trees.people()}
    assert other["Colin"] == "Alfonso"
    assert other["Sophia"] == "Charlotte"
    for question in trees.facts():
        mirrored = answers(f"{other[question.person]} has-{question.relation}")
        assert mirrored == {other[name] for name in question.answers}


def test_people_have_the_generation_and_branch_that_the_figure_shows():
    by_name = {person.name: person for person in trees.people()}
    assert [person.generation for person in trees.people()] == 2 * ([1] * 4 + [2] * 6 + [3] * 2)
    assert Counter(person.nationality for person in trees.people()) == {"English": 12, "Italian": 12}
    assert {name for name, person in by_name.items() if person.branch == "both"} == {
        "Colin",
        "Charlotte",
        "Alfonso",
        "Sophia",
    }
    for name, branch in (("Penelope", "left"), ("Margaret", "left"), ("Victoria", "left"), ("James", "right")):
        assert by_name[name].branch == branch, name
    assert by_name["Charles"].branch == "right"
    assert by_name["Francesca"].branch == "right"
    assert sum(person.male for person in trees.people()) == 12


def test_each_seed_holds_out_four_facts_of_its_own_for_good():
    assert [question.text for question in trees.held_out(0)] == [
        "Maria has-daughter",
        "Marco has-daughter",
        "Margaret has-husband",
        "Colin has-sister",
    ]
    assert len({trees.held_out(seed) for seed in range(10)}) == 10
    for seed in range(10):
        assert len(trees.trained(seed)) == 100
        assert set(trees.trained(seed)) | set(trees.held_out(seed)) == set(trees.facts())


def test_facts_are_coded_as_the_card_reads_them():
    x, right = trees.encode(trees.facts())
    assert x.dtype == np.float32
    assert x.shape == (104, 36)
    assert right.shape == (104, 24)
    for row, question in enumerate(trees.facts()):
        assert np.array_equal(x[row : row + 1], FAMILIES.takes.parse(question.text))
        assert {trees.PEOPLE[i] for i in np.flatnonzero(right[row])} == set(question.answers)


def test_a_stranger_is_refused():
    with pytest.raises(BadInput, match="24 people"):
        FAMILIES.takes.parse("Geoffrey has-aunt")


# The networks


@pytest.mark.parametrize(
    ("layer", "trainable"), [("person", 150), ("relation", 78), ("central", 156), ("penultimate", 78), ("output", 168)]
)
def test_the_family_network_is_as_the_figure_draws_it(layer, trainable):
    module = families.build(families.PAPER)
    assert sum(p.numel() for p in getattr(module, layer).parameters()) == trainable
    assert module.person.weight.shape == (6, 24)
    assert families.SMALL == families.PAPER


def test_a_sigmoid_unit_by_hand():
    module = digits.build(digits.Config(side=1, hidden=1, outputs=1))
    for parameter, value in zip(module.parameters(), (2.0, -1.0, 3.0, 0.5), strict=True):
        torch.nn.init.constant_(parameter, value)
    hidden = 1 / (1 + math.exp(-(2.0 * 0.75 - 1.0)))
    expected = 1 / (1 + math.exp(-(3.0 * hidden + 0.5)))
    assert module(torch.full((1, 1, 1, 1), 0.75)).item() == pytest.approx(expected, abs=1e-6)


def test_the_error_sent_back_is_the_papers_equation_6():
    """dE/dw_ji = (y_j - d_j) y_j (1 - y_j) y_i for the weights of an output unit (Eqs. 4 to 6)."""
    torch.manual_seed(0)
    module = digits.build(digits.Config(side=2, hidden=3, outputs=2, initial=1.0))
    x, d = torch.rand(5, 1, 2, 2), torch.eye(2)[torch.tensor([0, 1, 1, 0, 1])]
    y = module(x)
    digits.error(y, d).backward()
    hidden = module.hidden_y(module.hidden(x.flatten(1))).detach()
    delta = ((y - d) * y * (1 - y)).detach()
    assert torch.allclose(module.output.weight.grad, delta.T @ hidden, atol=1e-6)
    further = delta @ module.output.weight.detach() * hidden * (1 - hidden)
    assert torch.allclose(module.hidden.weight.grad, further.T @ x.flatten(1), atol=1e-6)


def test_the_error_is_half_the_squared_difference():
    y, d = torch.tensor([[0.5, 0.25], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert digits.error(y, d).item() == pytest.approx(0.5 * (0.25 + 0.0625))


def test_there_is_no_error_beyond_the_papers_margins():
    right = torch.tensor([[True, True, False, False]])
    y = torch.tensor([[0.9, 0.7, 0.1, 0.3]])
    assert families.error(y, right).item() == pytest.approx(0.5 * (0.3**2 + 0.3**2))


def test_a_fact_is_complete_only_if_everybody_is_right():
    right = torch.tensor([[True, True, False]]).expand(4, -1)
    y = torch.tensor([[0.6, 0.9, 0.4], [0.6, 0.4, 0.1], [0.9, 0.9, 0.6], [0.6, 0.6, 0.1]])
    assert families.correct(y, right).tolist() == [True, False, False, True]


@pytest.mark.parametrize("module", [digits.build(digits.TWIN), families.build(families.TWIN)])
def test_only_the_output_units_of_a_twin_learn(module):
    assert {name for name, p in module.named_parameters() if p.requires_grad} == {"output.weight", "output.bias"}


@pytest.mark.parametrize("slug", SLUGS)
def test_learning_left_the_twins_hidden_layers_as_they_were_drawn(slug):
    twin = models.load(slug, twin=True).module
    bound = (digits if slug == "backprop" else families).TWIN.initial
    hidden = [p for name, p in twin.named_parameters() if not name.startswith("output")]
    assert all(p.abs().max() <= bound for p in hidden)
    assert twin.output.weight.abs().max() > bound


def test_the_learning_rate_climbs_for_one_sweep_and_ends_at_nothing():
    steps, total = 100, 1000
    rates = [digits_train.rate(step, steps, total) for step in (0, 49, 99, 549, 999)]
    assert rates == pytest.approx([0.01, 0.5 * 0.951, 0.901, 0.451, 0.001])


def test_a_restart_is_chosen_by_trained_facts_and_then_by_small_weights():
    right = torch.tensor([[True, False], [False, True]])
    good, poor = torch.tensor([[0.9, 0.1], [0.1, 0.9]]), torch.tensor([[0.9, 0.1], [0.9, 0.1]])
    y = torch.stack([poor, good, good])
    weights = {"a": torch.tensor([[0.1], [2.0], [-1.0]]), "b": torch.tensor([[[0.0]], [[0.0]], [[1.5]]])}
    assert families_train.choose(y, right, weights) == 2  # 1 + 2.25 < 4; the first is smaller still, and wrong


def test_restarts_side_by_side_learn_as_one_alone_does(monkeypatch):
    """Gradient descent with momentum and decay (Eqs. 8 and 9), against the same written out for one network."""
    monkeypatch.setattr(families_train, "SWEEPS", 30)
    found = families_train.learn(0, False, (0, 30), restarts=2)
    module = found.module(0).train().requires_grad_(True)
    speed = [torch.zeros_like(p) for p in module.parameters()]
    x, right = families_train.coded(trees.trained(0))
    for sweep in range(30):
        epsilon, alpha = (0.005, 0.5) if sweep < 20 else (families_train.EPSILON[1], 0.9)
        module.zero_grad()
        families.error(module(x), right).backward()
        with torch.no_grad():
            for p, v in zip(module.parameters(), speed, strict=True):
                v.mul_(alpha).sub_(p.grad)
                p.add_(v, alpha=epsilon).mul_(1 - families_train.DECAY)
    for p, q in zip(module.parameters(), found.module(30).parameters(), strict=True):
        assert torch.allclose(p, q, atol=1e-4)


# What was trained


def test_the_digits_are_read_as_well_as_asked():
    record = checkpoint.read_record("backprop")
    metric, twin = record.metric("test_accuracy"), record.metric("twin_test_accuracy")
    assert metric.samples == 10_000
    assert len(metric.seeds) == 3
    assert min(metric.seeds) >= 97.5
    assert twin.value < min(metric.seeds) - 1


def test_the_families_are_learnt_by_ten_seeds():
    record = checkpoint.read_record("backprop/families")
    assert len(record.metric("trained_facts_right").seeds) == len(record.metric("held_out_facts_right").seeds) == 10
    assert record.metric("trained_facts_right").seeds == (100.0,) * 10
    held_out = record.metric("held_out_facts_right").seeds
    assert record.metric("seeds_as_good_as_the_paper").value == sum(right >= 3 for right in held_out) >= 8
    assert record.metric("twin_trained_facts_right").value < 50


def test_two_units_tell_the_nations_apart_and_four_see_one_tree():
    """What the paper's Fig. 4 shows: unit 1 is the nation, and most others ignore it."""
    english, italian = models.load("backprop/families").module.person.weight.split(12, dim=1)
    nations = [
        bool((torch.sign(e) == -torch.sign(i[0])).all() and (torch.sign(i) == torch.sign(i[0])).all())
        for e, i in zip(english, italian, strict=True)
    ]
    assert sum(nations) == 2
    for e, i, nation in zip(english, italian, nations, strict=True):
        alike = torch.corrcoef(torch.stack([e, i]))[0, 1]
        assert nation or alike > 0.7


def test_the_families_record_can_be_had_from_the_weights_again():
    assert families_train.evaluate() == checkpoint.read_record("backprop/families").metrics


@pytest.mark.parametrize("slug", SLUGS)
def test_portraits_fit_the_card(slug):
    picture = checkpoint.read_arrays(checkpoint.folder(slug) / "portrait.safetensors")["portrait"]
    assert picture.dtype == np.float32
    assert max(picture.shape) <= 160
    assert np.abs(picture).max() == pytest.approx(1)
    assert picture.min() < 0 < picture.max()


def test_the_cards_are_of_one_paper():
    assert models.networks("backprop") == (DIGITS, FAMILIES)
    assert (DIGITS.title, DIGITS.authors) == (FAMILIES.title, FAMILIES.authors)
    assert DIGITS.network != FAMILIES.network
