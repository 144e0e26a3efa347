"""Pixels <-> tensors: the only place where the value range changes."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


def image_of(pixels: Pixels, device: torch.device) -> Tensor:
    """Return `(1, 3, H, W)` in [0, 1] for `(H, W, 3)` 8- or 16-bit pixels."""
    scale = float(np.iinfo(pixels.dtype).max)
    if pixels.dtype == np.uint16:
        return image_of_floats(pixels.astype(np.float32) / np.float32(scale), device)
    planes = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(2, 0, 1)
    return (planes.float() / scale).contiguous()[None]


def image_of_floats(values: NDArray[np.float32], device: torch.device) -> Tensor:
    """Return `(1, 3, H, W)` for `(H, W, 3)` float32 in [0, 1]."""
    planes = torch.from_numpy(np.ascontiguousarray(values)).to(device).permute(2, 0, 1)
    return planes.contiguous()[None]


def floats_of(image: Tensor) -> NDArray[np.float32]:
    """Return `(H, W, 3)` float32 for `(1, 3, H, W)`."""
    return image[0].float().permute(1, 2, 0).contiguous().cpu().numpy()


def pixels_of(image: Tensor, dtype: np.dtype, offset: float = 0.5) -> Pixels:
    """Return `(H, W, 3)` of uint8 or uint16 for `(1, 3, H, W)` in [0, 1].

    Args:
        image: values beyond the range are clamped.
        dtype: of the result.
        offset: added to the level before it is cut off: 0.5 rounds half up, 0 truncates.
    """
    top = float(np.iinfo(dtype).max)
    levels = image[0].float().permute(1, 2, 0).mul(top).add(offset).clamp_(0, top)
    if dtype == np.uint8:
        return levels.to(torch.uint8).contiguous().cpu().numpy()
    return levels.to(torch.int32).contiguous().cpu().numpy().astype(dtype)
