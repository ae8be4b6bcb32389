"""After Fig. 5: what is learnt by step from hidden tokens, with both sides in view, and from left to right."""

from __future__ import annotations

from models.bert.train import LENGTH, LONG, SHORT, STEPS
from models.figure import OURS, TWIN, Figure, Line, across, curve, lines, measured, upward


def draw() -> Figure:
    both, left = (curve("bert", which, "test_accuracy") for which in ("model", "twin"))
    found = [measured("bert", name).value for name in ("masked_accuracy", "twin_next_accuracy")]
    title = "Held-out tokens found, by training step: with both sides in view, and with the left side alone"
    svg = lines(
        title,
        across("training steps", max(both[-1][0], left[-1][0])),
        upward("tokens found, %", both[-1][1]),
        [Line("both sides", both, OURS), Line("left side alone (twin)", left, TWIN)],
    )
    behind = max(i for i, ((_, a), (_, b)) in enumerate(zip(both, left, strict=True)) if a <= b)
    return Figure(
        svg,
        title,
        "*After Fig. 5*, which has the accuracy of a task that is learnt afterwards; here it is the share of the same held-out "
        f"tokens that are found. At the end {found[0]:.1f} % with both sides in view and {found[1]:.1f} % with the left side "
        f"alone; the model is ahead from step {both[behind + 1][0]:,.0f} on. "
        f"Windows have {LENGTH} tokens up to step {SHORT * STEPS:,.0f}, from there on some have {LONG}, as those that are asked.",
    )
