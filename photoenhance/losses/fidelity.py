"""Distances between an image and the one that it should be."""

import torch.nn.functional as F
from torch import Tensor

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
