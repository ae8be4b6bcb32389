"""DenseNet (Huang, Liu, van der Maaten, Weinberger 2016)."""

from __future__ import annotations

from models.data.cifar10 import CIFAR, LABELS, SAMPLES
from models.paper import Claim, ClassScores, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")

PAPER = Paper(
    slug="densenet",
    name="DenseNet",
    title="Densely Connected Convolutional Networks",
    authors=("Gao Huang", "Zhuang Liu", "Laurens van der Maaten", "Kilian Q. Weinberger"),
    year=2016,
    venue="arXiv:1608.06993",
    url="https://arxiv.org/abs/1608.06993",
    track="Convolution",
    idea="Let every layer see the maps of all layers before it, and keep them all: then a layer need not pass on what it was "
    "told, and a dozen new maps are enough for it.",
    about="A residual network adds what a layer found to what was there, and the two cannot be told apart again. A DenseNet puts "
    "it beside: the state of a block is the list of all maps made so far, and each layer reads the whole list and appends k "
    "maps of its own. With L layers there are L(L+1)/2 connections, every layer is one step away from the scores and from their "
    "gradient, and the last classifier still sees the first edges. Because nothing has to be copied, layers can be thin: with "
    "k = 12, the paper's network of 40 layers and one million parameters errs less than residual networks of 1.7 million.",
    takes=CIFAR,
    gives=ClassScores(labels=LABELS),
    probes=(
        Probe(
            "conv0",
            MAPS,
            "Sixteen kernels of 3x3 in colour at every position of the picture: the first maps of the list.",
        ),
        Probe("blocks.*.*.hook_seen", MAPS, "What a layer is given: all maps that its block has so far, oldest first."),
        Probe(
            "blocks.*.*.norm1",
            MAPS,
            "Those maps with the mean and spread that this layer has learnt to give each of them.",
        ),
        Probe(
            "blocks.*.*.relu1",
            MAPS,
            "What is positive in them: which of the old maps this layer listens to, and where.",
        ),
        Probe(
            "blocks.*.*.hook_new",
            MAPS,
            "The sixteen maps that the layer adds to the list, from windows of 3x3 in all of it.",
        ),
        Probe(
            "blocks.*",
            MAPS,
            "The whole list at the end of a block: what it was given, and sixteen maps of every layer.",
        ),
        Probe("transitions.*.norm", MAPS, "The list at the end of a block, normalised for the way into the next one."),
        Probe("transitions.*.relu", MAPS, "What is positive in it."),
        Probe("transitions.*.conv", MAPS, "The maps of the list mixed at every point (1x1), as many as there were."),
        Probe(
            "transitions.*.pool",
            MAPS,
            "Each 2x2 square of them averaged: half the size, and the front of the next list.",
        ),
        Probe("norm", MAPS, "The whole last list, normalised."),
        Probe("relu", MAPS, "What is positive in it."),
        Probe(
            "flatten", UNITS, "Each of these 208 maps averaged over all places: what was found, and no longer where."
        ),
        Probe(
            "classifier",
            UNITS,
            "The scores: a weighted sum of those 208 numbers for each class, from early and late layers.",
        ),
    ),
    claims=(
        Claim(
            "test_error",
            5.24,
            "Table 2, L = 40, k = 12, with augmentation; ours has 16 layers",
            "CIFAR-10",
            better="lower",
            label="test error",
        ),
        Claim(
            "twin_test_error",
            None,
            "no such network in the paper",
            "CIFAR-10",
            better="lower",
            label="test error without dense connections",
        ),
        Claim(
            "reach_block_1",
            None,
            "Fig. 5: weights are spread over many sources",
            "CIFAR-10",
            label="weight on sources farther back, block 1",
        ),
        Claim(
            "reach_block_3",
            None,
            "Fig. 5: the last block leans on its own late layers",
            "CIFAR-10",
            label="weight on sources farther back, block 3",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="No dense connections: each layer sees the layer before it alone, at the same depth and with as many parameters.",
    penultimate="flatten",
    lesions=("blocks.*.*.hook_new",),
    reuse=True,
    deviations=(
        "16 layers with k = 16 in place of 40 with k = 12: the same three blocks and transitions, with four layers a block and "
        "0.21 million parameters, since the 40 layers ask for more than four times the work.",
        "Trained for 20 passes and not 300: Muon (Jordan 2024) trains the kernels, norms and the classifier have the paper's "
        "momentum; one warm cycle of the learning rate up to 0.05 with a weight decay of 5e-4. The paper divides 0.1 by 10 "
        "twice and decays by 1e-4.",
        "Batches of 128 in place of 64.",
        "The pictures grow during training: 16x16 for a fifth of the steps, 24x24 up to the half, then 32x32.",
        "A transition has a ReLU between normalisation and convolution, as in the authors' program; the paper's text does not "
        "name it.",
        "The pictures are JPEG copies of CIFAR-10's, with small traces of that compression.",
    ),
)
