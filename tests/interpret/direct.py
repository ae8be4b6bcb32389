"""The same questions put to Captum alone, with the same settings, as a notebook would: for comparing numbers and time.

LRP, and DeepLift on networks with activations of their own, are Captum's with our rules: without them it stops, or hands
back slopes where it should hand back differences.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import captum.attr as captum
import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR
from captum.attr._core.lime import get_exp_kernel_similarity_function
from torch import Tensor, nn

from app.interpret.attribution import METHODS
from app.interpret.attribution.baselines import baseline, crowd, patches, side
from app.interpret.attribution.kinds import parts
from app.interpret.attribution.rules import LRP, DeepLift, DeepLiftShap
from app.interpret.attribution.survey import best_layer
from models.paper import Paper


def attribute(
    net: nn.Module,
    paper: Paper,
    x: np.ndarray,
    *,
    method: str,
    target: int | None = None,
    layer: str = "",
    unit: int = 0,
    steps: int = 0,
    samples: int = 0,
    block: int = 0,
    random_seed: int = 0,
) -> np.ndarray:
    """As `app.interpret.attribution.attribute`; the global generators are seeded."""
    how = METHODS[method]
    steps, samples = steps or how.steps, samples or how.samples
    block = block or side(paper)
    torch.manual_seed(random_seed)
    np.random.seed(random_seed)
    if target is None:
        with torch.no_grad():
            target = int(net(torch.tensor(x))[0].argmax())
    layer = layer or (best_layer(net, paper, method) if "layer" in how.uses else "")
    at, given = net.get_submodule(layer), torch.tensor(x, requires_grad=True)
    delta = {"return_convergence_delta": True}

    def bare() -> Tensor:
        return torch.from_numpy(baseline(paper, x, "zero"))

    def many() -> Tensor:
        return torch.from_numpy(crowd(paper, x, samples))

    def masked() -> dict[str, object]:
        return {
            "feature_mask": patches(paper, block, x, bare().numpy()),
            "baselines": bare(),
            "perturbations_per_eval": 32,
            "target": target,
        }

    def path(**more: object) -> dict[str, object]:
        return {"baselines": bare(), "n_steps": steps, "target": target, "internal_batch_size": 64, **more}

    def neuron() -> tuple[int, ...]:
        kept: list[Tensor] = []
        handle = at.register_forward_hook(lambda _module, _inputs, output: kept.append(output[0, unit].abs()))
        net(given)
        handle.remove()
        return (unit, *map(int, np.unravel_index(int(kept[0].argmax()), kept[0].shape)))

    def lift(theirs: type, own: type) -> Any:
        fine = parts(net, paper, fine=True)
        known = all(p.kind == "affine" or type(net.get_submodule(p.path)) in SUPPORTED_NON_LINEAR for p in fine)
        return theirs(net) if known else own(net, fine)

    def lime() -> captum.Lime:
        near = get_exp_kernel_similarity_function("cosine", 0.25)
        return captum.Lime(net, interpretable_model=SkLearnRidge(alpha=1.0), similarity_func=near)

    c, size = captum, (paper.takes.shape[0], block, block)
    stride, free = max(1, block // 2), given.detach()
    line = {"method": "riemann_trapezoid"}
    calls: dict[str, Callable[[], object]] = {
        "Saliency": lambda: c.Saliency(net).attribute(given, target),
        "InputXGradient": lambda: c.InputXGradient(net).attribute(given, target),
        "IntegratedGradients": lambda: c.IntegratedGradients(net).attribute(given, **path(**delta)),
        "GradientShap": lambda: c.GradientShap(net).attribute(given, many(), n_samples=samples, target=target, **delta),
        "DeepLift": lambda: lift(c.DeepLift, DeepLift).attribute(given, bare(), target=target, **delta),
        "DeepLiftShap": lambda: lift(c.DeepLiftShap, DeepLiftShap).attribute(given, many(), target=target, **delta),
        "GuidedBackprop": lambda: c.GuidedBackprop(net).attribute(given, target),
        "Deconvolution": lambda: c.Deconvolution(net).attribute(given, target),
        "LRP": lambda: LRP(net, parts(net, paper)).attribute(given, target, **delta),
        "Occlusion": lambda: c.Occlusion(net).attribute(
            free, size, (size[0], stride, stride), bare(), target, perturbations_per_eval=32
        ),
        "FeatureAblation": lambda: c.FeatureAblation(net).attribute(free, **masked()),
        "ShapleyValueSampling": lambda: c.ShapleyValueSampling(net).attribute(free, n_samples=samples, **masked()),
        "KernelShap": lambda: c.KernelShap(net).attribute(free, n_samples=samples, **masked()),
        "Lime": lambda: lime().attribute(free, n_samples=samples, **masked()),
        "LayerGradCam": lambda: c.LayerGradCam(net, at).attribute(given, target),
        "GuidedGradCam": lambda: c.GuidedGradCam(net, at).attribute(given, target),
        "LayerConductance": lambda: c.LayerConductance(net, at).attribute(given, **path(**delta, **line)),
        "NeuronConductance": lambda: c.NeuronConductance(net, at).attribute(given, neuron(), **path(**line)),
    }
    found = calls[method]()
    return (found[0] if isinstance(found, tuple) else found)[0].detach().numpy()
