"""DenseNet: every layer of a block sees the maps of all layers before it (section 3), for CIFAR-10 and for ImageNet.

G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, "Densely Connected Convolutional Networks", arXiv:1608.06993, 2016.
Sections, tables, figures and equations below are those of that paper.

Layer l of a block computes x_l = H_l([x_0, x_1, ..., x_{l-1}]) (Eq. 2): k new maps from all that are there already, H being
batch normalisation, ReLU and a convolution of 3x3. Nothing is ever written over, so that a layer may be as thin as twelve
maps. Between blocks a transition halves the maps. n is the batch; k = 16, 16 layers, on CIFAR-10:

    input          (n, 3, 32, 32)
    conv0          (n, 16, 32, 32)
    blocks.0       (n, 80, 32, 32)     4 layers, 16 + 4 * 16 maps
    transitions.0  (n, 80, 16, 16)     1x1 convolution, 2x2 average pooling
    blocks.1       (n, 144, 16, 16)    4 layers
    transitions.1  (n, 144, 8, 8)
    blocks.2       (n, 208, 8, 8)      4 layers
    pool           (n, 208)            normalised, rectified, averaged over all places
    classifier     (n, 10)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """The sizes of a DenseNet. With `widths` it is the twin: a layer sees the one before it alone, and is as wide as that."""

    layers: tuple[int, ...] = (6, 12, 24, 16)  # of each dense block; Table 1, DenseNet-121
    growth: int = 32  # k, how many maps each layer adds
    first: int = 64  # maps before the first block: 2k (section 3, "Implementation Details")
    bottleneck: bool = True  # B: a 1x1 convolution to 4k maps before the one of 3x3
    compression: float = 0.5  # C: theta, the share of a block's maps that a transition lets through
    stem: Literal["imagenet", "cifar"] = "imagenet"  # 7x7 with stride 2 and pooling, or 3x3
    classes: int = 1000
    widths: tuple[int, ...] = ()  # of each block of the twin; none for a DenseNet

    @property
    def depth(self) -> int:
        """L, the layers with weights on the longest way: the stem, blocks, transitions, classifier."""
        return sum(self.layers) * (2 if self.bottleneck else 1) + len(self.layers) + 1


def cifar(depth: int, growth: int = 12, widths: tuple[int, ...] = ()) -> Config:
    """Section 3: three blocks of equal length, 16 maps before the first, neither bottleneck nor compression."""
    return Config(((depth - 4) // 3,) * 3, growth, 16, False, 1.0, "cifar", 10, widths)


PAPER = Config()  # DenseNet-121
DENSENET_40 = cifar(40)  # L = 40, k = 12: the smallest in Table 2, and the one that Fig. 5 looks into
# Four layers a block in place of twelve; k = 16, with which a processor that works on eight numbers at once is faster
# than with 12.
SMALL = cifar(16, 16)
# About as many weights as the dense blocks and their transitions, and so about as many multiplications.
TWIN = cifar(16, 16, widths=(32, 48, 52))


class Layer(nn.Module):
    """H_l: batch normalisation, ReLU and a convolution of 3x3; with a bottleneck the same with 1x1 before it."""

    def __init__(self, inputs: int, outputs: int, bottleneck: bool) -> None:
        super().__init__()
        self.bottleneck = bottleneck
        self.hook_seen = nn.Identity()  # [x_0, ..., x_{l-1}]
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        if bottleneck:
            self.conv1 = nn.Conv2d(inputs, 4 * outputs, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(4 * outputs)
            self.relu2 = nn.ReLU()
            self.conv2 = nn.Conv2d(4 * outputs, outputs, 3, padding=1, bias=False)
        else:
            self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.hook_new = nn.Identity()  # x_l

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.relu1(self.norm1(self.hook_seen(x))))  # (n, inputs, h, w) -> (n, k or 4k, h, w)
        if self.bottleneck:
            x = self.conv2(self.relu2(self.norm2(x)))  # (n, 4k, h, w) -> (n, k, h, w)
        return self.hook_new(x)


class Block(nn.Sequential):
    """Layers of which each sees all maps of the block so far; its output is all of them, in the order of their making."""

    def __init__(self, inputs: int, count: int, growth: int, bottleneck: bool) -> None:
        super().__init__(*(Layer(inputs + i * growth, growth, bottleneck) for i in range(count)))
        self.out_channels = inputs + count * growth

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([x, layer(x)], 1)  # (n, maps, h, w) -> (n, maps + k, h, w)
        return x

    def sources(self) -> list[tuple[int, int]]:
        """Which maps of the list each layer made: first and last + 1, what the block was given at the front."""
        ends = [layer.norm1.num_features for layer in self if isinstance(layer, Layer)] + [self.out_channels]
        return list(zip([0, *ends], ends, strict=False))


class Chain(nn.Sequential):
    """The twin's block: each layer is given what the layer before has made, and nothing else."""

    def __init__(self, inputs: int, count: int, width: int) -> None:
        super().__init__(*(Layer(width if i else inputs, width, False) for i in range(count)))
        self.out_channels = width


