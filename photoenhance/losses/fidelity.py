"""Distances between an image and the one that it should be."""

import torch
import torch.nn.functional as F
from torch import Tensor

CHARBONNIER_EPSILON = 1e-3
RANGE = 2  # the UEGAN authors weigh their losses for images in [-1, 1]


def multiscale_l1(image: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference at full, half and quarter size, weighted 1, 1/2 and 1/4.

    Args:
        image: `(N, 3, H, W)` in [0, 1].
        wanted: same shape and range.

    Source: Ni et al. 2020 (UEGAN), the identity loss of section III-D; three scales as in the
    authors' code. Halving averages 2x2 pixels and drops an odd edge.
    Differs: images are in [0, 1]; the result is doubled to that of the authors' range.
    """
    total = (image - wanted).abs().mean()
    for weight in (1 / 2, 1 / 4):
        image, wanted = F.avg_pool2d(image, 2), F.avg_pool2d(wanted, 2)
        total = total + weight * (image - wanted).abs().mean()
    return RANGE * total


def mse_inside(image: Tensor, wanted: Tensor, sizes: Tensor) -> Tensor:
    """Mean squared difference of each image over the photo in it, `(N,)`.

    Args:
        image: `(N, 3, H, W)`; photos that lie at the top left of a square.
        wanted: same shape.
        sizes: `(N, 2)` integers, the photos' heights and widths; the rest does not count.

    Source: the code of Chen et al. 2018 (DPE).
    """
    heights, widths = sizes.to(image.device).view(-1, 2, 1, 1, 1).unbind(1)
    rows = torch.arange(image.shape[2], device=image.device).view(1, 1, -1, 1) < heights
    columns = torch.arange(image.shape[3], device=image.device) < widths
    squared = ((image - wanted) ** 2).where(rows & columns, 0)
    count = image.shape[1] * (heights * widths).flatten()
    return squared.flatten(1).sum(dim=1) / count


def log_mse(image: Tensor, wanted: Tensor, sizes: Tensor) -> Tensor:
    """Mean logarithm to the base 10 of `mse_inside`, a scalar: a tenth of minus the mean PSNR.

    Source: the code of Chen et al. 2018 (DPE), supervised training; the paper names the mean
    squared error itself.
    Differs: an error below 1e-10 counts as 1e-10; equal images would have no finite loss.
    """
    return mse_inside(image, wanted, sizes).clamp(min=1e-10).log10().mean()


def charbonnier(image: Tensor, wanted: Tensor) -> Tensor:
    """Mean of the root of the squared difference plus a little, which is smooth around 0.

    Args:
        image: `(N, 3, H, W)` in [0, 1].
        wanted: same shape and range.

    Source: a published variant of UEGAN, with its epsilon of 1e-3.
    Differs: images are in [0, 1]; the difference is doubled to that of the authors' range.
    """
    return ((RANGE * (image - wanted)) ** 2 + CHARBONNIER_EPSILON**2).sqrt().mean()
