"""Our GPT-2 in TransformerLens's own bridge, by way of `transformers`, with the same weights."""

from __future__ import annotations

from typing import Any

from models.gpt2.convert import to_transformers
from models.gpt2.model import GPT2


def bridge(module: GPT2) -> Any:
    """A `TransformerBridge` around a GPT2LMHeadModel that has the weights of `module`."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module
    from transformers import GPT2Config, GPT2LMHeadModel

    c = module.config
    config = GPT2Config(
        vocab_size=c.vocabulary,
        n_positions=c.context,
        n_embd=c.width,
        n_layer=c.layers,
        n_head=c.heads,
        n_inner=c.mlp * c.width,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation="eager",
    )
    theirs = GPT2LMHeadModel(config).eval()
    theirs.load_state_dict(to_transformers(module.state_dict()))
    return build_bridge_from_module(theirs, "GPT2LMHeadModel", hf_config=config).eval().requires_grad_(False)
