"""ResNet: the residual networks of sections 3.3, 4.1 (ImageNet) and 4.2 (CIFAR-10), and the plain net of the same depth.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, 2015. Sections, tables,
figures and equations below are those of that paper.

A block computes y = relu(F(x) + x) (Eq. 1): two or three convolutions are asked for what is to be *added* to x, the
residual, and x itself goes past them on a shortcut that has nothing to learn. n is the batch.

    ResNet-20, CIFAR-10 (section 4.2)        ResNet-50, ImageNet (Table 1)
    input     (n, 3, 32, 32)                 input     (n, 3, 224, 224)
    conv1     (n, 16, 32, 32)                conv1     (n, 64, 112, 112)
                                             pool1     (n, 64, 56, 56)
    stages.0  (n, 16, 32, 32)   3 blocks     stages.0  (n, 256, 56, 56)    3 blocks, conv2_x
    stages.1  (n, 32, 16, 16)   3 blocks     stages.1  (n, 512, 28, 28)    4 blocks, conv3_x
    stages.2  (n, 64, 8, 8)     3 blocks     stages.2  (n, 1024, 14, 14)   6 blocks, conv4_x
                                             stages.3  (n, 2048, 7, 7)     3 blocks, conv5_x
    pool      (n, 64)                        pool      (n, 2048)
    fc        (n, 10)                        fc        (n, 1000)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Config:
    """The sizes of a residual network. `residual=False` is the twin: the plain net, without any shortcut."""

    blocks: tuple[int, ...] = (3, 4, 6, 3)  # of each stage; Table 1, 50-layer
    widths: tuple[int, ...] = (
        64,
        128,
        256,
        512,
    )  # doubled where the maps are halved, to keep the time of a layer (3.3)
    bottleneck: bool = True  # 1x1, 3x3, 1x1 in place of two 3x3 (Fig. 5): affordable at 50 layers and more
    expansion: int = 4  # of a bottleneck's last layer over its width (Fig. 5, right: 64, 64, 256)
    stem: Literal["imagenet", "cifar"] = "imagenet"  # 7x7 with stride 2 and pooling, or 3x3 (section 4.2)
    shortcut: Literal["A", "B"] = "B"  # where dimensions grow: A pads with zeros, B projects (section 3.3)
    stride: Literal["first", "3x3"] = "first"  # which layer of a bottleneck halves the maps; see RESNET_50_3X3
    classes: int = 1000
    residual: bool = True

    @property
    def layers(self) -> int:
        """Layers with weights on the way from the picture to the scores, as the paper counts them: 6n + 2 (4.2)."""
        return sum(self.blocks) * (3 if self.bottleneck else 2) + 2


def cifar(n: int, residual: bool = True) -> Config:
    """Section 4.2: three stages of n blocks, {16, 32, 64} maps, and shortcuts that are identities in all cases (A)."""
    return Config((n,) * 3, (16, 32, 64), False, 1, "cifar", "A", "first", 10, residual)


PAPER = Config()  # ResNet-50
SMALL = RESNET_20 = cifar(3)  # the paper's own smallest network for CIFAR-10, n = 3
TWIN = PLAIN_20 = cifar(3, residual=False)
RESNET_56, PLAIN_56 = cifar(9), cifar(9, residual=False)  # Fig. 6: deeper, and worse unless there are shortcuts
# The authors' ResNet-50 halves its maps in the first 1x1 layer of a stage. Most weights that are passed round today are
# of a variant that does it in the 3x3 layer, with as many parameters.
RESNET_50_3X3 = replace(PAPER, stride="3x3")


class Pad(nn.Module):
    """Shortcut A: every second point in both directions, and zeros for the maps that are new. Nothing to learn."""

    def __init__(self, new: int, stride: int) -> None:
        super().__init__()
        self.new, self.stride = new, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))


class Block(nn.Module):
    """y = relu(F(x) + shortcut(x)) (Eqs 1 and 2); in the plain net y = relu(F(x)).

    F has two layers of 3x3 (Fig. 5, left) or three of 1x1, 3x3 and 1x1 (right), each followed by batch normalisation, and
    a ReLU between them.
    """

    def __init__(self, inputs: int, width: int, stride: int, config: Config) -> None:
        super().__init__()
        self.three = config.bottleneck
        outputs = width * config.expansion if self.three else width
        if self.three:
            first, second = (stride, 1) if config.stride == "first" else (1, stride)
            self.conv1 = nn.Conv2d(inputs, width, 1, first, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, second, 1, bias=False)
        else:
            self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.bn2 = nn.BatchNorm2d(width)
        if self.three:
            self.relu2 = nn.ReLU()
            self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(outputs)
        self.hook_branch = nn.Identity()  # F(x): what the block adds
        self.residual = config.residual
        if self.residual:
            self.shortcut = self._shortcut(inputs, outputs, stride, config.shortcut)
            self.hook_shortcut = nn.Identity()  # what it adds to
            self.hook_sum = nn.Identity()
        self.relu = nn.ReLU()
        self.hook_stream = nn.Identity()  # what the next block is given

    @staticmethod
    def _shortcut(inputs: int, outputs: int, stride: int, kind: str) -> nn.Module:
        if (inputs, stride) == (outputs, 1):
            return nn.Identity()
        if kind == "A":
            return Pad(outputs - inputs, stride)
        return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        f = self.bn1(self.conv1(x))  # (n, inputs, h, w) -> (n, width, h/stride, w/stride)
        f = self.bn2(self.conv2(self.relu1(f)))
        if self.three:
            f = self.bn3(self.conv3(self.relu2(f)))  # (n, 4 width, h/stride, w/stride)
        y = self.hook_branch(f)
        if self.residual:
            y = self.hook_sum(y + self.hook_shortcut(self.shortcut(x)))
        return self.hook_stream(self.relu(y))


class ResNet(nn.Module):
    """(n, 3, height, width) -> (n, classes) logits."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        c, first = config, config.widths[0]
        imagenet = c.stem == "imagenet"
        self.conv1 = nn.Conv2d(3, first, 7, 2, 3, bias=False) if imagenet else nn.Conv2d(3, first, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(3, 2, 1) if imagenet else nn.Identity()
        stages, inputs = [], first
        for stage, (count, width) in enumerate(zip(c.blocks, c.widths, strict=True)):
            blocks = []
            for i in range(count):
                blocks.append(Block(inputs, width, 2 if stage and not i else 1, c))
                inputs = width * c.expansion if c.bottleneck else width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.pool = nn.AdaptiveAvgPool2d(1)  # global average pooling: any size of picture will do
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(inputs, c.classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.relu1(self.bn1(self.conv1(x))))  # (n, 3, 32, 32) -> (n, 16, 32, 32)
        for stage in self.stages:
            x = stage(x)  # (n, 16, 32, 32), (n, 32, 16, 16), (n, 64, 8, 8)
        return self.fc(self.flatten(self.pool(x)))  # (n, 64, 8, 8) -> (n, 64) -> (n, 10)


@torch.no_grad()
def initialise(net: nn.Module) -> None:
    """Weights normal with variance 2 / inputs of a unit, as in the authors' reference [13]; biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                module.bias.zero_()


def build(config: Config = SMALL) -> ResNet:
    """A residual network, or a plain one, with fresh weights."""
    return ResNet(config)
