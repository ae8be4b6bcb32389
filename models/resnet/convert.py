"""The weights of `transformers`' ResNetForImageClassification, or of ResNetModel, under our names.

Files that are passed round are mostly of the variant that halves its maps in the 3x3 layer: they belong into
`RESNET_50_3X3`, those with `downsample_in_bottleneck` into `PAPER`. A ResNetModel has no scores: `fc` is then missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

STEM = {"embedder.embedder.convolution": "conv1", "embedder.embedder.normalization": "bn1", "classifier.1": "fc"}
PARTS = {"convolution": "conv", "normalization": "bn"}
SHORTCUT = {"convolution": "0", "normalization": "1"}


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict -> ours. Raises KeyError for a name that is not known."""
    return {_renamed(name.removeprefix("resnet.")): tensor for name, tensor in state.items()}


def _renamed(path: str) -> str:
    stem, kind = path.rsplit(".", 1)
    found = re.fullmatch(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d)|shortcut)\.(\w+)", stem)
    if not found:
        return f"{STEM[stem]}.{kind}"
    stage, block, layer, part = found.groups()
    ours = f"shortcut.{SHORTCUT[part]}" if layer is None else f"{PARTS[part]}{int(layer) + 1}"
    return f"stages.{stage}.{block}.{ours}.{kind}"
