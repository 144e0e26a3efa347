"""Frozen VGG features for perceptual losses."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VGGName = Literal["vgg16", "vgg19"]
# Convolutions of each block of VGG-19 and VGG-16: Simonyan and Zisserman 2015, table 1.
BLOCKS: dict[VGGName, tuple[int, ...]] = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
CHANNELS = (64, 128, 256, 512, 512)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def layers_of(network: VGGName) -> list[str]:
    """Name the layers that `VGGFeatures` can return, shallow first."""
    blocks = enumerate(BLOCKS[network], 1)
    return [f"relu{block}_{place}" for block, count in blocks for place in range(1, count + 1)]


class VGGFeatures(nn.Module):
    """The rectified outputs of some of a VGG's convolutions, frozen.

    Attributes:
        layers: names such as "relu3_1", shallow first; what `forward` returns.
        pools: blocks whose output is pooled, from the first on; all have 4.

    Source: Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556.
    """

    def __init__(
        self,
        preprocess: nn.Conv2d,
        convolutions: Mapping[str, nn.Conv2d],
        layers: Sequence[str],
        *,
        padding_mode: str,
        ceil_mode: bool,
        pools: int = 4,
    ) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.pools = pools
        self.padding_mode = padding_mode
        self.ceil_mode = ceil_mode
        self.preprocess = preprocess
        self.convolutions = nn.ModuleDict(convolutions)
        self.requires_grad_(requires_grad=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return one `(N, C, h, w)` for each of `layers`, from `(N, 3, H, W)` in [0, 1]."""
        features, found = self.preprocess(image), []
        for name, convolution in self.convolutions.items():
            if name.endswith("_1") and 1 < _block(name) <= self.pools + 1:
                features = F.max_pool2d(features, 2, ceil_mode=self.ceil_mode)
            features = F.relu(convolution(F.pad(features, (1, 1, 1, 1), self.padding_mode)))
            layer = name.replace("conv", "relu")
            if layer in self.layers:
                found.append(features)
            if layer == self.layers[-1]:
                break
        return found


def truncated_vgg(tensors: Mapping[str, Tensor], layers: Sequence[str]) -> VGGFeatures:
    """Build the activation-normalised VGG of style transfer, as deep as its tensors go.

    It takes RGB as it is, by a 1x1 convolution of its own, pads by reflection and pools with
    rounding up. Of `layers`, those that it lacks are left out.

    Args:
        tensors: `preprocess.weight`, `preprocess.bias`, `conv1_1.weight` and so on.
        layers: wanted layers; those that the tensors reach are kept.

    Raises:
        ValueError: the tensors do not make such a network, or it has none of the layers.

    Source: Gatys, Ecker and Bethge 2016, section 2, for the normalisation.
    """
    names = sorted({key.split(".")[0] for key in tensors} - {"preprocess"})
    known = [name for name in names if name.startswith("conv")]
    reached = [layer for layer in layers if layer.replace("relu", "conv") in known]
    if "preprocess.weight" not in tensors or not known or known != names or not reached:
        msg = f"expected preprocess.* and conv1_1.* to conv5_4.* with one of {', '.join(layers)}"
        raise ValueError(msg)
    return VGGFeatures(
        _filled(tensors["preprocess.weight"], tensors["preprocess.bias"]),
        {name: _filled(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in known},
        reached,
        padding_mode="reflect",
        ceil_mode=True,
    )


def plain_vgg(
    convolutions: Sequence[nn.Conv2d],
    layers: Sequence[str],
    *,
    architecture: VGGName = "vgg19",
    pools: int = 4,
) -> VGGFeatures:
    """Build the usual VGG: zero padding, ImageNet's mean and deviation taken from the image.

    Args:
        convolutions: all 3x3 convolutions in order, 16 for VGG-19; a prefix of them will do.
        layers: wanted layers, shallow first.
        architecture: "vgg19" or "vgg16".
        pools: blocks whose output is pooled; EnlightenGAN takes 3.
    """
    names = [layer.replace("relu", "conv") for layer in layers_of(architecture)]
    scale = torch.tensor(IMAGENET_STD).reciprocal()
    weight, bias = torch.diag(scale)[:, :, None, None], -torch.tensor(IMAGENET_MEAN) * scale
    return VGGFeatures(
        _filled(weight, bias),
        {
            name: _filled(convolution.weight, convolution.bias)
            for name, convolution in zip(names, convolutions, strict=False)
        },
        layers,
        padding_mode="constant",
        ceil_mode=False,
        pools=pools,
    )


def caffe_vgg(
    tensors: Mapping[str, Tensor], layers: Sequence[str], *, pools: int = 4
) -> VGGFeatures:
    """Build a VGG-16 as its authors gave it out: it takes BGR from 0 to 255, no mean subtracted.

    Args:
        tensors: `conv1_1.weight`, `conv1_1.bias` and so on, up to the last layer at least.
        layers: wanted layers, shallow first.
        pools: blocks whose output is pooled; EnlightenGAN takes 3.

    Raises:
        ValueError: the tensors do not reach the last layer, or are of another network.

    Source: Jiang et al. 2021 (EnlightenGAN), the authors' code: it has the mean, but leaves it off.
    """
    names = [layer.replace("relu", "conv") for layer in layers_of("vgg16")]
    last = layers[-1].replace("relu", "conv")
    needed = names[: names.index(last) + 1]
    missing = [name for name in needed if f"{name}.weight" not in tensors]
    if missing or "preprocess.weight" in tensors:
        raise ValueError(f"expected conv1_1.* to {last}.*, and no preprocess.*")
    swapped = 255 * torch.eye(3).flip(0)[:, :, None, None]
    return VGGFeatures(
        _filled(swapped, torch.zeros(3)),
        {name: _filled(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in needed},
        layers,
        padding_mode="constant",
        ceil_mode=False,
        pools=pools,
    )


def _block(name: str) -> int:
    return int(name.removeprefix("conv").split("_")[0])


def _filled(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    outputs, inputs, kernel, _ = weight.shape
    convolution = nn.Conv2d(inputs, outputs, kernel)
    convolution.load_state_dict({"weight": weight, "bias": bias})
    return convolution
