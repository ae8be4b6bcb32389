"""Every method by hand on small networks, and against Captum itself with the same settings and seed."""

from __future__ import annotations

import captum.attr as captum
import numpy as np
import pytest
import torch
from captum.attr._utils.lrp_rules import EpsilonRule

from app.interpret.attribution import (
    METHODS,
    agreement,
    at_input,
    attribute,
    case,
    consensus,
    likeness,
    removal,
    survey,
    unavailable,
)
from app.interpret.attribution.baselines import baseline, choices, crowd, patches
from app.interpret.attribution.case import Case
from app.interpret.attribution.kinds import contributions, parts
from app.interpret.attribution.rules import DeepLift
from app.interpret.copies import state
from models.paper import Fact
from tests.interpret import direct
from tests.interpret.nets import Distance, make, picture

NAMES = ("linear", "relu", "pooled", "bent", "step", "fact")
LAYERED = {"LayerGradCam", "GuidedGradCam", "LayerConductance", "NeuronConductance"}


def place(module, card, method: str) -> dict[str, object]:
    """The settings that say where, for methods that look at a layer."""
    if method not in LAYERED:
        return {}
    return {"layer": survey(module, card).best[method], "unit": 1}


def pairs() -> list[tuple[str, str]]:
    return [(name, method) for name in NAMES for method in METHODS if method not in unavailable(*make(name))]


# ----------------------------------------------------------------------------------------------------- worked by hand


@pytest.mark.parametrize("method", ["InputXGradient", "LRP"])
def test_on_a_linear_network_the_input_times_its_weight(method):
    net, card = make("linear")
    x = picture(card)
    found = attribute(net, card, x, method=method, target=2)
    np.testing.assert_allclose(found.values.ravel(), x.ravel() * net[1].weight[2].numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "method", ["IntegratedGradients", "DeepLift", "FeatureAblation", "Occlusion", "ShapleyValueSampling"]
)
def test_on_a_linear_network_the_weighted_difference_from_the_baseline(method):
    net, card = make("linear")
    x = picture(card)
    found = attribute(net, card, x, method=method, target=1, baseline="one", block=1)
    change = x - baseline(card, x, "one")
    np.testing.assert_allclose(found.values.ravel(), change.ravel() * net[1].weight[1].numpy(), rtol=1e-3, atol=2e-6)


def test_kernel_shap_finds_a_linear_networks_weights():
    net, card = make("linear")
    x = picture(card)
    found = attribute(net, card, x, method="KernelShap", target=0, block=3, samples=200)
    each = (x - baseline(card, x, "zero")).ravel() * net[1].weight[0].numpy()
    patch = patches(card, 3, x, baseline(card, x, "zero")).numpy().ravel()
    np.testing.assert_allclose(found.values.ravel(), np.bincount(patch, each)[patch], rtol=1e-2, atol=1e-4)


def test_lime_orders_patches_as_a_linear_network_weighs_them():
    net, card = make("linear")
    x = picture(card)
    found = attribute(net, card, x, method="Lime", target=0, block=3, samples=500)
    each = (x - baseline(card, x, "zero")).ravel() * net[1].weight[0].numpy()
    patch = patches(card, 3, x, baseline(card, x, "zero")).numpy().ravel()
    assert np.array_equal(
        np.argsort(found.values.ravel(), kind="stable"), np.argsort(np.bincount(patch, each)[patch], kind="stable")
    )


def test_saliency_is_the_size_of_the_slope():
    net, card = make("linear")
    found = attribute(net, card, picture(card), method="Saliency", target=0)
    np.testing.assert_allclose(found.values.ravel(), np.abs(net[1].weight[0].numpy()), rtol=1e-6)
    assert found.unit == "logit per unit of input"
    assert found.delta is None
    assert found.explained is None


def test_grad_cam_weighs_maps_by_their_mean_slope():
    net, card = make("relu")
    x = picture(card)
    maps = net[:4](torch.from_numpy(x))[0]  # (4, 4, 4)
    slopes = net[5].weight[2].view(4, 16).mean(1)
    found = attribute(net, card, x, method="LayerGradCam", target=2, layer="3")
    np.testing.assert_allclose(found.values[0], torch.einsum("c,chw->hw", slopes, maps).numpy(), rtol=1e-4, atol=1e-6)
    assert found.layer == "3"


