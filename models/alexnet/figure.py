"""Fig. 1: the training error by passes through the training set, with ReLUs and with tanh."""

from __future__ import annotations

from models.alexnet.train import MARK, epochs_to_mark, race
from models.figure import MARK as LEVEL
from models.figure import OURS, TWIN, Axis, Figure, Line, lines, rows, ticks

EARLIER = 40, 35  # % training error: marks that both reach


def draw() -> Figure:
    relu, tanh = rows("alexnet", "relu"), rows("alexnet", "twin")
    passes, end = tanh[-1]["epoch"], race(tanh)[-1][1]
    title = f"Training error by passes, with ReLUs and with tanh; the mark is {MARK:g} %"
    svg = lines(
        title,
        Axis("passes through the training set", 0, passes, ticks(passes)),
        Axis("training error, %", 0, 100, (0, 25, 50, 75, 100)),
        [
            Line("ReLUs", race(relu), OURS),
            Line("tanh", race(tanh), TWIN),
            Line(f"{MARK:g} %", [(0, MARK), (passes, MARK)], LEVEL, dashed=True),
        ],
    )
    late = epochs_to_mark(tanh)
    said = f"after {late:.1f}" if late < passes else f"has not got there in {passes:g} passes and ends at {end:.0f} %"
    earlier = (f"at {m} % after {epochs_to_mark(relu, m):.1f} and {epochs_to_mark(tanh, m):.1f}" for m in EARLIER)
    return Figure(
        svg,
        title,
        f"*Fig. 1, redrawn from our race.* The network with ReLUs is at {MARK:g} % training error after "
        f"{epochs_to_mark(relu):.1f} passes; the one with tanh {said}. They are {', '.join(earlier)}. "
        f"In the paper, with another network, ReLUs are six times sooner at {MARK:g} %.",
    )
