import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from photoenhance.errors import WeightsError
from photoenhance.metrics.learned import read_lpips, read_nima
from photoenhance.networks.lpips import LPIPS
from photoenhance.networks.nima import NIMA

# Expansion, outputs, repetitions, stride, from the table of MobileNetV2's paper.
TABLE = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]


def alexnet_and_heads():
    random = torch.Generator().manual_seed(4)
    shapes = {
        0: (64, 3, 11),
        3: (192, 64, 5),
        6: (384, 192, 3),
        8: (256, 384, 3),
        10: (256, 256, 3),
    }
    tensors = {}
    for number, (index, (outputs, inputs, kernel)) in enumerate(shapes.items()):
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=random)
        tensors[f"features.{index}.weight"] = weight / (inputs * kernel**2) ** 0.5
        tensors[f"features.{index}.bias"] = torch.randn(outputs, generator=random) / 10
        tensors[f"lin{number}.model.1.weight"] = torch.rand(1, outputs, 1, 1, generator=random)
    return tensors


def planes(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


def lpips_by_hand(tensors, image, reference):
    """The distance, from convolutions and NumPy."""
    maps = []
    for each in (image, reference):
        colours = (each * 2 - 1 - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
        values, found = planes(colours), []
        for index, (stride, padding) in {
            0: (4, 2),
            3: (1, 2),
            6: (1, 1),
            8: (1, 1),
            10: (1, 1),
        }.items():
            if index in (3, 6):
                values = F.max_pool2d(values, 3, 2)
            weight, bias = (tensors[f"features.{index}.{part}"] for part in ("weight", "bias"))
            values = F.conv2d(values, weight, bias, stride, padding).clamp(min=0)
            found.append(values[0].numpy())
        maps.append(found)
    total = 0.0
    for number, (a, b) in enumerate(zip(*maps, strict=True)):
        unit_a, unit_b = (each / np.maximum(np.linalg.norm(each, axis=0), 1e-10) for each in (a, b))
        weight = tensors[f"lin{number}.model.1.weight"].numpy().ravel()
        total += np.einsum("chw,c->hw", (unit_a - unit_b) ** 2, weight).mean()
    return total


def nima_by_torchvisions_names(*, expands_first=False):
    """Random weights as torchvision would name them, and an older layout's additional layer."""
    random, tensors = torch.Generator().manual_seed(6), {}

    def add(convolution, norm, outputs, inputs, kernel):
        weight = torch.randn(outputs, inputs, kernel, kernel, generator=random)
        tensors[f"{convolution}.weight"] = weight / (inputs * kernel**2) ** 0.5
        for part, least in (
            ("weight", 0.5),
            ("bias", -0.2),
            ("running_mean", -0.2),
            ("running_var", 0.5),
        ):
            tensors[f"{norm}.{part}"] = torch.rand(outputs, generator=random) / 2 + least
        tensors[f"{norm}.num_batches_tracked"] = torch.tensor(7)

    add("base.0.0", "base.0.1", 32, 3, 3)
    inputs, index = 32, 0
    for expansion, outputs, repetitions, _ in TABLE:
        for _ in range(repetitions):
            index, part, middle = index + 1, 0, inputs * expansion
            if expansion > 1 or expands_first:
                add(f"base.{index}.conv.0.0", f"base.{index}.conv.0.1", middle, inputs, 1)
                part = 1
            add(f"base.{index}.conv.{part}.0", f"base.{index}.conv.{part}.1", middle, 1, 3)
            add(
                f"base.{index}.conv.{part + 1}", f"base.{index}.conv.{part + 2}", outputs, middle, 1
            )
            inputs = outputs
    add("base.18.0", "base.18.1", 1280, 320, 1)
    tensors["head.2.weight"] = torch.randn(10, 1280, generator=random) / 20
    tensors["head.2.bias"] = torch.randn(10, generator=random) / 10
    return tensors


def rating_by_hand(tensors, image, *, expands_first=False):
    """The mean rating of a `(1, 3, 224, 224)` image, layer by layer."""

    def step(values, convolution, norm, *, stride=1, groups=1, is_rectified=True):
        weight = tensors[f"{convolution}.weight"]
        values = F.conv2d(values, weight, None, stride, weight.shape[2] // 2, 1, groups)
        mean, variance, gain, offset = (
            tensors[f"{norm}.{part}"].view(1, -1, 1, 1)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        values = (values - mean) / (variance + 1e-5).sqrt() * gain + offset
        return values.clamp(0, 6) if is_rectified else values

    values, index = step(image, "base.0.0", "base.0.1", stride=2), 0
    for expansion, outputs, repetitions, first_stride in TABLE:
        for repetition in range(repetitions):
            index, part, before = index + 1, 0, values
            stride = 1 if repetition else first_stride
            if expansion > 1 or expands_first:
                values = step(values, f"base.{index}.conv.0.0", f"base.{index}.conv.0.1")
                part = 1
            names = f"base.{index}.conv.{part}.0", f"base.{index}.conv.{part}.1"
            values = step(values, *names, stride=stride, groups=values.shape[1])
            names = f"base.{index}.conv.{part + 1}", f"base.{index}.conv.{part + 2}"
            values = step(values, *names, is_rectified=False)
            values = values + before if stride == 1 and before.shape[1] == outputs else values
    values = step(values, "base.18.0", "base.18.1").mean((2, 3)).clamp(min=0)
    logits = (values @ tensors["head.2.weight"].T + tensors["head.2.bias"])[0].double().numpy()
    chances = np.exp(logits) / np.exp(logits).sum()
    return chances @ np.arange(1, 11)


def test_lpips_agrees_with_numpy(tmp_path, photo, worse):
    tensors = alexnet_and_heads()
    save_file(tensors, tmp_path / "lpips.safetensors")

    distance = read_lpips(tmp_path / "lpips.safetensors")(worse, photo)

    assert distance > 0.1
    assert distance == pytest.approx(lpips_by_hand(tensors, worse, photo), rel=1e-4)


def test_lpips_of_a_weight_by_hand(tmp_path):
    # Black gives nothing after the first layer, white 1 in its first channel alone: that map, made
    # of length 1, differs by 1 at every place. Deeper layers see nothing.
    tensors = {name: torch.zeros_like(value) for name, value in alexnet_and_heads().items()}
    tensors["features.0.weight"][0, 0] = 1
    tensors["lin0.model.1.weight"][0, 0] = 0.25
    save_file(tensors, tmp_path / "lpips.safetensors")

    distance = read_lpips(tmp_path / "lpips.safetensors")

    assert distance(np.ones((64, 64, 3)), np.zeros((64, 64, 3))) == pytest.approx(0.25)


def test_lpips_is_0_for_the_same_and_nothing_for_what_is_too_small(tmp_path, photo):
    save_file(alexnet_and_heads(), tmp_path / "lpips.safetensors")

    distance = read_lpips(tmp_path / "lpips.safetensors")

    assert distance(photo, photo) == 0
    assert math.isnan(distance(photo[:30], photo[:30]))
    assert math.isfinite(distance(photo[:31], photo[:31]))


def test_lpips_ignores_what_alexnet_has_beyond_its_features(tmp_path, photo, worse):
    tensors = alexnet_and_heads() | {"classifier.6.bias": torch.zeros(1000)}
    save_file(tensors, tmp_path / "lpips.safetensors")

    assert read_lpips(tmp_path / "lpips.safetensors")(worse, photo) > 0


@pytest.mark.parametrize("expands_first", [False, True])
def test_nima_agrees_with_its_layers_one_by_one(tmp_path, photo, expands_first):
    tensors = nima_by_torchvisions_names(expands_first=expands_first)
    save_file(tensors, tmp_path / "nima.safetensors")
    image = photo[:256, :256]  # of which the middle 224 x 224 count

    rating = read_nima(tmp_path / "nima.safetensors")(image)

    inside = planes(image)[:, :, 16:240, 16:240]
    by_hand = rating_by_hand(tensors, inside, expands_first=expands_first)
    assert rating == pytest.approx(by_hand, abs=1e-3)


def test_nima_shrinks_the_short_side_to_256(tmp_path, photo):
    save_file(nima_by_torchvisions_names(), tmp_path / "nima.safetensors")
    rating = read_nima(tmp_path / "nima.safetensors")
    middle = photo[:, 8:264]

    doubled = np.repeat(np.repeat(middle, 2, axis=0), 2, axis=1)

    assert rating(doubled) == pytest.approx(rating(middle), abs=0.02)


def test_nima_without_an_opinion_rates_five_and_a_half(tmp_path, photo):
    tensors = nima_by_torchvisions_names()
    tensors["head.2.weight"].zero_()
    tensors["head.2.bias"].zero_()
    save_file(tensors, tmp_path / "nima.safetensors")

    assert read_nima(tmp_path / "nima.safetensors")(photo) == pytest.approx(5.5)


@pytest.mark.parametrize("read", [read_lpips, read_nima])
def test_weights_of_something_else_are_refused(tmp_path, read):
    save_file({"a.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")

    with pytest.raises(WeightsError, match=r"other\.safetensors: does not hold the weights of"):
        read(tmp_path / "other.safetensors")


def test_weights_of_other_sizes_are_refused(tmp_path):
    lpips = {name: value[:1].clone() for name, value in LPIPS().state_dict().items()}
    nima = {name: value[:1].clone() for name, value in NIMA().state_dict().items() if value.ndim}
    save_file(lpips, tmp_path / "lpips.safetensors")
    save_file(nima, tmp_path / "nima.safetensors")

    with pytest.raises(WeightsError, match="LPIPS on AlexNet: size mismatch"):
        read_lpips(tmp_path / "lpips.safetensors")
    with pytest.raises(WeightsError, match="NIMA on MobileNetV2: size mismatch"):
        read_nima(tmp_path / "nima.safetensors")


@pytest.mark.parametrize("read", [read_lpips, read_nima])
def test_damaged_and_missing_files_are_told_apart(tmp_path, read):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing of the kind")

    with pytest.raises(WeightsError, match=r"broken\.safetensors: no \.safetensors file"):
        read(tmp_path / "broken.safetensors")
    with pytest.raises(WeightsError, match=r"no\.safetensors: cannot be read: "):
        read(tmp_path / "no.safetensors")


@pytest.mark.parametrize("read", [read_lpips, read_nima])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, read, value):
    tensors = alexnet_and_heads()
    tensors["features.3.bias"][7] = value
    save_file(tensors, tmp_path / "broken.safetensors")

    with pytest.raises(WeightsError, match=r"features.3.bias holds numbers that are not finite"):
        read(tmp_path / "broken.safetensors")
