"""What a few lines of arithmetic make of a photo, for models to be measured against.

All take and return `(H, W, 3)` uint8 in RGB.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

ENDS = (0.5, 99.5)  # percentiles that auto-level makes black and white


def auto_level(pixels: Pixels) -> Pixels:
    """Stretch all channels alike between two percentiles of all their values."""
    black, white = np.percentile(pixels, ENDS)
    return _clipped((pixels - black) / max(white - black, 1) * 255)


def grey_world(pixels: Pixels) -> Pixels:
    """Give the channels one mean, as if the world were grey on average.

    Source: Buchsbaum 1980, https://doi.org/10.1016/0016-0032(80)90058-7.
    Differs: the gains are for coded values, as common tools have them, not for linear light.
    """
    means = np.maximum(pixels.mean(axis=(0, 1)), 1e-6)
    return _clipped(pixels * (means.mean() / means))


def clahe(pixels: Pixels) -> Pixels:
    """Equalise the histogram of CIE lightness in 8 x 8 tiles, clipped at 2.

    Source: Zuiderveld 1994, Contrast limited adaptive histogram equalization, Graphics Gems IV.
    """
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    equaliser = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8))
    lab[..., 0] = equaliser.apply(lab[..., 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).astype(np.uint8)


def _clipped(values: NDArray[np.float64]) -> Pixels:
    return values.clip(0, 255).astype(np.uint8)


BASELINES: dict[str, Callable[[Pixels], Pixels]] = {
    "auto-level": auto_level,
    "grey world": grey_world,
    "CLAHE": clahe,
}
