"""The distance that is left where an enhanced image is rendered as one colour transform."""

import torch
from torch import Tensor

from photoenhance.losses.color import srgb_to_lab
from photoenhance.networks.histogram import quadratic_terms

RIDGE = 1e-4  # added to the mean squares of the terms: images of few colours fix no transform
LAB_SCALE = 50.0  # makes a difference in CIE L*a*b* weigh about as much as one in sRGB


def as_tone(source: Tensor, enhanced: Tensor) -> Tensor:
    """Replace each enhanced image by the quadratic colour transform of its source nearest to it.

    The transform is fitted by least squares over all pixels, and gradients pass through the fit.

    Args:
        source: `(N, 3, H, W)` in [0, 1].
        enhanced: same shape, any range.

    Returns:
        Same shape; not clamped. What the enhanced image has and no transform of colours can give,
        such as local contrast, is gone.
    """
    with torch.autocast(source.device.type, enabled=False):  # bf16 is too coarse for a fit
        terms = quadratic_terms(source.float())
        count = terms.shape[2]
        change = (enhanced.float() - source).flatten(2)
        squares = terms @ terms.transpose(1, 2) / count
        squares = squares + RIDGE * torch.eye(terms.shape[1], device=terms.device)
        coefficients = torch.linalg.solve(squares, terms @ change.transpose(1, 2) / count)
        return source + (coefficients.transpose(1, 2) @ terms).view_as(source)


def tone_distance(source: Tensor, enhanced: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference, in sRGB and in CIE L*a*b*, of enhanced images rendered as tone.

    Args:
        source: `(N, 3, H, W)` in [0, 1].
        enhanced: same shape, any range.
        wanted: same shape, in [0, 1].

    Returns:
        A scalar.
    """
    rendered = as_tone(source, enhanced)
    colors = srgb_to_lab(rendered.clamp(0, 1)) - srgb_to_lab(wanted)
    return (rendered - wanted).abs().mean() + colors.abs().mean() / LAB_SCALE
