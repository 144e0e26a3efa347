"""Distances between the colours of two images."""

import torch
from torch import Tensor

# sRGB primaries to CIE XYZ, divided by the D65 white: IEC 61966-2-1.
SRGB_TO_XYZ = (
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)


def srgb_to_lab(image: Tensor) -> Tensor:
    """Convert `(N, 3, H, W)` in [0, 1] to CIE L*a*b* with L* in [0, 100].

    Source: CIE 15:2004, section 8.2.1, after the sRGB decoding of IEC 61966-2-1.
    """
    image = image.float()
    linear = torch.where(
        image > 0.04045, ((image.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, image / 12.92
    )
    matrix = torch.tensor(SRGB_TO_XYZ, device=image.device)
    with torch.autocast(image.device.type, enabled=False):  # bf16 is too coarse for colours
        xyz = torch.einsum("ij,njhw->nihw", matrix, linear)
    threshold = (6 / 29) ** 3
    root = torch.where(
        xyz > threshold, xyz.clamp(min=threshold) ** (1 / 3), xyz / (3 * (6 / 29) ** 2) + 4 / 29
    )
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def chroma_l1(image: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of a* and b*, over 100; both `(N, 3, H, W)` in [0, 1].

    A wrong hue or a cast on a grey costs little in RGB and shows at once; this is its price.
    """
    difference = srgb_to_lab(image)[:, 1:] - srgb_to_lab(wanted)[:, 1:]
    return difference.abs().mean() / 100
