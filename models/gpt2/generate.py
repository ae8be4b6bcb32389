"""Text from the trained network: each token drawn from the most likely ones, then read as part of what came before.

python -m models.gpt2.generate                  write the note's twenty continuations anew
python -m models.gpt2.generate "It was a dark"  continue a text
"""

from __future__ import annotations

import re
import sys

import torch
from torch import Tensor, nn

from models import notes, restore, tokens
from models.gpt2 import CONTEXT, END

SLUG = "gpt2"
COUNT, GIVEN, LENGTH = 20, 48, 112  # continuations in the note, tokens given of each, tokens drawn
TEMPERATURE, TOP = (
    0.8,
    40,
)  # scores are divided by the one, and all but the best so many left out (the paper takes 40 too)
SEED = 0
START, FINISH = "<!-- continuations: python -m models.gpt2.generate -->", "<!-- /continuations -->"


@torch.no_grad()
def generate(
    module: nn.Module, ids: Tensor, length: int, temperature: float = TEMPERATURE, top: int = TOP, seed: int = SEED
) -> Tensor:
    """ids (n, t) -> (n, t + length). Always the same for a seed. No more than CONTEXT tokens are looked back on."""
    order = torch.Generator().manual_seed(seed)
    for _ in range(length):
        scores = module(ids[:, -CONTEXT:])[:, -1] / temperature  # (n, V)
        values, which = scores.topk(min(top, scores.shape[1]))
        drawn = torch.multinomial(values.softmax(1), 1, generator=order)
        ids = torch.cat([ids, which.gather(1, drawn)], 1)
    return ids


def continuations(rows: Tensor) -> str:
    """Markdown: the beginnings of COUNT held-out windows (n, 256), evenly spaced, each with what the network adds to it."""
    given = rows[:: max(1, len(rows) // COUNT)][:COUNT, :GIVEN]
    start = torch.full((len(given), 1), tokens.special(SLUG, END))
    drawn = generate(restore(SLUG), torch.cat([start, given], 1), LENGTH)[:, 1 + GIVEN :]
    lines = []
    for number, (before, after) in enumerate(zip(given.tolist(), drawn.tolist(), strict=True), 1):
        shown = (" ".join(re.sub(r"[*_]", "", tokens.decode(SLUG, part)).split()) for part in (before, after))
        first, then = (part.replace("<", "&lt;").replace("|", "&#124;") for part in shown)
        lines.append(f"{number}. {first} **{then}**")
    return "\n".join(lines)


def write_continuations(rows: Tensor) -> None:
    """Put them into the note, between its marks."""
    file = notes.path(SLUG)
    head, rest = file.read_text("utf8").split(START, 1)
    file.write_text(f"{head}{START}\n{continuations(rows)}\n{FINISH}{rest.split(FINISH, 1)[1]}", "utf8")


def main(arguments: list[str]) -> None:
    if not arguments:
        from models.gpt2.train import windows

        write_continuations(windows("test")[:, 1:])
        return
    ids = torch.tensor([tokens.encode(SLUG, END + " ".join(arguments))])
    print(tokens.decode(SLUG, generate(restore(SLUG), ids, CONTEXT - ids.shape[1])[0].tolist()).removeprefix(END))


if __name__ == "__main__":
    main(sys.argv[1:])
