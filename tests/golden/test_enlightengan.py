"""Numbers from the authors' EnlightenGAN (../shared/golden/enlightengan/README.md)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from photoenhance.losses.adversarial import LeastSquares, RelativisticLeastSquares
from photoenhance.losses.perceptual import SelfFeaturePreserving
from photoenhance.networks.enlightengan import (
    EnlightenGANConfig,
    EnlightenGANDiscriminator,
    EnlightenGANGenerator,
    patch_discriminator,
    photo_discriminator,
)
from photoenhance.networks.vgg import VGGFeatures, caffe_vgg
from photoenhance.tensors import pixels_of

PATCH = 32


@pytest.fixture(scope="module")
def golden(shared: Path) -> Path:
    return shared / "golden" / "enlightengan"


@pytest.fixture(params=[True, False], ids=["aligned", "not-aligned"])
def aligned(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def generator(golden: Path, aligned: bool) -> EnlightenGANGenerator:
    config = EnlightenGANConfig(4, align_corners=aligned, truncate=True, halve_wide=True)
    generator = EnlightenGANGenerator(config)
    generator.load_state_dict(load_file(golden / "generator.safetensors"))
    return generator.eval()


@pytest.fixture
def photo_judge(golden: Path) -> EnlightenGANDiscriminator:
    judge = EnlightenGANDiscriminator(width=4, layers=5)
    judge.load_state_dict(load_file(golden / "disc_global.safetensors"))
    return judge


@pytest.fixture
def patch_judge(golden: Path) -> EnlightenGANDiscriminator:
    judge = EnlightenGANDiscriminator(width=4, layers=4)
    judge.load_state_dict(load_file(golden / "disc_patch.safetensors"))
    return judge


@pytest.fixture(scope="module")
def vgg(golden: Path) -> VGGFeatures:
    return caffe_vgg(load_file(golden / "vgg16_div16.safetensors"), ["relu5_1"], pools=3)


def image_of(pixels: np.ndarray) -> Tensor:
    batch = pixels if pixels.ndim == 4 else pixels[None]
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255


def darkened(image: Tensor, times: Tensor) -> Tensor:
    # In the authors' range and order: see `test_one_training_step`.
    signed = (image - 0.5) / 0.5
    signed = (signed + 1) / 2 / times.float().view(-1, 1, 1, 1) * 2 - 1
    return (signed + 1) / 2


def variant(aligned: bool) -> str:
    return "ac1" if aligned else "ac0"


@pytest.mark.parametrize("case", ["96x128", "83x115"])
def test_generator_gives_the_published_images(
    golden: Path, generator: EnlightenGANGenerator, aligned: bool, case: str
) -> None:
    data = np.load(golden / f"forward_{case}.npz")
    image = image_of(data["rgb_u8"])

    with torch.inference_mode():
        gray = generator.darkness(image)
        output = generator.unclamped(image) * 2 - 1
        told = generator.unclamped(image, torch.from_numpy(data["gray"])) * 2 - 1

    np.testing.assert_allclose(gray.numpy(), data["gray"], rtol=0, atol=1e-6)
    expected = data[f"out_{variant(aligned)}"]
    np.testing.assert_allclose(output.numpy(), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(told.numpy(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", ["96x128", "83x115"])
def test_truncation_gives_the_published_integers(
    golden: Path, generator: EnlightenGANGenerator, aligned: bool, case: str
) -> None:
    data = np.load(golden / f"forward_{case}.npz")

    with torch.inference_mode():
        enhanced = generator(image_of(data["rgb_u8"]))
    pixels = pixels_of(enhanced, np.dtype(np.uint8), 0.0)

    assert generator.truncates
    difference = np.abs(pixels.astype(int) - data[f"u8_{variant(aligned)}"])
    assert difference.max() <= 1
    assert (difference > 0).mean() <= 1e-3


def test_photos_wider_than_2200_are_halved_as_published(
    golden: Path, generator: EnlightenGANGenerator, aligned: bool
) -> None:
    data = np.load(golden / "forward_24x2205.npz")

    with torch.inference_mode():
        output = generator.unclamped(image_of(data["rgb_u8"])) * 2 - 1

    width = data[f"shape_{variant(aligned)}"][-1]
    expected = data[f"out_{variant(aligned)}"]
    np.testing.assert_allclose(output[..., :width:8].numpy(), expected, rtol=0, atol=1e-5)
    assert torch.equal(output[..., -1], output[..., -2])


def test_generator_has_the_published_keys_at_the_published_width() -> None:
    generator = EnlightenGANGenerator(EnlightenGANConfig(width=32))

    state = generator.state_dict()

    assert len([key for key in state if not key.endswith("num_batches_tracked")]) == 114
    assert sum(tensor.numel() for tensor in generator.parameters()) == 8_636_675
    assert state["conv1_1.weight"].shape == (32, 4, 3, 3)
    assert state["deconv5.weight"].shape == (256, 512, 3, 3)
    assert state["conv6_1.weight"].shape == (256, 512, 3, 3)
    assert state["conv10.weight"].shape == (3, 32, 1, 1)
    assert "bn9_1.running_var" in state
    assert "bn9_2.weight" not in state


def test_a_checkpoint_of_the_torch_of_2018_can_be_loaded(golden: Path) -> None:
    loaded = torch.load(golden / "legacy_module_prefix.pth", weights_only=True)
    state = {key.removeprefix("module."): value for key, value in loaded.items()}
    generator = EnlightenGANGenerator(EnlightenGANConfig(len(state["conv1_1.weight"]))).eval()

    generator.load_state_dict(state)
    with torch.inference_mode():
        enhanced = generator(torch.rand(1, 3, 20, 30))

    assert generator.config.width == 2
    assert torch.isfinite(enhanced).all()
    assert torch.equal(generator.state_dict()["bn5_2.running_mean"], state["bn5_2.running_mean"])


def test_discriminators_have_the_published_sizes() -> None:
    config = EnlightenGANConfig(width=32)

    sizes = [
        sum(tensor.numel() for tensor in judge.parameters())
        for judge in (photo_discriminator(config), patch_discriminator(config))
    ]

    assert sizes == [11_154_369, 6_959_553]


def test_discriminators_give_the_published_logits(
    golden: Path, photo_judge: nn.Module, patch_judge: nn.Module
) -> None:
    data = np.load(golden / "discriminators.npz")
    judges = {"global": photo_judge, "patch": patch_judge}

    for name, judge in judges.items():
        for side in ("x", "p"):
            with torch.inference_mode():
                logits = judge(image_of(data[f"{side}_u8"])).numpy()

            np.testing.assert_allclose(logits, data[f"{name}_on_{side}"], rtol=0, atol=1e-5)


def test_adversarial_losses(golden: Path) -> None:
    data = {key: torch.from_numpy(value) for key, value in np.load(golden / "losses.npz").items()}
    whole, local = RelativisticLeastSquares(), LeastSquares()
    real, fake = data["global_pred_real"], data["global_pred_fake"]
    patches = list(zip(data["local_pred_real"], data["local_pred_fake"], strict=True))

    losses = {
        "global_D": whole.discriminator(real, fake),
        "global_G": whole.generator(real, fake),
        "local_D": torch.stack([local.discriminator(r, f) for r, f in patches]).mean(),
        "local_G": torch.stack([local.generator(f) for _, f in patches]).mean(),
    }

    for name, loss in losses.items():
        assert float(loss) == pytest.approx(float(data[name]), abs=1e-5), name


def test_self_feature_preserving_loss(golden: Path, vgg: VGGFeatures) -> None:
    data = np.load(golden / "sfp.npz")
    image, target = image_of(data["img_u8"]), image_of(data["target_u8"])

    prepared = vgg.preprocess(image)[..., :4, :4]
    features = [vgg(image)[-1], vgg(target)[-1]]
    loss = SelfFeaturePreserving(vgg)(image, target)

    np.testing.assert_allclose(prepared, data["pre_img"], rtol=0, atol=1e-4)
    for found, name in zip(features, ("feat_img", "feat_target"), strict=True):
        np.testing.assert_allclose(found, data[name], rtol=1e-5, atol=1e-3)
    assert float(loss) == pytest.approx(float(data["sfp"]), abs=1e-5)


def test_one_training_step(
    golden: Path,
    generator: EnlightenGANGenerator,
    photo_judge: nn.Module,
    patch_judge: nn.Module,
    vgg: VGGFeatures,
    aligned: bool,
) -> None:
    data, end = np.load(golden / "train_step.npz"), variant(aligned)
    source, target = image_of(data["A_u8"]), image_of(data["B_u8"])
    dark = darkened(source, torch.from_numpy(data["times"]))
    whole, local, keeps = RelativisticLeastSquares(), LeastSquares(), SelfFeaturePreserving(vgg)

    def patches(image: Tensor) -> list[Tensor]:
        offsets = data["offsets_wh"].tolist()
        return [image[:, :, y : y + PATCH, x : x + PATCH] for x, y in offsets]

    def mean(values: list[Tensor]) -> Tensor:
        return torch.stack(values).mean()

    # Rounding alone moves this step's image, of a range of 6, by 5e-5, since the norms of a batch
    # of two divide by small deviations: so it is done in the authors' order of operations and of
    # memory, and how a processor adds up is allowed for.
    generator.to(memory_format=torch.contiguous_format)
    enhanced = generator.train().unclamped(dark)
    fake = enhanced.detach()
    preserving = keeps(enhanced, source) + mean(
        [keeps(e, s) for e, s in zip(patches(enhanced), patches(source), strict=True)]
    )
    fooling = whole.generator(photo_judge(target), photo_judge(enhanced)) + mean(
        [local.generator(patch_judge(e)) for e in patches(enhanced)]
    )
    losses = {
        "loss_G_A": fooling,
        "loss_sfp": preserving,
        "loss_G": fooling + preserving,
        "loss_D_A": whole.discriminator(photo_judge(target), photo_judge(fake)),
        "loss_D_P": mean(
            [
                local.discriminator(patch_judge(t), patch_judge(f))
                for t, f in zip(patches(target), patches(fake), strict=True)
            ]
        ),
    }

    np.testing.assert_allclose((fake * 2 - 1).numpy(), data[f"fake_B_{end}"], rtol=0, atol=1e-4)
    for name, loss in losses.items():
        assert float(loss.detach()) == pytest.approx(float(data[f"{name}_{end}"]), abs=1e-5), name
    for side, network, loss in (
        ("G", generator, "loss_G"),
        ("DA", photo_judge, "loss_D_A"),
        ("DP", patch_judge, "loss_D_P"),
    ):
        network.zero_grad()
        losses[loss].backward(retain_graph=True)
        _check_gradients(network, data, side, end)
    buffers = dict(generator.named_buffers())
    sums = [float(buffers[name].sum()) for name in data["bn_names"]]
    np.testing.assert_allclose(sums, data[f"bn_sum_{end}"], rtol=1e-5, atol=1e-5)


def _check_gradients(network: nn.Module, data: np.lib.npyio.NpzFile, side: str, end: str) -> None:
    parameters = dict(network.named_parameters())
    for k, name in enumerate(data[f"grad_{side}_names"]):
        if side == "DA" and name == "model.12.bias":
            continue  # mathematically zero: only differences of logits count
        gradient = parameters[name].grad
        norm = float(data[f"grad_{side}_l2_{end}"][k])
        assert float(gradient.norm()) == pytest.approx(norm, rel=1e-3), name
        total = float(data[f"grad_{side}_sum_{end}"][k])
        room = 1e-3 * norm * gradient.numel() ** 0.5
        assert float(gradient.sum()) == pytest.approx(total, abs=room), name
