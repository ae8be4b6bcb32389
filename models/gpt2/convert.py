"""Weights of GPT-2 as the `transformers` package names them, for this network: those that the authors published fit PAPER.

module.load_state_dict(from_transformers(state))
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

# Our name for theirs: inside a block, and outside.
IN_BLOCK = {
    "ln_1": "ln1",
    "attn.c_attn": "attn.qkv",
    "attn.c_proj": "attn.out",
    "ln_2": "ln2",
    "mlp.c_fc": "mlp.fc",
    "mlp.c_proj": "mlp.out",
}
OUTSIDE = {"wte": "embed", "wpe": "pos_embed", "ln_f": "ln_final"}
MATRIX = re.compile(r"(c_attn|c_proj|c_fc)\.weight$")  # kept inputs by outputs there, outputs by inputs here
SPARE = re.compile(r"(^|\.)attn\.(bias|masked_bias)$|^lm_head\.weight$")  # masks, and the token table once more


def from_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict, of GPT2Model or GPT2LMHeadModel -> ours. Raises KeyError for a name that belongs to neither."""
    ours = {}
    for key, tensor in state.items():
        if SPARE.search(key):
            continue
        name, _, kind = key.removeprefix("transformer.").rpartition(".")
        found = re.fullmatch(r"h\.(\d+)\.(.+)", name)
        name = f"blocks.{found[1]}.{IN_BLOCK[found[2]]}" if found else OUTSIDE[name]
        ours[f"{name}.{kind}"] = tensor.mT.contiguous() if MATRIX.search(key) else tensor
    return ours


def to_transformers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our state dict -> that of their GPT2LMHeadModel."""
    inside, outside = ({ours: theirs for theirs, ours in names.items()} for names in (IN_BLOCK, OUTSIDE))
    theirs = {}
    for key, tensor in state.items():
        name, _, kind = key.rpartition(".")
        found = re.fullmatch(r"blocks\.(\d+)\.(.+)", name)
        name = f"h.{found[1]}.{inside[found[2]]}" if found else outside[name]
        full = f"transformer.{name}.{kind}"
        theirs[full] = tensor.mT.contiguous() if MATRIX.search(full) else tensor
    theirs["lm_head.weight"] = theirs["transformer.wte.weight"]
    return theirs
