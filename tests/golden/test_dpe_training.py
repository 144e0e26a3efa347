"""Steps of the authors' DPE training (../shared/golden/dpe/README.md gives tolerances)."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from photoenhance.losses.adversarial import Wasserstein
from photoenhance.losses.fidelity import log_mse, mse_inside
from photoenhance.losses.gradient_penalty import (
    GrowingWeight,
    gradient_norms,
    one_sided_penalty,
)
from photoenhance.networks.dpe import DPEDiscriminator, DPEGenerator
from photoenhance.zoo.dpe_names import (
    config_of,
    converted,
    critic_names,
    critic_state,
    generator_names,
    generator_state,
)

MakeUp = Callable[[str, list[int]], Tensor]
Draw512 = Callable[[int], np.ndarray]

NEGATED = ("judge.weight", "judge.bias")  # in the authors' critic of sources
NOISE = ("norms.5.bias", "judge.bias")  # a critic's, whose gradient is zero but for rounding


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "golden" / "dpe"


def images_of(pixels: np.ndarray) -> Tensor:
    """Of pixels in the published order, blue first."""
    return torch.from_numpy(pixels[..., ::-1].copy()).permute(0, 3, 1, 2).double() / 255


def sampled(images: Tensor, step: int) -> np.ndarray:
    return images.detach().permute(0, 2, 3, 1).flip(-1)[:, ::step, ::step].numpy()


def sizes_of(rectangles: np.ndarray) -> Tensor:
    """Heights and widths of rectangles (top, bottom, left, right) at the top left."""
    assert not rectangles[:, [0, 2]].any()
    return torch.from_numpy(rectangles[:, [1, 3]])


class _Networks:
    """The two generators and the two critics of the golden step, with the published names."""

    def __init__(self, folder: Path) -> None:
        tensors = load_file(folder / "weights.safetensors")
        config = config_of(generator_state(tensors))
        self.all: dict[str, nn.Module] = {}
        for scope in "AB":
            self.all[f"G{scope}"] = DPEGenerator(config)
            self.all[f"G{scope}"].load_state_dict(generator_state(tensors, scope))
            self.all[f"D{scope}"] = DPEDiscriminator(config)
            self.all[f"D{scope}"].load_state_dict(critic_state(tensors, scope))
        for network in self.all.values():
            network.double()  # the published step has enough rounding of its own

    def parameters(self, kind: str) -> list[nn.Parameter]:
        return [p for name in (f"{kind}A", f"{kind}B") for p in self.all[name].parameters()]

    def expected(self, name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The published tensors of one network, by our names."""
        kind, scope = name
        net = f"net{kind}_var_scope/net{kind}_var_scope{scope}/net{kind}_"
        names = generator_names(2) if kind == "G" else critic_names()
        found = {
            ours: converted(ours, tensors[net + theirs])
            for ours, theirs in names.items()
            if net + theirs in tensors
        }
        if name == "DB":
            found |= {ours: -found[ours] for ours in NEGATED if ours in found}
        return found


@pytest.mark.parametrize("quantity", ["fakes", "critics", "generators", "after"])
def test_a_two_way_step(golden: Path, quantity: str, two_way_step: Mapping[str, list]) -> None:
    errors = two_way_step[quantity]

    assert errors
    for name, error, tolerance in errors:
        assert error <= tolerance, name


@pytest.fixture(scope="module")
def two_way_step(golden: Path) -> dict[str, list[tuple[str, float, float]]]:
    """One critic step and one generator step: (name, error, tolerance) of all that is published."""
    folder = golden / "train2way"
    data = np.load(folder / "step.npz")
    gradients, after = (load_file(folder / f"{n}.safetensors") for n in ("gradients", "after"))
    networks = _Networks(folder)
    errors = {"fakes": [], "critics": [], "generators": [], "after": []}

    _critic_step(networks, data, errors)
    errors["critics"] += _gradient_errors(networks, "D", gradients, 5e-4)
    _generator_step(networks, data, errors)
    errors["generators"] += _gradient_errors(networks, "G", gradients, 5e-3)
    for name, network in networks.all.items():
        state = network.state_dict()
        for key, wanted in networks.expected(name, after).items():
            if name[0] == "G" or key not in NOISE:
                difference = float((state[key] - wanted).abs().max())
                errors["after"].append((f"{name} {key}", difference, 1e-5))
    return errors


def _critic_step(networks: _Networks, data: Mapping[str, np.ndarray], errors: dict) -> None:
    source, target = images_of(data["source"]), images_of(data["target"])
    enhance, back = networks.all["GA"].eval(), networks.all["GB"].eval()
    with torch.no_grad():
        made_target, made_source = enhance.unclamped(source), back.unclamped(target)
    loss = torch.zeros(())
    for side, critic, real, fake, weight in (
        ("target", networks.all["DA"], target, made_target, 10),
        ("source", networks.all["DB"], source, made_source, 7),
    ):
        _compare_images(errors, f"fake_{side}_evalbn", fake, data)
        scores = critic(real), critic(fake)
        sign = 1 if side == "target" else -1
        for name, score in zip(("real", "fake"), scores, strict=True):
            _compare(errors, "critics", f"step_d_{side}_{name}", sign * score.mean(), data)
        mix = torch.from_numpy(data["alpha"][0 if side == "target" else 1]).double()
        penalty = one_sided_penalty(gradient_norms(critic, real, fake, mix))
        _compare(errors, "critics", f"step_d_penalty_{side}", penalty, data)
        assert data[f"step_d_weight_{side}"] == weight
        loss = loss + Wasserstein().discriminator(*scores) + weight * penalty
    adam = torch.optim.Adam(networks.parameters("D"), lr=1e-5)
    loss.backward()
    adam.step()
    enhance.train()
    back.train()


