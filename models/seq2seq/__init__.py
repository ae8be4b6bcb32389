"""RNNsearch, attention's first appearance (Bahdanau, Cho, Bengio 2014)."""

from __future__ import annotations

from models.paper import Claim, Paper, Probe, Sample, TextPair, Translation

STREAM = ("batch", "token", "unit")
PATTERN = ("batch", "head", "query", "key")

SENTENCES = TextPair(tokenizer="seq2seq", context=128, languages=("English", "French"))


def gates(path: str, reader: str) -> tuple[Probe, ...]:
    """What is inside a gated hidden unit, at every token."""
    return (
        Probe(
            f"{path}.hook_reset", STREAM, "The reset gate, 0 to 1: near 0, the candidate is made without the old state."
        ),
        Probe(
            f"{path}.hook_update", STREAM, "The update gate, 0 to 1: how much of the candidate replaces the old state."
        ),
        Probe(
            f"{path}.hook_candidate",
            STREAM,
            "The candidate for a new state, -1 to 1, from the token and the old state.",
        ),
        Probe(f"{path}.hook_state", STREAM, f"The state of {reader} after each token, -1 to 1."),
    )


PAPER = Paper(
    slug="seq2seq",
    name="RNNsearch",
    title="Neural Machine Translation by Jointly Learning to Align and Translate",
    authors=("Dzmitry Bahdanau", "Kyunghyun Cho", "Yoshua Bengio"),
    year=2014,
    venue="International Conference on Learning Representations 2015; arXiv 2014",
    url="https://arxiv.org/abs/1409.0473",
    track="Sequence and attention",
    idea="Do not press a whole sentence into one vector: keep a note for every word, and for every word that is to be written look "
    "through the notes anew for what matters now.",
    about="Two recurrent networks read the English sentence, one onward and one from its end, and leave at every word a vector of "
    "what they have read up to there: its annotation. The decoder writes the French sentence word by word. Before each word, a "
    "small network compares the decoder's state with every annotation and says how well they fit; these scores, turned into "
    "shares that add up to one, are the alignment, and the annotations mixed by them are what the decoder gets to see. Nobody "
    "tells it which word belongs to which: the alignment is learnt along with the translation, by the same gradient.",
    takes=SENTENCES,
    gives=Translation(),
    probes=(
        Probe("encoder.hook_embed", STREAM, "The embedding of each English token: what the encoder is told of it."),
        *gates("encoder.onward", "the reader that goes from the first token to the last"),
        *gates("encoder.back", "the reader that goes from the last token to the first"),
        Probe(
            "encoder.hook_annotations",
            STREAM,
            "The annotation of each token: the states of both readers, side by side.",
        ),
        Probe(
            "decoder.hook_start",
            ("batch", "unit"),
            "The decoder's first state, from what was read back to the first token.",
        ),
        Probe("decoder.hook_embed", STREAM, "The embedding of each French token so far."),
        Probe(
            "decoder.align.hook_attn_scores",
            PATTERN,
            "How well each English token's annotation fits the decoder's state before it reads a French token: e of section 3.1.",
        ),
        Probe(
            "decoder.align.hook_pattern",
            PATTERN,
            "The alignment alpha: every row is a French token read, and its shares over the English tokens add up to 1.",
        ),
        Probe("decoder.hook_context", STREAM, "The context: all annotations, mixed by the shares of that row."),
        *gates("decoder.gru", "the decoder"),
        Probe("decoder.hook_pre", STREAM, "State, last token and context added up, in pairs of units, before maxout."),
        Probe("decoder.maxout", STREAM, "The larger of each two: the vector that is compared with every token's."),
        Probe("unembed", STREAM, "The logit of every token of the vocabulary: how likely it is to come next."),
    ),
    claims=(
        Claim("bleu", 26.75, "Table 1, RNNsearch-50, all sentences", "newstest2014, English to French", label="BLEU"),
        Claim(
            "twin_bleu",
            17.82,
            "Table 1, RNNencdec-50, all sentences",
            "newstest2014, English to French",
            label="BLEU, one vector",
        ),
    ),
    samples=(
        Sample("area", "I live near the European Central Bank.\tJ'habite près de la Banque centrale européenne."),
        Sample(
            "black dog", "I saw a big black dog in front of the house.\tJ'ai vu un gros chien noir devant la maison."
        ),
        Sample("cat", "The cat is sleeping on my bed.\tLe chat dort sur mon lit."),
        Sample(
            "train",
            "If we don't hurry, we will miss the last train.\t"
            "Si nous ne nous dépêchons pas, nous manquerons le dernier train.",
        ),
        Sample("question", "What did you buy for your mother?\tQu'as-tu acheté pour ta mère ?"),
        Sample("to be continued", "He gave me the book that I wanted to read.\tIl m'a donné le livre"),
        Sample("not begun", "Where is the nearest bank?"),
    ),
    dataset="tatoeba",
    twin="No alignment: the decoder gets one and the same vector for every word, what was read up to the end of the sentence.",
    penultimate="decoder.maxout",
    deviations=(
        "The word at i is predicted from the decoder's state s_i, as Eq. 4 and the model it builds on have it; the formula of "
        "appendix A.2.2 has s_i-1 there.",
        "One vocabulary of 3,000 pieces of words (byte-level BPE) for both languages, and one matrix as both embeddings and "
        "output weights; the paper has 30,000 whole words a language, other words as one unknown token, and three matrices.",
        "Our states have 192 units, embeddings and alignment 112, where the paper has 1,000, 620 and 1,000.",
        "134,987 sentence pairs of some seven words from Tatoeba; the paper has 348 million words of parliament, news and web "
        "pages. The BLEU of the two cannot be compared.",
        "Adam with a learning rate that rises and falls, a moving average of the weights, and targets smoothed by 0.1, on "
        "batches of some 170 pairs; the paper uses Adadelta on 80 pairs. Gradients are cut to length 1 in both.",
        "The alignment's matrices and the embeddings start larger than the paper's 0.001 and 0.01, as our network is narrower.",
        "The twin keeps the reader in both directions and gets the annotation of the end of the sentence, whose onward half is the "
        "paper's fixed vector.",
        "Figure 2 is redrawn with sentences of the test set joined two, three and four in a row, as few are long by themselves.",
    ),
)
