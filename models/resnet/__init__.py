"""ResNet (He, Zhang, Ren, Sun 2015)."""

from __future__ import annotations

from models.data.cifar10 import CIFAR, LABELS, SAMPLES
from models.paper import Claim, ClassScores, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")

PAPER = Paper(
    slug="resnet",
    name="ResNet-20",
    title="Deep Residual Learning for Image Recognition",
    authors=("Kaiming He", "Xiangyu Zhang", "Shaoqing Ren", "Jian Sun"),
    year=2015,
    venue="arXiv:1512.03385",
    url="https://arxiv.org/abs/1512.03385",
    track="Convolution",
    idea="Ask every block of layers only for what is to be added to its input, and let the input itself go past it on a "
    "shortcut: then depth no longer hurts, because a block with nothing to say can say nothing.",
    about="Stack more layers on a plain network and, from some depth on, even its *training* error grows: the deeper network "
    "could copy its input through the new layers, and does not find out how. A residual network hands it the copy. Each block "
    "computes y = relu(F(x) + x): two convolutions look for a correction F(x), and x runs past them unchanged. Blocks write one "
    "after another onto a common stream, from the first maps to the last, and gradients run back along it. The paper trained "
    "networks of 20 to 1,202 layers so; this is its smallest for CIFAR-10, with 19 convolutions and 0.27 million parameters.",
    takes=CIFAR,
    gives=ClassScores(labels=LABELS),
    probes=(
        Probe(
            "conv1",
            MAPS,
            "Sixteen kernels of 3x3 in colour at every position of the picture: edges and blots of colour.",
        ),
        Probe("bn1", MAPS, "Those maps with mean and spread set right, as batch normalisation learnt them."),
        Probe("relu1", MAPS, "What is positive in them: the stream as the first block is given it."),
        Probe(
            "stages.*.*.conv1", MAPS, "The first convolution of a block: it reads the whole stream in windows of 3x3."
        ),
        Probe("stages.*.*.bn1", MAPS, "The block's first maps, normalised."),
        Probe("stages.*.*.relu1", MAPS, "What is positive in them: what the second convolution is given."),
        Probe("stages.*.*.conv2", MAPS, "The second convolution of a block, before it is normalised."),
        Probe(
            "stages.*.*.hook_branch", MAPS, "F(x): what the block adds to the stream, in every map and at every place."
        ),
        Probe(
            "stages.*.*.hook_shortcut",
            MAPS,
            "What it is added to: the stream as it came, or, where the maps are halved, every second point of it and zeros "
            "for the maps that are new.",
        ),
        Probe("stages.*.*.hook_sum", MAPS, "F(x) + x, before the ReLU."),
        Probe("stages.*.*.hook_stream", MAPS, "What is positive in the sum: the stream as the next block is given it."),
        Probe(
            "flatten", UNITS, "Each of the last 64 maps averaged over all places: what was found, and no longer where."
        ),
        Probe("fc", UNITS, "The scores: a weighted sum of those 64 numbers for each class."),
    ),
    claims=(
        Claim("test_error", 8.75, "Table 6, ResNet-20", "CIFAR-10", better="lower", label="test error"),
        Claim(
            "twin_test_error",
            None,
            "Fig. 6, left: the plain net of 20 layers, near 9.5 as one reads it",
            "CIFAR-10",
            better="lower",
            label="test error of the plain net, trained a quarter as long",
        ),
        Claim(
            "resnet_56_brief_error",
            6.97,
            "Table 6, ResNet-56",
            "CIFAR-10",
            better="lower",
            label="test error of 56 layers after 3 passes on pictures of 16x16",
        ),
        Claim(
            "plain_56_brief_error",
            None,
            "Fig. 6, left: more than the plain net of 20 layers",
            "CIFAR-10",
            better="lower",
            label="the same for a plain net of 56 layers",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="No shortcuts: the plain net of the same depth, width and number of parameters.",
    penultimate="flatten",
    lesions=("stages.*.*.hook_branch",),
    deviations=(
        "Trained for 50 passes and not some 164 (64,000 steps of 128): one warm cycle of the learning rate up to 0.2, Nesterov's "
        "momentum and a weight decay of 5e-4, where the paper divides 0.1 by 10 twice and decays by 1e-4.",
        "The pictures grow during training: 16x16 for the first 20 % of the steps, 24x24 up to 50 %, then 32x32 (the "
        "twin's for 35 % and up to 70 %).",
        "Every channel is brought to mean 0 and deviation 1 over the training set; the paper takes away a mean for each pixel.",
        "The pictures are JPEG copies of CIFAR-10's, with small traces of that compression.",
        "The plain twin is trained for 12 passes. What compares the two kinds at equal times are the four networks of 20 and 56 "
        "layers that were trained for 3 passes on pictures of 16x16.",
    ),
)
