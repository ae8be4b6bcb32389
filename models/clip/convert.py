"""Weights of CLIP as the `transformers` package names them, in our names: `openai/clip-vit-base-patch32` fits `PAPER`.

Theirs has queries, keys and values as three layers, ours as one. Nothing is transposed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from models.clip.model import PAPER

OUTSIDE = {
    "logit_scale": "logit_scale",
    "text_projection.weight": "text.project.weight",
    "visual_projection.weight": "visual.project.weight",
    "text_model.embeddings.token_embedding.weight": "text.embed.weight",
    "text_model.embeddings.position_embedding.weight": "text.positions",
    "text_model.final_layer_norm.weight": "text.ln_final.weight",
    "text_model.final_layer_norm.bias": "text.ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_token",
    "vision_model.embeddings.patch_embedding.weight": "visual.patch.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positions",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",  # their spelling
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_final.weight",
    "vision_model.post_layernorm.bias": "visual.ln_final.bias",
}
TOWERS = {"text_model": "text", "vision_model": "visual"}
PARTS = {
    "layer_norm1": "ln1",
    "layer_norm2": "ln2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
    "self_attn.out_proj": "attn.o",
    **{f"self_attn.{part}_proj": f"attn.qkv.{part}" for part in "qkv"},
}
INSIDE = re.compile(r"(text_model|vision_model)\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
COUNTERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")  # in older files; no weights


def from_transformers(state: Mapping[str, Tensor], names: int = PAPER.names) -> dict[str, Tensor]:
    """A state dict of their CLIPModel -> one of our CLIP, its classifier of `names` classes not yet written.

    Raises KeyError at a key that CLIP does not have.
    """
    ours: dict[str, Tensor] = {}
    thirds: dict[str, Tensor] = {}
    for key, value in state.items():
        if key in OUTSIDE:
            ours[OUTSIDE[key]] = value
        elif inside := INSIDE.fullmatch(key):
            tower, layer, part, kind = inside.groups()
            into = f"{TOWERS[tower]}.blocks.{layer}.{PARTS[part]}.{kind}"
            (thirds if ".qkv." in into else ours)[into] = value
        elif key not in COUNTERS:
            raise KeyError(key)
    for key in [key for key in thirds if ".qkv.q." in key]:
        ours[key.replace(".q.", ".")] = torch.cat([thirds[key.replace(".q.", f".{part}.")] for part in "qkv"])
    return ours | {"names": torch.zeros(names, ours["visual.project.weight"].shape[0])}
