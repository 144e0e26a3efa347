"""Blocks that networks share."""

import torch
import torch.nn.functional as F
from torch import Tensor


def upsample_window(
    features: Tensor,
    first: tuple[int, int],
    window: tuple[slice, slice],
    size: tuple[int, int],
    *,
    aligned: bool = True,
) -> Tensor:
    """Cut a window out of a map that is doubled bilinearly, with aligned corners or without.

    The result equals that window of `F.interpolate(whole, scale_factor=2, mode="bilinear",
    align_corners=aligned)`. With aligned corners, positions come from the whole map's size: output
    p of an axis of n samples reads position p * (n-1)/(2n-1); without, it reads p/2 - 1/4. Both lie
    between the samples (p-1)//2 and (p-1)//2 + 1. So even and odd outputs are two plain weighted
    sums of neighbours.

    Args:
        features: `(1, C, h, w)`, a piece of the map.
        first: row and column of the piece's first sample in the map.
        window: rows and columns of the doubled map; all four ends are even. Samples that it needs
            and the piece lacks are repeated from the piece's edge.
        size: the whole map's height and width.
        aligned: as in `upsample`.
    """
    features = _reached(features, first, window)
    for axis in (0, 1):
        length = size[axis] if aligned else None
        features = _double_axis(features, axis - 2, window[axis], length)
    return features


def _reached(features: Tensor, first: tuple[int, int], window: tuple[slice, slice]) -> Tensor:
    """Cut out what a window needs, with edge samples repeated where the piece lacks them."""
    margins: list[int] = []
    for axis in (1, 0):
        start = window[axis].start // 2 - 1 - first[axis]
        stop = window[axis].stop // 2 + 1 - first[axis]
        length = features.shape[axis - 2]
        margins += [max(-start, 0), max(stop - length, 0)]
        features = features.narrow(axis - 2, max(start, 0), min(stop, length) - max(start, 0))
    return F.pad(features, margins, "replicate") if any(margins) else features


def _double_axis(features: Tensor, dim: int, window: slice, size: int | None) -> Tensor:
    """Double one axis; `size` is the whole map's, or None where corners are not aligned."""
    even, odd = _weights(window, size, features, dim)
    count = (window.stop - window.start) // 2
    before, here, after = (features.narrow(dim, k, count) for k in range(3))
    doubled = _empty_like(features, dim, 2 * count)
    _every_second(doubled, dim, 0).copy_(torch.lerp(before, here, even))
    _every_second(doubled, dim, 1).copy_(torch.lerp(here, after, odd))
    return doubled


def _empty_like(features: Tensor, dim: int, length: int) -> Tensor:
    """Make room for features of another length, in the same memory format."""
    shape = list(features.shape)
    shape[dim] = length
    is_last = features.stride(1) == 1
    layout = torch.channels_last if is_last else torch.contiguous_format
    return torch.empty(shape, dtype=features.dtype, device=features.device, memory_format=layout)


def _every_second(features: Tensor, dim: int, first: int) -> Tensor:
    """View every second row (dim -2) or column (dim -1) from the first on."""
    return features[..., first::2, :] if dim == -2 else features[..., first::2]


def _weights(window: slice, size: int | None, features: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return the weight of the later of two neighbours, for even outputs and for odd ones."""
    if size is None:
        return features.new_tensor(0.75), features.new_tensor(0.25)
    # In float32 as torch's own resize rounds its positions, which shows on long sides.
    exact = torch.promote_types(features.dtype, torch.float32)
    outputs = torch.arange(window.start, window.stop, device=features.device)
    scale = torch.tensor(size - 1, dtype=exact) / max(2 * size - 1, 1)
    positions = scale.to(features.device) * outputs.to(exact)
    weights = (positions - (outputs - 1).div(2, rounding_mode="floor")).to(features.dtype)
    shape = [1, 1, 1, 1]
    shape[dim] = -1
    return weights[0::2].view(shape), weights[1::2].view(shape)


def upsample(features: Tensor, *, aligned: bool = True) -> Tensor:
    """Double the height and width of `(N, C, H, W)` bilinearly, with aligned corners or without."""
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=aligned)
