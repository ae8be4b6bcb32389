"""VGG (Simonyan, Zisserman 2014)."""

from __future__ import annotations

from models.data.cifar10 import CIFAR, LABELS, SAMPLES
from models.paper import Claim, ClassScores, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")

# Block by block: how many maps, their side, and how many pixels in a row a point of each convolution sees.
BLOCKS = ((24, 32, (3, 5)), (48, 16, (10, 14)), (72, 8, (24, 32, 40)), (96, 4, (60, 76, 92)))


def block_probes() -> tuple[Probe, ...]:
    """Every convolution, what normalisation and ReLU make of it, and the pooling of every block."""
    found = []
    for block, (maps, side, seen) in enumerate(BLOCKS, 1):
        for i, pixels in enumerate(seen, 1):
            path = f"block{block}.{{}}{i}"
            whole = f"{pixels}x{pixels} pixels" if pixels < 32 else "the whole picture, from the middle"
            found += [
                Probe(
                    path.format("conv"),
                    MAPS,
                    f"{maps} kernels of 3x3 at {side}x{side} points; each point sees {whole}.",
                ),
                Probe(
                    path.format("bn"),
                    MAPS,
                    f"The {maps} maps of the convolution before it, shifted and stretched one by one.",
                ),
                Probe(path.format("relu"), MAPS, f"What is positive in the {maps} maps; all else becomes 0."),
            ]
        half = side // 2
        found.append(
            Probe(f"pool{block}", MAPS, f"The largest value of each 2x2 square: {half}x{half} points are left.")
        )
    return tuple(found)


PAPER = Paper(
    slug="vgg",
    name="VGG",
    title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
    authors=("Karen Simonyan", "Andrew Zisserman"),
    year=2014,
    venue="arXiv:1409.1556; International Conference on Learning Representations 2015",
    url="https://arxiv.org/abs/1409.1556",
    track="Convolution",
    idea="Depth alone: nothing but kernels of 3x3, stacked until two of them see as much as one of 5x5 and three as "
    "much as one of 7x7, with fewer weights and with a ReLU after each.",
    about="Convolutions of 3x3 in blocks of two or three, pooling after each block, more maps in each block than in "
    "the one before, and three fully connected layers. No other kind of layer, and no other size of kernel: what "
    "changes from one configuration of the paper to the next is the depth, from 11 layers to 19, and with it the "
    "error falls. The fully connected layers are convolutions at test time, so that the network takes pictures of any "
    "size and gives a map of scores. Ours has ten convolutions for pictures of 32x32. Its twin sees as far with four "
    "large kernels, with as many weights: the paper's own comparison.",
    takes=CIFAR,
    gives=ClassScores(labels=LABELS),
    probes=(
        *block_probes(),
        Probe(
            "fc6", MAPS, "96 weighted sums at each of the 2x2 points: a fully connected layer, used as a convolution."
        ),
        Probe("relu6", MAPS, "What is positive in fc6's sums."),
        Probe("fc7", MAPS, "96 weighted sums of relu6's units at each of the 2x2 points."),
        Probe("relu7", MAPS, "What is positive in fc7's sums: the description from which the scores are made."),
        Probe("fc8", MAPS, "A map of scores: what each quarter of the picture speaks for."),
        Probe("scores", MAPS, "The mean of the four quarters' scores."),
        Probe("flatten", UNITS, "The ten scores, one a class."),
    ),
    claims=(
        Claim(
            "test_error",
            None,
            "not measured on these data; 24.8 (top 1) on ImageNet for configuration D at several scales, Table 4",
            "ImageNet",
            better="lower",
            label="test error",
        ),
        Claim(
            "shallow_minus_deep",
            7,
            "section 4.1, configuration B beside a net with five layers of 5x5, top 1",
            "ImageNet",
            label="error that the shallow net has more than the deep one",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="Not deep: each stack of 3x3 kernels is one kernel that sees as far (5x5, 7x7), four convolutions with as "
    "many weights in all as the model's ten. Trained in exactly the same way.",
    penultimate="relu7",
    deviations=(
        "For pictures of 32x32 there are four blocks, of 2, 2, 3 and 3 layers with 24, 48, 72 and 96 maps, and 96 "
        "units in fc6 and fc7; configuration D has a fifth block, 64 to 512 maps, and 4,096 units.",
        "Batch normalisation follows every convolution. The paper has none: it came a year later, and made it "
        "possible to train such depths from fresh weights, where the paper first trained a shallower net and went on "
        "from its weights.",
        "The fully connected layers are convolutions in training too, with maps of scores that are averaged; the "
        "paper does so at test time alone (section 3.2), over pictures larger than those it was trained on.",
        "Pictures grow during the training: 16x16 for a fifth of it, then 24x24, and 32x32 for its second half.",
        "Muon (Jordan 2024) trains the kernels of all layers but the last; norms, biases and the last layer have the "
        "paper's momentum of 0.9 and weight decay of 5e-4.",
        "Batches of 128 in place of 256, one cycle of the learning rate up to 0.05, labels smoothed by a tenth, "
        "averaged weights, and dropout of a tenth in place of a half.",
        "Pictures are moved by up to four pixels and mirrored; the paper crops from pictures of several scales and "
        "shifts their colours.",
        "The twin's last two blocks have fewer maps than the model's (64 and 68), so that it has as many weights; the "
        "paper's shallow net has as many maps, and so more weights.",
    ),
)
