"""AlexNet, as section 3.5 and Fig. 2 of the paper lay it out on two GPUs: about 60 million parameters.

A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012.
Sections and figures below are those of that paper.

The two GPUs of the paper are two *groups* of maps here: the first half of a layer's maps and the second. conv2, conv4 and
conv5 see only the maps of their own group, conv3 and the fully connected layers see both. n is the batch.

    layer    PAPER             parameters    SMALL            parameters
    input    (n, 3, 227, 227)                (n, 3, 32, 32)
    conv1    (n, 96, 55, 55)       34,944    (n, 32, 32, 32)       2,432
    pool1    (n, 96, 27, 27)                 (n, 32, 15, 15)
    conv2    (n, 256, 27, 27)     307,456    (n, 96, 15, 15)      38,496
    pool2    (n, 256, 13, 13)                (n, 96, 7, 7)
    conv3    (n, 384, 13, 13)     885,120    (n, 128, 7, 7)      110,720
    conv4    (n, 384, 13, 13)     663,936    (n, 128, 7, 7)       73,856
    conv5    (n, 256, 13, 13)     442,624    (n, 96, 7, 7)        55,392
    pool5    (n, 256, 6, 6)                  (n, 96, 3, 3)
    fc6      (n, 4096)         37,752,832    (n, 128)            110,720
    fc7      (n, 4096)         16,781,312    (n, 128)             16,512
    fc8      (n, 1000)          4,097,000    (n, 10)               1,290
                               60,965,224                        409,418
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    """The sizes of section 3.5. `activation="tanh"` is the twin."""

    side: int = 227  # the paper says 224, but only with 227 does 11x11 at stride 4 give its 55x55 maps
    kernel1: int = 11  # pixels: conv1 sees a large window
    stride1: int = 4  # the distance between neighbours in a map of conv1
    pad1: int = 0
    maps: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256)  # of conv1 to conv5, both groups together
    units: int = 4096  # of fc6 and of fc7
    classes: int = 1000
    groups: int = 2  # GPUs
    activation: Literal["relu", "tanh"] = "relu"  # section 3.1
    k: float = 2.0  # section 3.3: k, n, alpha and beta were "determined using a validation set"
    n: int = 5
    alpha: float = 1e-4  # for pixels of 0..255, of which only the mean has been taken away
    beta: float = 0.75
    norm_first: bool = True  # section 3.5: pooling follows the response normalisation
    dropout: float = 0.5  # section 4.2: in the first two fully connected layers


PAPER = Config()
SMALL = Config(
    side=32,  # CIFAR-10
    kernel1=5,  # as large a part of what there is to see as 32x32 allows without losing it all at the first stride
    stride1=1,
    pad1=2,  # the pictures are too small to lose their border
    maps=(32, 96, 128, 128, 96),  # what two slow cores can train in less than an hour
    units=128,  # 4,096 would be ten times as many weights as in all the rest
    classes=10,
    alpha=0.4,  # our pixels are divided by about 63, the paper's are not: 1e-4 times the square of 63
    norm_first=False,  # a quarter of the points to normalise, in half of the time that the network takes
    dropout=0.25,  # 128 units have fewer copies of what they know than 4,096
)
TWIN = replace(SMALL, activation="tanh", dropout=0.0)  # Fig. 1: "No regularization of any kind was employed"
RELU = replace(SMALL, dropout=0.0)  # what the twin is compared with


class LocalResponseNorm(nn.Module):
    """Section 3.3: b_i = a_i / (k + alpha * sum_j a_j^2)^beta, j over the n maps around i at the same place.

    Maps compete with their neighbours in the order of the maps: one that answers strongly makes those beside it small. At
    the ends of the order the sum has fewer terms. PyTorch's own layer divides alpha by n; this one, as the paper, does not.
    """

    window: Tensor  # (maps, maps, 1, 1): 1 where two maps are neighbours

    def __init__(self, maps: int, config: Config) -> None:
        super().__init__()
        self.k, self.alpha, self.beta = config.k, config.alpha, config.beta
        place = torch.arange(maps)
        near = (place[:, None] - place).abs() <= config.n // 2
        self.register_buffer("window", near.float()[:, :, None, None], persistent=False)

    def forward(self, a: Tensor) -> Tensor:
        sums = F.conv2d(a.square(), self.window)  # (n, maps, height, width)
        return a * (self.k + self.alpha * sums).pow(-self.beta)


def activation(config: Config) -> nn.Module:
    return nn.ReLU() if config.activation == "relu" else nn.Tanh()


class AlexNet(nn.Module):
    """(n, 3, side, side) -> (n, classes) logits. Called relu1..relu7 also where the twin's are tanh."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        self.config = c = config
        m1, m2, m3, m4, m5 = c.maps
        self.conv1 = nn.Conv2d(3, m1, c.kernel1, c.stride1, c.pad1)
        self.relu1 = activation(c)
        self.norm1 = LocalResponseNorm(m1, c)
        self.pool1 = nn.MaxPool2d(3, 2)  # overlapping: windows of 3 at every second point (section 3.4)
        self.conv2 = nn.Conv2d(m1, m2, 5, padding=2, groups=c.groups)
        self.relu2 = activation(c)
        self.norm2 = LocalResponseNorm(m2, c)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3 = nn.Conv2d(m2, m3, 3, padding=1)  # the one convolution that sees the maps of both groups
        self.relu3 = activation(c)
        self.conv4 = nn.Conv2d(m3, m4, 3, padding=1, groups=c.groups)
        self.relu4 = activation(c)
        self.conv5 = nn.Conv2d(m4, m5, 3, padding=1, groups=c.groups)
        self.relu5 = activation(c)
        self.pool5 = nn.MaxPool2d(3, 2)
        self.flatten = nn.Flatten()
        side = (c.side + 2 * c.pad1 - c.kernel1) // c.stride1 + 1  # of a map of conv1: 55, 32
        for _ in range(3):
            side = (side - 3) // 2 + 1  # after each pooling: 27, 13, 6 and 15, 7, 3
        self.fc6 = nn.Linear(m5 * side**2, c.units)
        self.relu6 = activation(c)
        self.dropout6 = nn.Dropout(c.dropout)
        self.fc7 = nn.Linear(c.units, c.units)
        self.relu7 = activation(c)
        self.dropout7 = nn.Dropout(c.dropout)
        self.fc8 = nn.Linear(c.units, c.classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.conv1(x))  # (n, 96, 55, 55); SMALL: (n, 32, 32, 32)
        x = self.pool1(self.norm1(x)) if self.config.norm_first else self.norm1(self.pool1(x))  # 27x27; 15x15
        x = self.relu2(self.conv2(x))  # (n, 256, 27, 27); (n, 96, 15, 15)
        x = self.pool2(self.norm2(x)) if self.config.norm_first else self.norm2(self.pool2(x))  # 13x13; 7x7
        x = self.relu3(self.conv3(x))  # (n, 384, 13, 13); (n, 128, 7, 7)
        x = self.relu4(self.conv4(x))
        x = self.pool5(self.relu5(self.conv5(x)))  # (n, 256, 6, 6); (n, 96, 3, 3)
        x = self.dropout6(self.relu6(self.fc6(self.flatten(x))))  # (n, 4096); (n, 128)
        x = self.dropout7(self.relu7(self.fc7(x)))
        return self.fc8(x)  # (n, 1000); (n, 10)


@torch.no_grad()
def initialise(net: AlexNet) -> None:
    """Normal weights whose width follows from a layer's inputs (He et al. 2015), biases 0.

    The paper's are 0.01 wide in every layer, with biases of 1 in some, which fits its widths and days of training.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            gain = 2.0 if net.config.activation == "relu" else 1.0
            nn.init.normal_(module.weight, std=(gain / module.weight[0].numel()) ** 0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    net.fc8.weight.mul_(0.1)  # no opinion at first


def build(config: Config = SMALL) -> AlexNet:
    """An AlexNet, or its twin, with fresh weights."""
    return AlexNet(config)
