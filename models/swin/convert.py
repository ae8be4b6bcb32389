"""The weights of `transformers`' SwinForImageClassification, or of SwinModel, under our names.

Published files call a block's query `swin.encoder.layers.0.blocks.0.attention.self.query`; version 5 of the library, once it
has read them, calls it `swin.encoder.layers.0.blocks.0.attention.q_proj`. Both are understood. Their merging closes a stage
and ours opens the next. What can be computed (`relative_position_index`) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

NAMES = {
    "embeddings.patch_embeddings.projection": "embed",
    "embeddings.norm": "ln_embed",
    "layernorm": "ln_final",
    "classifier": "unembed",
}
BLOCKS = {
    "layernorm_before": "ln1",
    "layernorm_after": "ln2",
    "attention.q_proj": "attn.q",
    "attention.k_proj": "attn.k",
    "attention.v_proj": "attn.v",
    "attention.o_proj": "attn.o",
    "attention.self.query": "attn.q",
    "attention.self.key": "attn.k",
    "attention.self.value": "attn.v",
    "attention.output.dense": "attn.o",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}
MERGE = {"reduction": "reduce", "norm": "norm"}
TABLE, INDEX = "relative_position_bias_table", "relative_position_index"


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict -> ours; q, k and v become one matrix. Raises KeyError for a name that is not known."""
    ours = {_renamed(name.removeprefix("swin.")): t for name, t in state.items() if not name.endswith(INDEX)}
    for name in [n for n in ours if ".attn.q." in n]:
        parts = [ours.pop(name.replace(".attn.q.", f".attn.{part}.")) for part in "qkv"]
        ours[name.replace(".attn.q.", ".attn.qkv.")] = torch.cat(parts)
    return ours


def _renamed(path: str) -> str:
    stem, kind = path.rsplit(".", 1)
    if not stem.startswith("encoder.layers."):
        return f"{NAMES[stem]}.{kind}"
    stage, part, rest = stem.removeprefix("encoder.layers.").split(".", 2)
    if part == "downsample":
        return f"stages.{int(stage) + 1}.merge.{MERGE[rest]}.{kind}"
    block, rest = rest.split(".", 1)
    name = "attn.table" if kind == TABLE else f"{BLOCKS[rest]}.{kind}"
    return f"stages.{stage}.blocks.{block}.{name}"
