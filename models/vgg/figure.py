"""Section 4.1: the test error by step of the deep network and of its shallow twin, whose single kernels see as far."""

from __future__ import annotations

from models.figure import OURS, TWIN, Figure, Line, across, curve, lines, measured, upward


def draw() -> Figure:
    deep, shallow = (
        [(step, 100 - accuracy) for step, accuracy in curve("vgg", which, "test_accuracy")]
        for which in ("model", "twin")
    )
    title = "Test error by training step, of stacks of 3x3 and of single kernels that see as far"
    svg = lines(
        title,
        across("training steps", max(deep[-1][0], shallow[-1][0])),
        upward("test error, %", 100),
        [Line("stacks of 3x3", deep, OURS), Line("single kernels (twin)", shallow, TWIN)],
    )
    errors = [measured("vgg", name).value for name in ("test_error", "twin_test_error")]
    return Figure(
        svg,
        title,
        f"*Section 4.1, redrawn as a curve.* At the end {errors[0]:.1f} % with stacks of 3x3 and {errors[1]:.1f} % with single "
        f"kernels, {errors[1] - errors[0]:.1f} points more.",
    )
