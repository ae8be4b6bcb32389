"""AlexNet (Krizhevsky, Sutskever, Hinton 2012)."""

from __future__ import annotations

from models.data.cifar10 import LABELS
from models.data.scenes import SAMPLES
from models.paper import Claim, ClassScores, Image, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")

# Mean and spread of red, green and blue over CIFAR-10's training pictures, in 0..1.
PICTURE = Image(
    channels=3, size=(32, 32), labels=LABELS, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616), ink=False
)
PAPER = Paper(
    slug="alexnet",
    name="AlexNet",
    title="ImageNet Classification with Deep Convolutional Neural Networks",
    authors=("Alex Krizhevsky", "Ilya Sutskever", "Geoffrey E. Hinton"),
    year=2012,
    venue="Advances in Neural Information Processing Systems 25",
    url="https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
    track="Convolution",
    idea="Make the convolutional network large, and make it learn fast enough for that: units that pass on what is "
    "positive and nothing else (ReLUs), two GPUs that share the maps, and dropout against learning by heart.",
    about="Five convolutional layers and three fully connected ones. The maps of each layer are split in two groups, "
    "one for each GPU of 2012, which see each other's maps in the third layer and from the sixth on, and nowhere "
    "else. After the first two layers neighbouring maps compete at every place (local response normalisation), and "
    "pooling windows overlap. The paper's network has 60 million parameters and won ImageNet's contest of 2012 by a "
    "wide margin; with it the field changed. Ours is the same layout for pictures of 32x32, and runs the race of Fig. "
    "1 again: the same network with ReLUs and with tanh.",
    takes=PICTURE,
    gives=ClassScores(labels=LABELS),
    probes=(
        Probe(
            "conv1",
            MAPS,
            "32 kernels of 5x5 in colour at every position: the first 16 are one group, the others the second.",
        ),
        Probe("relu1", MAPS, "What is positive in conv1's sums; all else becomes 0."),
        Probe(
            "pool1", MAPS, "The largest value in windows of 3x3 at every second point: neighbouring windows overlap."
        ),
        Probe(
            "norm1",
            MAPS,
            "Each value made smaller by those of the five neighbouring maps at the same place: maps compete.",
        ),
        Probe("conv2", MAPS, "96 maps from windows of 5x5; each group sees the 16 maps of its own group only."),
        Probe("relu2", MAPS, "What is positive in conv2's sums."),
        Probe("pool2", MAPS, "The largest value in overlapping windows of 3x3: 7x7 points are left."),
        Probe("norm2", MAPS, "The same competition between neighbouring maps as in norm1."),
        Probe("conv3", MAPS, "128 maps from windows of 3x3: the one convolution in which both groups see both."),
        Probe("relu3", MAPS, "What is positive in conv3's sums."),
        Probe("conv4", MAPS, "128 maps from windows of 3x3, each group on its own again."),
        Probe("relu4", MAPS, "What is positive in conv4's sums."),
        Probe("conv5", MAPS, "96 maps, the last that know where something is; each group on its own."),
        Probe("relu5", MAPS, "What is positive in conv5's sums."),
        Probe("pool5", MAPS, "The largest value in overlapping windows of 3x3: 3x3 points are left of each map."),
        Probe("fc6", UNITS, "128 weighted sums of all that pool5 holds: from here on there is no place any more."),
        Probe("relu6", UNITS, "What is positive in fc6's sums."),
        Probe("fc7", UNITS, "128 weighted sums of relu6's units."),
        Probe("relu7", UNITS, "What is positive in fc7's sums: the network's description of the whole picture."),
        Probe("fc8", UNITS, "The ten scores, one a class."),
    ),
    claims=(
        Claim(
            "test_error",
            11,
            "section 3.3, a four-layer network with response normalisation; 13 without",
            "CIFAR-10",
            better="lower",
            label="test error",
        ),
        Claim(
            "relu_speedup",
            6,
            "Fig. 1, a four-layer network",
            "CIFAR-10",
            label="epochs that tanh takes to 25 % training error, over those that ReLUs take",
        ),
    ),
    samples=SAMPLES,
    dataset="cifar10",
    twin="tanh in place of ReLUs, in the race of Fig. 1: no dropout, no changed pictures, a constant rate. Its rival "
    "in that race is a further twin, `relu`.",
    penultimate="relu7",
    deviations=(
        "For pictures of 32x32 the network has 32, 96, 128, 128 and 96 maps, 128 units in fc6 and fc7, and kernels of "
        "5x5 with stride 1 in its first layer; the paper's has 96, 256, 384, 384 and 256 maps, 4,096 units, and 11x11 "
        "with stride 4.",
        "The response normalisation follows the pooling, which leaves it a quarter of the points; in the paper, and "
        "in PAPER, it comes first. Its alpha is 0.4, the paper's 1e-4 for pixels that are not divided by their "
        "spread, about 63 of 255.",
        "Trained by AdamW on batches of 128 with one cycle of the learning rate, labels smoothed by a tenth and "
        "averaged weights; the paper uses gradient descent with momentum 0.9, weight decay 0.0005 and a rate divided "
        "by 10 three times.",
        "Pictures are moved by up to four pixels and mirrored, as in the paper; its shift of colours along their "
        "principal components is left out, and the answer is that for the whole picture, not the mean over ten "
        "patches.",
        "Dropout is 0.25 of 128 units, where the paper drops half of 4,096.",
        "Weights start as wide as a layer's inputs ask for (He et al. 2015), biases at 0; the paper's start 0.01 wide "
        "everywhere.",
        "The race of Fig. 1 is run with the whole network, the paper's with one of four layers that it does not "
        "describe; by AdamW at a rate of 0.001 for both, where the paper looked for the best rate of each.",
    ),
)
