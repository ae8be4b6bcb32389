"""Which methods work on a network, on which of its layers, and why the others do not: found out by trying."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES
from torch import Tensor, nn

from app.interpret.attribution.baselines import crowd
from app.interpret.attribution.kinds import REMEMBERED, build, parts
from app.interpret.attribution.methods import METHODS
from app.interpret.attribution.rules import DeepLift
from app.interpret.copies import undisturbed
from app.interpret.trace import expand
from models.paper import Image, Paper

ADDS_UP = 0.01  # of what is to be explained: the most that DeepLift may miss by
APART = 0.2  # of the picture's side: how far apart the first and last cell of a map must look, at least
LAYERS = (("batch", "channel", "height", "width"), ("batch", "unit"))  # axes of what a method may look at inside
FLOAT = 1e-5  # of the scores: what float32 may lose on top of that


@dataclass(frozen=True)
class Survey:
    """`reasons` says for each absent method why. Layers are probe paths, in the network's order.

    `best` is the layer to begin with: the last whose maps lie over the picture, else the paper's representation, else the
    last.
    """

    reasons: Mapping[str, str]
    layers: Mapping[str, tuple[str, ...]]  # for each method that needs one: the layers on which it works
    best: Mapping[str, str]
    placed: frozenset[str]  # the layers whose maps lie over the picture
    shapes: Mapping[str, tuple[int, ...]]  # of every probe's output, without the batch

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(name for name in METHODS if name not in self.reasons)


def unavailable(module: nn.Module, paper: Paper) -> dict[str, str]:
    """Why methods do not work on a network: a sentence for each that is absent."""
    return dict(survey(module, paper).reasons)


_best: dict[tuple[object, ...], Mapping[str, str]] = {}


def best_layer(module: nn.Module, paper: Paper, method: str) -> str:
    """The layer that a method begins with, remembered for networks of one build. Raises ValueError where none fits."""
    key = build(module, paper)
    if method not in _best.get(key, {}):
        if len(_best) >= REMEMBERED:
            _best.clear()
        _best[key] = survey(module, paper).best
    if method not in _best[key]:
        raise ValueError(f"{method} has no layer to look at in {paper.slug}")
    return _best[key][method]


def survey(module: nn.Module, paper: Paper, x: np.ndarray | None = None) -> Survey:
    """Try a network on a few inputs (x is not used: the answer is the network's, not an input's)."""
    with undisturbed(module):
        flow = _flow(module, paper)
        layers = {
            "LayerGradCam": tuple(p for p in flow.to_score if p in flow.placed),
            "GuidedGradCam": tuple(p for p in flow.to_score if p in flow.placed),
            "LayerConductance": flow.to_score,
            "NeuronConductance": tuple(p for p in flow.to_score if p in flow.from_input),
        }
        reasons = _slopes(module, flow) | _rectifiers(module) | _additions(module, paper)
    if not isinstance(paper.takes, Image):
        reasons["Occlusion"] = "its inputs stand in no order, so there is no window to slide"
    for name, fit in layers.items():
        if not fit and name not in reasons:
            reasons[name] = "no layer inside is reached by the score's slope"
            if name.endswith("GradCam") and not flow.placed:
                reasons[name] = "no layer inside has maps that lie over the picture"
    named = {name: reasons[name] for name in METHODS if name in reasons}
    there = {name: fit for name, fit in layers.items() if name not in named}
    best = {}
    for name, fit in there.items():
        over = [p for p in fit if p in flow.placed]
        best[name] = over[-1] if over else paper.penultimate if paper.penultimate in fit else fit[-1]
    return Survey(named, there, best, frozenset(flow.placed), flow.shapes)


@dataclass(frozen=True)
class _Flow:
    """What the slopes reach: whether the score's reach the input, and between which layers and those two they run."""

    through: bool
    to_score: tuple[str, ...]
    from_input: tuple[str, ...]
    placed: tuple[str, ...]  # layers with maps whose places lie over places of the picture
    shapes: Mapping[str, tuple[int, ...]]


def _inputs(paper: Paper) -> Tensor:
    """Some usual inputs, half of them with noise, so that no activation is quiet by chance."""
    some = torch.from_numpy(crowd(paper, np.empty((1, *paper.sized.shape), np.float32), 8))
    noise = torch.randn(some.shape, generator=torch.Generator().manual_seed(0))
    return torch.cat([some, some + 0.3 * noise])


def _flow(module: nn.Module, paper: Paper) -> _Flow:
    x = _inputs(paper)[::4].requires_grad_()
    outputs: dict[str, Tensor] = {}

    def keep(path: str):
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            outputs[path] = output

        return hook

    modules = dict(module.named_modules())
    probes = expand(module, paper.probes)
    for path in probes:
        modules[path].register_forward_hook(keep(path))  # taken off by `undisturbed`
    with torch.enable_grad():
        scores = module(x)
        weights = torch.randn(scores.shape, generator=torch.Generator().manual_seed(1))
        inner = [
            p
            for p, y in outputs.items()
            if probes[p].axes in LAYERS and not _same(y.abs(), scores.abs()) and not _same(y, x)
        ]
        to_score = _reached(scores * weights, {p: outputs[p] for p in inner})
        from_input = tuple(p for p in inner if _reaches(outputs[p], x))
        through = _reaches(scores * weights, x)
        placed = tuple(p for p in from_input if _over_the_picture(outputs[p], x))
    return _Flow(through, to_score, from_input, placed, {p: tuple(y.shape[1:]) for p, y in outputs.items()})


