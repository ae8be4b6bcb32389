"""When its heads came about: the strongest previous-token head and the strongest induction head by training step.

The paper has no such figure: it is that of Olsson et al. 2022, "In-context Learning and Induction Heads".
"""

from __future__ import annotations

from models.figure import OURS, TWIN, Axis, Figure, Line, across, curve, lines


def draw() -> Figure:
    before, after = (curve("gpt2", "model", f"{kind}_score") for kind in ("previous_token", "induction"))
    title = "Mean attention of the strongest previous-token head and the strongest induction head, by training step"
    svg = lines(
        title,
        across("training steps", before[-1][0]),
        Axis("mean attention, logarithmic", 0.001, 1, (0.001, 0.01, 0.1, 1), log=True),
        [Line("previous-token head", before, OURS), Line("induction head", after, TWIN)],
    )
    half = next(step for step, score in before if score >= before[-1][1] / 2)
    late = next(step for step, score in after if score >= after[-1][1] / 2)
    return Figure(
        svg,
        title,
        "*When the heads came about* (not in the paper; after Olsson and others 2022): the mean attention of the strongest "
        f"head of each kind on random tokens that repeat. The previous-token head, on which the other builds, ends at "
        f"{before[-1][1]:.2f} "
        f"and has half of that at step {half:,.0f}; the induction head ends at {after[-1][1]:.2f}, with half at step {late:,.0f}.",
    )
