"""The frozen network in whose features the fidelity loss compares."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from photoenhance.errors import ConfigError
from photoenhance.networks.uegan import UEGANGenerator
from photoenhance.networks.vgg import (
    VGGFeatures,
    VGGName,
    caffe_vgg,
    plain_vgg,
    truncated_vgg,
)
from photoenhance.zoo.load import load_generator
from photoenhance.zoo.network import is_offline

logger = logging.getLogger(__name__)

NAMES: dict[VGGName, str] = {"vgg16": "VGG-16", "vgg19": "VGG-19"}
TRIED_SIDE = 64  # of what a network from a file is tried on
POOLS: dict[VGGName, int] = {"vgg16": 3, "vgg19": 4}


class EncoderFeatures(nn.Module):
    """The encoder of a trained UEGAN generator, for where no VGG can be had."""

    def __init__(self, generator: UEGANGenerator) -> None:
        super().__init__()
        self.generator = generator.eval().requires_grad_(requires_grad=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return five feature maps, finest first, of `(N, 3, H, W)` in [0, 1]."""
        return self.generator.encode(image)


def perceptual_features(
    file: Path | None, layers: Sequence[str], network: VGGName = "vgg19"
) -> tuple[nn.Module, str]:
    """Return the best feature extractor that this machine has, and its name for the log.

    A VGG from a file if one is named; else torchvision's, downloaded if need be; else the encoder
    of the bundled model.

    Args:
        file: a truncated VGG, or a VGG-16 in the layout of its authors; or None.
        layers: what is wanted, shallow first.
        network: "vgg16" is EnlightenGAN's, which pools three times.

    Raises:
        ConfigError: the named file holds no such network.
        WeightsError: there is neither a VGG nor the bundled model.
    """
    if file is not None:
        return _from_file(file, layers), f"{file.name}, as deep as it goes"
    try:
        return _from_torchvision(layers, network), f"{NAMES[network]} of torchvision"
    except (ImportError, OSError, RuntimeError) as error:
        logger.info("torchvision's %s is not to be had: %s", NAMES[network], error)
    return bundled_encoder(), "the encoder of the bundled model (no VGG to be had)"


def bundled_encoder() -> EncoderFeatures:
    """Return the encoder of the bundled UEGAN, frozen.

    Raises:
        WeightsError: the bundled model is missing.
    """
    generator = load_generator("uegan").generator
    assert isinstance(generator, UEGANGenerator)
    return EncoderFeatures(generator)


def _from_file(file: Path, layers: Sequence[str]) -> VGGFeatures:
    hint = "Name a .safetensors file of a truncated VGG, or leave --perceptual out."
    try:
        tensors = load_file(file)
        if "preprocess.weight" in tensors:
            network = truncated_vgg(tensors, layers)
        else:
            network = caffe_vgg(tensors, layers, pools=POOLS["vgg16"])
        network(torch.zeros(1, 3, TRIED_SIDE, TRIED_SIDE))  # layers may not fit each other
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: no such file", hint=hint) from error
    except KeyError as error:
        raise ConfigError(f"{file}: no VGG: {error} is missing", hint=hint) from error
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{file}: no VGG that can be used: {error}", hint=hint) from error
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise ConfigError(
                f"{file}: {name} holds numbers that are not finite",
                hint="The file is damaged: get it again, or leave --perceptual out.",
            )
    return network


def _from_torchvision(layers: Sequence[str], network: VGGName) -> VGGFeatures:
    if is_offline():
        raise OSError("PHOTOENHANCE_OFFLINE forbids to download it")
    from torchvision import models  # noqa: PLC0415 (may not fit torch)

    if not any(Path(torch.hub.get_dir(), "checkpoints").glob(f"{network}-*.pth")):
        logger.warning(
            "Downloading %s, about 550 MB, to compare structure in. Without: --perceptual FILE, "
            "or PHOTOENHANCE_OFFLINE=1.",
            NAMES[network],
        )
    build = {"vgg16": models.vgg16, "vgg19": models.vgg19}[network]
    features = build(weights="IMAGENET1K_V1").features
    convolutions = [layer for layer in features if isinstance(layer, nn.Conv2d)]
    return plain_vgg(convolutions, layers, architecture=network, pools=POOLS[network])
