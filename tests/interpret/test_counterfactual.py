"""The smallest flips of networks so small that the right answer can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from app.interpret.counterfactual import NEAR, Flips, flips, ways
from models.paper import ClassScores, Fact, Image, Paper


def paper(classes: int, size: tuple[int, int], **image: object) -> Paper:
    labels = tuple(str(i) for i in range(classes))
    return Paper(
        *("toy", "A toy", ("A. Person",), 2000, "nowhere", "https://example.org", "Foundations", "an idea", "about"),
        takes=Image(1, size, labels, **image),
        gives=ClassScores(labels),
        probes=(),
        claims=(),
        samples=(),
        dataset="none",
        twin="",
    )


def linear(weight: list[list[float]], bias: list[float]) -> nn.Module:
    net = nn.Sequential(nn.Flatten(), nn.Linear(len(weight[0]), len(weight)))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor(weight))
        net[1].bias.copy_(torch.tensor(bias))
    return net.requires_grad_(False)


class Threshold(nn.Module):
    """Two units that count the upper and the lower row: no gradient comes through."""

    differentiable = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x >= 0.5).float().flatten(2).unflatten(2, (2, -1)).sum((1, 3))


MIDDLE = np.full((1, 1, 2, 2), 0.5, np.float32)
# w0 - w1 = (2, -1, 2, 0): L2 norm 3, L1 norm 5. At x = 1/2 everywhere the scores are 0.25 and 0: margin 0.25.
TWO = linear([[1, 0, 1, 0], [-1, 1, -1, 0]], [-0.75, 0.5])


def test_a_linear_network_flips_at_margin_over_the_l1_norm_of_a_sign_step():
    found = flips(TWO, paper(2, (2, 2)), MIDDLE, way="sign")
    assert found.was == 0 and found.nearest == 1
    assert found.epsilon[1] == pytest.approx(0.25 / 5, rel=1e-3)
    assert found.cost[1] == pytest.approx(255 * 0.25 / 5, rel=1e-3)
    np.testing.assert_allclose(found.change[1, 0], [[-0.05, 0.05], [-0.05, 0.0]], rtol=1e-3, atol=1e-7)
    assert found.share[1] == 0.75  # the fourth point has no say and stays as it is
    assert found.steps.tolist() == [0, 1]


def test_a_linear_network_flips_at_margin_over_the_l2_norm_of_a_gradient_step():
    found = flips(TWO, paper(2, (2, 2)), MIDDLE, way="gradient")
    assert found.length[1] == pytest.approx(0.25 / 3, rel=1e-3)
    np.testing.assert_allclose(found.change[1, 0].ravel(), np.array([-2, 1, -2, 0]) * 0.25 / 9, rtol=1e-3, atol=1e-7)
    assert found.scores[1].argmax() == 1 and found.scores[0].argmax() == 0


def test_points_are_turned_over_one_by_one_the_most_helpful_first():
    # margin 2 - 0.4 + 2 - 1.25 = 2.35; the first or the third point off takes 2 of it, the second up to 1 only 0.6
    found = flips(TWO, paper(2, (2, 2)), np.array([[[[1, 0.4], [1, 0]]]], np.float32), way="points")
    assert found.steps.tolist() == [0, 2]
    assert found.cost[1] == 2 and found.share[1] == 0.5
    np.testing.assert_allclose(found.change[1, 0], [[-1, 0], [-1, 0]])


def test_each_class_is_reached_by_a_step_of_its_own():
    # three classes on three points: s_k = x_k, the first leads by 0.2 over the second and by 0.4 over the third
    net = linear([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [0, 0, 0])
    x = np.array([[[[0.7, 0.5, 0.3]]]], np.float32)
    found = flips(net, paper(3, (1, 3)), x, way="sign")
    np.testing.assert_allclose(found.epsilon, [0, 0.1, 0.2], atol=1e-4)
    assert found.nearest == 1
    assert [row.argmax() for row in found.scores] == [0, 1, 2]


def test_of_many_classes_the_likeliest_are_tried_and_the_one_asked_for():
    # forty classes on forty points, s_k = x_k = 0.9 - 0.01 k but for class 7, which leads: the last fifteen are not likely
    net = linear(np.eye(40).tolist(), [0] * 40)
    x = (0.9 - 0.01 * np.arange(40, dtype=np.float32)).reshape(1, 1, 4, 10)
    x[0, 0, 0, 7] = 1.0
    found = flips(net, paper(40, (4, 10)), x)
    assert len(found.classes) == NEAR and found.classes.tolist() == sorted(found.classes)
    assert found.classes[found.was] == 7 and not found.flipped[found.was]
    assert found.classes.max() == NEAR - 1 and found.classes[found.nearest] == 0
    further = flips(net, paper(40, (4, 10)), x, also=39)
    row = further.classes.tolist().index(39)
    assert len(further.classes) == NEAR + 1 and further.scores[row].argmax() == 39
    assert further.epsilon[row] == pytest.approx(
        0.9 - 0.51, rel=1e-3
    )  # class 0, which nothing pushes down, is the last to beat
    np.testing.assert_array_equal(further.cost[:row], found.cost)


def test_values_stay_between_black_and_white_and_normalisation_is_undone():
    # (v - 1/2) / (1/4): a score of x is 4 v - 2, so that margins in x are four times those in v
    net = linear([[1, 0], [0, 1]], [0, 0])
    card = paper(2, (1, 2), mean=(0.5,), std=(0.25,))
    found = flips(net, card, card.takes.normalise(np.array([[[[1.0, 0.9]]]], np.float32)), way="sign")
    assert found.epsilon[1] == pytest.approx(0.05, rel=1e-3)
    assert found.before.max() <= 1 and found.after.max() <= 1 and found.after.min() >= 0
    found = flips(net, card, card.takes.normalise(np.array([[[[1.0, 0.0]]]], np.float32)), way="gradient")
    np.testing.assert_allclose(found.after[1, 0], [[0.5, 0.5]], atol=1e-3)


def test_small_steps_follow_a_gradient_that_turns():
    class Bent(nn.Module):
        """Class 1 wins where b > 0.9 + 2 (a - 1/2)^2. Straight on from (0.2, 0.2), along (1.2, 1), is never there."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            a, b = x.flatten(1).unbind(1)
            score = b - 0.9 - 2 * (a - 0.5) ** 2
            return torch.stack([torch.zeros_like(score), score], 1)

    found = flips(Bent(), paper(2, (1, 2)), np.array([[[[0.2, 0.2]]]], np.float32), way="gradient")
    assert found.flipped[1] and found.steps[1] > 1
    assert found.scores[1].argmax() == 1


