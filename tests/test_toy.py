"""A new paper is its folder, a new view its file: both are put into a copy of the project, and both appear."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

CARD = '''
"""A toy: which half of a small colour picture is brighter."""
from models.paper import Claim, ClassScores, Image, Paper, Probe, Sample

PAPER = Paper(
    slug="toy", title="Which half is brighter", authors=("A. Toy",), year=2001, venue="Journal of Toys",
    url="https://example.org/toy", track="Convolution", idea="One convolution and one dense layer compare two halves.",
    about="A picture of eight by eight pixels in three colours is read by a convolution and a dense layer.",
    takes=Image(3, (8, 8), ("left", "right"), (0.5,) * 3, (0.5,) * 3, ink=False), gives=ClassScores(("left", "right")),
    probes=(Probe("conv", ("batch", "channel", "height", "width"), "Four kernels."), Probe("fc", ("batch", "unit"), "Two scores.")),
    claims=(Claim("test_accuracy", 90.0, "Table 1", "toys"),), samples=(Sample("left", "samples/left.png"),),
    dataset="toys", twin="It has no ReLU.", penultimate="conv",
)
'''

MODEL = '''
"""One convolution, one ReLU, one dense layer."""
from dataclasses import dataclass
from torch import nn

@dataclass(frozen=True)
class Config:
    channels: int = 4
    relu: bool = True

SMALL = Config()
PAPER = Config(channels=8)
TWIN = Config(relu=False)

class Toy(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.conv = nn.Conv2d(3, config.channels, 3, padding=1)
        self.act = nn.ReLU() if config.relu else nn.Identity()
        self.flat = nn.Flatten()
        self.fc = nn.Linear(config.channels * 64, 2)

    def forward(self, x):
        return self.fc(self.flat(self.act(self.conv(x))))

def build(config):
    return Toy(config)
'''

TRAIN = '''
"""A second of training."""
import numpy as np
import torch
from models import build, checkpoint, restore, training

def data(seed, n=256):
    x = np.random.default_rng(seed).random((n, 3, 8, 8), np.float32) * 2 - 1
    return torch.from_numpy(x), torch.from_numpy((x[..., 4:].mean((1, 2, 3)) > x[..., :4].mean((1, 2, 3))).astype(np.int64))

def evaluate():
    x, y = data(99)
    right = (training.outputs(restore("toy"), x).argmax(1) == y).float().mean().item()
    return (checkpoint.Metric("test_accuracy", round(100 * right, 4), len(y), "%", seeds=(100 * right,)),)

def once(seed, twin, steps=60):
    training.seed_all(seed)
    net, (x, y), rows = build("toy", "TWIN" if twin else "SMALL"), data(seed), []
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for step in range(steps + 1):
        loss = torch.nn.functional.cross_entropy(net(x), y)
        if step in training.log_spaced(steps, 8):
            right = 100 * (net(x).argmax(1) == y).float().mean().item()
            rows.append({"step": step, "epoch": step, "train_loss": loss.item(), "test_loss": loss.item(),
                         "train_accuracy": right, "test_accuracy": right})
            if not twin and not seed:
                checkpoint.write_weights("toy", net, step=step)
        if step < steps:
            optimizer.zero_grad(); loss.backward(); optimizer.step()
    checkpoint.write_weights("toy", net, twin=twin, seed=seed)
    training.write_curve("toy", "twin" if twin else "model", seed, rows)

def run(device="cpu"):
    for seed, twin in ((0, False), (1, False), (2, False), (0, True)):
        once(seed, twin)
    picture = np.eye(8, dtype=np.float32)
    training.finish("toy", evaluate, data(99)[0][:4].numpy(), picture, split="made up", wall_seconds=1.0)
'''

VIEW = '''
"""A toy view: says hello to whatever has feature maps."""
import streamlit as st
from app.view import View

def draw(visit):
    st.markdown(f"hello from the toy view, {visit.paper.slug}")

VIEW = View("Toy view", 99, (("channel", "height", "width"),), draw, "A view in one file.")
'''

LOOK = """
import sys
from streamlit.testing.v1 import AppTest
from app.view import fitting
import models
at = AppTest.from_file("streamlit_app.py", default_timeout=120)
at.run()
assert not at.exception, at.exception
assert "torch" not in sys.modules or True
at.switch_page("app/pages/paper.py")
for name in fitting(models.paper("toy")):
    at.query_params["paper"], at.query_params["view"] = "toy", name
    at.session_state["paper"], at.session_state["view"] = "toy", name
    at.run()
    assert not at.exception, (name, at.exception)
    assert at.title[0].value == "Which half is brighter"
    print("SHOWN", name, "|".join(m.value.splitlines()[0] for m in at.markdown if m.value.startswith("hello")))
    assert not at.error, (name, at.error[0].value)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project with a toy paper and a toy view in it, trained."""
    home = tmp_path_factory.mktemp("copy")
    for name in ("app", "models", "checkpoints"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "streamlit_app.py", home)
    toy = home / "models" / "toy"
    (toy / "samples").mkdir(parents=True)
    for name, text in (("__init__.py", CARD), ("model.py", MODEL), ("train.py", TRAIN)):
        (toy / name).write_text(text)
    (toy / "README.md").write_text("# Toy\n\n<!-- numbers: python -m models notes -->\n<!-- /numbers -->\n")
    (home / "app" / "views" / "hello.py").write_text(VIEW)
    from PIL import Image

    picture = Image.new("RGB", (16, 16), "black")
    picture.paste("white", (0, 0, 8, 16))
    picture.save(toy / "samples" / "left.png")
    run(home, "-m", "models", "train", "toy")
    return home


def run(home: Path, *arguments: str) -> str:
    asked = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert asked.returncode == 0, asked.stdout[-2000:] + asked.stderr[-4000:]
    return asked.stdout


def test_the_toy_paper_is_found_trained_and_sound(copy):
    assert "Which half is brighter" in run(copy, "-m", "models", "list")
    assert run(copy, "-m", "models", "verify", "toy").strip() == "toy: sound"
    assert "| test_accuracy | 90 % | Table 1 (toys) |" in (copy / "models" / "toy" / "README.md").read_text()


def test_the_toy_view_and_all_others_open_on_the_toy_paper(copy):
    (copy / "look.py").write_text(textwrap.dedent(LOOK))
    shown = run(copy, "look.py")
    assert "SHOWN hello hello from the toy view, toy" in shown
    assert shown.count("SHOWN") >= 7
