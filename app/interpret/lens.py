"""Our networks as TransformerLens wants them: its caches, lenses and patches on a private copy, with plain forward hooks.

TransformerLens is duck-typed. It asks a model for `run_with_cache`, `run_with_hooks`, `hooks`, a `cfg`, and a few weights by
its own names; `Lens` gives them for a network whose blocks are `blocks.<i>` and whose hook points are named identities, as
GPT-2's are. The copy is left without hooks, also after an error.

TransformerLens takes seconds to import: it is imported where it is first needed, and nowhere above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformer_lens import ActivationCache

Hook = Callable[
    ..., Tensor | None
]  # hook(tensor, hook=Point) -> what goes on in its place, or None for the tensor itself
Hooks = Iterable[tuple[str | Callable[[str], bool], Hook]]
Names = str | Iterable[str] | Callable[[str], bool] | None


class Point(SimpleNamespace):
    """What a hook function is told of the place where it is called."""

    name: str

    def layer(self) -> int:
        """The number of the block that the place lies in."""
        return int(self.name.split(".")[1])


class Lens:
    """A network under TransformerLens's names. `module` must be a private copy (`app.interpret.copies`), in eval mode."""

    def __init__(self, module: nn.Module) -> None:
        c: Any = module.config
        self.module: Any = module
        self.cfg = SimpleNamespace(
            n_layers=c.layers,
            n_heads=c.heads,
            n_key_value_heads=None,
            n_ctx=c.context,
            d_model=c.width,
            d_head=c.width // c.heads,
            d_mlp=c.mlp * c.width,
            d_vocab=c.vocabulary,
            d_vocab_out=c.vocabulary,
            attn_only=not c.mlp,
            normalization_type="LN",
            positional_embedding_type="standard",
            parallel_attn_mlp=False,
            final_rms=False,
            use_attn_result=False,
            use_hook_mlp_in=False,
            device="cpu",
            dtype=torch.float32,
        )

    def __getattr__(self, name: str) -> Any:
        if name == "module":  # not there yet: no way to ask it
            raise AttributeError(name)
        return getattr(self.module, name)

    def __call__(self, ids: Tensor) -> Tensor:
        return self.module(ids)

    @cached_property
    def hook_dict(self) -> dict[str, nn.Module]:
        """Every hook point by its path."""
        return {name: m for name, m in self.module.named_modules() if name.rpartition(".")[2].startswith("hook_")}

    @contextmanager
    def hooks(self, fwd_hooks: Hooks = (), bwd_hooks: Hooks = (), **_rest: object) -> Iterator[Lens]:
        """Hook functions in place for the length of a `with`. A backward hook is given the gradient of what goes out."""
        handles = []
        try:
            for wanted, hook in fwd_hooks:
                for name in self._matching(wanted):
                    handles.append(self.hook_dict[name].register_forward_hook(_forward(hook, Point(name=name))))
            for wanted, hook in bwd_hooks:
                for name in self._matching(wanted):
                    handles.append(self.hook_dict[name].register_forward_hook(_backward(hook, Point(name=name))))
            yield self
        finally:
            for handle in handles:
                handle.remove()

    def run_with_hooks(self, ids: Tensor, fwd_hooks: Hooks = (), bwd_hooks: Hooks = (), **_rest: object) -> Tensor:
        """Logits (n, t, V) of ids (n, t) with these hook functions at work."""
        with self.hooks(fwd_hooks, bwd_hooks):
            return self.module(ids)

    def run_with_cache(
        self, ids: Tensor, names_filter: Names = None, **_rest: object
    ) -> tuple[Tensor, ActivationCache]:
        """Logits (n, t, V), and what came out of every hook point, or of those asked for."""
        from transformer_lens import ActivationCache

        seen: dict[str, Tensor] = {}

        def keep(tensor: Tensor, hook: Point) -> None:
            seen[hook.name] = tensor.detach()

        names = self.hook_dict if names_filter is None else self._matching(names_filter)
        logits = self.run_with_hooks(ids, [(name, keep) for name in names])
        return logits, ActivationCache(seen, self)

    def _matching(self, wanted: Names) -> list[str]:
        """The paths of the hook points that a name, several, or a test asks for. Raises KeyError for one there is not."""
        if callable(wanted):
            return [name for name in self.hook_dict if wanted(name)]
        names = [wanted] if isinstance(wanted, str) else list(wanted or ())
        for name in names:
            if name not in self.hook_dict:
                raise KeyError(f"no hook point {name!r} in {type(self.module).__name__}")
        return names

    def to_tokens(self, ids: Tensor, **_rest: object) -> Tensor:
        """Texts are tokens by the time they come here."""
        return ids

    def tokens_to_residual_directions(self, ids: Tensor | int) -> Tensor:
        """The directions (..., d) along which the normalised stream speaks for tokens: W_U, times the last norm's gain.

        Without the mean over its units, which no normalised stream has: so that sums of parts need no centring.
        """
        directions = self.module.W_U.T[torch.as_tensor(ids)] * self.module.ln_final.weight
        return (directions - directions.mean(-1, keepdim=True)).squeeze()

    def accumulated_bias(self, layer: int, mlp_input: bool = False, include_mlp_biases: bool = True) -> Tensor:
        """(d,): all output biases that were added to the stream before a layer, or before its perceptron."""
        total = torch.zeros(self.cfg.d_model)
        for i, block in enumerate(self.module.blocks[: layer + mlp_input]):
            total = total + block.attn.b_O
            if include_mlp_biases and not block.attn_only and i < layer:
                total = total + block.mlp.b_out
        return total


def _forward(hook: Hook, point: Point) -> Callable[..., Tensor]:
    def call(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        given = output.clone()  # an identity puts out what it is given: nobody may write into that
        result = hook(given, hook=point)
        return given if result is None else result

    return call


def _backward(hook: Hook, point: Point) -> Callable[..., None]:
    def call(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(lambda gradient: hook(gradient, hook=point))

    return call