def test_saturated_outputs_between_0_and_1_are_pushed_by_their_log_odds():
    # sigmoids of (10 - 10 b, 40 a - 30, 10 b - 4) at (0.2, 0.2), that is of (8, -22, -2). The slope of the second is 1e-10:
    # plain slopes only push the first one down, along b, which makes the third the answer. Log-odds rise along (40, 10):
    # 41.2 t more for a step of length t, and 30 are missing.
    net = nn.Sequential(linear([[0, -10], [40, 0], [0, 10]], [10, -30, -4]), nn.Sigmoid())
    card = replace(paper(3, (1, 2)), gives=ClassScores(("0", "1", "2"), probability="identity"))
    found = flips(net, card, np.array([[[[0.2, 0.2]]]], np.float32), way="gradient")
    assert found.steps[1] == 1 and found.scores[1].argmax() == 1
    assert found.length[1] == pytest.approx(30 / 1700**0.5, rel=1e-2)
    assert found.scores.max() <= 1  # the network's own outputs, not their odds


def test_where_nothing_helps_nothing_is_claimed():
    constant = linear([[0, 0], [0, 0]], [1, 0])
    for way in ("sign", "gradient", "points"):
        found = flips(constant, paper(2, (1, 2)), np.zeros((1, 1, 1, 2), np.float32), way=way)
        assert not found.flipped.any() and found.nearest == found.was == 0
        assert np.isinf(found.cost).all() and not found.change.any()


def test_ways_follow_the_declarations_and_the_gradient():
    assert ways(TWO, paper(2, (2, 2)), MIDDLE) == ("sign", "gradient", "points")
    assert ways(TWO, paper(2, (2, 2), binary=True), MIDDLE) == ("points",)
    assert ways(Threshold(), paper(2, (2, 2)), MIDDLE) == ("points",)
    assert ways(linear([[0] * 4, [0] * 4], [1, 0]), paper(2, (2, 2)), MIDDLE) == ("points",)
    facts = Fact(("Ann", "Bob"), ("aunt",))
    card = Paper(
        *("t", "t", (), 2000, "", "", "Foundations", "", ""), facts, ClassScores(("Ann", "Bob")), *((),) * 3, "", ""
    )
    assert ways(TWO, card, np.zeros((1, 3), np.float32)) == ()
    with pytest.raises(TypeError, match="takes no picture"):
        flips(TWO, card, np.zeros((1, 3), np.float32))


def test_threshold_units_flip_by_points():
    # upper row 3 points on, lower row 1: turning one upper point off and one lower on ties at 2 to 2, a third decides
    x = np.array([[[[1, 1, 1, 0], [1, 0, 0, 0]]]], np.float32)
    found = flips(Threshold(), paper(2, (2, 4), binary=True), x, way="points")
    assert found.steps[1] == 3 and found.share[1] == 3 / 8
    assert set(np.unique(found.after)) == {0.0, 1.0}


def test_progress_is_told():
    told: list[float | None] = []
    found = flips(TWO, paper(2, (2, 2)), MIDDLE, way="points", tick=told.append)
    assert isinstance(found, Flips) and told and all(0 <= t <= 1 for t in told)
