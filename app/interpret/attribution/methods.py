"""The methods: for each its Captum attributor with its arguments, and one plain sentence about it.

In the formulas f is the target's score, x the input, x' the baseline.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import (
    Deconvolution,
    FeatureAblation,
    GuidedBackprop,
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    LayerConductance,
    LayerGradCam,
    NeuronConductance,
    Occlusion,
    Saliency,
)
from captum.attr._core.lime import get_exp_kernel_similarity_function
from torch import nn

from app.interpret.attribution.case import MASKED, Case
from app.interpret.attribution.draws import GradientShap, KernelShap, Lime, NoiseTunnel, ShapleyValueSampling
from app.interpret.attribution.kinds import parts
from app.interpret.attribution.rules import LRP, DeepLift, DeepLiftShap

# Captum announces at every call that it sets hooks. They are on a private copy, and `undisturbed` takes them off.
warnings.filterwarnings("ignore", message="Setting (forward, )?backward hooks")

Plan = tuple[Any, dict[str, Any]]  # Captum's attributor and its arguments, the input aside


@dataclass(frozen=True)
class Method:
    """A way to say what mattered. `uses` names the settings that it listens to."""

    name: str  # Captum's
    about: str  # one plain sentence with the formula
    source: str  # who and when
    url: str
    plan: Callable[[Case], Plan]
    uses: frozenset[str] = frozenset()
    where: Literal["input", "layer"] = "input"  # where the map lies
    measures: Literal["contribution", "slope"] = "contribution"  # parts of the score, or score per unit of input
    complete: bool = False  # whether its parts should add up to a known number: it has a convergence delta
    rest: str = "{off} % off"  # what to say of the rest of that number
    steps: int = 0  # defaults of the settings `steps` and `samples`
    samples: int = 0
    batched: bool = False  # whether noisy copies of an input may go through it all at once
    hooks: bool = False  # whether it puts hooks or attributes on the network
    signed: bool = True

    @property
    def slopes(self) -> bool:
        """Whether it goes back through the network, in place of trying masked inputs."""
        return "block" not in self.uses

    def passes(self, case: Case) -> int:
        """About how many forward passes it makes, for showing progress."""
        features = int(case.patches.max()) + 1 if not self.slopes else 1
        if self.name == "ShapleyValueSampling":
            return 1 + case.samples * -(-features // min(MASKED, case.batch))
        if not self.slopes:
            return 1 + -(-max(case.samples, 4 * features) // min(MASKED, case.batch))
        return 1 + -(-max(case.steps, case.samples) // case.batch)


def _simple(kind: Callable[[nn.Module], Any], **arguments: Any) -> Callable[[Case], Plan]:
    return lambda c: (kind(c.module), {"target": c.target, **arguments})


def _integrated(c: Case) -> Plan:
    return IntegratedGradients(c.module), {
        "baselines": c.reference,
        "target": c.target,
        "n_steps": c.steps,
        "internal_batch_size": c.batch,
    }


def _gradient_shap(c: Case) -> Plan:
    return GradientShap(c.module, c.draws, c.batch), {"baselines": c.crowd, "target": c.target, "n_samples": c.samples}


def _deep_lift(c: Case) -> Plan:
    return DeepLift(c.module, parts(c.module, c.paper, fine=True)), {"baselines": c.reference, "target": c.target}


def _deep_lift_shap(c: Case) -> Plan:
    return DeepLiftShap(c.module, parts(c.module, c.paper, fine=True), c.batch // 2), {
        "baselines": c.crowd,
        "target": c.target,
    }


def _lrp(c: Case) -> Plan:
    return LRP(c.module, parts(c.module, c.paper)), {"target": c.target}


def _occlusion(c: Case) -> Plan:
    window = (c.paper.sized.shape[0], *(min(c.block, length) for length in c.paper.sized.shape[1:]))
    stride = max(1, min(window[1:]) // 2)
    return Occlusion(c.module), {
        "sliding_window_shapes": window,
        "strides": (window[0], stride, stride),
        "baselines": c.reference,
        "target": c.target,
        "perturbations_per_eval": min(MASKED, c.batch),
    }


def _masked(c: Case, **more: Any) -> dict[str, Any]:
    return {
        "feature_mask": c.patches,
        "baselines": c.reference,
        "target": c.target,
        "perturbations_per_eval": min(MASKED, c.batch),
        **more,
    }


def _ablation(c: Case) -> Plan:
    return FeatureAblation(c.module), _masked(c)


def _shapley(c: Case) -> Plan:
    return ShapleyValueSampling(c.module, c.draws), _masked(c, n_samples=c.samples)


def _linear_models() -> None:
    """What Captum imports when it fits one: here, so that it does not count as the method's time."""
    for name in ("sklearn.linear_model", "sklearn.svm"):
        importlib.import_module(name)


