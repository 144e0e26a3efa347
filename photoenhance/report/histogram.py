"""How often a photo has each tone, as outlines to draw."""

import numpy as np
from numpy.typing import NDArray

from photoenhance.imaging.photo import Pixels

BINS = 64
HEIGHT = 40  # of a drawing, in the units of its paths; it is as wide as there are bins


def outlines(before: Pixels, after: Pixels) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Draw the histograms of two photos to one scale, so that they can be compared.

    Args:
        before: `(H, W, 3)` uint8, RGB.
        after: likewise; may differ in size.

    Returns:
        SVG paths of red, green and blue for each of the two, dark on the left, in a box of `BINS`
        by `HEIGHT`. What exceeds the box, as a clipped photo's black and white do, is cut off.
    """
    shares = _shares(before), _shares(after)
    # Black and white alone may hold half of a clipped photo; the other tones shall still be seen.
    top = max(float(each[:, 1:-1].max()) for each in shares) or 1.0
    first, second = (tuple(_path(channel / top) for channel in each) for each in shares)
    return first, second


def _shares(pixels: Pixels) -> NDArray[np.float64]:
    """Return `(3, BINS)`: which part of the pixels falls into each bin."""
    width = 256 // BINS
    counts = [np.bincount(pixels[..., c].ravel() // width, minlength=BINS) for c in range(3)]
    return np.stack(counts) / (pixels.shape[0] * pixels.shape[1])


def _path(heights: NDArray[np.float64]) -> str:
    tops = HEIGHT - np.minimum(heights, 1) * HEIGHT
    points = " ".join(f"{x + 0.5:g} {top:.3g}" for x, top in enumerate(tops))
    return f"M0 {HEIGHT}L0 {tops[0]:.3g} {points} {BINS} {tops[-1]:.3g} {BINS} {HEIGHT}Z"