def _reached(output: Tensor, layers: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The layers with respect to which the slope of the output is anywhere other than zero, all in one pass."""
    known = {p: y for p, y in layers.items() if y.requires_grad}
    if not output.requires_grad or not known:
        return ()
    slopes = torch.autograd.grad(output.sum(), list(known.values()), retain_graph=True, allow_unused=True)
    return tuple(p for p, slope in zip(known, slopes, strict=True) if slope is not None and bool((slope != 0).any()))


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(a, b))


def _reaches(output: Tensor, source: Tensor) -> bool:
    """Whether the slope of the output with respect to the source is anywhere other than zero."""
    if not output.requires_grad:
        return False
    (slope,) = torch.autograd.grad(output.sum(), source, retain_graph=True, allow_unused=True)
    return slope is not None and bool((slope != 0).any())


def _over_the_picture(output: Tensor, x: Tensor) -> bool:
    """Whether the first cell of a layer's maps looks further up and left in the picture than the last cell does."""
    if output.ndim != 4 or x.ndim != 4 or output.shape[2] * output.shape[3] == 1:
        return False
    middles = []
    for cell in (output[:, :, 0, 0], output[:, :, -1, -1]):
        (slope,) = torch.autograd.grad(cell.sum(), x, retain_graph=True)
        weight = slope.abs().sum((0, 1))
        rows, columns = weight.sum(1), weight.sum(0)
        middles += [(r * torch.arange(len(r))).sum() / (r.sum() * len(r)) for r in (rows, columns)]
    down, across = middles[2] - middles[0], middles[3] - middles[1]
    return bool((down > APART) | (output.shape[2] == 1)) and bool((across > APART) | (output.shape[3] == 1))


def _slopes(module: nn.Module, flow: _Flow) -> dict[str, str]:
    if flow.through:
        return {}
    flat = sorted({type(m).__name__ for m in module.modules() if not getattr(m, "differentiable", True)})
    why = f": {' and '.join(flat)} has no slope" if flat else ""
    reason = f"the score's slope with respect to the input is zero everywhere{why}"
    needing = ("Saliency", "InputXGradient", "IntegratedGradients", "GradientShap", "GuidedBackprop", "Deconvolution")
    return dict.fromkeys((*needing, "GuidedGradCam", "NeuronConductance"), reason)


def _rectifiers(module: nn.Module) -> dict[str, str]:
    if any(isinstance(m, nn.ReLU) for m in module.modules()):
        return {}
    return dict.fromkeys(
        ("GuidedBackprop", "Deconvolution", "GuidedGradCam"),
        "the network has no ReLU, and it is ReLUs that this method changes",
    )


def _additions(module: nn.Module, paper: Paper) -> dict[str, str]:
    """DeepLift and LRP need a rule for every part, and nothing that matters to happen between the parts."""
    found, fine = parts(module, paper), parts(module, paper, fine=True)
    lift = [p.type for p in fine if p.kind == "other" and _class(module, p.path) not in SUPPORTED_NON_LINEAR]
    lrp = [
        p.type
        for p in found
        if p.kind in ("known", "other") and _class(module, p.path) not in SUPPORTED_LAYERS_WITH_RULES
    ]
    reasons: dict[str, str] = {}
    if lift or not _lift_adds_up(module, paper):
        reasons |= dict.fromkeys(("DeepLift", "DeepLiftShap"), _missing(lift))
    if lrp or not _is_chain(module, paper):
        reasons["LRP"] = _missing(lrp)
    return reasons


def _class(module: nn.Module, path: str) -> type:
    return type(module.get_submodule(path))


def _missing(types: list[str]) -> str:
    if types:
        return f"there is no rule for {' and '.join(dict.fromkeys(types))}"
    return "the network computes something outside of its modules, where this method cannot follow"


def _lift_adds_up(module: nn.Module, paper: Paper) -> bool:
    x, other = _inputs(paper).chunk(2)
    with torch.no_grad():
        scores = module(x)
    for target in range(min(2, len(paper.scores.labels))):
        found, delta = DeepLift(module, parts(module, paper, fine=True)).attribute(
            x.clone().requires_grad_(), other, target=target, return_convergence_delta=True
        )
        change = found.flatten(1).sum(1) - delta
        if (delta.abs() > ADDS_UP * change.abs().max() + FLOAT * (1 + scores.abs().max())).any():
            return False
    return True


def _is_chain(module: nn.Module, paper: Paper) -> bool:
    """Whether each part is given just what the part before it put out, in whatever shape: what LRP's hooks rely on."""
    found = [module.get_submodule(p.path) for p in parts(module, paper)]
    runs: list[tuple[Tensor, Tensor]] = []
    for part in found:  # taken off by `undisturbed`
        part.register_forward_hook(lambda _module, inputs, output: runs.append((inputs[0], output)))
    carried = _inputs(paper)
    with torch.no_grad():
        scores = module(carried)
    for given, output in runs:
        if not _same_numbers(given, carried):
            return False
        carried = output
    return len(runs) == len(found) and _same_numbers(carried, scores)


def _same_numbers(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors hold the same numbers other than zero, in whatever order."""
    return torch.equal(a[a != 0].sort().values, b[b != 0].sort().values)