def _kernel_shap(c: Case) -> Plan:
    if not c.patches.any():
        return _ablation(c)  # one patch alone: its Shapley value is what the score loses without it
    _linear_models()
    return KernelShap(c.module, c.draws), _masked(c, n_samples=c.samples)


def _lime(c: Case) -> Plan:
    _linear_models()
    how = {
        "interpretable_model": SkLearnRidge(alpha=1.0),  # as the authors' own code; a lasso would zero small scores
        "similarity_func": get_exp_kernel_similarity_function("cosine", kernel_width=0.25),
    }
    return Lime(c.module, c.draws, **how), _masked(c, n_samples=c.samples)


def _grad_cam(c: Case) -> Plan:
    return LayerGradCam(c.module, c.at), {"target": c.target}


def _guided_grad_cam(c: Case) -> Plan:
    return GuidedGradCam(c.module, c.at), {"target": c.target}


def _path(c: Case) -> dict[str, Any]:
    return {
        "baselines": c.reference,
        "target": c.target,
        "n_steps": c.steps,
        "internal_batch_size": c.batch,
        "method": "riemann_trapezoid",
    }


def _layer_conductance(c: Case) -> Plan:
    return LayerConductance(c.module, c.at), _path(c)


def _neuron_conductance(c: Case) -> Plan:
    return NeuronConductance(c.module, c.at), {"neuron_selector": c.neuron, **_path(c)}


_ARXIV = "https://arxiv.org/abs/"
_MASKS = frozenset({"baseline", "block"})

