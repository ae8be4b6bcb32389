"""GoogLeNet (Szegedy et al. 2014)."""

from __future__ import annotations

from models.data.cifar10 import CIFAR, LABELS, SAMPLES
from models.paper import Claim, ClassScores, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")

# Every module: the side of its maps, and how many of them each branch finds: 1x1, (before) 3x3, (before) 5x5, pooling.
MODULES = {
    "3a": (16, (16, 24, 32, 8, 8, 8)),
    "3b": (16, (24, 32, 48, 8, 16, 8)),
    "4a": (8, (32, 32, 64, 8, 16, 16)),
    "4b": (8, (32, 40, 64, 8, 16, 16)),
    "4c": (8, (32, 48, 80, 12, 24, 24)),
    "5a": (4, (48, 48, 96, 12, 24, 24)),
    "5b": (4, (64, 48, 112, 12, 24, 24)),
}


def module_probes(name: str) -> tuple[Probe, ...]:
    """The four branches of a module, what the larger kernels are given, and the stack of all."""
    side, (one, reduce3, three, reduce5, five, project) = MODULES[name]
    path, at = f"inception{name}", f"{side}x{side} points"
    return (
        Probe(f"{path}.branch1", MAPS, f"First branch: {one} kernels of 1x1 at {at}, what is positive in their sums."),
        Probe(f"{path}.reduce3", MAPS, f"All maps made into {reduce3} by kernels of 1x1, so that 3x3 ones are cheap."),
        Probe(f"{path}.branch3", MAPS, f"Second branch: {three} kernels of 3x3 over the {reduce3} maps of reduce3."),
        Probe(f"{path}.reduce5", MAPS, f"All maps made into {reduce5} by kernels of 1x1, so that 5x5 ones are cheap."),
        Probe(f"{path}.branch5", MAPS, f"Third branch: {five} kernels of 5x5 over the {reduce5} maps of reduce5."),
        Probe(f"{path}.pool", MAPS, "The largest value around every point, in windows of 3x3: for the fourth branch."),
        Probe(f"{path}.project", MAPS, f"Fourth branch: what was pooled, made into {project} maps by kernels of 1x1."),
        Probe(
            f"{path}.hook_concat",
            MAPS,
            f"The maps of the four branches in one stack of {one + three + five + project}: what the next layer sees.",
        ),
    )


def head_probes(name: str) -> tuple[Probe, ...]:
    """What an auxiliary classifier makes of the maps of the module that it looks at."""
    path = f"head{name}"
    return (
        Probe(f"{path}.pool", MAPS, f"The maps of inception{name}, each made into 2x2 means."),
        Probe(f"{path}.conv", MAPS, "32 mixtures of those means, by kernels of 1x1; what is positive in them."),
        Probe(f"{path}.relu", UNITS, "64 weighted sums of all that, what is positive in them."),
        Probe(f"{path}.fc2", UNITS, "Ten scores, one a class: the answer from the middle of the network."),
    )


PAPER = Paper(
    slug="googlenet",
    name="GoogLeNet",
    title="Going Deeper with Convolutions",
    authors=(
        "Christian Szegedy",
        "Wei Liu",
        "Yangqing Jia",
        "Pierre Sermanet",
        "Scott Reed",
        "Dragomir Anguelov",
        "Dumitru Erhan",
        "Vincent Vanhoucke",
        "Andrew Rabinovich",
    ),
    year=2014,
    venue="arXiv:1409.4842; IEEE Conference on Computer Vision and Pattern Recognition 2015",
    url="https://arxiv.org/abs/1409.4842",
    track="Convolution",
    idea="Look at every place at several scales at once, in modules of four branches, and let kernels of 1x1 keep "
    "that cheap: 22 layers deep with a twelfth of AlexNet's weights.",
    about="An Inception module gives its input to four branches: kernels of 1x1, of 3x3, of 5x5, and pooling. Kernels "
    "of 1x1 first make few maps of many, so that the large kernels are affordable. What the four find is stacked, and "
    "goes to the next module. There are no large fully connected layers: the mean of each map is enough. So that the "
    "gradient reaches the lower modules, two auxiliary classifiers look at maps in the middle during training; "
    "afterwards they are thrown away. Ours has seven of the nine modules for pictures of 32x32, and both heads; its "
    "twin was trained without them.",
    takes=CIFAR,
    gives=ClassScores(labels=LABELS),
    probes=(
        Probe("conv1", MAPS, "32 kernels of 3x3 in colour at every pixel, what is positive in their sums."),
        Probe("pool1", MAPS, "The largest value in windows of 3x3 at every second point: 16x16 points are left."),
        Probe("reduce2", MAPS, "32 mixtures of the maps at each point, by kernels of 1x1."),
        Probe("conv2", MAPS, "48 kernels of 3x3: what the first module sees."),
        *(probe for name in ("3a", "3b") for probe in module_probes(name)),
        Probe("pool3", MAPS, "The largest value in windows of 3x3 at every second point: 8x8 points are left."),
        *(probe for name in ("4a", "4b", "4c") for probe in module_probes(name)),
        Probe("pool4", MAPS, "The largest value in windows of 3x3 at every second point: 4x4 points are left."),
        *(probe for name in ("5a", "5b") for probe in module_probes(name)),
        Probe("pool5", MAPS, "The mean of each of the 224 maps: how much of its subject there is, wherever it is."),
        Probe("flatten", UNITS, "The 224 means as a list: the network's description of the picture."),
        Probe("fc", UNITS, "The ten scores, one a class."),
    ),
    claims=(
        Claim(
            "test_error",
            None,
            "not measured on these data; 6.67 (top 5) on ImageNet for seven networks, Table 2",
            "ImageNet",
            better="lower",
            label="test error",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="No auxiliary heads: nothing but the classifier at the end tells the modules what is right. Trained in "
    "exactly the same way.",
    penultimate="flatten",
    head_probes=(*head_probes("4a"), *head_probes("4c")),
    lesions=("inception*.branch1", "inception*.branch3", "inception*.branch5", "inception*.project"),
    deviations=(
        "For pictures of 32x32 there are seven modules, without 4d and 4e, with about a fifth of the maps; the first "
        "layer has kernels of 3x3 with stride 1 in place of 7x7 with stride 2, and only one pooling comes before the "
        "modules.",
        "The auxiliary heads look at 4a and at 4c, the last module of its stage but for those left out; the paper's "
        "at 4a and 4d. They have 32 kernels of 1x1 and 64 units in place of 128 and 1,024, and dropout of a fifth in "
        "place of 70 %.",
        "Batch normalisation follows every convolution, and there is no local response normalisation, which the paper "
        "draws in its Fig. 3.",
        "Muon (Jordan 2024) trains the kernels; norms, biases and classifiers have Nesterov's momentum 0.9 and weight "
        "decay 5e-4. One cycle of the learning rate up to 0.05, labels smoothed by a tenth; the paper says momentum 0.9 "
        "and a rate that falls by 4 % every 8 epochs. Averaged weights are the paper's as well.",
        "Pictures grow during the training: 16x16 for a fifth of it, then 24x24, and 32x32 for its second half. They are "
        "moved by up to four pixels and mirrored; the paper crops 8 to 100 % of a picture and distorts its colours.",
        "Dropout before the last layer is a tenth in place of 40 %.",
    ),
)
