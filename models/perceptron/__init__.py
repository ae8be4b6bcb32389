"""The perceptron (Rosenblatt 1958)."""

from models.data.mnist import LABELS, SAMPLES
from models.paper import Claim, Image, Paper, Probe, Responses

RETINA = Image(channels=1, size=(28, 28), labels=LABELS, binary=True)

PAPER = Paper(
    slug="perceptron",
    name="Perceptron",
    title="The perceptron: a probabilistic model for information storage and organization in the brain",
    authors=("Frank Rosenblatt",),
    year=1958,
    venue="Psychological Review 65(6), 386-408",
    url="https://doi.org/10.1037/h0042519",
    track="Foundations",
    idea="A machine wired at random can be taught to see: leave it alone while its answers are right, and after each "
    "wrong one change a little the connections that were active.",
    about="A retina of on/off points sends impulses to association units (A-units) through connections drawn at random and "
    "never changed: some excite, some inhibit, and a unit fires, all or nothing, when enough of them arrive. Response units "
    "(R-units) add up the values of the active A-units, and only these values learn. Here ten response units learn the ten "
    "digits by error correction: a wrong answer adds a little to the values that lead from the active A-units to the right "
    "response and takes as much from those that lead to the wrong one. If any values are right for all examples, this finds "
    "such values after finitely many corrections; here it found them for all 60,000 training digits. No gradient is "
    "involved, and there is none: an all-or-nothing unit has slope zero, so that saliency and all its kin see nothing, while "
    "methods that cover up parts of the picture and look at the answer work.",
    takes=RETINA,
    gives=Responses(labels=LABELS, unit="net input"),
    probes=(
        Probe("S", ("batch", "channel", "height", "width"), "The retina: points that are on or off."),
        Probe(
            "S_A",
            ("batch", "unit"),
            "What arrives at each association unit: excitatory minus inhibitory impulses, from 2 and 4 retina points.",
        ),
        Probe("A", ("batch", "unit"), "The association units: 1 where at least one impulse is left over, else 0."),
        Probe("R", ("batch", "unit"), "The response units: the sum of the values of the active association units."),
    ),
    claims=(
        Claim(
            "test_accuracy",
            None,
            "it is theory",
            "no digits",
            label="test accuracy",
        ),
        Claim(
            "training_errors",
            0,
            "not in the paper: the convergence theorem, Principles of Neurodynamics (1962), chapter 5",
            "any classes that some values separate",
            better="lower",
            label="training examples still wrong after error correction",
        ),
        Claim(
            "hard_pair_errors",
            0,
            "the same theorem",
            "two separable classes; here 3 against 5",
            better="lower",
            label="two classes, errors in the last sweep",
        ),
    ),
    samples=SAMPLES,
    dataset="mnist",
    twin="No association layer: every retina point is connected to every response unit, and learns by the same rule for as "
    "many sweeps.",
    penultimate="A",
    deviations=(
        "Values are changed only after a wrong answer. The paper analyses reinforcement after every stimulus (its alpha, beta "
        "and gamma systems); correcting errors alone, and the proof that this converges, came in 1960 to 1962.",
        "Ten response units of which the one with the largest net input answers; the paper has them inhibit each other until "
        "one is left.",
        "One layer of association units, with connections that cluster about a centre as the paper draws them for its "
        "projection area, straight to the response units; the paper puts a second, wholly random layer between, and allows "
        "either to be left out.",
        "4,000 association units and a retina of 28x28 points; the machine that was built, the Mark I of 1960, had 512 and "
        "20x20 (our PAPER config).",
        "No time, no noise, no decay: impulses arrive at once and values stay until they are corrected.",
        "The probabilities shown are a softmax of the net inputs; a perceptron states none. One correction counts 1/128 in a "
        "net input, which changes no answer, only how sure the bars look.",
    ),
)