_ALL = (
    Method(
        "IntegratedGradients",
        "The slopes met on the straight way from the baseline to the input, added up: (x - x') times the mean of df/dx "
        "along it.",
        "Sundararajan et al. 2017",
        _ARXIV + "1703.01365",
        _integrated,
        frozenset({"baseline", "steps"}),
        complete=True,
        steps=128,
    ),
    Method(
        "Saliency",
        "How fast the score changes with each pixel, up or down: |df/dx|.",
        "Simonyan et al. 2013",
        _ARXIV + "1312.6034",
        _simple(Saliency),
        measures="slope",
        batched=True,
        signed=False,
    ),
    Method(
        "InputXGradient",
        "Each pixel's value times the slope of the score there: x df/dx.",
        "Shrikumar et al. 2016",
        _ARXIV + "1605.01713",
        _simple(InputXGradient),
        batched=True,
    ),
    Method(
        "GradientShap",
        "As integrated gradients, at random points on the ways from many usual inputs: E[(x - b) df/dx at b + a (x - b)].",
        "Lundberg and Lee 2017",
        _ARXIV + "1705.07874",
        _gradient_shap,
        frozenset({"samples", "random_seed"}),
        complete=True,
        samples=64,
    ),
    Method(
        "DeepLift",
        "The difference of the score from the baseline's, passed back: each activation hands on (change out) / (change in) "
        "in place of its slope, so that a threshold works too.",
        "Shrikumar et al. 2017",
        _ARXIV + "1704.02685",
        _deep_lift,
        frozenset({"baseline"}),
        hooks=True,
        complete=True,
        batched=True,
    ),
    Method(
        "DeepLiftShap",
        "DeepLift against many usual inputs instead of one baseline, averaged.",
        "Lundberg and Lee 2017",
        _ARXIV + "1705.07874",
        _deep_lift_shap,
        frozenset({"samples"}),
        hooks=True,
        complete=True,
        samples=16,
    ),
    Method(
        "GuidedBackprop",
        "The slope of the score, with every negative value cut off on the way back through each ReLU.",
        "Springenberg et al. 2014",
        _ARXIV + "1412.6806",
        _simple(GuidedBackprop),
        hooks=True,
        measures="slope",
        batched=True,
    ),
    Method(
        "Deconvolution",
        "The score sent back down the network, each ReLU cutting off what is negative in the message, not in the input.",
        "Zeiler and Fergus 2013",
        _ARXIV + "1311.2901",
        _simple(Deconvolution),
        hooks=True,
        measures="slope",
        batched=True,
    ),
    Method(
        "LRP",
        "The score handed back layer by layer, each unit's share split by what arrived on its connections: "
        "R_i = sum_j (x_i w_ij / a_j) R_j.",
        "Bach et al. 2015",
        "https://doi.org/10.1371/journal.pone.0130140",
        _lrp,
        hooks=True,
        complete=True,
        rest="biases keep {rest:+.3g}",
        batched=True,
    ),
    Method(
        "Occlusion",
        "What the score loses when a window of the picture shows the baseline: f(x) - f(x without the window), averaged over "
        "the windows that cover a pixel.",
        "Zeiler and Fergus 2013",
        _ARXIV + "1311.2901",
        _occlusion,
        _MASKS,
    ),
    Method(
        "FeatureAblation",
        "What the score loses when one patch is replaced by the baseline: f(x) - f(x without it).",
        "Captum; Meyes et al. 2019",
        _ARXIV + "1901.08644",
        _ablation,
        _MASKS,
    ),
    Method(
        "ShapleyValueSampling",
        "What a patch adds to the score when patches are added one by one to the baseline, averaged over random orders.",
        "Castro et al. 2009",
        "https://doi.org/10.1016/j.cor.2008.04.004",
        _shapley,
        _MASKS | {"samples", "random_seed"},
        samples=10,
    ),
    Method(
        "KernelShap",
        "A weighted linear model of the score over random sets of patches, whose weights are estimates of Shapley values. "
        "What it gives to bare ground is the noise of its sampling.",
        "Lundberg and Lee 2017",
        _ARXIV + "1705.07874",
        _kernel_shap,
        _MASKS | {"samples", "random_seed"},
        samples=256,
    ),
    Method(
        "Lime",
        "A linear model of the score over random sets of patches, those nearest to the input counting most. What it gives to "
        "bare ground is the noise of its sampling.",
        "Ribeiro et al. 2016",
        _ARXIV + "1602.04938",
        _lime,
        _MASKS | {"samples", "random_seed"},
        samples=256,
    ),
    Method(
        "LayerGradCam",
        "The layer's maps added up, each weighted by the mean slope of the score on it (without the paper's last ReLU, so that "
        "what speaks against shows too).",
        "Selvaraju et al. 2016",
        _ARXIV + "1610.02391",
        _grad_cam,
        frozenset({"layer"}),
        hooks=True,
        where="layer",
        batched=True,
    ),
    Method(
        "GuidedGradCam",
        "Guided backpropagation times the layer's Grad-CAM, enlarged to the picture.",
        "Selvaraju et al. 2016",
        _ARXIV + "1610.02391",
        _guided_grad_cam,
        frozenset({"layer"}),
        hooks=True,
        measures="slope",
        batched=True,
    ),
    Method(
        "LayerConductance",
        "How much of integrated gradients' sum flows through each unit of a layer: the sum of df/dy dy along the way.",
        "Dhamdhere et al. 2018",
        _ARXIV + "1805.12233",
        _layer_conductance,
        frozenset({"layer", "baseline", "steps"}),
        hooks=True,
        where="layer",
        complete=True,
        rest="carries {share:.0f} %",
        steps=128,
    ),
    Method(
        "NeuronConductance",
        "Which pixels feed the part of the score that flows through one unit of a layer (of a map: where it answers most).",
        "Dhamdhere et al. 2018",
        _ARXIV + "1805.12233",
        _neuron_conductance,
        frozenset({"layer", "unit", "baseline", "steps"}),
        hooks=True,
        steps=128,
    ),
)

METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}


def smoothed(plan: Plan, case: Case, method: Method, kind: str, draws: int) -> Plan:
    """A plan under Captum's noise tunnel: the method on `draws` noisy copies of the input, averaged (or its variance)."""
    attributor, arguments = plan
    spread = case.noise * float(case.x.max() - case.x.min())
    return NoiseTunnel(attributor, case.draws), {
        "nt_type": kind,
        "nt_samples": draws,
        "nt_samples_batch_size": case.batch if method.batched else 1,
        "stdevs": spread,
        **arguments,
    }
