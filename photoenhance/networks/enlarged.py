"""Convolutions whose field of view grows with the photo.

Source: the inference code of Chen et al. 2018 (DPE), which enlarges every kernel of a network
trained on 512 pixels by the ratio of the photo's long side to 512.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn


class MirroredConv(nn.Conv2d):
    """A convolution of an odd kernel over features that are mirrored at their borders.

    The pixel at the border is repeated (b a|a b). Stride 2 keeps every other output, the first one
    included; an odd side is halved upwards.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride)

    def forward(self, features: Tensor, scale: int = 1) -> Tensor:
        """Map `(N, inputs, H, W)` to `(N, outputs, H, W)`, halved by stride 2.

        Args:
            features: sides of at least `scale * (kernel - 1) / 2`.
            scale: how many times as wide the kernel's view is.
        """
        weight = enlarged(self.weight, scale)
        features = mirror(features, weight.shape[-1] // 2)
        return F.conv2d(features, weight, self.bias, self.stride)


def mirror(features: Tensor, margin: int) -> Tensor:
    """Mirror `(N, C, H, W)` beyond all four borders; sides are at least `margin`."""
    if margin == 0:
        return features
    if margin == 1:  # the same, and faster
        return F.pad(features, (1, 1, 1, 1), "replicate")
    for dim in (2, 3):
        features = mirror_axis(features, dim, (margin, margin))
    return features


def mirror_axis(features: Tensor, dim: int, margins: tuple[int, int]) -> Tensor:
    """Mirror one axis beyond its two ends; it is at least as long as either margin."""
    before, after = margins
    length = features.shape[dim]
    pieces = [features]
    if before:
        pieces.insert(0, features.narrow(dim, 0, before).flip(dim))
    if after:
        pieces.append(features.narrow(dim, length - after, after).flip(dim))
    return torch.cat(pieces, dim) if before or after else features


def enlarged(weight: Tensor, scale: int) -> Tensor:
    """Spread a kernel over more taps; each of its own keeps its total weight.

    Args:
        weight: `(C_out, C_in, k, k)`, k odd.
        scale: 1 leaves the kernel as it is.

    Returns:
        `(C_out, C_in, n, n)` with n = scale * (k - 1) + 1.
    """
    kernel = weight.shape[-1]
    if scale == 1 or kernel == 1:
        return weight
    spread = torch.from_numpy(spreading(kernel, scale)).to(weight.device, weight.dtype)
    return spread @ weight @ spread.mT


def spreading(kernel: int, scale: int) -> NDArray[np.float64]:
    """Return the matrix `(n, k)` whose columns are boxes that each sum to 1, side by side.

    A tap i of the n covers [i*k/n, (i+1)*k/n] of the k; what it overlaps of [j, j+1] is its share
    of j.
    """
    taps = scale * (kernel - 1) + 1
    edges = np.arange(taps + 1) * kernel / taps
    left = np.maximum(edges[:-1, None], np.arange(kernel))
    right = np.minimum(edges[1:, None], np.arange(kernel) + 1)
    return np.maximum(right - left, 0)