def test_conductance_of_the_last_layer_is_weight_times_change():
    net, card = make("step")
    x = torch.from_numpy(picture(card))
    bare = torch.from_numpy(baseline(card, x.numpy(), "zero"))
    by_hand = net[3].weight[1] * (net[:3](x) - net[:3](bare))[0]
    found = attribute(net, card, x.numpy(), method="LayerConductance", target=1, layer="2")
    np.testing.assert_allclose(found.values, by_hand.numpy(), atol=1e-6)
    assert abs(found.delta) < 1e-5


def test_neuron_conductances_of_a_layer_add_up_to_integrated_gradients():
    net, card = make("bent")
    x, settings = picture(card), {"target": 0, "steps": 200}
    units = [
        attribute(net, card, x, method="NeuronConductance", layer="4", unit=u, **settings).values for u in range(5)
    ]
    whole = attribute(net, card, x, method="IntegratedGradients", **settings).values
    np.testing.assert_allclose(sum(units), whole, atol=0.02 * np.abs(whole).max())


# ---------------------------------------------------------------------------------------------------------- adding up


@pytest.mark.parametrize("name", ["relu", "pooled", "bent", "fact"])
def test_integrated_gradients_are_complete_to_one_per_cent(name):
    net, card = make(name)
    found = attribute(net, card, picture(card), method="IntegratedGradients", target=0, steps=300)
    assert abs(found.delta) < 0.01 * abs(found.explained)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["DeepLift", "DeepLiftShap"])
def test_deep_lift_is_complete_on_every_kind_of_part(name, method):
    """Also through thresholds, unknown activations, distances, and maximum pooling right behind a ReLU."""
    net, card = make(name)
    found = attribute(net, card, picture(card), method=method, target=1)
    assert abs(found.delta) < 1e-4 * max(1, abs(found.explained))


def test_captum_alone_loses_maximum_pooling_behind_a_relu():
    """The day this fails, `_Rules._register_hooks` has become needless."""
    net, card = make("pooled")
    x, bare = torch.from_numpy(picture(card)), torch.from_numpy(picture(card, seed=1))
    _, delta = captum.DeepLift(net).attribute(x.requires_grad_(), bare, target=1, return_convergence_delta=True)
    assert abs(delta.item()) > 1e-2
    _, delta = DeepLift(net, parts(net, card)).attribute(
        x.detach().requires_grad_(), bare, target=1, return_convergence_delta=True
    )
    assert abs(delta.item()) < 1e-5


def test_lrp_hands_back_all_but_what_biases_keep():
    net, card = make("relu")
    for layer in (net[0], net[2], net[5]):
        layer.bias = None
    x = picture(card)
    found = attribute(net, card, x, method="LRP", target=2)
    score = net(torch.from_numpy(x))[0, 2].item()
    assert found.explained == pytest.approx(score, rel=1e-4)
    assert abs(found.delta) < 1e-4 * abs(score)


def test_lrp_shares_a_distance_out_by_its_terms():
    points = Distance(2, 1)
    points.points = torch.tensor([[1.0, 3.0]])
    # -(x1 - 1)^2 - (x2 - 3)^2 + 10 at (2, 1): -1 + 1 and -4 + 9
    np.testing.assert_allclose(contributions(points, torch.tensor([[2.0, 1.0]]))[0, :, 0], [0, 5])
    net = torch.nn.Sequential(torch.nn.Flatten(), points)
    _, card = make("linear")
    flat = parts(net, _with_shape(card, (1, 1, 2)))
    assert [p.kind for p in flat] == ["affine", "additive"]


def _with_shape(card, shape):
    import dataclasses

    takes = dataclasses.replace(card.takes, channels=shape[0], size=shape[1:])
    return dataclasses.replace(card, slug="test-distance", takes=takes)


def test_parts_are_found_by_trying():
    kinds = {name: [p.kind for p in parts(*make(name))] for name in (*NAMES, "product")}
    assert kinds["linear"] == ["affine", "affine"]
    assert kinds["pooled"] == ["affine", "elementwise", "known", "affine", "affine"]
    assert kinds["bent"] == ["affine", "elementwise", "affine", "affine", "affine", "elementwise", "additive"]
    assert kinds["step"] == ["affine", "affine", "elementwise", "affine"]
    assert kinds["product"] == ["affine", "affine", "other", "affine"]


