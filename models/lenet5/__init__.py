"""LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998)."""

from __future__ import annotations

from models.data.mnist import LABELS, SAMPLES
from models.paper import Claim, ClassScores, Image, Paper, Probe

MAPS = ("batch", "channel", "height", "width")
UNITS = ("batch", "unit")

# Section II.B: "the background level (white) corresponds to a value of -0.1 and the foreground (black) corresponds to 1.175"
GROUND, INK = -0.1, 1.175
PICTURE = Image(channels=1, size=(32, 32), labels=LABELS, mean=(-GROUND / (INK - GROUND),), std=(1 / (INK - GROUND),))
PAPER = Paper(
    slug="lenet5",
    name="LeNet-5",
    title="Gradient-Based Learning Applied to Document Recognition",
    authors=("Yann LeCun", "Léon Bottou", "Yoshua Bengio", "Patrick Haffner"),
    year=1998,
    venue="Proceedings of the IEEE 86(11), 2278-2324",
    url="https://doi.org/10.1109/5.726791",
    track="Foundations",
    idea="Build what we know of pictures into the network: the same small kernels look everywhere, each layer cares a little "
    "less where exactly a stroke lies, and one gradient teaches it all, from pixels to classes.",
    about="Six kernels of 5x5 slide over the picture and mark where their stroke is (C1). Subsampling halves each of the six "
    "maps and keeps roughly where (S2). Sixteen maps look for arrangements of strokes, each in its own choice of the six (C3), "
    "and are halved again (S4). 120 units read the whole (C5), and 84 units draw what they have read as a tidy digit of 7x12 "
    "points (F6). The class whose hand-drawn bitmap lies nearest to that picture wins. Since a kernel is used at every position, "
    "60,000 numbers to learn serve some 340,000 connections, and what is learnt in one place is known in all.",
    takes=PICTURE,
    gives=ClassScores(labels=LABELS, unit="negative squared distance", probability="softmax"),
    probes=(
        Probe(
            "C1",
            MAPS,
            "Six kernels of 5x5 at every position of the picture: weighted sums, each for one kind of stroke.",
        ),
        Probe("C1_squash", MAPS, "The six maps of C1 after squashing: the sums pressed between -1.72 and 1.72."),
        Probe("S2", MAPS, "Each 2x2 square of a C1 map added up, times one coefficient, plus one bias: half the size."),
        Probe("S2_squash", MAPS, "The six halved maps after squashing: what C3 sees."),
        Probe("C3", MAPS, "Sixteen maps; each looks at 5x5 windows of three, four or all six maps of S2 (Table I)."),
        Probe(
            "C3_squash", MAPS, "The sixteen maps of C3 after squashing: where each arrangement of strokes was found."
        ),
        Probe("S4", MAPS, "Each 2x2 square of a C3 map added up, times one coefficient, plus one bias: 5x5 positions."),
        Probe("S4_squash", MAPS, "The sixteen 5x5 maps after squashing: all that C5 is told about the picture."),
        Probe("C5", MAPS, "120 units, each with a kernel as large as S4's maps: it sees the whole picture at once."),
        Probe("C5_squash", MAPS, "The 120 units of C5 after squashing."),
        Probe("F6", UNITS, "84 weighted sums of C5's units, one for every point of a 7x12 picture."),
        Probe("F6_squash", UNITS, "The 84 units of F6 after squashing: near +1 for ink and near -1 for ground."),
        Probe("F6_picture", MAPS, "The same 84 units laid out as the 7x12 picture that they draw of the digit."),
        Probe(
            "output.rbf",
            UNITS,
            "The squared distance of that picture to each class's bitmap: 0 would be a perfect copy.",
        ),
        Probe(
            "output", UNITS, "The scores: the distances with a minus sign, so that the nearest class is the largest."
        ),
    ),
    claims=(
        Claim(
            "test_error",
            0.8,
            "section III.B, trained on distorted digits; 0.95 without distortions",
            "MNIST",
            better="lower",
            label="test error",
        ),
        Claim(
            "train_error",
            0.35,
            "section III.B, after 19 passes without distortions",
            "MNIST",
            better="lower",
            label="error on the undistorted training digits",
        ),
    ),
    samples=SAMPLES,
    dataset="mnist",
    twin="No weight sharing: the units of C1 and C3 look at the same windows, but each has kernels of its own.",
    penultimate="F6_squash",
    deviations=(
        "Squashing follows every layer up to F6, C1 and C3 included. Section II.B says so of all units up to F6 (Eq. 5), and "
        "section II.A of convolutions; where the layers are described one by one, only S2's is mentioned, and some later "
        "copies of the network have none after C1 and C3.",
        "Trained by Adam on batches of 64, with a learning rate that rises for a tenth of the training and then falls to zero; "
        "the paper goes example by example, with a step size of its own for each weight from second derivatives "
        "(stochastic diagonal Levenberg-Marquardt, appendix C). Both make 20 passes.",
        "Distorted digits are drawn anew each time one is shown, nine times of ten; the paper adds 540,000 made beforehand to "
        "the 60,000. It names the kinds of distortion and not their sizes: ours are a tenth in scale and squeeze, a quarter in "
        "shear, two pixels in place.",
        "The ten bitmaps are drawn by us in the manner of Fig. 3, not copied from it point by point; as in the paper they are "
        "fixed.",
        "The constant j of Eq. 9, which the paper leaves open, is 10. It and the rest of the recipe were chosen on the last 5,000 "
        "training digits; what is shown was then trained on all 60,000.",
    ),
)