def _generator_step(networks: _Networks, data: Mapping[str, np.ndarray], errors: dict) -> None:
    source, target = images_of(data["source"]), images_of(data["target"])
    enhance, back = networks.all["GA"], networks.all["GB"]
    made_target, made_source = enhance.unclamped(source), back.unclamped(target)
    again_source = back.unclamped(made_target.clamp(0, 1), 1)
    again_target = enhance.unclamped(made_source.clamp(0, 1), 1)
    for name, images in (
        ("fake_target", made_target),
        ("fake_source", made_source),
        ("cycled_source", again_source),
        ("cycled_target", again_target),
    ):
        _compare_images(errors, name, images, data)
    wasserstein = Wasserstein()
    adversarial = wasserstein.generator(torch.empty(0), networks.all["DA"](made_target))
    adversarial = adversarial + wasserstein.generator(
        torch.empty(0), networks.all["DB"](made_source)
    )
    _compare(errors, "generators", "step_g_adversarial", -adversarial, data)
    loss = adversarial
    for name, weight, images, wanted, side in (
        ("identity_source", 1_000, made_target, source, "source"),
        ("identity_target", 1_000, made_source, target, "target"),
        ("cycle_source", 10_000, again_source, source, "source"),
        ("cycle_target", 10_000, again_target, target, "target"),
    ):
        term = mse_inside(images, wanted, sizes_of(data[f"rect_{side}"])).mean()
        _compare(errors, "generators", f"step_g_{name}", term, data)
        loss = loss + weight * term
    adam = torch.optim.Adam(networks.parameters("G"), lr=1e-5)
    loss.backward()
    adam.step()


def _compare(
    errors: dict, kind: str, name: str, value: Tensor, data: Mapping[str, np.ndarray]
) -> None:
    wanted = float(data[name])
    errors[kind].append((name, abs(float(value.detach()) - wanted), 5e-5 * abs(wanted)))


def _compare_images(
    errors: dict, name: str, images: Tensor, data: Mapping[str, np.ndarray]
) -> None:
    errors["fakes"].append((name, np.abs(sampled(images, 4) - data[name]).max(), 5e-5))


def _gradient_errors(
    networks: _Networks, kind: str, published: Mapping[str, Tensor], tolerance: float
) -> list[tuple[str, float, float]]:
    errors = []
    for scope in "AB":
        network = networks.all[kind + scope]
        wanted = networks.expected(kind + scope, published)
        for name, parameter in network.named_parameters():
            difference = float((parameter.grad - wanted[name]).abs().max())
            noise = 1e-8 if kind == "D" and name in NOISE else 0
            most = float(wanted[name].abs().max())
            errors.append((f"{kind}{scope} {name}", difference, max(tolerance * most, noise)))
    return errors


def test_the_released_weight_controller(golden: Path) -> None:
    trace = json.loads((golden / "weight_controller.json").read_text())
    controller = GrowingWeight(trace["initial_weight"])

    for k, penalty in enumerate(trace["penalty"]):
        assert controller.weight == trace["weight_used"][k]
        controller.update(torch.tensor([1 + penalty], dtype=torch.float64))

        assert controller.average == pytest.approx(trace["average"][k], abs=1e-9)
        assert controller.weight == trace["weight_next"][k]


@pytest.mark.slow
def test_a_supervised_step(golden: Path, made_up: MakeUp, drawn: Draw512) -> None:
    data = np.load(golden / "supervised_step.npz")
    prefix = "netG_var_scope/netG_var_scopeA/netG_"
    content = json.loads((golden / "official_checkpoints.json").read_text())
    shapes = {n: s for n, s, *_ in content["checkpoints"]["90.000"]["tensors"]}
    names = {ours: prefix + theirs for ours, theirs in generator_names(1).items()}
    state = generator_state({n: made_up(n, shapes[n]) for n in names.values()})
    generator = DPEGenerator(config_of(state)).train()
    generator.load_state_dict(state)
    images = images_of(np.stack([drawn(s) for s in (1, 2, 3)])).float()
    wanted = images_of(np.stack([drawn(s)[..., ::-1] for s in (4, 5, 6)])).float()
    sizes = torch.tensor([[512, 341], [344, 512], [512, 512]])

    output = generator.unclamped(images)
    loss = log_mse(output, wanted, sizes)
    loss.backward()

    mse = mse_inside(output, wanted, sizes).detach()
    np.testing.assert_allclose(mse, data["mse"], rtol=0, atol=2e-4)
    np.testing.assert_allclose(mse.log10(), data["log10_mse"], rtol=0, atol=1e-4)
    assert float(loss.detach()) == pytest.approx(data["log10_mse"].mean(), abs=1e-4)
    np.testing.assert_allclose(sampled(output, 16), data["output_every16"], rtol=0, atol=2e-3)
    norms = {names[n]: float(p.grad.norm()) for n, p in generator.named_parameters()}
    for name, norm in zip(data["gradient_names"], data["gradient_l2"], strict=True):
        assert norms[str(name).split(":")[0]] == pytest.approx(norm, rel=2e-3), name
    moving = {names[n]: float(buffer.sum()) for n, buffer in generator.named_buffers()}
    for name, total in zip(data["moving_names"], data["moving_sum"], strict=True):
        assert moving[str(name).split(":")[0]] == pytest.approx(total, abs=1e-3, rel=1e-3), name
