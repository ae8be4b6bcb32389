"""Fig. 5: training and test error by passes through the training set."""

from __future__ import annotations

from models.figure import OURS, TWIN, Axis, Figure, Line, lines, measured, rows, ticks, upward


def draw() -> Figure:
    found = [row for row in rows("lenet5", "model") if row["epoch"] >= 1]
    test, train = (
        [(row["epoch"], 100 - row[f"{split}_accuracy"]) for row in found] for split in ("test", "train")
    )  # fmt: skip
    errors = [measured("lenet5", name).value for name in ("test_error", "train_error")]
    title = "Error on the training and on the test digits by passes, from the first pass on"
    svg = lines(
        title,
        Axis("passes through the training digits", 0, found[-1]["epoch"], ticks(found[-1]["epoch"])),
        upward("error, %", max(error for _, error in test + train)),
        [Line("test digits", test, OURS), Line("training digits", train, TWIN)],
    )
    return Figure(
        svg,
        title,
        f"*Fig. 5, redrawn.* After {found[-1]['epoch']:g} passes {errors[0]:.2f} % of the test digits are read wrongly and "
        f"{errors[1]:.2f} % of the training digits, shown as they are, without distortion.",
    )
