"""Fig. 7, right: how far apart the patches are that a layer's heads bring together, by depth."""

from __future__ import annotations

from models import build
from models.figure import MARK, OURS, THIRD, TWIN, Axis, Figure, Line, lines, measured, upward
from models.vit.model import SMALL, ViT
from models.vit.train import apart

HEADS = {
    "_farthest": ("least local head", TWIN),
    "": ("mean of the heads", OURS),
    "_nearest": ("most local head", THIRD),
}


def draw() -> Figure:
    depth = range(SMALL.layers)
    found = {k: [(i, measured("vit", f"attention_distance_{i}{k}").value) for i in depth] for k in HEADS}
    module = build("vit")
    assert isinstance(module, ViT)
    alike = apart(module).mean().item()  # of a head that looks at all patches alike
    title = "Mean attention distance of the most and the least local head of every layer"
    svg = lines(
        title,
        Axis("layer", 0, depth[-1], tuple(depth)),
        upward("mean attention distance, pixels", alike),
        [
            *(Line(name, found[kind], colour, dots=True) for kind, (name, colour) in HEADS.items()),
            Line("all patches alike", [(0, alike), (depth[-1], alike)], MARK, dashed=True),
        ],
    )
    low, high = min(v for _, v in found["_nearest"]), max(v for _, v in found["_farthest"])
    first, last = (found[""][i][1] for i in (0, -1))
    return Figure(
        svg,
        title,
        f"*Fig. 7, right, redrawn.* The most local of all heads reaches {low:.1f} pixels far, the least local {high:.1f}; "
        f"a head that looks at all patches alike would have {alike:.1f}. The mean over a layer's heads is {first:.1f} in the first "
        f"and {last:.1f} in the last. In the paper some heads of the first layers look only at what is near, "
        "and the distance grows with depth.",
    )
