"""NIMA on MobileNetV2: the ratings that people would give a photo."""

import re
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Expansion, channels, number of blocks, stride of the first.
# Source: Sandler et al. 2018, table 2, https://arxiv.org/abs/1801.04381.
STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
STEM, LAST, RATINGS = 32, 1280, 10
CROP, SHORT_SIDE = 224, 256
PARTS = ("weight", "bias", "running_mean", "running_var")


class NIMA(nn.Module):
    """Neural image assessment: probabilities of the ratings 1 to 10.

    Args:
        expands_first: whether the first block, which expands by 1, has a convolution for that, as
            early publications of MobileNetV2 have.

    Source: Talebi and Milanfar 2018, https://arxiv.org/abs/1709.05424.
    Differs: no mean and deviation are taken from the image, as in UEGAN's evaluation.
    """

    def __init__(self, *, expands_first: bool = False) -> None:
        super().__init__()
        self.stem = _unit(3, STEM, kernel=3, stride=2)
        blocks, channels = [], STEM
        for expansion, outputs, count, stride in STAGES:
            for index in range(count):
                has_expansion = expansion > 1 or expands_first
                blocks.append(
                    _Block(channels, outputs, expansion, stride if index == 0 else 1, has_expansion)
                )
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.last = _unit(channels, LAST, kernel=1)
        self.head = nn.Linear(LAST, RATINGS)

    def forward(self, image: Tensor) -> Tensor:
        """Return `(N, 10)` probabilities for `(N, 3, H, W)` in [0, 1], of any size."""
        features = self.last(self.blocks(self.stem(_centre(image))))
        return F.softmax(self.head(F.relu(features.mean((2, 3)))), dim=1)

    def score(self, image: Tensor) -> Tensor:
        """Return the mean ratings `(N,)`, from 1 to 10."""
        ratings = torch.arange(1, RATINGS + 1, device=image.device)
        return (self(image) * ratings).sum(1)


class _Block(nn.Module):
    """Expand, filter each channel, project; added to the input where the shapes permit."""

    def __init__(
        self, inputs: int, outputs: int, expansion: int, stride: int, has_expansion: bool
    ) -> None:
        super().__init__()
        middle = inputs * expansion
        self.units = nn.Sequential(
            *([_unit(inputs, middle, kernel=1)] if has_expansion else []),
            _unit(middle, middle, kernel=3, stride=stride, groups=middle),
            _unit(middle, outputs, kernel=1, is_rectified=False),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        found = self.units(features)
        return features + found if self.adds else found


def nima_of(tensors: Mapping[str, Tensor]) -> NIMA:
    """Build the network from a state dict, whatever its modules are called.

    Convolutions, norms and the one linear layer are told apart by their shapes and taken in the
    order of their names, numbers counted as numbers.

    Raises:
        ValueError: the tensors do not make such a network.
    """
    found = _layers(tensors)
    network = NIMA(expands_first=len(found[4]) == 53)
    renamed: dict[str, Tensor] = {}
    for kind, axes in ((nn.Conv2d, 4), (nn.BatchNorm2d, 1), (nn.Linear, 2)):
        own = [name for name, module in network.named_modules() if isinstance(module, kind)]
        if len(own) != len(found[axes]):
            msg = f"{len(found[axes])} layers with weights of {axes} axes instead of {len(own)}"
            raise ValueError(msg)
        for ours, theirs in zip(own, found[axes], strict=True):
            parts = [part for part in PARTS if f"{theirs}.{part}" in tensors]
            renamed |= {f"{ours}.{part}": tensors[f"{theirs}.{part}"] for part in parts}
    counters = {name: value for name, value in network.state_dict().items() if not value.ndim}
    try:
        network.load_state_dict(renamed | counters)
    except RuntimeError as error:
        raise ValueError(str(error).splitlines()[-1].strip()) from error
    return network.eval().requires_grad_(requires_grad=False)


def _layers(tensors: Mapping[str, Tensor]) -> dict[int, list[str]]:
    """Return the names of layers by the number of their weights' axes."""
    found: dict[int, list[str]] = {1: [], 2: [], 4: []}
    for name in sorted({key.rpartition(".")[0] for key in tensors}, key=_in_order):
        weight = tensors.get(f"{name}.weight")
        if weight is not None and weight.ndim in found:
            found[weight.ndim].append(name)
    return found


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _centre(image: Tensor) -> Tensor:
    """Shrink or enlarge the short side to 256 pixels and cut out the central 224 x 224."""
    height, width = image.shape[2:]
    scale = SHORT_SIDE / min(height, width)
    size = [max(SHORT_SIDE, int(side * scale)) for side in (height, width)]
    resized = F.interpolate(image, size, mode="bilinear", antialias=True)
    top, left = (round((side - CROP) / 2) for side in size)
    return resized[:, :, top : top + CROP, left : left + CROP]


def _unit(
    inputs: int,
    outputs: int,
    *,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    is_rectified: bool = True,
) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    layers: list[nn.Module] = [convolution, nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU6()) if is_rectified else nn.Sequential(*layers)
