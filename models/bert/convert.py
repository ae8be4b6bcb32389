"""Weights of `transformers`' BERT in our names, for published checkpoints of any size, fine-tuned classifiers included."""

from __future__ import annotations

from torch import Tensor

TOP = {
    "embeddings.word_embeddings": "embed",
    "embeddings.position_embeddings": "pos_embed",
    "embeddings.token_type_embeddings": "segment_embed",
    "embeddings.LayerNorm": "ln_embed",
    "pooler.dense": "pooler.linear",
    "cls.predictions.transform.dense": "mlm_head.linear",
    "cls.predictions.transform.LayerNorm": "mlm_head.ln",
    "cls.predictions": "unembed",
    "cls.seq_relationship": "next_sentence",
    "classifier": "classifier",
}
BLOCK = {
    "attention.self.query": "attn.query",
    "attention.self.key": "attn.key",
    "attention.self.value": "attn.value",
    "attention.output.dense": "attn.output",
    "attention.output.LayerNorm": "ln1",
    "intermediate.dense": "mlp.up",
    "output.dense": "mlp.down",
    "output.LayerNorm": "ln2",
}
OLD = {"gamma": "weight", "beta": "bias"}  # in the first published checkpoints
# The decoder's weights are those of the embedding, its bias is cls.predictions.bias; the positions are 0, 1, 2, ...
TWICE = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias", "embeddings.position_ids")


def from_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Their state dict (BertForPreTraining, BertForMaskedLM, BertForSequenceClassification, BertModel) with our keys.

    Raises KeyError for a weight that has no place in our network.
    """
    found = {}
    for key, tensor in state.items():
        name = key.removeprefix("bert.")
        if name not in TWICE:
            found[renamed(name)] = tensor
    return found


def renamed(name: str) -> str:
    """Our key of one of theirs, without "bert." in front: "encoder.layer.3.output.dense.bias" -> "blocks.3.mlp.down.bias"."""
    module, _, kind = name.rpartition(".")
    kind = OLD.get(kind, kind)
    if module.startswith("encoder.layer."):
        number, _, part = module.removeprefix("encoder.layer.").partition(".")
        return f"blocks.{number}.{BLOCK[part]}.{kind}"
    return f"{TOP[module]}.{kind}"
