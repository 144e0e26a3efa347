"""Tone, colour and detail of an image by itself."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.metrics.image import Image, luma

BLACK = 2 / 255  # JPEG brings black and white back with an error of a step or two
WHITE = 253 / 255


def colourfulness(image: Image) -> float:
    """How colourful an `(H, W, 3)` sRGB image in [0, 1] is.

    Returns:
        0 for grey; people call 15 slightly, 45 averagely and 109 extremely colourful.

    Source: Hasler and Süsstrunk 2003, the measure M(3), https://doi.org/10.1117/12.477378.
    """
    red, green, blue = np.moveaxis(image * 255, 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    deviation = np.hypot(red_green.std(), yellow_blue.std())
    return float(deviation + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def contrast(image: Image) -> float:
    """Standard deviation of luma in percent of its range: at most 50, half black and half white.

    Source: Peli 1990, RMS contrast, https://doi.org/10.1364/JOSAA.7.002032.
    """
    return float(100 * luma(image).std())


def clipped_shadows(image: Image) -> float:
    """Percentage of pixels of which every channel is black, within two 8-bit steps."""
    return float(100 * (image.max(axis=2) <= BLACK).mean())


def clipped_highlights(image: Image) -> float:
    """Percentage of pixels of which every channel is white, within two 8-bit steps."""
    return float(100 * (image.min(axis=2) >= WHITE).mean())


def sharpness_change(image: Image, source: Image) -> float:
    """By how many percent an image is sharper than the source from which it was made.

    Sharpness is the root of the mean squared gradient of luma, relative to luma's deviation, since
    whatever raises the contrast as a whole raises each gradient too without showing more detail.

    Args:
        image: `(H, W, 3)`, sRGB in [0, 1].
        source: same shape and range.

    Returns:
        Negative where detail was lost; nan where either is all one grey.

    Source: for the mean squared gradient, Tenengrad as in Pertuz et al. 2013,
    https://doi.org/10.1016/j.patcog.2012.11.011.
    """
    before, after = _sharpness(luma(source)), _sharpness(luma(image))
    return 100 * (after / before - 1) if before else float("nan")


def _sharpness(grey: NDArray[np.float64]) -> float:
    deviation = float(grey.std())
    if deviation < 1e-9:
        return float("nan")
    across, down = (cv2.Sobel(grey, cv2.CV_64F, *order) for order in ((1, 0), (0, 1)))
    return math.sqrt(float((across**2 + down**2).mean())) / deviation
