"""Blocks that networks share."""

import torch
import torch.nn.functional as F
from torch import Tensor


def upsample_window(
    features: Tensor, first: tuple[int, int], window: tuple[slice, slice], size: tuple[int, int]
) -> Tensor:
    """Cut a window out of a map that is doubled bilinearly with aligned corners.

    The result equals that window of `F.interpolate(whole, scale_factor=2, mode="bilinear",
    align_corners=True)`: positions come from the whole map's size. Output p of an axis of n samples
    reads position p * (n-1)/(2n-1), always between the samples (p-1)//2 and (p-1)//2 + 1. So even
    and odd outputs are two plain weighted sums of neighbours.

    Args:
        features: `(1, C, h, w)`, a piece of the map.
        first: row and column of the piece's first sample in the map.
        window: rows and columns of the doubled map; all four ends are even. Samples that it needs
            and the piece lacks are repeated from the piece's edge.
        size: the whole map's height and width.
    """
    for axis in (0, 1):
        dim = axis - 2
        features = _double_axis(features, dim, first[axis], window[axis], size[axis])
    return features


def _double_axis(features: Tensor, dim: int, first: int, window: slice, size: int) -> Tensor:
    start, stop = window.start // 2 - 1, window.stop // 2 + 1
    wanted = torch.arange(start - first, stop - first, device=features.device)
    length = features.shape[dim]
    if start < first or stop - first > length:
        features = features.index_select(dim, wanted.clamp(0, length - 1))
    else:
        features = features.narrow(dim, start - first, stop - start)

    # float32 on purpose: torch's own resize rounds its positions so, which shows on long sides.
    outputs = torch.arange(window.start, window.stop, device=features.device)
    scale = torch.tensor(size - 1, dtype=torch.float32) / max(2 * size - 1, 1)
    positions = scale.to(features.device) * outputs.float()
    weights = (positions - (outputs - 1).div(2, rounding_mode="floor")).to(features.dtype)

    shape = [1, 1, 1, 1]
    shape[dim] = -1
    even, odd = weights[0::2].view(shape), weights[1::2].view(shape)
    count = len(outputs) // 2
    before, here, after = (features.narrow(dim, k, count) for k in range(3))
    pair = torch.stack(
        [torch.lerp(before, here, even), torch.lerp(here, after, odd)], dim=dim % 4 + 1
    )
    return pair.flatten(dim % 4, dim % 4 + 1)


def upsample(features: Tensor, *, aligned: bool = True) -> Tensor:
    """Double the height and width of `(N, C, H, W)` bilinearly, with aligned corners or without."""
    return F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=aligned)
