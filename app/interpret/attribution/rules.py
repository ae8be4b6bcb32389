"""DeepLift and LRP as Captum has them, with rules for the parts of networks that Captum knows nothing of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from captum.attr import LRP as CaptumLRP  # noqa: N811
from captum.attr import DeepLift as CaptumDeepLift
from captum.attr import DeepLiftShap as CaptumDeepLiftShap
from captum.attr._core.deep_lift import SUPPORTED_NON_LINEAR, nonlinear
from captum.attr._core.lrp import SUPPORTED_LAYERS_WITH_RULES, SUPPORTED_NON_LINEAR_LAYERS
from captum.attr._utils.lrp_rules import EpsilonRule, IdentityRule, PropagationRule
from captum.log import log_usage
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from app.interpret.attribution.kinds import Part, contributions

# ------------------------------------------------------------------------------------------------------------- DeepLift


def additive(
    module: nn.Module, inputs: Tensor, outputs: Tensor, grad_input: Tensor, grad_output: Tensor, eps: float = 1e-10
) -> Tensor:
    """The multipliers of an additive part: sum_k m_k (g_ki(x_i) - g_ki(x'_i)) / (x_i - x'_i), m those of its output.

    `inputs` and `outputs` hold the input and then the baseline along the batch, as everything does in Captum's DeepLift.
    """
    alone, alone_ref = contributions(module, inputs).chunk(2)
    change = torch.einsum("nik,nk->ni", alone - alone_ref, grad_output.chunk(2)[0].flatten(1))
    x, ref = inputs.chunk(2)
    step = torch.cat(2 * [x - ref])
    return torch.where(step.abs() < eps, grad_input, torch.cat(2 * [change]).view_as(step) / step)


class _Rules:
    """Mixed into Captum's: the rescale rule for elementwise parts, `additive` for additive ones, Captum's where it has one."""

    forward_handles: list[RemovableHandle]

    def follow(self, parts: Sequence[Part], model: nn.Module) -> None:
        self.nonlinear = {model.get_submodule(p.path): p.kind for p in parts if p.kind != "affine"}

    def _is_non_linear(self, module: nn.Module) -> bool:
        return module in self.nonlinear

    def _register_hooks(self, module: nn.Module, attribute_to_layer_input: bool = True) -> None:
        """Hand on a clone: else a part's hook and the next one's sit on one tensor and run in the wrong order.

        With Captum alone the multipliers of maximum pooling are lost on a ReLU right before it.
        """
        before = len(self.forward_handles)
        super()._register_hooks(module, attribute_to_layer_input)  # type: ignore[misc]
        if len(self.forward_handles) > before:
            self.forward_handles.append(module.register_forward_hook(lambda _module, _inputs, output: output.clone()))

    def _backward_hook(self, module: nn.Module, grad_input: Tensor, grad_output: Tensor) -> Tensor:
        if type(module) in SUPPORTED_NON_LINEAR:
            return super()._backward_hook(module, grad_input, grad_output)  # type: ignore[misc]
        rule = additive if self.nonlinear[module] == "additive" else nonlinear
        multipliers = rule(module, module.input, module.output, grad_input, grad_output, eps=self.eps)  # type: ignore
        del module.input, module.output
        return multipliers


class DeepLift(_Rules, CaptumDeepLift):
    """Captum's DeepLift over the parts of a network."""

    def __init__(self, model: nn.Module, parts: Sequence[Part]) -> None:
        super().__init__(model)
        self.follow(parts, model)


class DeepLiftShap(_Rules, CaptumDeepLiftShap):
    """Captum's DeepLiftShap over the parts of a network, with about `batch` baselines at once."""

    def __init__(self, model: nn.Module, parts: Sequence[Part], batch: int = 32) -> None:
        super().__init__(model)
        self.follow(parts, model)
        self.batch = batch

    @log_usage()
    def attribute(
        self, inputs: Tensor, baselines: Tensor, target: int = 0, return_convergence_delta: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        portions = baselines.tensor_split(max(1, len(baselines) // max(2, self.batch)))  # Captum refuses a single one
        found = [
            super(DeepLiftShap, self).attribute(inputs, part, target, return_convergence_delta=True)
            for part in portions
        ]
        weights = [len(part) / len(baselines) for part in portions]
        mean = sum(weight * values for weight, (values, _) in zip(weights, found, strict=True))
        return (mean, torch.cat([delta for _, delta in found])) if return_convergence_delta else mean


# ------------------------------------------------------------------------------------------------------------------ LRP


class AdditiveRule(EpsilonRule):
    """Each input of an additive part gets its own term's share: R_i = sum_k R_k (f_k(x_i e_i) - f_k(0)) / f_k(x)."""

    def forward_hook(self, module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> Tensor:
        with torch.no_grad():
            self.terms, self.total = contributions(module, inputs[0]), outputs.detach().flatten(1)
        return super().forward_hook(module, inputs, outputs)

    def _create_backward_hook_input(self, inputs: Tensor):
        def hook(grad: Tensor) -> Tensor:
            sign = torch.sign(self.total) + (self.total == 0)
            share = self.relevance_output[grad.device].flatten(1) / (self.total + sign * self.STABILITY_FACTOR)
            return torch.einsum("nik,nk->ni", self.terms, share).view_as(grad)

        return hook


class LRP(CaptumLRP):
    """Captum's LRP with the epsilon rule over the parts of a network; no rule here changes a weight.

    Affine parts: epsilon rule. Elementwise parts: relevance passes as it is. Additive parts: `AdditiveRule`.
    """

    def __init__(self, model: nn.Module, parts: Sequence[Part]) -> None:
        super().__init__(model)
        self.parts = parts

    def _get_layers(self, model: nn.Module) -> None:
        self.layers = [model.get_submodule(part.path) for part in self.parts]

    def _check_and_attach_rules(self) -> None:
        own: dict[str, type[PropagationRule]] = {
            "affine": EpsilonRule,
            "elementwise": IdentityRule,
            "additive": AdditiveRule,
        }
        for layer, part in zip(self.layers, self.parts, strict=True):
            if type(layer) not in SUPPORTED_LAYERS_WITH_RULES and type(layer) not in SUPPORTED_NON_LINEAR_LAYERS:
                layer.rule = own[part.kind]()
        super()._check_and_attach_rules()

    def _restore_state(self) -> None:
        """Captum writes the weights back here, which would be a write into memory that is shared."""
