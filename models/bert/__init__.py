"""BERT (Devlin, Chang, Lee, Toutanova 2018)."""

from __future__ import annotations

from models.paper import Claim, MaskedToken, Paper, Probe, Sample, Text

STREAM = ("batch", "token", "unit")
HEADS = ("batch", "token", "head", "unit")
PATTERN = ("batch", "head", "query", "key")

# What the encoder has in common with the fine-tuned network.
ENCODER = (
    Probe("hook_embed", STREAM, "What each token means by itself: its row of the embedding matrix."),
    Probe("hook_pos_embed", STREAM, "What each place in the text adds, whatever token stands there."),
    Probe("hook_segment_embed", STREAM, "What is added to tell the first segment from the second."),
    Probe("ln_embed", STREAM, "The sum of the three, normalised: what the first block is given."),
    Probe("blocks.*.hook_resid_pre", STREAM, "The stream of vectors, one a token, as it enters the block."),
    Probe("blocks.*.attn.hook_q", HEADS, "Queries: what each token asks the others for, in each head."),
    Probe("blocks.*.attn.hook_k", HEADS, "Keys: what each token offers to be found by, in each head."),
    Probe("blocks.*.attn.hook_v", HEADS, "Values: what each token hands over to those that attend to it."),
    Probe("blocks.*.attn.hook_attn_scores", PATTERN, "How well each query fits each key, before the softmax."),
    Probe("blocks.*.attn.hook_pattern", PATTERN, "How a token shares out its attention: each row adds up to 1."),
    Probe("blocks.*.attn.hook_z", HEADS, "The values that each head has gathered for each token."),
    Probe("blocks.*.hook_attn_out", STREAM, "What all heads together add to the stream."),
    Probe("blocks.*.hook_resid_mid", STREAM, "The stream with the heads' part added, before it is normalised."),
    Probe("blocks.*.ln1", STREAM, "The same normalised: the stream itself from here on."),
    Probe("blocks.*.mlp.hook_pre", STREAM, "Sums of the feed-forward part's units, for each token by itself."),
    Probe("blocks.*.mlp.hook_post", STREAM, "The same units after the GELU: small where a unit is off."),
    Probe("blocks.*.hook_mlp_out", STREAM, "What the feed-forward part adds to the stream."),
    Probe("blocks.*.hook_resid_post", STREAM, "The stream with that part added, before it is normalised."),
    Probe("blocks.*.ln2", STREAM, "The same normalised: what the block hands on."),
)

PAPER = Paper(
    slug="bert",
    name="BERT",
    title="BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    authors=("Jacob Devlin", "Ming-Wei Chang", "Kenton Lee", "Kristina Toutanova"),
    year=2018,
    venue="arXiv 1810.04805; NAACL 2019, 4171-4186",
    url="https://arxiv.org/abs/1810.04805",
    track="Sequence and attention",
    idea="Hide some words of a text and let a network guess them from both sides: what it must understand for that serves "
    "almost any other question about language, with one more layer and a little further training.",
    about="A language model that reads from left to right knows only half of what stands around a word. BERT reads the whole "
    "sentence at once. So that a word cannot simply see itself, 15 % of the tokens are hidden, and the network learns to say what "
    "was there. Every block lets each token gather from all the others what it needs (attention), and then works on what it has "
    "gathered; after four blocks (twelve in the paper) the vector in a blank's place is compared with every token there is. "
    "The same network, trained on for minutes with a single new layer, then answers other questions: here, whether a tweet is "
    "friendly.",
    takes=Text(tokenizer="bert", context=128, before=("[CLS]",), after=("[SEP]",), mask="[MASK]"),
    gives=MaskedToken(),
    probes=(
        *ENCODER,
        Probe("mlm_head", STREAM, "One more layer for each token, which turns it towards the embedding of the answer."),
        Probe("unembed", STREAM, "A score for every token of the vocabulary in each place: the answers."),
    ),
    claims=(
        Claim(
            "masked_perplexity",
            3.99,
            "Table 6, BERT base, on held-out training data",
            "Wikipedia and BooksCorpus",
            better="lower",
            label="perplexity of hidden tokens",
        ),
        Claim(
            "masked_accuracy",
            None,
            "no number",
            "Wikipedia and BooksCorpus",
            label="hidden tokens found at the first guess",
        ),
    ),
    samples=(
        Sample("the doctor", "The doctor [MASK] her hand and said that all would be well."),
        Sample("which bank?", "He sat down on the [MASK] of the river and took off his shoes."),
        Sample("both sides", "It was so [MASK] that the water in the well had turned to ice."),
        Sample("she or he", "The king took off [MASK] crown, and the queen took off hers."),
        Sample("a flight", "@united my [MASK] was cancelled and nobody at the gate could help me."),
        Sample("two blanks", "Once upon a [MASK] there was an old woman who [MASK] in a little house."),
        Sample("a gloss", "puppy: a young [MASK]"),
        Sample("without a blank", "To be, or not to be, that is the question."),
    ),
    dataset="text",
    twin="Every token sees only those before it, and the network learns to say which comes next.",
    network="Blanks",
    penultimate="mlm_head",
    stream="blocks.*.hook_resid_post",
    deviations=(
        "Eighty times smaller: 4 layers of width 128 with 4 heads, 4,000 byte pairs of lower-cased text for a vocabulary and 128 "
        "positions; the paper has 12 of width 768, 30,000 WordPieces and 512.",
        "About 17 million words of novels, speeches, plays, glosses and sayings, and the training split of the tweets that it is "
        "fine-tuned on, for less than one pass; the paper has 3.3 billion words of Wikipedia and books and 40 passes.",
        "No next-sentence prediction: Liu et al. 2019 find that nothing is lost without it. PAPER has its head. Segments A and "
        "B are there: B is what follows the first paragraph's end.",
        "Batches of 2,048 tokens, in windows of 64 and in every third step of the second half of 128; the paper has 128,000, of "
        "128 and in the last tenth of 512. The learning rate rises for a tenth of the steps to 1.5e-3 and falls in half a "
        "cosine; there it is 1e-4 and falls in a straight line. No dropout in pre-training, as nothing is seen often.",
        "Positions start as waves and keys equal to queries, so that at first a token attends to its neighbours and its like "
        "(Trockman and Kolter 2023); the published code starts both at random. Everything is learnt from there.",
        "In training 40 % of the tokens are hidden, as nothing is seen twice (Wettig et al. 2022 find that more teach more); it is "
        "measured with the paper's 15 %.",
        "The twin is asked for a random 40 % of the next tokens, as many as the model for hidden ones; the paper's left-to-right "
        "model learns from all of them.",
    ),
)
