"""Structural similarity at five scales."""

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.metrics.image import Image

# Source: Wang, Simoncelli and Bovik 2003, section 3.2.
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# Source: Wang et al. 2004, section III-C, for values in [0, 1].
LUMINANCE_CONSTANT = 0.01**2
CONTRAST_CONSTANT = 0.03**2
WINDOW, SIGMA = 11, 1.5
SMALLEST = WINDOW * 2 ** (len(EXPONENTS) - 1)

Floats = NDArray[np.float64]


def ms_ssim(image: Image, reference: Image) -> float:
    """Multi-scale structural similarity; scikit-image lacks it, torchmetrics needs torchvision.

    Args:
        image: `(H, W, 3)`, sRGB in [0, 1].
        reference: same shape and range.

    Returns:
        1 for identical images; nan if a side is shorter than 176 pixels.

    Source: Wang, Simoncelli and Bovik 2003, eq. 7, https://doi.org/10.1109/ACSSC.2003.1292216.
    Differs: each scale's mean is over three channels; a negative mean, which has no real power,
    counts as 0; halving averages 2x2 pixels and drops an odd edge.
    """
    if min(image.shape[:2]) < SMALLEST:
        return float("nan")
    similarity = 1.0
    for exponent in EXPONENTS[:-1]:
        _, structure = _similarities(image, reference)
        similarity *= max(structure, 0) ** exponent
        image, reference = _halved(image), _halved(reference)
    whole, _ = _similarities(image, reference)
    return float(similarity * max(whole, 0) ** EXPONENTS[-1])


def _similarities(image: Image, reference: Image) -> tuple[float, float]:
    """Return SSIM's mean, and that of its contrast and structure alone."""
    # One channel at a time takes a third of the memory.
    planes = [_similarities_of(image[..., k], reference[..., k]) for k in range(3)]
    whole, structure = np.mean(planes, axis=0)
    return float(whole), float(structure)


def _similarities_of(plane: Floats, wanted: Floats) -> tuple[float, float]:
    mean_a, mean_b = _blurred(plane), _blurred(wanted)
    variances = _blurred(plane * plane) - mean_a**2 + _blurred(wanted * wanted) - mean_b**2
    covariance = _blurred(plane * wanted) - mean_a * mean_b
    structure = (2 * covariance + CONTRAST_CONSTANT) / (variances + CONTRAST_CONSTANT)
    luminance = 2 * mean_a * mean_b + LUMINANCE_CONSTANT
    luminance /= mean_a**2 + mean_b**2 + LUMINANCE_CONSTANT
    return float((luminance * structure).mean()), float(structure.mean())


def _blurred(values: Floats) -> Floats:
    half = WINDOW // 2
    blurred = cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA)
    return np.asarray(blurred, np.float64)[half:-half, half:-half]


def _halved(image: Image) -> Image:
    height, width = (side // 2 * 2 for side in image.shape[:2])
    rows = image[:height].reshape(height // 2, 2, *image.shape[1:]).mean(axis=1)
    halved: Image = rows[:, :width].reshape(height // 2, width // 2, 2, 3).mean(axis=2)
    return halved
