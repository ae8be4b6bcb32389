"""What a network says midway, at every layer and place: what is shown of it, and what is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.components.answer import names
from app.components.answers import percent
from app.components.strip import sides
from app.figures.words import label, labels
from app.interpret.logit_lens import Course, Reading
from app.view import Visit
from models.paper import Image

FEW = 5  # answers told under the pointer


@dataclass(frozen=True)
class Midway:
    """What was read, what is shown of it ("top", "share" or "rank"), and what is chosen."""

    visit: Visit
    of: str
    show: str
    found: Reading
    way: Course
    row: int
    place: int
    target: int

    @property
    def rows(self) -> list[str]:
        """ "embedding", "0 attention", "0 MLP": what the stream was given last."""
        return [name.replace(".", " ") for name in self.found.rows]

    @property
    def corner(self) -> str:
        """What the rows are, over their names."""
        return "stream after" if self.of == "resid" else "part"

    def where(self, row: int) -> str:
        """A row in a sentence: "after layer 3's MLP", "in layer 3's attention alone"."""
        layer, _, part = self.found.rows[row].partition(".")
        name = f"layer {layer}'s {part}" if part else f"the {layer}"
        return f"after {name}" if self.of == "resid" else f"in {name} alone"

    @property
    def columns(self) -> list[str]:
        """A name for every place: its token, or where its patch lies."""
        if isinstance(self.visit.paper.takes, Image):
            where = (divmod(i, self.side) for i in range(self.side**2))
            return ["class token", *(f"patch {y + 1},{x + 1}" for y, x in where)]
        return labels([token.text for token in sides(self.visit)[-1]])

    @property
    def side(self) -> int:
        """How many patches a picture is wide; the class token stands in front of them."""
        return round((self.found.ids.shape[1] - 1) ** 0.5)

    @property
    def called(self) -> str:
        """The chosen answer."""
        return names(self.visit.paper)[self.target]

    @property
    def size(self) -> int:
        return len(names(self.visit.paper))

    def colours(self) -> np.ndarray:
        """(rows, places) in 0..1: a probability; or, for ranks, 1 for the first down to 0 for the last, by its logarithm."""
        if self.show == "top":
            return self.found.shares[:, :, 0]
        return self.way.shares if self.show == "share" else 1 - np.log(self.way.ranks) / np.log(self.size)

    def texts(self) -> np.ndarray:
        """(rows, places): what stands in each cell."""
        if self.show == "top":
            plain = np.array(
                [label(name.removeprefix("“").removesuffix("”")) for name in names(self.visit.paper)], object
            )
            return plain[self.found.ids[:, :, 0]]
        if self.show == "rank":
            return self.way.ranks.astype(object).astype(str)
        return np.char.mod("%.0f", 100 * self.way.shares).astype(object)

    def title(self, row: int, place: int) -> str:
        """What shows under the pointer: the first few answers of a cell, and the chosen one."""
        called, few = names(self.visit.paper), range(min(FEW, self.found.ids.shape[2]))
        best = ", ".join(
            f"{called[int(self.found.ids[row, place, k])]} {percent(float(self.found.shares[row, place, k]))}"
            for k in few
        )
        own = f"{self.called} {percent(float(self.way.shares[row, place]))}, number {self.way.ranks[row, place]:,}"
        return f"{self.rows[row]}, {self.columns[place]}: {best}; {own}"

    def code(self) -> str:
        source = repr(self.visit.source) if isinstance(self.visit.source, str) else '"picture.png"'
        return (
            "import models\nfrom app.interpret.logit_lens import course, reading\n\n"
            f'net = models.load("{self.visit.paper.slug}")\nx = net.paper.takes.parse({source})\n'
            f'print(reading(net.module, net.paper, x, of="{self.of}"))\n'
            f'print(course(net.module, net.paper, x, target={self.target}, of="{self.of}"))'
        )

    def numbers(self) -> dict[str, np.ndarray]:
        found, way = self.found, self.way
        return {"ids": found.ids, "probabilities": found.shares, "chosen": way.shares, "ranks": way.ranks}
