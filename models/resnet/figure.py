"""Fig. 6 in small: the error of plain and residual nets of 20 and 56 layers by training step."""

from __future__ import annotations

from models.figure import OURS, TWIN, Figure, Line, across, curve, lines, measured, upward
from models.resnet.train import LOOKED

KINDS = {"plain": TWIN, "resnet": OURS}
DEPTHS = 20, 56


def draw() -> Figure:
    drawn = [
        Line(
            f"{'plain' if kind == 'plain' else 'residual'}, {depth} layers",
            [(step, 100 - accuracy) for step, accuracy in curve("resnet", f"{kind}_{depth}", "test_accuracy")],
            colour,
            dashed=depth == DEPTHS[0],  # thin in the paper
        )
        for kind, colour in KINDS.items()
        for depth in DEPTHS
    ]
    end = max(line.points[-1][0] for line in drawn)
    title = "Test error by training step of plain and residual nets of 20 and 56 layers"
    svg = lines(title, across("training steps", end), upward("test error, %", 100), drawn)
    errors = {
        (kind, depth): measured("resnet", f"{kind}_{depth}_brief_error").value for kind in KINDS for depth in DEPTHS
    }
    table = ["| test error at the end | 20 layers | 56 layers |", "|---|---|---|"]
    for kind, name in (("plain", "plain net"), ("resnet", "residual net")):
        table.append(f"| {name} | {errors[kind, 20]:.1f} % | {errors[kind, 56]:.1f} % |")
    samples = measured("resnet", "plain_20_brief_error").samples
    return Figure(
        svg,
        title,
        f"*Fig. 6, in small*: {end:,.0f} steps where the paper has 64,000. Thirty-six layers more cost the plain net "
        f"{errors['plain', 56] - errors['plain', 20]:.1f} points, the residual one "
        f"{errors['resnet', 56] - errors['resnet', 20]:.1f}; in the paper the residual net gains by them. "
        f"(The curves are over {LOOKED:,} test pictures, the table is over all {samples:,}.)\n\n" + "\n".join(table),
    )
