"""What a photo hides under alpha, filled from what is seen around it.

Nobody sees those colours, so they must not steer a network that looks at the whole photo: a cut-out
on white would come out darker than the same on black. They are replaced by the colours of their
nearest visible surroundings; a pixel that is seen in part is mixed with those as far as it is not.
How far that is depends on the pixel that is seen best: a photo that is half transparent everywhere
hides nothing.

Source: Gortler et al. 1996, The Lumigraph, section 3.4, https://doi.org/10.1145/237170.237200: pull
sums of weighted colours to coarser and coarser levels, push them back into the holes.
Differs: coarser levels are reached by averages over areas, and left by bilinear interpolation.
"""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.tensors import Pixels

Floats = NDArray[np.float32]

_DEEPEST = 65535
_CELL = 4  # rows and columns of a photo that its filling has one pixel for
_ROWS = 64  # that are worked on at a time


def hides(alpha: Pixels | None) -> bool:
    """Whether alpha shows some of a photo less than the rest of it."""
    return alpha is not None and bool(alpha.min() < alpha.max())


def filled(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Return a photo whose hidden colours are those of its visible surroundings.

    Args:
        pixels: `(H, W, 3)` uint8 or uint16.
        alpha: `(H, W)`, same dtype; not 0 everywhere.

    Returns:
        A new array; pixels that are seen entirely are in it as they were.
    """
    height, width = alpha.shape
    coarse = _averages(pixels, alpha, (-(-height // _CELL), -(-width // _CELL)))
    fill: NDArray[Any] = np.rint(_without_holes(coarse)).astype(pixels.dtype)
    result: NDArray[Any] = cv2.resize(fill, (width, height), interpolation=cv2.INTER_LINEAR)
    top = alpha.max()
    for rows in _strips(height):
        around = result[rows].astype(np.float32)
        result[rows] = np.rint(around + (pixels[rows] - around) * _cover(alpha[rows], top))
    return result


def reduced(pixels: Pixels, alpha: Pixels, size: tuple[int, int]) -> NDArray[np.uint16]:
    """Make a small copy of what is seen of a photo, without holes.

    Args:
        pixels: `(H, W, 3)` uint8 or uint16.
        alpha: `(H, W)`, same dtype; not 0 everywhere.
        size: height and width of the copy, neither larger than the photo's.

    Returns:
        `(h, w, 3)` in 16 bits, whatever the depth of the photo, as `guided.reduced` makes it.
    """
    scale = np.float32(_DEEPEST / np.iinfo(pixels.dtype).max)
    return np.rint(_without_holes(_averages(pixels, alpha, size)) * scale).astype(np.uint16)


def restore(source: Pixels, alpha: Pixels, result: Pixels) -> None:
    """Put the colours that are hidden entirely back into a result."""
    for rows in _strips(len(result)):
        cv2.copyTo(source[rows], (alpha[rows] == 0).astype(np.uint8), result[rows])


def carry(source: Pixels, alpha: Pixels, seen: Pixels, result: Pixels) -> None:
    """Make the result of a filled photo that of the photo itself.

    Args:
        source: the photo's own pixels, `(H, W, 3)`.
        alpha: `(H, W)`.
        seen: `filled(source, alpha)`.
        result: what became of `seen`; changed in place. Pixels that are seen in part get the same
            change as their mixture did, hidden ones their own colours back.
    """
    alpha_top, top = alpha.max(), np.iinfo(source.dtype).max
    for rows in _strips(len(result)):
        is_partly_seen = (alpha[rows] > 0) & (alpha[rows] < alpha_top)
        own, before, after = (
            each[rows][is_partly_seen].astype(np.int32) for each in (source, seen, result)
        )
        result[rows][is_partly_seen] = (own + after - before).clip(0, top)
    restore(source, alpha, result)


def _strips(height: int) -> Iterator[slice]:
    return (slice(top, top + _ROWS) for top in range(0, height, _ROWS))


def _cover(alpha: Pixels, top: int) -> Floats:
    """Return `(h, w, 1)`: how far each pixel is seen, from 0 to 1 for the one that is seen best."""
    return (alpha / np.float32(top))[..., None].astype(np.float32)


def _averages(pixels: Pixels, alpha: Pixels, size: tuple[int, int]) -> Floats:
    """Average over areas what is seen, in little memory.

    Returns:
        `(h, w, 4)`: the sum of the colours, each as far as it is seen, and how far that is.
    """
    (height, width), (small_height, small_width) = alpha.shape, size
    averages, top = np.empty((small_height, small_width, 4), np.float32), alpha.max()
    for row in range(small_height):
        start, stop = row * height / small_height, (row + 1) * height / small_height
        run = slice(int(start), min(int(np.ceil(stop)), height))
        edges = np.arange(run.start, run.stop)
        covered = np.minimum(edges + 1, stop) - np.maximum(edges, start)
        cover, weights = _cover(alpha[run], top), (covered / covered.sum()).astype(np.float32)
        line = np.empty((1, width, 4), np.float32)
        line[..., :3] = np.tensordot(weights, pixels[run] * cover, axes=1)
        line[..., 3:] = np.tensordot(weights, cover, axes=1)
        averages[row] = cv2.resize(line, (small_width, 1), interpolation=cv2.INTER_AREA)
    return averages


def _without_holes(averages: Floats) -> Floats:
    """Return colours everywhere, `(h, w, 3)`, for averages of what is seen, `(h, w, 4)`."""
    colors, cover = averages[..., :3], averages[..., 3:]
    height, width = cover.shape[:2]
    if height == width == 1:
        return colors / cover
    if cover.min() >= 1:
        return colors
    half: NDArray[Any] = cv2.resize(
        averages, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA
    )
    # One pixel that is seen counts for all of its four.
    seen = half[..., 3:]
    half *= np.minimum(4, 1 / np.maximum(seen, np.finfo(np.float32).tiny))
    beyond = cv2.resize(_without_holes(half), (width, height), interpolation=cv2.INTER_LINEAR)
    return colors + (1 - cover) * beyond
