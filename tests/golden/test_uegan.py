"""Numbers from the authors' published UEGAN (../shared/golden/uegan/README.md gives tolerances)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from photoenhance.losses.adversarial import RelativisticHinge
from photoenhance.losses.fidelity import multiscale_l1
from photoenhance.losses.perceptual import FidelityLoss
from photoenhance.networks.uegan import UEGANConfig, UEGANDiscriminator, UEGANGenerator
from photoenhance.networks.vgg import VGGFeatures, plain_vgg
from photoenhance.training import config
from photoenhance.training.batches import Batch
from photoenhance.training.distributed import Processes
from photoenhance.training.objective import Workplace
from photoenhance.training.oneway import OneWayObjective

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CHANNELS = (64, 64, 128, 128, *[256] * 4, *[512] * 8)


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "golden" / "uegan"


@pytest.fixture
def generator(golden: Path) -> UEGANGenerator:
    generator = UEGANGenerator(UEGANConfig(width=8))
    generator.load_state_dict(load_file(golden / "g_small.safetensors"))
    return generator


@pytest.fixture
def discriminator(golden: Path) -> UEGANDiscriminator:
    discriminator = UEGANDiscriminator(UEGANConfig(width=4))
    discriminator.load_state_dict(load_file(golden / "d_small.safetensors"))
    return discriminator


@pytest.fixture(scope="module")
def vgg() -> VGGFeatures:
    convolutions, inputs = [], 3
    for k, outputs in enumerate(CHANNELS):
        random = np.random.RandomState(1000 + k)
        scale = np.sqrt(2 / (9 * inputs))
        weight = (random.standard_normal((outputs, inputs, 3, 3)) * scale).astype(np.float32)
        convolution = nn.Conv2d(inputs, outputs, 3)
        convolution.weight.data = torch.from_numpy(weight)
        bias = (random.standard_normal(outputs) * 0.1).astype(np.float32)
        convolution.bias.data = torch.from_numpy(bias)
        convolutions.append(convolution)
        inputs = outputs
    return plain_vgg(convolutions, LAYERS)


def image_of(pixels: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(dtype) / 255


def from_authors_range(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values) / 2 + 0.5


@pytest.mark.parametrize("case", ["a_96x128", "b_80x112", "c_batch2_64x48"])
def test_generator_gives_the_published_images(
    golden: Path, generator: UEGANGenerator, case: str
) -> None:
    data = np.load(golden / "forward.npz")

    with torch.inference_mode():
        output = generator(image_of(data[f"{case}.input_u8"])) * 2 - 1

    np.testing.assert_allclose(output.numpy(), data[f"{case}.output"], rtol=0, atol=1e-5)


def test_generator_agrees_where_epsilon_matters(golden: Path, generator: UEGANGenerator) -> None:
    data = np.load(golden / "forward.npz")

    with torch.inference_mode():
        output = generator(from_authors_range(data["d_lowcontrast_64x96.input"])) * 2 - 1

    expected = data["d_lowcontrast_64x96.output"]
    np.testing.assert_allclose(output.numpy(), expected, rtol=0, atol=1e-5)


def test_generator_has_the_published_keys_at_the_published_width() -> None:
    generator = UEGANGenerator(UEGANConfig(width=32))

    keys = list(generator.state_dict())

    assert len(keys) == 50
    assert sum(tensor.numel() for tensor in generator.parameters()) == 4_158_435
    assert generator.state_dict()["ga5.conv.0.weight"].shape == (64, 1024, 1, 1)
    assert generator.state_dict()["upsample1.1.main.1.weight"].shape == (256, 512, 1, 1)
    assert generator.state_dict()["dec5.1.main.1.weight"].shape == (3, 32, 7, 7)


def test_discriminator_has_the_published_size() -> None:
    discriminator = UEGANDiscriminator(UEGANConfig(width=32))

    assert len(discriminator.state_dict()) == 25
    assert sum(tensor.numel() for tensor in discriminator.parameters()) == 4_633_632


def test_discriminator_gives_the_published_logits(
    golden: Path, discriminator: UEGANDiscriminator
) -> None:
    data = np.load(golden / "discriminator.npz")
    image = image_of(data["input_u8"])

    with torch.no_grad():
        calls = {
            "eval": discriminator.eval()(image),
            "train.call1": discriminator.train()(image),
            "train.call2": discriminator(image),
        }

    for call, logits in calls.items():
        for scale, logit in enumerate(logits, 1):
            expected = data[f"{call}.scale{scale}"]
            np.testing.assert_allclose(logit.numpy(), expected, rtol=0, atol=1e-5)
    state = discriminator.state_dict()
    for key in data.files:
        if key.startswith("train.after2."):
            after = state[key.removeprefix("train.after2.")].numpy()
            np.testing.assert_allclose(after, data[key], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "loss", "fake"),
    [
        ("d_real_fake", RelativisticHinge().discriminator, "fake"),
        ("d_real_raw", RelativisticHinge().discriminator, "raw"),
        ("g", RelativisticHinge().generator, "fake"),
    ],
)
def test_relativistic_hinge_over_five_scales(golden: Path, name: str, loss, fake: str) -> None:
    data = np.load(golden / "losses.npz")
    maps = {
        side: [torch.from_numpy(data[f"gan.{side}.scale{k}"]) for k in range(1, 6)]
        for side in ("real", fake)
    }

    total = sum(float(loss(r, f)) for r, f in zip(maps["real"], maps[fake], strict=True))

    assert total == pytest.approx(data[f"gan.rahinge.{name}"].item(), rel=1e-5)


@pytest.mark.parametrize("sides", ["even", "odd"])
def test_identity_loss_over_three_scales(golden: Path, sides: str) -> None:
    data = np.load(golden / "losses.npz")
    image = from_authors_range(data[f"idt.{sides}.pred"])
    wanted = from_authors_range(data[f"idt.{sides}.target"])

    loss = multiscale_l1(image, wanted)

    assert float(loss) == pytest.approx(float(data[f"idt.{sides}.l1"]), rel=1e-5)


def test_fidelity_loss(golden: Path, vgg: VGGFeatures) -> None:
    data = np.load(golden / "losses.npz")
    image = from_authors_range(data["percep.x"])
    source = image_of(data["percep.y_u8"])

    loss = FidelityLoss(vgg)(image, source)

    assert float(loss) == pytest.approx(float(data["percep.value"]), rel=1e-4)


def test_three_training_steps(
    golden: Path,
    generator: UEGANGenerator,
    discriminator: UEGANDiscriminator,
    vgg: VGGFeatures,
) -> None:
    data = np.load(golden / "train3.npz")
    source, target = (image_of(data[name], torch.float64) for name in ("raw_u8", "exp_u8"))
    size = torch.tensor([[96, 96]] * len(source))
    batch = Batch(source, torch.empty(0, 3, 96, 96), target, size, size, torch.zeros(0, 8, 13))
    for network in (generator, discriminator, vgg):
        network.double()
    workplace = Workplace(torch.device("cpu"), Processes(), generator, vgg)
    objective = OneWayObjective(config.load("uegan", {}), workplace)
    judge = replace(objective.judge, network=discriminator)
    objective.judge = judge
    shared = {"betas": (0.5, 0.999), "weight_decay": 1e-4}
    generator_adam = torch.optim.Adam(generator.parameters(), lr=1e-4, **shared)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), lr=4e-4, **shared)

    # The authors' code computes what has no effect; its gradient is zero, its weight decay is not.
    for parameter in generator.parameters():
        parameter.grad = torch.zeros_like(parameter)

    losses = []
    for _ in range(3):
        enhanced = generator(batch.source)
        told = objective.discriminator_terms(judge, batch, enhanced.detach())
        discriminator_adam.zero_grad()
        sum(told.values()).backward()
        discriminator_adam.step()
        terms = objective.generator_terms(batch, enhanced)
        generator_adam.zero_grad(set_to_none=False)
        sum(terms.values()).backward()
        generator_adam.step()
        losses.append({k: float(v.detach()) for k, v in {**told, **terms}.items()})

    columns = [str(name) for name in data["loss_columns"]]
    for step, expected in enumerate(data["losses_float64"]):
        np.testing.assert_allclose(_as_columns(losses[step], columns), expected, rtol=1e-6)
    for prefix, network in (("g", generator), ("d", discriminator)):
        state = network.state_dict()
        for key in (k for k in data.files if k.startswith(f"{prefix}_after.")):
            after = state[key.removeprefix(f"{prefix}_after.")].numpy()
            np.testing.assert_allclose(after, data[key], rtol=0, atol=1e-6, err_msg=key)


def _as_columns(losses: dict[str, float], columns: list[str]) -> list[float]:
    ours = {
        "d_total": losses["real_enhanced"] + losses["real_source"],
        "g_adv_weighted": losses["adversarial"],
        "g_percep_weighted": losses["fidelity"],
        "g_idt_weighted": losses["identity"],
        "g_total": losses["adversarial"] + losses["fidelity"] + losses["identity"],
    }
    return [ours[column] for column in columns]
