"""BERT fine-tuned to tell the sentiment of tweets (section 3.2 of the paper)."""

from dataclasses import replace

from models.bert import ENCODER
from models.bert import PAPER as MAIN
from models.data.tweets import LABELS
from models.paper import Claim, ClassScores, Probe, Sample, Text

UNITS = ("batch", "unit")

PAPER = replace(
    MAIN,
    slug="bert/sentiment",
    idea="A network that has learnt to fill blanks needs only one new layer, and a few minutes with labelled examples, to "
    "tell whether a tweet complains, reports or thanks.",
    about="The encoder starts with what it has learnt from millions of blanks, and goes on learning all its weights, together with "
    "one new layer on the vector of [CLS], from 14,115 tweets that people have read and called negative, neutral or positive. "
    "Nothing else is built for the task. Look at the same sentence before and after: in the lower blocks little has changed, in "
    "the last ones [CLS], which had nothing to say while blanks were filled, now gathers from the words that decide.",
    takes=Text(tokenizer="bert", context=128, before=("[CLS]",), after=("[SEP]",), mask="[MASK]"),
    gives=ClassScores(labels=LABELS),
    probes=(
        *ENCODER,
        Probe("hook_summary", UNITS, "The last block's vector of [CLS], which stands for the whole text."),
        Probe("pooler", UNITS, "One more layer on it: what the classes are read from."),
        Probe("classifier", UNITS, "The scores of the three classes."),
    ),
    claims=(
        Claim("test_accuracy", 93.5, "Table 1, BERT base", "SST-2, two classes", label="test accuracy"),
        Claim(
            "lost_from_left_to_right",
            0.5,
            "Table 5, No NSP beside LTR & No NSP: 92.6 and 92.1",
            "SST-2, two classes",
            label="lost by reading from left to right only",
        ),
    ),
    samples=(
        Sample("thanks", "@united thank you so much, your crew was wonderful and we even landed early!"),
        Sample("a complaint", "@AmericanAir three hours on hold and then you hang up on me. Never again."),
        Sample("news", "Google to test its driverless cars on public roads this summer <url>"),
        Sample("a question", "@JetBlue do you fly from Boston to Austin on Sundays?"),
        Sample("irony", "@USAirways great, my bag is on holiday in Denver and I am not. Well done."),
        Sample("not bad", "Not bad at all, I had expected much worse."),
        Sample("not good", "Not good at all, I had expected much better."),
    ),
    dataset="tweets",
    twin="Pre-trained and fine-tuned with every token seeing only those before it; the last token's vector is read.",
    network="Sentiment",
    penultimate="pooler",
    deviations=(
        "Tweets in three classes; the paper's nearest task, SST-2, has sentences of film reviews in two.",
        "Pre-training has seen the texts, not the labels, of the tweets' training split.",
        "Five passes, batches of 32, a rate of 5e-4 that falls by 0.85 for each block further down, targets smoothed by 0.1, a "
        "tenth of the tokens hidden, and an average of the weights; the paper has 2 to 4 passes at 2e-5 to 5e-5 with dropout "
        "alone. None of it was tuned.",
    ),
)
