from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from photoenhance.networks.vgg import caffe_vgg, plain_vgg, truncated_vgg


def small_truncated_vgg() -> dict[str, torch.Tensor]:
    shapes = {
        "preprocess": (3, 3, 1),
        "conv1_1": (4, 3, 3),
        "conv1_2": (4, 4, 3),
        "conv2_1": (8, 4, 3),
    }
    tensors = {}
    for name, (outputs, inputs, kernel) in shapes.items():
        tensors[f"{name}.weight"] = torch.rand(outputs, inputs, kernel, kernel)
        tensors[f"{name}.bias"] = torch.rand(outputs)
    return tensors


def test_layers_deeper_than_the_file_are_left_out() -> None:
    vgg = truncated_vgg(small_truncated_vgg(), ["relu1_1", "relu2_1", "relu3_1"])

    features = vgg(torch.rand(1, 3, 9, 12))

    assert vgg.layers == ("relu1_1", "relu2_1")
    assert [tuple(f.shape) for f in features] == [(1, 4, 9, 12), (1, 8, 5, 6)]


def test_features_are_frozen_but_let_gradients_through() -> None:
    vgg = truncated_vgg(small_truncated_vgg(), ["relu2_1"])
    image = torch.rand(1, 3, 8, 8, requires_grad=True)

    vgg(image)[0].sum().backward()

    assert not any(parameter.requires_grad for parameter in vgg.parameters())
    assert image.grad is not None


@pytest.mark.parametrize("missing", ["preprocess.weight", "conv1_1.weight"])
def test_a_file_of_something_else_is_refused(missing: str) -> None:
    tensors = small_truncated_vgg()
    name = missing.split(".", maxsplit=1)[0]
    tensors = {key: value for key, value in tensors.items() if not key.startswith(name)}

    with pytest.raises(ValueError, match="expected preprocess"):
        truncated_vgg(tensors, ["relu1_1"] if name == "conv1_1" else ["relu2_1"])


def test_plain_vgg_subtracts_the_mean_of_imagenet() -> None:
    identity = nn.Conv2d(3, 3, 3, padding=1)
    nn.init.dirac_(identity.weight)
    nn.init.zeros_(identity.bias)
    vgg = plain_vgg([identity], ["relu1_1"])

    features = vgg(torch.full((1, 3, 4, 4), 0.485))[0]

    assert features[0, 0].abs().max() == pytest.approx(0, abs=1e-6)
    assert features[0, 1].mean() == pytest.approx((0.485 - 0.456) / 0.224, rel=1e-5)


def test_the_truncated_vgg_gives_its_documented_means(shared: Path) -> None:
    tensors = load_file(shared / "weights" / "vgg19-to-relu3_1.safetensors")
    layers = ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
    ramp = torch.linspace(0, 1, 3465).reshape(1, 3, 33, 35)

    features = truncated_vgg(tensors, layers)(ramp)

    means = [float(f.mean()) for f in features]
    assert means == pytest.approx([2.065357, 1.176349, 1.224144, 0.602800, 0.900850], rel=1e-4)


def small_caffe_vgg(blocks: int) -> dict[str, torch.Tensor]:
    tensors, inputs = {}, 3
    for block, count in enumerate((2, 2, 3, 3, 3)[:blocks], 1):
        for k in range(1, count + 1):
            tensors[f"conv{block}_{k}.weight"] = torch.rand(2, inputs, 3, 3)
            tensors[f"conv{block}_{k}.bias"] = torch.rand(2)
            inputs = 2
    return tensors


@pytest.mark.parametrize(("pools", "side"), [(4, 2), (3, 4)])
def test_the_last_pooling_can_be_left_out(pools: int, side: int) -> None:
    vgg = caffe_vgg(small_caffe_vgg(5), ["relu4_1", "relu5_1"], pools=pools)

    features = vgg(torch.rand(1, 3, 32, 32))

    assert [f.shape[-1] for f in features] == [4, side]


def test_caffe_vgg_takes_blue_first_and_255_for_white() -> None:
    tensors = small_caffe_vgg(1)
    tensors["conv1_1.weight"] = torch.zeros(1, 3, 3, 3)
    tensors["conv1_1.weight"][0, :, 1, 1] = torch.tensor([1.0, 10.0, 100.0])
    tensors["conv1_1.bias"] = torch.zeros(1)
    color = torch.tensor([1.0, 0.2, 0.0]).view(1, 3, 1, 1)

    (features,) = caffe_vgg(tensors, ["relu1_1"])(color)

    assert float(features) == pytest.approx(0 * 255 + 10 * 0.2 * 255 + 100 * 255)


@pytest.mark.parametrize(
    "tensors", [small_caffe_vgg(4), small_caffe_vgg(5) | {"preprocess.weight": torch.rand(3)}]
)
def test_a_caffe_vgg_that_is_too_short_or_of_style_transfer_is_refused(tensors) -> None:
    with pytest.raises(ValueError, match="expected conv1_1"):
        caffe_vgg(tensors, ["relu5_1"])
