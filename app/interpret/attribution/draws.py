"""Captum's random methods with generators of their own: the same seed gives the same map, whatever other threads draw.

Captum draws from the global generators of torch and NumPy, which all threads share. Each class here differs from
Captum's in nothing else: seeded alike, and alone, Captum gives the same numbers bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from captum.attr import GradientShap as CaptumGradientShap
from captum.attr import KernelShap as CaptumKernelShap
from captum.attr import Lime as CaptumLime
from captum.attr import NoiseTunnel as CaptumNoiseTunnel
from captum.attr import ShapleyValueSampling as CaptumShapley
from captum.log import log_usage
from torch import Tensor, nn


class Draws:
    """Torch's and NumPy's random numbers from one seed."""

    def __init__(self, seed: int) -> None:
        self.torch = torch.Generator().manual_seed(seed)
        self.numpy = np.random.RandomState(seed)  # the generator behind np.random, which Captum calls


def noisy(x: Tensor, stdev: float, n: int, draws: Draws) -> Tensor:
    """(b, ...) -> (b * n, ...): every input n times, each with Gaussian noise of its own."""
    spread = torch.tensor(stdev).repeat(len(x) * n, *x.shape[1:])
    return x.repeat_interleave(n, dim=0) + torch.normal(0, spread, generator=draws.torch)


class NoiseTunnel(CaptumNoiseTunnel):
    """SmoothGrad, SmoothGrad-Sq and VarGrad over another method."""

    def __init__(self, attribution_method: Any, draws: Draws) -> None:
        super().__init__(attribution_method)
        self.draws = draws

    def _add_noise_to_input(self, input: Tensor, stdev: float, nt_samples_partition: int) -> Tensor:
        return noisy(input, stdev, nt_samples_partition, self.draws)

    @staticmethod
    def _expand_partial(nt_samples_partition: int, kwargs_partial: dict[str, Any], inputs: Any, draw: bool) -> None:
        """Baselines stay as they are: one serves all copies, and Captum takes a crowd of them for an error."""
        kept = {k: kwargs_partial.pop(k) for k in ("baselines",) if k in kwargs_partial}
        CaptumNoiseTunnel._expand_partial(nt_samples_partition, kwargs_partial, inputs, draw)
        kwargs_partial.update(kept)


class GradientShap(CaptumGradientShap):
    """mean over draws of (x - b) * grad f(b + a (x - b)), b one of the baselines, a uniform in 0..1, x with noise."""

    def __init__(self, forward_func: nn.Module, draws: Draws, batch: int) -> None:
        super().__init__(forward_func)
        self.draws, self.batch = draws, batch  # points on the ways that go through the network at once

    @log_usage()
    def attribute(
        self,
        inputs: Tensor,
        baselines: Tensor,
        n_samples: int = 5,
        stdevs: float = 0.0,
        target: int = 0,
        return_convergence_delta: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        total = len(inputs) * n_samples
        base = baselines[self.draws.numpy.choice(len(baselines), total).tolist()]
        x = noisy(inputs.detach(), stdevs, n_samples, self.draws)
        a = torch.tensor(self.draws.numpy.uniform(0.0, 1.0, total), dtype=x.dtype).view(-1, *[1] * (x.ndim - 1))
        points = (a * x + (1.0 - a) * base).split(self.batch)
        slopes = [self.gradient_func(self.forward_func, part.requires_grad_(), target)[0] for part in points]
        each = (x - base) * torch.cat(slopes)
        mean = each.unflatten(0, (len(inputs), n_samples)).sum(1) * 1 / n_samples
        if not return_convergence_delta:
            return mean
        return mean, self.compute_convergence_delta(each, base, x, target=target)


class ShapleyValueSampling(CaptumShapley):
    """Orders of the features drawn from our own generator."""

    def __init__(self, forward_func: Callable[[Tensor], Tensor], draws: Draws) -> None:
        super().__init__(forward_func)

        def orders(features: int, n: int) -> Iterator[Sequence[int]]:
            return (torch.randperm(features, generator=draws.torch).tolist() for _ in range(n))

        self.permutation_generator = orders


class KernelShap(CaptumKernelShap):
    """As Captum's `kernel_shap_perturb_generator`: how many features to keep, then which."""

    def __init__(self, forward_func: nn.Module, draws: Draws) -> None:
        super().__init__(forward_func)
        self.draws = draws

    def kernel_shap_perturb_generator(self, original_inp: Any, **kwargs: Any) -> Iterator[Tensor]:
        features, g = kwargs["num_interp_features"], self.draws.torch
        chances = kwargs["num_select_distribution"].probs
        yield torch.ones(1, features, dtype=torch.long)
        yield torch.zeros(1, features, dtype=torch.long)
        while True:
            kept = int(torch.multinomial(chances, 1, True, generator=g))
            order = torch.randn(1, features, generator=g)
            yield (order > torch.kthvalue(order, features - kept).values.item()).long()


class Lime(CaptumLime):
    """Each feature kept with probability 1/2."""

    def __init__(self, forward_func: nn.Module, draws: Draws, **how: Any) -> None:
        def halves(original_inp: Any, **kwargs: Any) -> Tensor:
            chances = torch.ones(1, kwargs["num_interp_features"]) * 0.5
            return torch.bernoulli(chances, generator=draws.torch).long()

        super().__init__(forward_func, perturb_func=halves, **how)
