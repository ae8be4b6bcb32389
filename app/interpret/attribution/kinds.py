"""What each part of a network does to its input, found out by trying: DeepLift and LRP need a rule for every part.

A part is the largest submodule that is one of these:

    affine       f(a + b - c) = f(a) + f(b) - f(c): convolutions, dense layers, pooling by mean, reshaping
    elementwise  each output depends on the input at the same place alone: activations, thresholds
    additive     f_k(x) = f_k(0) + sum_i g_ki(x_i): radial basis functions
    known        none of these, but Captum has a rule for it: maximum pooling, softmax
    other        none of these
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES, SUPPORTED_NON_LINEAR_LAYERS
from torch import Tensor, nn

from models.paper import Paper

Kind = Literal["affine", "elementwise", "additive", "known", "other"]
CLOSE = 1e-4  # relative to the largest value: float32 leaves 1e-6 or so, a wrong guess 1e-1
WIDEST = 1024  # inputs of a part that is tried for being additive, one input at a time
REMEMBERED = 64  # networks


@dataclass(frozen=True)
class Part:
    """A submodule by path, its kind and the name of its class."""

    path: str
    kind: Kind
    type: str


_known: OrderedDict[object, tuple[Part, ...]] = OrderedDict()


def parts(module: nn.Module, paper: Paper, fine: bool = False) -> tuple[Part, ...]:
    """The parts of a network in the order in which it declares them. Found once for networks of the same build.

    `fine` takes additive parts apart where parts inside of them will do: cheaper, for methods that only see activations.
    """
    key = (fine, *build(module, paper))
    found = _known.get(key)
    if found is None:
        found = _known[key] = _parts(module, paper, fine)
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return found


def build(module: nn.Module, paper: Paper) -> tuple[object, ...]:
    """What networks of the same build have in common, their weights aside."""
    return (paper.slug, *((path, type(m)) for path, m in module.named_modules()))


@torch.no_grad()
def _parts(module: nn.Module, paper: Paper, fine: bool) -> tuple[Part, ...]:
    shapes: dict[str, torch.Size] = {}

    def keep(path: str):
        def hook(_module: nn.Module, inputs: tuple[object, ...], _output: object) -> None:
            if len(inputs) == 1 and isinstance(inputs[0], Tensor):
                shapes[path] = inputs[0].shape[1:]

        return hook

    handles = [m.register_forward_hook(keep(path)) for path, m in module.named_modules() if path]
    try:
        module(torch.zeros(1, *paper.sized.shape))
    finally:
        for handle in handles:
            handle.remove()
    found: list[Part] = []
    _divide(module, "", shapes, found, fine)
    return tuple(found)


def _divide(module: nn.Module, path: str, shapes: dict[str, torch.Size], found: list[Part], fine: bool) -> None:
    """Append the parts below `module` (itself never, even where it is all affine: methods hook below the root)."""
    for name, child in module.named_children():
        where = f"{path}.{name}" if path else name
        if where not in shapes and not any(s.startswith(where + ".") for s in shapes):
            continue  # the forward pass never reached it
        kind = "other" if isinstance(child, nn.Sequential) else _kind(child, shapes.get(where))
        inside: list[Part] = []
        if kind == "other" or (fine and kind == "additive"):
            _divide(child, where, shapes, inside, fine)
        if inside and (kind == "other" or all(part.kind != "other" for part in inside)):
            found += inside
        else:
            found.append(Part(where, kind, type(child).__name__))


def _kind(module: nn.Module, shape: torch.Size | None) -> Kind:
    if shape is None:
        return "other"
    generator = torch.Generator().manual_seed(0)
    try:
        x = torch.randn(4, *shape, generator=generator)
        y = module(x)
        if not isinstance(y, Tensor) or not torch.isfinite(y).all():
            return "other"
        if _affine(module, x, y):
            return "affine"
        if _elementwise(module, x, y, generator):
            return "elementwise"
        if _additive(module, x, y):
            return "additive"
    except (RuntimeError, TypeError, IndexError):  # it takes no such input: indices, more than one argument
        return "other"
    types = (*SUPPORTED_NON_LINEAR, *SUPPORTED_LAYERS_WITH_RULES, *SUPPORTED_NON_LINEAR_LAYERS)
    return "known" if type(module) in types else "other"


def _near(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= CLOSE * (1 + b.abs().max()))


def _affine(module: nn.Module, x: Tensor, y: Tensor) -> bool:
    return _near(module(3 * (x[:1] + x[1:2] - x[2:3])), 3 * (y[:1] + y[1:2] - y[2:3]) - 2 * module(0 * x[:1]))


def _elementwise(module: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> bool:
    """Whether replacing some of the input leaves the output at all other places exactly as it was, whoever is replaced."""
    if y.shape != x.shape:
        return False
    for _ in range(3):
        replaced = torch.rand(x.shape, generator=generator) < 0.5
        if ((module(torch.where(replaced, x.roll(1, 0), x)) - y)[~replaced] != 0).any():
            return False
    return True


def _additive(module: nn.Module, x: Tensor, y: Tensor) -> bool:
    if x[0].numel() > WIDEST:
        return False
    return _near(contributions(module, x[:2]).sum(1) + module(0 * x[:1]).flatten(1), y[:2].flatten(1))


def contributions(module: nn.Module, x: Tensor) -> Tensor:
    """What each input i alone adds to each output k of an additive part, f_k(x_i e_i) - f_k(0): (n, ...) -> (n, i, k)."""
    n, width = len(x), x[0].numel()
    alone = torch.diag_embed(x.flatten(1)).view(n * width, *x.shape[1:])
    return (module.forward(alone) - module.forward(0 * x[:1])).view(n, width, -1)  # past the hooks that may be on it
