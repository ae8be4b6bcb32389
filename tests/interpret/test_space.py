"""Positions in a layer's space, by hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from app.interpret.space import Space, place, space, vectors
from models.paper import ClassScores, Image, Paper, Probe


@pytest.fixture
def paper():
    return Paper(
        slug="flat",
        title="Flat",
        authors=(),
        year=2000,
        venue="",
        url="",
        track="Foundations",
        idea="",
        about="",
        takes=Image(1, (1, 3), ("a", "b")),
        gives=ClassScores(("a", "b")),
        probes=(Probe("0", ("batch", "unit")),),
        claims=(),
        samples=(),
        dataset="none",
        twin="",
    )


def flat() -> nn.Module:
    return nn.Sequential(nn.Flatten()).eval()


def test_vectors_are_the_layers_output(paper):
    x = np.arange(6, dtype=np.float32).reshape(2, 1, 1, 3)
    assert vectors(flat(), paper, x, "0").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_pca_finds_the_line_that_points_lie_on(paper):
    along = np.array([-2.0, -1, 0, 1, 2], np.float32)
    x = (along[:, None] * np.array([3.0, 4.0, 0.0]) / 5 + 1).astype(np.float32).reshape(5, 1, 1, 3)
    found = space(flat(), paper, x, "0", "PCA", 2)
    assert found.mean == pytest.approx([1, 1, 1])
    assert found.axes[0] == pytest.approx([0.6, 0.8, 0], abs=1e-6)
    assert found.positions[:, 0] == pytest.approx(along, abs=1e-5)
    assert found.positions[:, 1] == pytest.approx(np.zeros(5), abs=1e-5)
    assert found.explained == pytest.approx([1, 0], abs=1e-6)


def test_a_new_point_is_projected_and_its_neighbours_are_the_nearest(paper):
    points = np.array([[0.0, 0, 0], [1, 0, 0], [5, 0, 0], [0, 3, 0]], np.float32)
    found = space(flat(), paper, points.reshape(4, 1, 1, 3), "0", "PCA", 3)
    here = place(found, np.array([0.9, 0, 0], np.float32), count=3)
    assert here.neighbours.tolist() == [1, 0, 3]
    assert here.distances == pytest.approx([0.1, 0.9, np.hypot(0.9, 3)], abs=1e-5)
    between = np.linalg.norm(here.position - found.positions[1])
    assert between == pytest.approx(0.1, abs=1e-5)


def test_without_axes_a_new_point_lies_between_its_three_nearest():
    corner = np.eye(4, 2, dtype=np.float32) * 10
    among = Space(corner, corner, corner.mean(0), np.zeros(0), np.zeros(0))
    here = place(among, np.array([10.0, 0.0], np.float32))
    assert here.position == pytest.approx([10, 0], abs=1e-4)


def test_tsne_keeps_two_clusters_apart(paper):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 0.1, (20, 3)), rng.normal(9, 0.1, (20, 3))]).astype(np.float32)
    found = space(flat(), paper, x.reshape(40, 1, 1, 3), "0", "t-SNE", 2)
    again = space(flat(), paper, x.reshape(40, 1, 1, 3), "0", "t-SNE", 2)
    assert np.array_equal(found.positions, again.positions)
    a, b = found.positions[:20], found.positions[20:]
    gap = np.linalg.norm(a.mean(0) - b.mean(0))
    assert gap > 2 * max(np.linalg.norm(a - a.mean(0), axis=1).mean(), np.linalg.norm(b - b.mean(0), axis=1).mean())
