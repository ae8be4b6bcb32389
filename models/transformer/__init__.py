"""The Transformer (Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin 2017)."""

from __future__ import annotations

from models.paper import Claim, Paper, Probe, Sample, TextPair, Translation

STREAM = ("batch", "token", "unit")
HEADS = ("batch", "token", "head", "unit")
PATTERN = ("batch", "head", "query", "key")

SENTENCES = TextPair(tokenizer="transformer", context=128, languages=("English", "French"))


def attention(path: str, asks: str, asked: str) -> tuple[Probe, ...]:
    """The six tensors inside one attention: which tokens ask, and which are asked."""
    return (
        Probe(f"{path}.hook_q", HEADS, f"The queries: what each token of {asks} asks for, in every head."),
        Probe(f"{path}.hook_k", HEADS, f"The keys: by what each token of {asked} is found, in every head."),
        Probe(f"{path}.hook_v", HEADS, f"The values: what each token of {asked} hands over when it is looked at."),
        Probe(
            f"{path}.hook_attn_scores",
            PATTERN,
            "How well each query fits each key, divided by the square root of the head's units, before any token is hidden.",
        ),
        Probe(
            f"{path}.hook_pattern",
            PATTERN,
            f"Where each head looks: every row is a token of {asks}, and its shares over {asked} add up to 1.",
        ),
        Probe(f"{path}.hook_z", HEADS, "What each head brings back: the values, mixed by those shares."),
    )


def feed_forward(path: str) -> tuple[Probe, ...]:
    return (
        Probe(f"{path}.hook_pre", STREAM, "The feed-forward network inside, before ReLU."),
        Probe(f"{path}.hook_post", STREAM, "The same after ReLU: which of its units answer to this token."),
    )


def beginning(path: str, sentence: str) -> tuple[Probe, ...]:
    return (
        Probe(f"{path}.hook_embed", STREAM, f"The embedding of each token of {sentence}, times the root of the width."),
        Probe(f"{path}.hook_pos_embed", STREAM, "The sines and cosines that say where in the sentence a token stands."),
    )


