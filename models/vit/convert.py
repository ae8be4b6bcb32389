"""The weights of `transformers`' ViTForImageClassification, or of ViTModel, under our names.

Published files call a layer `vit.encoder.layer.0.attention.attention.query`; version 5 of the library, once it has read
them, calls it `vit.layers.0.attention.q_proj`. Both are understood. A pooler, which our network lacks, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

NAMES = {
    "embeddings.cls_token": "x_class",
    "embeddings.position_embeddings": "E_pos",
    "embeddings.patch_embeddings.projection": "E",
    "layernorm": "ln_final",
    "classifier": "unembed",
}
LAYERS = {
    "layernorm_before": "ln1",
    "layernorm_after": "ln2",
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.o_proj": "attn.o",
    "attention.attention.query": "attn.q",
    "attention.attention.key": "attn.k",
    "attention.attention.value": "attn.v",
    "attention.output.dense": "attn.o",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict -> ours; q, k and v become one matrix. Raises KeyError for a name that is not known."""
    ours: dict[str, Tensor] = {}
    for name, tensor in state.items():
        path = name.removeprefix("vit.")
        if not path.startswith("pooler."):
            ours[_renamed(path)] = tensor
    for name in [n for n in ours if ".attn.q." in n]:
        parts = [ours.pop(name.replace(".attn.q.", f".attn.{part}.")) for part in "qkv"]
        ours[name.replace(".attn.q.", ".attn.qkv.")] = torch.cat(parts)
    return ours


def _renamed(path: str) -> str:
    if path in NAMES:
        return NAMES[path]
    stem, kind = path.rsplit(".", 1)
    if found := re.fullmatch(r"(?:encoder\.layer|layers)\.(\d+)\.(.+)", stem):
        return f"blocks.{found[1]}.{LAYERS[found[2]]}.{kind}"
    return f"{NAMES[stem]}.{kind}"