def test_an_additive_part_comes_apart_where_parts_inside_will_do():
    class Squares(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.square = Square()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.square(x[:, None] - torch.ones(3, 2)).sum(2)

    class Square(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * x

    net, card = torch.nn.Sequential(torch.nn.Flatten(), Squares()), _with_shape(make("linear")[1], (1, 1, 2))
    assert [(p.path, p.kind) for p in parts(net, card)] == [("0", "affine"), ("1", "additive")]
    assert [(p.path, p.kind) for p in parts(net, card, fine=True)] == [("0", "affine"), ("1.square", "elementwise")]
    x = np.array([[[[0.0, 3.0]]]], np.float32)
    found = attribute(
        net, card, x, method="DeepLift", target=0, baseline="one"
    )  # the baseline is (1 - 0.1) / 0.8 = 1.125
    np.testing.assert_allclose(found.values.ravel(), [1 - 0.125**2, 4 - 0.125**2], rtol=1e-4)


# ------------------------------------------------------------------------------------------------------ as Captum does


@pytest.mark.parametrize("method", METHODS)
def test_bit_for_bit_what_captum_alone_gives(method):
    net, card = make("relu")
    x, settings = picture(card), {"method": method, "samples": 16, "block": 2, "unit": 1, "random_seed": 3}
    theirs = direct.attribute(*make("relu"), x, **settings)
    np.testing.assert_array_equal(attribute(net, card, x, **settings).values, theirs)
    assert theirs.any() or method == "GuidedGradCam"


def test_lrp_on_layers_that_captum_knows_is_captums():
    net, card = make("relu")
    own, x = make("relu")[0], picture(card)
    own[4].rule = EpsilonRule()  # Captum has none for Flatten
    theirs = captum.LRP(own).attribute(torch.tensor(x, requires_grad=True), 2)
    np.testing.assert_array_equal(attribute(net, card, x, method="LRP", target=2).values, theirs[0].detach().numpy())


@pytest.mark.parametrize("method", METHODS)
def test_few_inputs_at_once_give_what_many_do(method, monkeypatch):
    """A network of large maps gets few inputs at a time, so that memory does not grow with the number of steps."""
    net, card = make("relu")
    x, most = picture(card), []
    many = attribute(net, card, x, method=method, target=1, **place(net, card, method))
    monkeypatch.setattr(case, "MAPS", 1)
    handle = net.register_forward_pre_hook(lambda _module, inputs: most.append(len(inputs[0])))
    few = attribute(net, card, x, method=method, target=1, **place(net, card, method))
    handle.remove()
    np.testing.assert_allclose(few.values, many.values, rtol=1e-3, atol=1e-5 * np.abs(many.values).max())
    if many.delta is not None:
        assert few.delta == pytest.approx(many.delta, rel=1e-3, abs=1e-5)
    if method in ("IntegratedGradients", "Occlusion", "FeatureAblation", "KernelShap", "DeepLiftShap"):
        assert max(most) <= 8


def test_as_many_inputs_go_through_at_once_as_their_maps_allow(monkeypatch):
    net, card = make("bent")
    x = picture(card)
    one = Case(net, card, x, 0, "", 0, "zero", 8, 8, 2, 0.1, 0)
    assert one.batch == case.BATCH
    sizes: list[int] = []
    handles = [
        m.register_forward_hook(lambda _m, _i, out: sizes.append(4 * out.numel()))
        for m in net.modules()
        if not list(m.children())
    ]
    net(torch.from_numpy(x))
    for handle in handles:
        handle.remove()
    monkeypatch.setattr(case, "MAPS", 10 * sum(sizes))
    assert Case(net, card, x, 0, "", 0, "zero", 8, 8, 2, 0.1, 0).batch == 10
    assert not any(m._forward_hooks for m in net.modules())


@pytest.mark.parametrize("kind", ["smoothgrad", "smoothgrad_sq", "vargrad"])
@pytest.mark.parametrize("method", ["Saliency", "IntegratedGradients", "LayerGradCam"])
def test_smoothing_is_captums_noise_tunnel(kind, method):
    net, card = make("relu")
    x, where = picture(card), place(*make("relu"), method)
    ours = attribute(
        net, card, x, method=method, target=1, smooth=kind, smooth_samples=6, noise=0.1, random_seed=3, **where
    )
    torch.manual_seed(3)
    own = {"LayerGradCam": (net.get_submodule("3"),)}.get(method, ())
    more = {
        "IntegratedGradients": {
            "baselines": torch.from_numpy(baseline(card, x, "zero")),
            "n_steps": 128,
            "internal_batch_size": 64,
        }
    }
    theirs = captum.NoiseTunnel(getattr(captum, method)(net, *own)).attribute(
        torch.tensor(x, requires_grad=True),
        nt_type=kind,
        nt_samples=6,
        nt_samples_batch_size=1 if method == "IntegratedGradients" else None,
        stdevs=0.1 * float(x.max() - x.min()),
        target=1,
        **more.get(method, {}),
    )
    np.testing.assert_array_equal(ours.values, theirs[0].detach().numpy())
    assert ours.unit.endswith("²") == (kind != "smoothgrad")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_smoothed(method):
    net, card = make("relu")
    where = place(net, card, method)
    found = attribute(
        net, card, picture(card), method=method, target=0, smooth="smoothgrad", smooth_samples=3, samples=8, **where
    )
    assert np.isfinite(found.values).all()
    assert found.values.any() or method == "GuidedGradCam", "which is zero where Grad-CAM is negative"
    assert found.delta is None


# -------------------------------------------------------------------------------------------------------- availability


def test_what_is_absent_says_why():
    absent = {name: unavailable(*make(name)) for name in (*NAMES, "residual", "hidden", "product")}
    assert absent["relu"] == {}
    assert "Step has no slope" in absent["step"]["Saliency"]
    assert set(absent["step"]) == {
        *("Saliency", "InputXGradient", "IntegratedGradients", "GradientShap", "GuidedBackprop", "Deconvolution"),
        *("LayerGradCam", "GuidedGradCam", "NeuronConductance"),
    }
    assert set(absent["bent"]) == {"GuidedBackprop", "Deconvolution", "GuidedGradCam"}
    assert "no ReLU" in absent["bent"]["GuidedBackprop"]
    assert "no layer inside has maps" in absent["linear"]["LayerGradCam"]
    assert "stand in no order" in absent["fact"]["Occlusion"]
    assert absent["product"]["DeepLift"] == "there is no rule for Product"
    assert absent["product"]["LRP"] == "there is no rule for Product"
    assert "outside of its modules" in absent["residual"]["LRP"]
    assert "DeepLift" not in absent["residual"], "a sum outside of modules is no trouble for it"
    assert "outside of its modules" in absent["hidden"]["DeepLift"]


@pytest.mark.parametrize(("name", "method"), pairs())
def test_what_is_there_works(name, method):
    """Somewhere other than zero for some class and input, finite, and of the right shape."""
    net, card = make(name)
    where = place(net, card, method)
    asked = [(picture(card, seed), target) for seed in range(5) for target in range(3)]
    found = [attribute(net, card, x, method=method, target=t, samples=8, **where) for x, t in asked]
    assert all(np.isfinite(a.values).all() and a.values.dtype == np.float32 for a in found)
    assert any(a.values.any() for a in found)
    shape = survey(net, card).shapes[where["layer"]] if METHODS[method].where == "layer" else card.takes.shape
    assert all(a.values.shape == ((1, *shape[1:]) if method == "LayerGradCam" else shape) for a in found)
    assert (found[0].delta is not None) == METHODS[method].complete


@pytest.mark.parametrize(("name", "method"), pairs())
def test_an_input_that_is_the_baseline_is_taken_too(name, method):
    """Nothing drawn: what is compared with the baseline is zero, and nothing fails."""
    net, card = make(name)
    x = baseline(card, picture(card), "zero")
    found = attribute(net, card, x, method=method, target=0, samples=8, **place(net, card, method))
    assert np.isfinite(found.values).all()
    if {"baseline", "block"} & METHODS[method].uses:
        assert np.abs(found.values).max() < 1e-6


def test_the_shapley_value_of_one_patch_alone_is_what_the_score_loses():
    net, card = make("relu")
    x = picture(card)
    with torch.no_grad():
        lost = net(torch.tensor(x))[0, 1] - net(torch.tensor(baseline(card, x, "zero")))[0, 1]
    found = attribute(net, card, x, method="KernelShap", target=1, block=8)
    np.testing.assert_allclose(found.values, np.full_like(found.values, lost.item()), rtol=1e-5)


def test_a_slope_through_a_threshold_is_zero():
    """What is absent is absent for a reason: run all the same, it shows nothing."""
    net, card = make("step")
    for method in ("Saliency", "IntegratedGradients", "GradientShap"):
        assert not attribute(net, card, picture(card), method=method, target=0).values.any()


def test_guided_backprop_without_relu_would_be_plain_slope():
    net, card = make("bent")
    x = picture(card)
    guided = attribute(net, card, x, method="GuidedBackprop", target=0).values
    np.testing.assert_array_equal(np.abs(guided), attribute(net, card, x, method="Saliency", target=0).values)


# ------------------------------------------------------------------------------------------------ leaves nothing behind


def fail(*_args):
    raise ArithmeticError("injected")


@pytest.mark.parametrize("smooth", ["off", "smoothgrad"])
@pytest.mark.parametrize(("name", "method"), [p for p in pairs() if p[0] in ("relu", "bent")])
def test_after_an_error_in_the_middle_nothing_is_changed(name, method, smooth):
    """A forward pass that fails, once in every call of the network that the method makes; and an abandoned tick."""
    net, card = make(name)
    where = place(net, card, method)
    settings = {"method": method, "target": 0, "samples": 4, "smooth": smooth, "smooth_samples": 2, **where}
    x = picture(card)
    expected = attribute(net, card, x, **settings).values
    before, calls = state(net), []
    attribute(net, card, x, tick=calls.append, **settings)
    for stop in sorted({0, len(calls) // 2, len(calls) - 1}):
        seen = iter(range(10**6))

        def tick(_done, seen=seen, stop=stop):
            if next(seen) == stop:
                fail()

        with pytest.raises(ArithmeticError):
            attribute(net, card, x, tick=tick, **settings)
        assert state(net) == before
    last = net[len(net) - 1]
    last.forward = fail
    with pytest.raises(ArithmeticError):
        attribute(net, card, x, **settings)
    del last.forward
    assert state(net) == before
    assert not x.flags.writeable or np.array_equal(x, picture(card))
    np.testing.assert_array_equal(attribute(net, card, x, **settings).values, expected)


@pytest.mark.parametrize("method", ["GradientShap", "ShapleyValueSampling", "KernelShap", "Lime", "Saliency"])
def test_random_methods_draw_from_generators_of_their_own(method):
    net, card = make("relu")
    settings = {"method": method, "target": 0, "samples": 8, "block": 2}
    if method == "Saliency":
        settings |= {"smooth": "smoothgrad", "smooth_samples": 4}
    x = picture(card)
    one = attribute(net, card, x, **settings).values
    torch.manual_seed(99)
    np.random.seed(99)
    before = np.random.get_state()[1].copy()
    again = attribute(net, card, x, **settings).values
    assert np.array_equal(np.random.get_state()[1], before)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, attribute(net, card, x, random_seed=1, **settings).values)


def test_a_read_only_input_is_taken():
    net, card = make("relu")
    x = picture(card)
    x.setflags(write=False)
    assert attribute(net, card, x, method="Saliency", target=0).values.any()


# ------------------------------------------------------------------------------------------------- baselines and trust


def test_baselines_are_what_they_are_called():
    _, card = make("pooled")
    x = picture(card)
    assert list(choices(card)) == ["zero", "one", "blurred", "noise"]
    np.testing.assert_allclose(baseline(card, x, "zero"), np.full(x.shape, -0.125), rtol=1e-6)
    np.testing.assert_allclose(baseline(card, x, "one"), np.full(x.shape, 1.125), rtol=1e-6)
    assert baseline(card, x, "blurred").std() < 0.5 * x.std()
    assert baseline(card, x, "noise").shape == x.shape
    with pytest.raises(KeyError, match="no baseline 'mean'"):
        baseline(card, x, "mean")
    _, facts = make("fact")
    assert isinstance(facts.takes, Fact)
    np.testing.assert_allclose(baseline(facts, picture(facts), "mean"), [[1 / 4] * 4 + [1 / 3] * 3])
    assert (crowd(facts, picture(facts), 5).sum(1) == 2).all()


def test_patches_are_blocks_and_those_that_are_bare_are_one():
    _, card = make("linear")
    x, bare = np.ones((1, 1, 6, 6), np.float32), np.zeros((1, 1, 6, 6), np.float32)
    np.testing.assert_array_equal(patches(card, 4, x, bare)[0, 0, :, 0], [0, 0, 0, 0, 2, 2])
    np.testing.assert_array_equal(patches(card, 4, x, bare)[0, 0, 0], [0, 0, 0, 0, 1, 1])
    x[:, :, :, :4] = 0  # both patches on the left
    np.testing.assert_array_equal(patches(card, 4, x, bare)[0, 0, ::5], [[2, 2, 2, 2, 0, 0], [2, 2, 2, 2, 1, 1]])
    _, facts = make("fact")
    one = np.array([[0, 1, 0, 0, 0, 0, 1]], np.float32)
    np.testing.assert_array_equal(patches(facts, 4, one, 0 * one)[0], [2, 0, 2, 2, 2, 2, 1])


def test_merging_bare_patches_changes_no_ablation_or_shapley_value():
    """A patch that changes nothing is worth nothing, and the others are worth what they were."""
    net, card = make("relu")
    x = picture(card)
    x[..., 4:, :] = baseline(card, x, "zero")[..., 4:, :]
    bare = torch.from_numpy(baseline(card, x, "zero"))
    whole = (torch.arange(8) // 2)[:, None] * 4 + torch.arange(8) // 2
    theirs = captum.FeatureAblation(net).attribute(torch.from_numpy(x), bare, 1, feature_mask=whole[None, None])
    ours = attribute(net, card, x, method="FeatureAblation", target=1, block=2).values
    np.testing.assert_allclose(ours, theirs[0].numpy(), atol=1e-6)
    assert np.abs(ours[:, 4:]).max() < 1e-6


def test_agreement_is_spearmans_of_the_sizes():
    maps = [np.array([1.0, 2, 3, 4]), np.array([-10.0, 20, -30, 40]), np.array([4.0, 3, 2, 1]), np.zeros(4)]
    found = agreement(maps)
    np.testing.assert_allclose(found[:3, :3], [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-12)
    assert np.isnan(found[3, :3]).all()
    assert likeness(maps[0], maps[1]) == pytest.approx(0.4)  # ranks 1 2 3 4 and 2 3 1 4
    assert likeness(np.array([1.0, 1, 2]), np.array([1.0, 2, 3])) == pytest.approx(np.sqrt(3) / 2)  # ties share ranks


def test_what_is_zero_in_both_maps_makes_them_no_more_alike():
    a, b = np.array([1.0, 2, 3]), np.array([3.0, 1, 2])
    assert likeness(a, b) == pytest.approx(-0.5)
    ground = np.zeros(1000)
    noise = 1e-9 * np.random.default_rng(0).random(1000)
    assert likeness(np.append(a, ground), np.append(b, noise)) == pytest.approx(-0.5)


def test_consensus_is_the_mean_rank():
    found = consensus([np.array([[0.0, 1, -2, 3]]), np.array([[0.0, 3, 2, 1]])])
    np.testing.assert_allclose(found, [[0, 2 / 3, 2 / 3, 2 / 3]], atol=1e-6)


def test_maps_of_layers_are_enlarged_to_the_input():
    _, card = make("linear")
    values = np.arange(8, dtype=np.float32).reshape(2, 2, 2)  # channel sums: 4 6 / 8 10
    np.testing.assert_array_equal(at_input(values, card)[::3, ::3], [[4, 6], [8, 10]])
    assert at_input(values, card).shape == (6, 6)
    assert at_input(np.zeros(5), card) is None
    assert at_input(np.zeros((5, 1, 1)), card) is None


def test_removal_of_the_best_first_falls_at_once():
    net, card = make("linear")
    x = np.full((1, 1, 6, 6), 1.0, np.float32)
    with torch.no_grad():
        net[1].weight.zero_()
        net[1].bias.zero_()
        net[1].weight[0, :4] = 5.0  # only the first four pixels speak for class 0
    order = attribute(net, card, x, method="FeatureAblation", target=0, block=1).values
    found = removal(net, card, x, order=order.tobytes(), target=0, points=10)
    high = np.exp(20) / (np.exp(20) + 2)
    low = np.exp(-0.125 * 20) / (np.exp(-0.125 * 20) + 2)
    np.testing.assert_allclose(found.most, [high] + [low] * 9, rtol=1e-4)
    np.testing.assert_allclose(found.least, [high] * 9 + [low], rtol=1e-4)
    assert found.area(found.most) < found.area(found.chance) < found.area(found.least)
    assert (found.low <= found.chance + 1e-6).all()
    bare = removal(net, card, baseline(card, x, "zero"), order=order.tobytes(), target=0, points=10)
    np.testing.assert_allclose(bare.most, bare.most[0])  # nothing to take away
