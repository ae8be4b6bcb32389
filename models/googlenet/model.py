"""GoogLeNet: nine Inception modules in 22 layers, as Table 1 lists them, with the two auxiliary classifiers of section 5.

C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich, "Going Deeper with
Convolutions", arXiv:1409.4842, 2014. Sections, tables and figures below are those of that paper.

A module looks at its input in four ways at once (Fig. 2b): kernels of 1x1, of 3x3, of 5x5, and pooling. Kernels of 1x1 before
the large ones, and after the pooling, make few maps of many first, which is what keeps the cost down. What the four find
is laid side by side. n is the batch.

    PAPER (Table 1)          comes out             parameters    SMALL         comes out           parameters
    conv1                    (n, 64, 112, 112)          9,472    conv1         (n, 32, 32, 32)            928
    pool1                    (n, 64, 56, 56)                     pool1         (n, 32, 16, 16)
    reduce2, conv2           (n, 192, 56, 56)         114,944    reduce2 ...   (n, 48, 16, 16)         15,008
    pool2                    (n, 192, 28, 28)
    inception3a              (n, 256, 28, 28)         163,696    inception3a   (n, 64, 16, 16)         11,392
    inception3b              (n, 480, 28, 28)         388,736    inception3b   (n, 96, 16, 16)         21,904
    pool3                    (n, 480, 14, 14)                    pool3         (n, 96, 8, 8)
    inception4a ... 4e       (n, 832, 14, 14)       2,809,168    4a ... 4c     (n, 160, 8, 8)         126,344
    pool4                    (n, 832, 7, 7)                      pool4         (n, 160, 4, 4)
    inception5a, 5b          (n, 1024, 7, 7)        2,487,536    5a, 5b        (n, 224, 4, 4)         154,864
    pool5                    (n, 1024, 1, 1)                     pool5         (n, 224, 1, 1)
    fc                       (n, 1000)              1,025,000    fc            (n, 10)                  2,250
                                                    6,998,552                                         332,690
    head4a, head4d           (n, 1000) each         6,379,728    4a, 4c        (n, 10) each            27,156

Table 1 counts weights without biases, in units of 1,024 (163,328 are its "159K" of inception3a), and no auxiliary heads. In
many lines (from conv2 on) its counts do not quite follow from the sizes that it lists; here the sizes are followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

# Maps of the 1x1 kernels; of the 1x1 kernels before the 3x3 ones, and of these; the same for 5x5; of those after the pooling.
Sizes = tuple[int, int, int, int, int, int]

TABLE_1: dict[str, Sizes] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
# The same proportions at a fifth of the maps, with two modules less: what two slow cores can train in less than an hour.
FOR_32: dict[str, Sizes] = {
    "3a": (16, 24, 32, 8, 8, 8),
    "3b": (24, 32, 48, 8, 16, 8),
    "4a": (32, 32, 64, 8, 16, 16),
    "4b": (32, 40, 64, 8, 16, 16),
    "4c": (32, 48, 80, 12, 24, 24),
    "5a": (48, 48, 96, 12, 24, 24),
    "5b": (64, 48, 112, 12, 24, 24),
}


@dataclass(frozen=True)
class Config:
    """The network of Table 1. `heads=()` is the twin: nothing but the classifier at the end."""

    modules: dict[str, Sizes] = field(default_factory=lambda: TABLE_1)
    conv1: int = 64
    stem: tuple[int, int] = (7, 2)  # side and stride of conv1's kernels
    reduce2: int = 64  # maps of 1x1 kernels before conv2
    conv2: int = 192
    pool2: bool = True  # 224 pixels must be halved five times to be 7
    heads: tuple[str, ...] = ("4a", "4d")  # the modules that auxiliary classifiers look at (section 5)
    head_maps: int = 128  # of their 1x1 kernels
    head_units: int = 1024
    head_dropout: float = 0.7
    head_side: int = 4  # of the maps after their pooling of 5x5 at every third point
    classes: int = 1000
    dropout: float = 0.4  # of the units before the last layer
    normalised: bool = False  # batch normalisation, by one of these authors five months later, in place of Fig. 3's LRN


PAPER = Config()
SMALL = Config(
    modules=FOR_32,
    conv1=32,
    stem=(3, 1),  # 32 pixels leave nothing to skip
    reduce2=32,
    conv2=48,
    pool2=False,  # the modules begin at 16x16
    heads=("4a", "4c"),
    head_maps=32,
    head_units=64,
    head_dropout=0.2,  # 64 units have fewer copies of what they know than 1,024
    head_side=2,
    classes=10,
    dropout=0.1,
    normalised=True,
)
TWIN = replace(SMALL, heads=())


class Unit(nn.Sequential):
    """A convolution, (batch normalisation,) and a ReLU. "All the convolutions ... use rectified linear activation"."""

    def __init__(self, inputs: int, maps: int, kernel: int, normalised: bool, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, maps, kernel, stride, kernel // 2, bias=not normalised)
        if normalised:
            self.bn = nn.BatchNorm2d(maps)
        self.relu = nn.ReLU()


class Inception(nn.Module):
    """Fig. 2b: four branches that see the same maps, and the stack of what they find."""

    def __init__(self, inputs: int, sizes: Sizes, normalised: bool) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, project = sizes
        self.branch1 = Unit(inputs, one, 1, normalised)
        self.reduce3 = Unit(inputs, reduce3, 1, normalised)
        self.branch3 = Unit(reduce3, three, 3, normalised)
        self.reduce5 = Unit(inputs, reduce5, 1, normalised)
        self.branch5 = Unit(reduce5, five, 5, normalised)
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.project = Unit(inputs, project, 1, normalised)
        self.hook_concat = nn.Identity()
        self.maps = one + three + five + project

    def forward(self, x: Tensor) -> Tensor:
        found = (
            self.branch1(x),  # (n, one, height, width)
            self.branch3(self.reduce3(x)),  # (n, three, height, width)
            self.branch5(self.reduce5(x)),  # (n, five, height, width)
            self.project(self.pool(x)),  # (n, project, height, width)
        )
        return self.hook_concat(torch.cat(found, 1))


class Head(nn.Module):
    """An auxiliary classifier (section 5): pooling, 1x1 kernels, a fully connected layer, dropout, scores."""

    def __init__(self, inputs: int, config: Config) -> None:
        super().__init__()
        c = config
        self.pool = nn.AvgPool2d(5, 3) if c.head_side == 4 else nn.AdaptiveAvgPool2d(c.head_side)
        self.conv = Unit(inputs, c.head_maps, 1, c.normalised)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(c.head_maps * c.head_side**2, c.head_units)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(c.head_dropout)
        self.fc2 = nn.Linear(c.head_units, c.classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.pool(x))  # (n, 512, 14, 14) -> (n, 128, 4, 4)
        return self.fc2(self.dropout(self.relu(self.fc1(self.flatten(x)))))  # (n, 1000)


class GoogLeNet(nn.Module):
    """(n, 3, height, width) -> (n, classes) logits, the main classifier's; `all_scores` gives the auxiliary ones as well."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        self.config = c = config
        self.conv1 = Unit(3, c.conv1, c.stem[0], c.normalised, c.stem[1])
        self.pool1 = halving()
        self.norm1 = nn.Identity() if c.normalised else nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)
        self.reduce2 = Unit(c.conv1, c.reduce2, 1, c.normalised)
        self.conv2 = Unit(c.reduce2, c.conv2, 3, c.normalised)
        self.norm2 = nn.Identity() if c.normalised else nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)
        self.pool2 = halving() if c.pool2 else nn.Identity()
        inputs = c.conv2
        for name, sizes in c.modules.items():
            module = Inception(inputs, sizes, c.normalised)
            self.add_module(f"inception{name}", module)
            inputs = module.maps
            if name in c.heads:
                self.add_module(f"head{name}", Head(inputs, c))
        self.pool3 = halving()  # before 4a
        self.pool4 = halving()  # before 5a
        self.pool5 = nn.AdaptiveAvgPool2d(1)  # the mean of each map, in place of fully connected layers
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(c.dropout)
        self.fc = nn.Linear(inputs, c.classes)
        initialise(self)

    def trunk(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The main scores, and the maps of those modules that auxiliary heads look at."""
        x = self.norm1(self.pool1(self.conv1(x)))  # (n, 64, 56, 56); SMALL: (n, 32, 16, 16)
        x = self.pool2(self.norm2(self.conv2(self.reduce2(x))))  # (n, 192, 28, 28); (n, 48, 16, 16)
        seen = {}
        for name in self.config.modules:
            if name in ("4a", "5a"):
                x = self.get_submodule(f"pool{int(name[0]) - 1}")(x)
            x = self.get_submodule(f"inception{name}")(x)
            if name in self.config.heads:
                seen[name] = x
        x = self.flatten(self.pool5(x))  # (n, 1024); (n, 224)
        return self.fc(self.dropout(x)), seen

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(x)[0]

    def all_scores(self, x: Tensor) -> list[Tensor]:
        """The main scores, then those of every auxiliary head: (n, classes) each. The heads serve the training alone."""
        scores, seen = self.trunk(x)
        return [scores, *(self.get_submodule(f"head{name}")(maps) for name, maps in seen.items())]


def halving() -> nn.MaxPool2d:
    """The largest value in windows of 3x3 at every second point; windows may reach over the border (112 -> 56)."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def initialise(net: GoogLeNet) -> None:
    """Normal weights whose width follows from a layer's inputs (He et al. 2015), biases 0. The paper does not say its own."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    nn.init.normal_(net.fc.weight, std=0.01)


def build(config: Config = SMALL) -> GoogLeNet:
    """A GoogLeNet, or its twin, with fresh weights."""
    return GoogLeNet(config)
