import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from photoenhance.errors import ConfigError
from photoenhance.training import features


def small_vgg() -> dict[str, torch.Tensor]:
    shapes = {"preprocess": (3, 3, 1), "conv1_1": (4, 3, 3), "conv1_2": (5, 4, 3)}
    random = torch.Generator().manual_seed(0)
    tensors = {}
    for name, (outputs, inputs, kernel) in shapes.items():
        shape = (outputs, inputs, kernel, kernel)
        tensors[f"{name}.weight"] = torch.rand(shape, generator=random)
        tensors[f"{name}.bias"] = torch.rand(outputs, generator=random)
    return tensors


def test_a_vgg_is_read_from_a_file(tmp_path):
    save_file(small_vgg(), tmp_path / "vgg.safetensors")

    network, name = features.perceptual_features(tmp_path / "vgg.safetensors", ["relu1_2"])

    assert name == "vgg.safetensors, as deep as it goes"
    assert network(torch.rand(1, 3, 8, 8))[0].shape == (1, 5, 8, 8)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        (
            "conv1_2.weight",
            torch.full((5, 4, 3, 3), torch.nan),
            "convolutions.conv1_2.weight holds",
        ),
        ("conv1_1.bias", torch.full((4,), torch.inf), "convolutions.conv1_1.bias holds numbers"),
        ("conv1_2.weight", torch.rand(5, 7, 3, 3), "no VGG that can be used: "),
        ("conv1_2.weight", torch.rand(5, 4), "no VGG that can be used: "),
        ("conv1_2.bias", None, "no VGG: 'conv1_2.bias' is missing"),
    ],
)
def test_a_file_that_no_loss_can_use_is_refused(tmp_path, name, tensor, message):
    tensors = small_vgg()
    del tensors[name]
    if tensor is not None:
        tensors[name] = tensor
    save_file(tensors, tmp_path / "vgg.safetensors")

    with pytest.raises(ConfigError) as raised:
        features.perceptual_features(tmp_path / "vgg.safetensors", ["relu1_1", "relu1_2"])

    assert raised.value.message.startswith(f"{tmp_path / 'vgg.safetensors'}: {message}")
    assert raised.value.hint


def test_a_folder_is_no_vgg(tmp_path):
    with pytest.raises(ConfigError, match="no VGG that can be used"):
        features.perceptual_features(tmp_path, ["relu1_1"])


@pytest.mark.parametrize(("value", "is_asked"), [("0", True), ("no", True), ("1", False)])
def test_a_vgg_is_downloaded_where_the_network_may_be_used(monkeypatch, value, is_asked):
    asked = []

    def vgg19(**options):
        asked.append(options)
        raise OSError("no network in tests")

    models = SimpleNamespace(vgg16=None, vgg19=vgg19)
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=models))
    monkeypatch.setenv("PHOTOENHANCE_OFFLINE", value)

    _, name = features.perceptual_features(None, ["conv1_1"])

    assert name == "the encoder of the bundled model (no VGG to be had)"
    assert bool(asked) is is_asked
