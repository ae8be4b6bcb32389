"""VGG: configuration D of Table 1, 16 layers with weights and nothing but 3x3 kernels; and the shallow net of section 4.1.

K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv:1409.1556, 2014.
Sections and tables below are those of that paper.

Two kernels of 3x3, one after the other, see 5x5 pixels, and three see 7x7 (section 2.3), with fewer weights than one large
kernel has, and with a ReLU after each. Blocks of such layers are followed by pooling, which halves the maps. n is the batch.

    block     PAPER, configuration D             parameters    SMALL                            parameters
    input     (n, 3, 224, 224)                                 (n, 3, 32, 32)
    block1    (n, 64, 224, 224)   2 conv3-64         38,720    (n, 24, 32, 32)   2 conv3-24          5,928
    block2    (n, 128, 112, 112)  2 conv3-128       221,440    (n, 48, 16, 16)   2 conv3-48         31,296
    block3    (n, 256, 56, 56)    3 conv3-256     1,475,328    (n, 72, 8, 8)     3 conv3-72        124,848
    block4    (n, 512, 28, 28)    3 conv3-512     5,899,776    (n, 96, 4, 4)     3 conv3-96        228,672
    block5    (n, 512, 14, 14)    3 conv3-512     7,079,424
    fc6       (n, 4096, 1, 1)                   102,764,544    (n, 96, 2, 2)                         9,312
    fc7       (n, 4096, 1, 1)                    16,781,312    (n, 96, 2, 2)                         9,312
    fc8       (n, 1000, 1, 1)                     4,097,000    (n, 10, 2, 2)                           970
    scores    (n, 1000)                                        (n, 10)
                                                138,357,544                                        410,338

Blocks are shown before their pooling. The fully connected layers are convolutions, as the paper has them at test time
(section 3.2): the network takes pictures of any size, and where fc8 is a map of scores, its mean is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """A column of Table 1. `stacked=False` is the shallow net: one kernel for each stack, as wide as what the stack sees."""

    depths: tuple[int, ...] = (2, 2, 3, 3, 3)  # conv3 layers of each block
    widths: tuple[int, ...] = (64, 128, 256, 512, 512)  # their maps: "increasing by a factor of 2" up to 512
    units: int = 4096  # of fc6 and fc7, as in AlexNet
    fc_side: int = 7  # of the maps that fc6 sees as a whole: 224 halved five times
    classes: int = 1000
    dropout: float = 0.5  # section 3.1: for the first two fully connected layers
    normalised: bool = False  # batch normalisation, which came a few months later
    stacked: bool = True

    @property
    def kernels(self) -> tuple[tuple[int, ...], ...]:
        """The side of every kernel, block by block."""
        return tuple((3,) * depth if self.stacked else (2 * depth + 1,) for depth in self.depths)


PAPER = Config()
SMALL = Config(
    depths=(2, 2, 3, 3),  # block5 would have maps of 2x2, with kernels of 3x3
    widths=(24, 48, 72, 96),  # growing by a sum, not a factor: what two slow cores can train in less than an hour
    units=96,
    fc_side=1,  # each point of the last 2x2 maps says what it sees; their mean is the answer
    classes=10,
    dropout=0.1,  # 96 units have fewer copies of what they know than 4,096
    normalised=True,  # without it ten layers learn nothing from fresh weights; the paper trained shallower nets first
)
# Section 4.1: "replacing each pair of 3x3 conv. layers with a single 5x5 conv. layer"; where three stood, one of 7x7. With
# the same maps it would have a third more weights than the deep net: the last two blocks have fewer, so that they are equal.
TWIN = replace(SMALL, stacked=False, widths=(24, 48, 64, 68))


class Block(nn.Sequential):
    """conv1, (bn1,) relu1, conv2, ...: maps of one size, to be halved by the pooling that follows."""

    def __init__(self, inputs: int, width: int, kernels: tuple[int, ...], normalised: bool) -> None:
        super().__init__()
        for i, kernel in enumerate(kernels, 1):
            conv = nn.Conv2d(inputs if i == 1 else width, width, kernel, padding=kernel // 2, bias=not normalised)
            self.add_module(f"conv{i}", conv)
            if normalised:
                self.add_module(f"bn{i}", nn.BatchNorm2d(width))
            self.add_module(f"relu{i}", nn.ReLU())


class VGG(nn.Module):
    """(n, 3, height, width) -> (n, classes) logits."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        self.config = c = config
        inputs = (3, *c.widths)
        for i, kernels in enumerate(c.kernels):
            self.add_module(f"block{i + 1}", Block(inputs[i], inputs[i + 1], kernels, c.normalised))
            self.add_module(f"pool{i + 1}", nn.MaxPool2d(2))
        self.fc6 = nn.Conv2d(c.widths[-1], c.units, c.fc_side)
        self.relu6 = nn.ReLU()
        self.dropout6 = nn.Dropout(c.dropout)
        self.fc7 = nn.Conv2d(c.units, c.units, 1)
        self.relu7 = nn.ReLU()
        self.dropout7 = nn.Dropout(c.dropout)
        self.fc8 = nn.Conv2d(c.units, c.classes, 1)
        self.scores = nn.AdaptiveAvgPool2d(1)  # the mean of the map of scores; a map of 1x1 stays as it is
        self.flatten = nn.Flatten()
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(1, len(self.config.widths) + 1):
            x = self.get_submodule(f"block{i}")(x)  # (n, width, height, width of the map)
            x = self.get_submodule(f"pool{i}")(x)  # half as high and wide
        x = self.dropout6(self.relu6(self.fc6(x)))  # (n, 4096, 1, 1); SMALL: (n, 96, 2, 2)
        x = self.dropout7(self.relu7(self.fc7(x)))
        return self.flatten(self.scores(self.fc8(x)))  # (n, 1000, 1, 1) or (n, 10, 2, 2) -> (n, classes)


def receptive_fields(config: Config) -> dict[str, tuple[int, int]]:
    """For each convolution and pooling: how many pixels in a row a point sees, and how far apart neighbours' views lie.

    A kernel of side k adds (k - 1) times the distance between the points that it sees (section 2.3: 3, 5, 7).
    """
    field, apart = 1, 1
    found: dict[str, tuple[int, int]] = {}
    for block, kernels in enumerate(config.kernels, 1):
        for i, kernel in enumerate(kernels, 1):
            field += (kernel - 1) * apart
            found[f"block{block}.conv{i}"] = field, apart
        field += apart  # pooling: a window of 2 ...
        apart *= 2  # ... at every second point
        found[f"pool{block}"] = field, apart
    found["fc6"] = field + (config.fc_side - 1) * apart, apart
    return found


def initialise(net: VGG) -> None:
    """Normal weights whose width follows from a layer's inputs (He et al. 2015), biases 0.

    The paper starts from the weights of a shallower net, and found later that Glorot's widths would do (section 3.1).
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(net.fc8.weight, std=0.01)  # no opinion at first


def build(config: Config = SMALL) -> VGG:
    """A VGG, or its shallow twin, with fresh weights."""
    return VGG(config)
