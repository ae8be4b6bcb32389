"""Learning representations by back-propagating errors (Rumelhart, Hinton, Williams 1986): a network for digits."""

from models.data.mnist import LABELS, SAMPLES
from models.paper import Claim, ClassScores, Image, Paper, Probe

RETINA = Image(channels=1, size=(28, 28), labels=LABELS)
UNITS = ("batch", "unit")

PAPER = Paper(
    slug="backprop",
    name="Back-propagation",
    title="Learning representations by back-propagating errors",
    authors=("David E. Rumelhart", "Geoffrey E. Hinton", "Ronald J. Williams"),
    year=1986,
    venue="Nature 323, 533-536",
    url="https://doi.org/10.1038/323533a0",
    track="Foundations",
    idea="Send the error back through the network, and units that nobody has given a meaning find one of their own.",
    about="Between what a network is shown and what it should answer stand hidden units, and nobody can say what they "
    "should do. Back-propagation works it out: the chain rule carries the error from the outputs back through every "
    "connection, each weight learns whether more or less of it would help, and all move a little in that direction. The "
    "procedure is the paper's: sigmoid units, squared error, gradient descent with momentum. Here it teaches a single layer of "
    "hidden units to serve ten output units that name handwritten digits. What a hidden unit has come to look for can be "
    "seen by laying its weights back onto the picture. The paper's own network, which learns who is whose aunt in two "
    "family trees, stands beside this one.",
    takes=RETINA,
    gives=ClassScores(labels=LABELS, unit="output, 0 to 1", probability="identity"),
    probes=(
        Probe(
            "hidden",
            UNITS,
            "Total input of each hidden unit: the picture weighed pixel by pixel, plus the bias (Eq. 1).",
        ),
        Probe("hidden_y", UNITS, "Output of each hidden unit: its total input squeezed to between 0 and 1 (Eq. 2)."),
        Probe("output", UNITS, "Total input of each output unit: the hidden units' outputs weighed and added up."),
        Probe("output_y", UNITS, "Output of the ten output units: the right digit's should be 1 and all others 0."),
    ),
    claims=(
        Claim(
            "test_accuracy",
            None,
            "the paper has no digits",
            "symmetry, family trees",
            label="test accuracy",
        ),
        Claim(
            "gain_over_twin",
            None,
            "the paper's argument, without a number",
            "hidden units that learn, against hidden units left at random",
            label="what learning in the hidden layer adds to the test accuracy",
        ),
    ),
    samples=SAMPLES,
    dataset="mnist",
    twin="The hidden layer stays as it was drawn at random: only the weights of the output units learn, so no error travels "
    "back.",
    network="Digits",
    penultimate="hidden_y",
    deviations=(
        "The paper teaches no digits: its networks detect mirror symmetry and complete family relations. The units, the error and "
        "the rule of learning are its own; the data set and the size are ours, and so the PAPER config is the same as SMALL.",
        "Weights change after every 20 digits; the paper names a change after each case or after each sweep through all of them.",
        "The learning rate climbs during the first sweep and then falls to zero in a straight line; the paper's is a constant, or "
        "changes once.",
        "The initial weights lie between -0.05 and 0.05, as a hidden unit here adds up 784 pixels; the paper's symmetry network, "
        "with six inputs, has -0.3 to 0.3.",
        "The twin learns at a sixth of the network's rate: at the same one its output units saturate and it learns nothing.",
        "Sizes and rates were chosen on the last 10,000 training digits; what is shown was then trained on all 60,000.",
    ),
)
