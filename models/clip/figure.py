"""After Fig. 2: how soon the right name is found, by contrast with captions and by a softmax over a list of names."""

from __future__ import annotations

from models.figure import OURS, TWIN, Figure, Line, across, curve, lines, measured, upward


def draw() -> Figure:
    clip, twin = (curve("clip", which, "test_accuracy") for which in ("model", "twin"))
    found = [measured("clip", f"{name}test_accuracy").value for name in ("", "twin_")]
    title = "The right name of all names found, by training step: CLIP and its twin, a classifier"
    svg = lines(
        title,
        across("training steps", max(clip[-1][0], twin[-1][0])),
        upward("right name found, %", max(clip[-1][1], twin[-1][1])),
        [Line("contrast with captions", clip, OURS), Line("classifier (twin)", twin, TWIN)],
    )
    return Figure(
        svg,
        title,
        "*After Fig. 2*, where contrast needs fewer pictures than predicting the words of a caption does; our twin "
        f"names it, from a closed list. After {clip[-1][0]:,.0f} steps CLIP finds {found[0]:.1f} % of the held-out drawings' "
        f"names, the classifier {found[1]:.1f} %.",
    )
