"""Fig. 5: how much weight each layer gives to what each layer before it made."""

from __future__ import annotations

import numpy as np

from models import restore
from models.densenet.model import DenseNet
from models.figure import Figure, tables


def draw() -> Figure:
    module = restore("densenet")
    assert isinstance(module, DenseNet)
    found = [table.astype(np.float64) for table in module.reuse()]
    size = len(found[0])
    title = "The mean absolute weight that each layer of a block gives to each source of its maps"
    svg = tables(
        title,
        {f"block {i}": table.tolist() for i, table in enumerate(found, 1)},
        ["given", *(f"layer {i}" for i in range(1, size))],
        [*(str(i) for i in range(1, size)), "end"],
        "made by",
        "read by layer",
    )
    oldest = [100 * table[0, -1] / table[-1, -1] for table in found]  # what is read at the end of a block
    return Figure(
        svg,
        title,
        "*Fig. 5, redrawn.* Each square is the mean absolute weight that a layer (across) gives to the maps that a source (down) "
        'made, in % of the largest of its block; "given" is what the block began with, "end" the transition or the '
        f"classifier behind it. The two transitions give the oldest maps {oldest[0]:.0f} and {oldest[1]:.0f} % of the weight "
        f"of the newest; the classifier gives {oldest[2]:.0f} %.",
    )
