"""GPT-2 (Radford, Wu, Child, Luan, Amodei, Sutskever 2019)."""

from __future__ import annotations

from models.paper import Claim, NextToken, Paper, Probe, Sample, Text

STREAM = ("batch", "token", "unit")
HEADS = ("batch", "token", "head", "unit")
PATTERN = ("batch", "head", "query", "key")

CONTEXT = 256  # tokens that the network trained here reads at once
END = "<|endoftext|>"  # between documents, and in front of every text
PAPER = Paper(
    slug="gpt2",
    name="GPT-2",
    title="Language Models are Unsupervised Multitask Learners",
    authors=("Alec Radford", "Jeffrey Wu", "Rewon Child", "David Luan", "Dario Amodei", "Ilya Sutskever"),
    year=2019,
    venue="OpenAI technical report",
    url="https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf",
    track="Sequence and attention",
    idea="Only ever guess the next token, on much and varied text: whoever wants to guess well has to learn to translate, to "
    "answer, to sum up and to copy, though nobody ever set these tasks.",
    about="A stack of Transformer decoder blocks reads a text from left to right and gives, at every place, a score to each token "
    "that may come next. Each token carries a vector, the residual stream, from its embedding to the scores; attention "
    "brings in what earlier tokens hold, the perceptron works on each token by itself, and both only ever add to the "
    "stream. GPT-2 normalizes in front of each of them and leaves the stream itself alone, which lets a deep stack be "
    "trained and lets us read the stream anywhere on its way. Ours is small and has read novels. It knows names, dialogue "
    "and grammar by now, has a head that looks at the token before, and one, an induction head, that looks for what followed a "
    "name's beginning where it stood earlier.",
    takes=Text(tokenizer="gpt2", context=CONTEXT, before=(END,)),
    gives=NextToken(),
    probes=(
        Probe("hook_embed", STREAM, "Each token's own vector, the same wherever it stands."),
        Probe("hook_pos_embed", STREAM, "Each place's own vector, the same whatever stands there."),
        Probe("blocks.*.hook_resid_pre", STREAM, "The stream as the block finds it: all that was added so far."),
        Probe("blocks.*.ln1.hook_scale", STREAM, "By how much the stream is divided before attention reads it."),
        Probe(
            "blocks.*.ln1.hook_normalized", STREAM, "The stream at mean 0 and deviation 1, before attention reads it."
        ),
        Probe("blocks.*.attn.hook_q", HEADS, "What each token looks for, in each head."),
        Probe("blocks.*.attn.hook_k", HEADS, "What each token can be found by, in each head."),
        Probe("blocks.*.attn.hook_v", HEADS, "What each token hands over to those who look at it, in each head."),
        Probe(
            "blocks.*.attn.hook_attn_scores", PATTERN, "How well each key fits each query; -10,000 for what lies ahead."
        ),
        Probe(
            "blocks.*.attn.hook_pattern",
            PATTERN,
            "How each token's look is shared out among itself and those before it.",
        ),
        Probe(
            "blocks.*.attn.hook_z", HEADS, "What each head has gathered for each token, not yet in the stream's terms."
        ),
        Probe("blocks.*.hook_attn_out", STREAM, "What attention adds to the stream, all heads together."),
        Probe("blocks.*.hook_resid_mid", STREAM, "The stream between attention and perceptron."),
        Probe("blocks.*.ln2.hook_scale", STREAM, "By how much the stream is divided before the perceptron reads it."),
        Probe(
            "blocks.*.ln2.hook_normalized",
            STREAM,
            "The stream at mean 0 and deviation 1, before the perceptron reads it.",
        ),
        Probe(
            "blocks.*.mlp.hook_pre", STREAM, "The perceptron's weighted sums, four times as many as the stream is wide."
        ),
        Probe("blocks.*.mlp.hook_post", STREAM, "The sums after GELU: negative ones are all but gone."),
        Probe("blocks.*.hook_mlp_out", STREAM, "What the perceptron adds to the stream."),
        Probe("blocks.*.hook_resid_post", STREAM, "The stream as the block leaves it to the next."),
        Probe("ln_final.hook_scale", STREAM, "By how much the stream is divided before the scores are read from it."),
        Probe(
            "ln_final.hook_normalized",
            STREAM,
            "The stream at mean 0 and deviation 1, before the scores are read from it.",
        ),
        Probe("unembed", STREAM, "A score for each token of the vocabulary: how likely it is to come next."),
    ),
    claims=(
        Claim(
            "bits_per_byte",
            1.16,
            "Table 3, the 117M model, zero-shot",
            "enwik8",
            better="lower",
            label="bits a byte on text never seen",
        ),
    ),
    samples=(
        Sample(
            "a name to come back",
            "“I have not seen Mr. Copperthwaite to-day,” said Miss Lavender. “Nor I,” said the doctor. “But Mr. C",
        ),
        Sample("the same again", "red lamp, green door, black horse, red lamp, green door, black"),
        Sample("dialogue", "“Where have you been?” asked Elizabeth. “I"),
        Sample("a chapter begins", "CHAPTER I\n\nIt was a dark and"),
        Sample("a fairy tale", "Once upon a time there was a king who had three daughters, and the youngest"),
        Sample("an agreement at a distance", "The letters that the old man had kept in his desk for so many years"),
        Sample("whose hand", "Mary took off her glove and gave the boy"),
        Sample("a rhyme of nonsense", "blick torren, blick fanner, blick torren, blick"),
    ),
    dataset="text",
    twin="No perceptrons: attention alone, in as many layers.",
    penultimate="ln_final.hook_normalized",
    stream="blocks.*.hook_resid_post",
    deviations=(
        "Trained on 56 MB of fiction in place of WebText's 40 GB, and of the size that this allows: 4 layers of width 192 and 256 "
        "tokens of context, where the small model of the paper has 12 of 768 and 1,024.",
        "1,024 tokens instead of 50,257, learned on the training text itself. Most words are then two or three tokens, which makes "
        "copying worth learning early.",
        "Each window begins with <|endoftext|>, as what a visitor types does; the paper has it between documents alone. Our "
        "documents are chapters.",
        "Positions start as waves and keys equal to queries, so that at first what is alike looks at each other (Trockman and "
        "Kolter 2023), and are learned from there; the authors' code starts all at random. It shortens the search for the token "
        "before, from which the other heads that look back begin.",
        "Muon (Jordan 2024) for the matrices of the blocks and AdamW for the rest, with a level learning rate that falls at the "
        "end, no dropout, no text seen twice. The paper says nothing of its optimizer; GPT-1 had Adam, a cosine and dropout of "
        "0.1.",
    ),
)