class Transition(nn.Module):
    """Between two blocks: as many maps as the compression lets through, at half the height and width."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.conv(self.relu(self.norm(x))))  # (n, inputs, h, w) -> (n, outputs, h/2, w/2)


class DenseNet(nn.Module):
    """(n, 3, height, width) -> (n, classes) logits."""

    def __init__(self, config: Config = PAPER) -> None:
        super().__init__()
        c = config
        imagenet = c.stem == "imagenet"
        self.conv0 = (
            nn.Conv2d(3, c.first, 7, 2, 3, bias=False) if imagenet else nn.Conv2d(3, c.first, 3, 1, 1, bias=False)
        )
        self.norm0 = nn.BatchNorm2d(c.first) if imagenet else nn.Identity()
        self.relu0 = nn.ReLU() if imagenet else nn.Identity()
        self.pool0 = nn.MaxPool2d(3, 2, 1) if imagenet else nn.Identity()
        self.blocks, self.transitions, maps = nn.ModuleList(), nn.ModuleList(), c.first
        for i, count in enumerate(c.layers):
            if i:
                self.transitions.append(Transition(maps, through := int(c.compression * maps)))
                maps = through
            block = Chain(maps, count, c.widths[i]) if c.widths else Block(maps, count, c.growth, c.bottleneck)
            self.blocks.append(block)
            maps = block.out_channels
        self.norm = nn.BatchNorm2d(maps)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(maps, c.classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool0(self.relu0(self.norm0(self.conv0(x))))  # (n, 3, 32, 32) -> (n, 16, 32, 32)
        for i, block in enumerate(self.blocks):
            x = block(self.transitions[i - 1](x) if i else x)  # (n, 80, 32, 32), (n, 144, 16, 16), (n, 208, 8, 8)
        x = self.pool(self.relu(self.norm(x)))  # (n, 208, 1, 1)
        return self.classifier(self.flatten(x))  # (n, 10)

    def readers(self) -> list[list[nn.Conv2d | nn.Linear]]:
        """For every block, what reads its list: the first convolution of each layer, then what follows the block."""
        found: list[list[nn.Conv2d | nn.Linear]] = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            after = self.transitions[i].conv if i < len(self.transitions) else self.classifier
            assert isinstance(after, nn.Conv2d | nn.Linear)
            found.append([*(layer.conv1 for layer in block if isinstance(layer, Layer)), after])
        return found

    @torch.no_grad()
    def reuse(self, x: Tensor | None = None) -> list[np.ndarray]:
        """Fig. 5: for every block, the mean absolute weight that each layer gives to each source of its maps.

        (sources, readers) for each block: source 0 is what the block was given, source s what its layer s made; reader l is
        its layer l + 1, the last one the transition or classifier behind it. NaN where a source is not there yet. With
        `x` (n, 3, height, width) each weight counts times the mean size of its map, as the reader is given it.
        """
        given: dict[nn.Module, Tensor] = {}
        if x is not None:
            handles = [
                reader.register_forward_pre_hook(lambda module, inputs: given.__setitem__(module, inputs[0]))
                for readers in self.readers()
                for reader in readers
            ]
            try:
                self(x)
            finally:
                for handle in handles:
                    handle.remove()
        found = []
        for block, readers in zip(self.blocks, self.readers(), strict=True):
            assert isinstance(block, Block)
            spans = block.sources()
            table = np.full((len(spans), len(spans)), np.nan, np.float32)
            for target, reader in enumerate(readers):
                size = reader.weight.abs().transpose(0, 1).flatten(1).mean(1)  # (maps,)
                if reader in given:
                    size = size * given[reader].abs().transpose(0, 1).flatten(1).mean(1)
                for source, (start, end) in enumerate(spans[: target + 1]):
                    table[source, target] = size[start:end].mean().item()
            found.append(table)
        return found


@torch.no_grad()
def initialise(net: nn.Module) -> None:
    """Weights normal with variance 2 / inputs of a unit, as in the authors' reference [10]; biases 0."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                module.bias.zero_()


def build(config: Config = SMALL) -> DenseNet:
    """A DenseNet, or its twin, with fresh weights."""
    return DenseNet(config)
