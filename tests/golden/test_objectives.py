"""The objectives of a run give the numbers of the published steps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from photoenhance.networks.dpe import DPEGenerator
from photoenhance.networks.enlightengan import (
    EnlightenGANConfig,
    EnlightenGANDiscriminator,
    EnlightenGANGenerator,
)
from photoenhance.networks.vgg import caffe_vgg
from photoenhance.training import config, enlightengan
from photoenhance.training.batches import Batch
from photoenhance.training.distributed import Processes
from photoenhance.training.dpe import TwoWayDPEObjective
from photoenhance.training.enlightengan import EnlightenGANObjective
from photoenhance.training.objective import Workplace
from photoenhance.zoo.dpe_names import config_of, critic_state, generator_state

CPU = torch.device("cpu")


def batch_of(source: Tensor, target: Tensor, extents: tuple[Tensor, Tensor]) -> Batch:
    return Batch(source, source[:0], target, *extents, torch.zeros(0, 8, 13))


def planes(pixels: np.ndarray, *, blue_first: bool = False) -> Tensor:
    pixels = pixels[..., ::-1].copy() if blue_first else pixels
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


@pytest.fixture
def enlightengan_step(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[EnlightenGANObjective, np.lib.npyio.NpzFile]:
    folder = shared / "golden" / "enlightengan"
    data = np.load(folder / "train_step.npz")
    times = torch.from_numpy(data["times"]).float().view(-1, 1, 1, 1)
    corners = torch.from_numpy(data["offsets_wh"].copy()).flip(1)
    monkeypatch.setattr(enlightengan, "_places", lambda image, random: corners)
    monkeypatch.setattr(
        EnlightenGANObjective, "_darkened", lambda self, source, random: source / times
    )

    def judge(name: str, layers: int) -> EnlightenGANDiscriminator:
        network = EnlightenGANDiscriminator(4, layers)
        network.load_state_dict(load_file(folder / name))
        monkeypatch.setattr(network, "initialise_as_published", lambda: None)
        return network

    photos, patches = judge("disc_global.safetensors", 5), judge("disc_patch.safetensors", 4)
    monkeypatch.setattr(enlightengan, "photo_discriminator", lambda config: photos)
    monkeypatch.setattr(enlightengan, "patch_discriminator", lambda config: patches)
    generator = EnlightenGANGenerator(EnlightenGANConfig(width=4))
    generator.load_state_dict(load_file(folder / "generator.safetensors"), strict=False)
    vgg = caffe_vgg(load_file(folder / "vgg16_div16.safetensors"), ["relu5_1"], pools=3)
    workplace = Workplace(CPU, Processes(), generator, vgg)
    return EnlightenGANObjective(config.load("enlightengan", {}), workplace), data


def test_a_step_of_enlightengan(enlightengan_step) -> None:
    objective, data = enlightengan_step
    source, target = planes(data["A_u8"]), planes(data["B_u8"])
    size = torch.tensor([[64, 64]] * 2)

    turns = list(objective.turns(batch_of(source, target, (size, size)), 1, torch.Generator()))

    generator, photos, patches = (
        {k: float(v.detach()) for k, v in turn.terms.items()} for turn in turns
    )
    fooling = generator["adversarial"] + generator["local"]
    assert fooling == pytest.approx(float(data["loss_G_A_ac1"]), abs=1e-5)
    assert generator["fidelity"] == pytest.approx(float(data["loss_sfp_ac1"]), abs=1e-5)
    assert photos["photos"] == pytest.approx(float(data["loss_D_A_ac1"]), abs=1e-5)
    assert patches["patches"] == pytest.approx(float(data["loss_D_P_ac1"]), abs=1e-5)


def test_a_step_of_dpe_in_both_directions(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shared / "golden" / "dpe" / "train2way"
    data, tensors = np.load(folder / "step.npz"), load_file(folder / "weights.safetensors")
    forth = DPEGenerator(config_of(generator_state(tensors)))
    forth.load_state_dict(generator_state(tensors, "A"))
    workplace = Workplace(CPU, Processes(), forth, None)
    objective = TwoWayDPEObjective(config.load("dpe", {}), workplace)
    objective.back.load_state_dict(generator_state(tensors, "B"))
    objective.to_target.load_state_dict(critic_state(tensors, "A"))
    objective.to_source.load_state_dict(critic_state(tensors, "B"))
    objective.penalties[1].weight = 7.0
    mixes = torch.from_numpy(data["alpha"])
    monkeypatch.setattr(torch, "rand", lambda *size, generator: mixes)
    source, target = (planes(data[name], blue_first=True) for name in ("source", "target"))
    extents = tuple(torch.from_numpy(data[f"rect_{k}"][:, [1, 3]]) for k in ("source", "target"))

    found: list[dict[str, float]] = []
    for turn in objective.turns(batch_of(source, target, extents), 1, torch.Generator()):
        found.append({name: float(term.detach()) for name, term in turn.terms.items()})
        turn.player.set_rate(1, 10)
        turn.player.update(turn.terms)

    critics, generators = found
    score = data["step_d_target_real"] - data["step_d_target_fake"]
    score = score + data["step_d_source_fake"] - data["step_d_source_real"]
    penalty = 10 * data["step_d_penalty_target"] + 7 * data["step_d_penalty_source"]
    identity = 1_000 * (data["step_g_identity_source"] + data["step_g_identity_target"])
    cycle = 10_000 * (data["step_g_cycle_source"] + data["step_g_cycle_target"])
    assert -critics["score"] == pytest.approx(float(score), rel=5e-5)
    assert critics["penalty"] == pytest.approx(float(penalty), rel=5e-5)
    assert -generators["adversarial"] == pytest.approx(float(data["step_g_adversarial"]), rel=5e-5)
    assert generators["identity"] == pytest.approx(float(identity), rel=5e-5)
    assert generators["cycle"] == pytest.approx(float(cycle), rel=5e-5)
