"""The ten scenes that every network of photographs offers: ours, small, readable, the same at every making."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from models.data import scenes
from models.data.cifar10 import CIFAR, LABELS
from models.data.samples import FILES
from models.data.sources import source

NAMES = [sample.source for sample in scenes.SAMPLES]


def test_there_is_one_scene_for_every_class_in_their_order():
    assert tuple(sample.name for sample in scenes.SAMPLES) == LABELS
    assert [f"{label}.jpg" for label in LABELS] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_is_small_and_can_be_seen(name):
    data = (FILES / name).read_bytes()
    assert len(data) < 8_000
    assert Image.open(io.BytesIO(data)).size == (scenes.SIDE, scenes.SIDE)
    x = CIFAR.parse(data)
    assert x.shape == (1, 3, 32, 32)
    assert np.abs(x).max() < 3
    assert x.std() > 0.4, "neither flat nor dark"


@pytest.mark.data
@pytest.mark.parametrize("scene", scenes.SCENES, ids=lambda scene: scene.name)
def test_the_program_makes_the_scene_that_is_shipped(scene):
    again = scenes.file(scene)
    assert again == scenes.file(scene)
    shipped, made = (
        np.asarray(Image.open(io.BytesIO(data))).astype(int)
        for data in ((FILES / f"{scene.name}.jpg").read_bytes(), again)
    )
    assert shipped.shape == made.shape
    assert np.abs(shipped - made).mean() < 1, "another JPEG library may round otherwise"


def test_the_licence_of_the_figures_lies_beside_them():
    text = (FILES / scenes.LICENCE).read_text("utf8")
    assert all(name in text for name in NAMES)
    assert "Copyright (c) Microsoft Corporation" in text
    assert "The above copyright notice and this permission notice shall be included" in text
    stated = source("scenes")
    assert stated is not None
    assert stated.licence == "MIT"
    assert stated.attribution in " ".join(text.split())


def test_grounds_are_colours_and_soft_edges_are_between_0_and_1():
    chance = np.random.default_rng(0)
    for scene in scenes.SCENES:
        ground = scene.ground(chance)
        assert ground.shape == (scenes.SIDE, scenes.SIDE, 3)
        assert -0.2 < ground.min() < ground.max() < 1.2
    edge = scenes.below(0.5)
    assert (edge[0] == 0).all()
    assert (edge[-1] == 1).all()
    noise = scenes.grain(chance, 2, 2)
    assert noise.mean() == pytest.approx(0, abs=1e-9)
    assert noise.std() == pytest.approx(1)