PAPER = Paper(
    slug="transformer",
    name="Transformer",
    title="Attention Is All You Need",
    authors=(
        "Ashish Vaswani",
        "Noam Shazeer",
        "Niki Parmar",
        "Jakob Uszkoreit",
        "Llion Jones",
        "Aidan N. Gomez",
        "Łukasz Kaiser",
        "Illia Polosukhin",
    ),
    year=2017,
    venue="Advances in Neural Information Processing Systems 30",
    url="https://arxiv.org/abs/1706.03762",
    track="Sequence and attention",
    idea="Let every word look at every other word directly, in several ways at once, and nothing else need carry a sentence "
    "from one language to another: no recurrence, no convolution.",
    about="Each token is a vector that runs through the network, its residual stream. In an attention, a token sends out a "
    "query, all tokens answer by how well their key fits, and it takes in the mixture of their values; several heads do so at "
    "once, each with matrices of its own. Between attentions, a small network works on every token alone. The encoder reads "
    "the English sentence so. The decoder writes the French one token by token: its own tokens look back at those before them, "
    "and across at the encoder's. Since attention knows no order, sines and cosines added at the start say where a token stands.",
    takes=SENTENCES,
    gives=Translation(),
    probes=(
        *beginning("encoder", "the English sentence"),
        Probe("encoder.blocks.*.hook_resid_pre", STREAM, "The stream of each English token as the block gets it."),
        *attention("encoder.blocks.*.attn", "the English sentence", "the English sentence"),
        Probe("encoder.blocks.*.hook_attn_out", STREAM, "What all heads together add to the stream."),
        Probe("encoder.blocks.*.hook_resid_mid", STREAM, "The stream with what attention added, not yet normalised."),
        Probe("encoder.blocks.*.ln1", STREAM, "The same, normalised: every token's units have mean 0 and spread 1."),
        *feed_forward("encoder.blocks.*.mlp"),
        Probe("encoder.blocks.*.hook_mlp_out", STREAM, "What the feed-forward network adds to the stream."),
        Probe("encoder.blocks.*.hook_resid_post", STREAM, "The stream after both sub-layers, not yet normalised."),
        Probe("encoder.blocks.*.ln2", STREAM, "The stream as the block hands it on, normalised."),
        *beginning("decoder", "the French sentence so far"),
        Probe("decoder.blocks.*.hook_resid_pre", STREAM, "The stream of each French token as the block gets it."),
        *attention("decoder.blocks.*.attn", "the French sentence", "itself and those before it"),
        Probe("decoder.blocks.*.hook_attn_out", STREAM, "What the heads of self-attention add to the stream."),
        Probe("decoder.blocks.*.hook_resid_mid", STREAM, "The stream with that added, not yet normalised."),
        Probe("decoder.blocks.*.ln1", STREAM, "The same, normalised."),
        *attention("decoder.blocks.*.cross_attn", "the French sentence", "the English sentence"),
        Probe("decoder.blocks.*.hook_cross_attn_out", STREAM, "What was brought across from the English sentence."),
        Probe("decoder.blocks.*.hook_resid_mid_cross", STREAM, "The stream with that added, not yet normalised."),
        Probe("decoder.blocks.*.ln2", STREAM, "The same, normalised."),
        *feed_forward("decoder.blocks.*.mlp"),
        Probe("decoder.blocks.*.hook_mlp_out", STREAM, "What the feed-forward network adds to the stream."),
        Probe("decoder.blocks.*.hook_resid_post", STREAM, "The stream after all three sub-layers, not yet normalised."),
        Probe("decoder.blocks.*.ln3", STREAM, "The stream as the block hands it on, normalised."),
        Probe("unembed", STREAM, "The logit of every token of the vocabulary: how likely it is to come next."),
    ),
    claims=(
        Claim("bleu", 38.1, "Table 2, English to French, base model", "newstest2014", label="BLEU"),
        Claim(
            "twin_bleu",
            24.9,
            "Table 3 (A), one head; 25.8 with 8",
            "newstest2013, English to German",
            label="BLEU, one head",
        ),
        Claim("perplexity", 4.92, "Table 3, base", "newstest2013, English to German", "lower", "perplexity a token"),
        Claim(
            "twin_perplexity",
            5.29,
            "Table 3 (A), one head",
            "newstest2013, English to German",
            "lower",
            "perplexity, one head",
        ),
    ),
    samples=(
        Sample("cat", "The cat is sleeping on my bed.\tLe chat dort sur mon lit."),
        Sample(
            "train",
            "If we don't hurry, we will miss the last train.\tSi nous ne nous dépêchons pas, nous manquerons le dernier train.",
        ),
        Sample(
            "black dog", "I saw a big black dog in front of the house.\tJ'ai vu un gros chien noir devant la maison."
        ),
        Sample("question", "What did you buy for your mother?\tQu'as-tu acheté pour ta mère ?"),
        Sample("not", "She does not want to talk to anyone.\tElle ne veut parler à personne."),
        Sample("to be continued", "He gave me the book that I wanted to read.\tIl m'a donné le livre"),
        Sample("not begun", "Where is the nearest bank?"),
    ),
    dataset="tatoeba",
    twin="One head instead of four, as wide as the four together: a token can look in one way only.",
    penultimate="decoder.blocks.2.ln3",
    stream="decoder.blocks.*.hook_resid_post",
    deviations=(
        "Three blocks on either side, 128 units wide and 512 inside the feed-forward networks, four heads of 32 units; the base "
        "model has six blocks, 512, 2,048 and eight heads of 64.",
        "A vocabulary of 3,000 tokens (byte-level BPE) for both languages; the paper has 32,000 word pieces for French.",
        "134,987 sentence pairs of some seven words from Tatoeba; the paper has 36 million sentences of parliament, news and web "
        "pages. The BLEU of the two cannot be compared.",
        "Muon (Jordan 2024) trains the matrices of the blocks, Adam with the paper's constants the rest, the embedding with "
        "weight decay; the paper has Adam for all. Dropout is 0.05 in place of 0.1.",
        "The learning rate rises for a tenth of the training and falls to 0 along half a cosine; the paper's falls with the root "
        "of the step. Gradients are cut to length 1. Batches have 4,000 tokens, with both languages and padding; the paper's "
        "have 25,000 of each language.",
        "An exponential moving average of the weights in place of the mean of the last checkpoints.",
        "Perplexity is over our tokens, of the French test sentences; the paper's is over its own word pieces, of German ones.",
        "The twin without positions goes beyond Table 3 (E), which replaces the sines by learnt positions.",
    ),
)
