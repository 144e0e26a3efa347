"""The generator's change to a small copy of a photo, carried to the photo itself.

A small copy and its enhanced version say how colours are to change around each pixel: an affine
transform, twelve numbers. These change slowly even where the photo does not, so they can be
enlarged and hold for the photo's own pixels, of which the generator saw no more than averages.

Source: He & Sun 2015, Fast Guided Filter, https://arxiv.org/abs/1505.00996: fit small, enlarge the
coefficients, apply at full size; with the colour guide of He, Sun & Tang 2013, eq. 19,
https://doi.org/10.1109/TPAMI.2012.213.
Differs: what is fitted is the change, enhanced minus source, not the enhanced colours. So what the
ridge penalty pulls towards where the photo is flat is the photo's own detail instead of none, which
is 3 to 4 dB nearer to full-size results of the DPE authors. What the fit misses at its own size is
added to the offsets. Windows are 3x3 with binomial weights, which ring less than boxes. All this is
done in the photo's own colour space: an affine transform there is as good a model as one in sRGB.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.tensors import Pixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RIDGE = 3e-5  # variance of colours below which a window counts as flat
_DEEPEST = 65535
MOST_SQUARES = 16  # the small copy's area at most, in squares of its short side
_BINOMIAL = np.array([0.25, 0.5, 0.25])
_HALO = 2  # rows that the fit and the smoothing after it reach beyond one
_FIT_ROWS = 16  # that are fitted at a time: as many as caches hold


def small_size(height: int, width: int, work_size: int) -> tuple[int, int]:
    """Return the height and width of the copy that the generator works on.

    Args:
        height: of the photo.
        width: likewise.
        work_size: the copy's short side; that of very long photos is shorter, so that the copy's
            area stays bounded.
    """
    short, area = min(height, width), height * width
    scale = min(1.0, work_size / short, work_size * (MOST_SQUARES / area) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))


def reduced(pixels: Pixels, size: tuple[int, int]) -> NDArray[np.uint16]:
    """Make a small copy by averaging over areas, in little memory.

    Args:
        pixels: `(H, W, 3)` uint8 or uint16.
        size: height and width of the copy, neither larger than the photo's.

    Returns:
        `(h, w, 3)` in 16 bits, whatever the depth of the photo.
    """
    (height, width), (small_height, small_width) = pixels.shape[:2], size
    copy = np.empty((small_height, small_width, 3), np.uint16)
    for row in range(small_height):
        start, stop = row * height / small_height, (row + 1) * height / small_height
        first, last = int(start), min(int(np.ceil(stop)), height)
        edges = np.arange(first, last)
        covered = np.minimum(edges + 1, stop) - np.maximum(edges, start)
        weights = (covered / covered.sum() * (_DEEPEST / np.iinfo(pixels.dtype).max)).astype("f4")
        line = weights @ pixels[first:last].reshape(last - first, -1).astype(np.float32)
        narrow = cv2.resize(
            line.reshape(1, width, 3), (small_width, 1), interpolation=cv2.INTER_AREA
        )
        copy[row] = np.rint(narrow).clip(0, _DEEPEST)
    return copy


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What becomes of the colours around each pixel of a small copy.

    Attributes:
        maps: `(h, 12, w)`: how much of the red there was goes into red, green and blue, then of the
            green and of the blue, then what is added to each whatever the colour was.
    """

    maps: Floats

    def applied(self, pixels: Pixels, *, rows: int = 8) -> Pixels:
        """Return the photo's pixels after this change.

        Args:
            pixels: `(H, W, 3)` uint8 or uint16.
            rows: how many are worked on at a time. The result does not depend on it.
        """
        result = np.empty_like(pixels)
        scale = np.repeat([1, np.iinfo(pixels.dtype).max], [9, 3]).astype(np.float32)
        places = _places(self.maps * scale[:, None], *pixels.shape[:2])
        for top in range(0, len(pixels), rows):
            strip = pixels[top : top + rows]
            result[top : top + rows] = _changed(strip, islice(places, len(strip)))
        return result


def fit(source: Pixels, enhanced: Pixels) -> Change:
    """Find the change that makes a small copy what the generator made of it.

    Args:
        source: `(h, w, 3)` in 16 bits, the small copy.
        enhanced: same shape and range.
    """
    height, width = source.shape[:2]
    edge = ((0, 0), (_HALO, _HALO), (0, 0))
    planes, results = (
        np.pad(each.transpose(2, 0, 1) / _DEEPEST, edge, "reflect") for each in (source, enhanced)
    )
    maps = np.empty((height, 12, width), np.float32)
    for top in range(0, height, _FIT_ROWS):
        run = slice(top, top + _FIT_ROWS + 2 * _HALO)
        around = planes[:, run]
        inside = _affine(around, results[:, run] - around)[:, _HALO:-_HALO]
        maps[top : top + _FIT_ROWS] = inside.transpose(1, 0, 2)
    maps[:, [0, 4, 8]] += 1  # the source itself
    return Change(maps)


def _affine(source: Doubles, change: Doubles) -> Doubles:
    """Fit `(3, h, w)` to `(3, h, w)` around each pixel; `(12, h, w)` in the order of `Change`."""
    mean, shift = _blurred(source), _blurred(change)
    spread = _blurred(source[:, None] * source) - mean[:, None] * mean
    joint = _blurred(source[:, None] * change) - mean[:, None] * shift
    spread[[0, 1, 2], [0, 1, 2]] += RIDGE
    gains = np.einsum("ikhw,kohw->iohw", _inverse(spread), joint)  # from each to each
    offsets = shift - (mean[:, None] * gains).sum(axis=0)
    gains, offsets = _blurred(gains), _blurred(offsets)
    missed = change - (source[:, None] * gains).sum(axis=0) - offsets
    return np.concatenate([gains.reshape(9, *mean.shape[1:]), offsets + missed])


def _inverse(matrices: Doubles) -> Doubles:
    """Invert symmetric `(3, 3, h, w)` matrices by their cofactors."""
    first, second, third = matrices
    cofactors = [
        np.cross(*rows, axis=0) for rows in ((second, third), (third, first), (first, second))
    ]
    return np.stack(cofactors) / (first * cofactors[0]).sum(axis=0)


def _blurred(planes: Doubles) -> Doubles:
    """Average each of `(..., h, w)` over 3x3 pixels, those in the middle counting more."""
    blurred = np.empty(planes.shape)
    for index in np.ndindex(planes.shape[:-2]):
        cv2.sepFilter2D(planes[index], -1, _BINOMIAL, _BINOMIAL, dst=blurred[index])
    return blurred


def _places(maps: Floats, height: int, width: int) -> Iterator[tuple[Floats, Floats, float]]:
    """For each row of the photo, yield the maps' rows above and below, and how far it is down.

    The maps' rows are enlarged bilinearly, `(12, W)`. That is done once for the many rows between
    two of them, since it is slow.
    """
    last = len(maps) - 1
    places = ((np.arange(height) + 0.5) * len(maps) / height - 0.5).clip(0, last)
    wide = (cv2.resize(each, (width, 12), interpolation=cv2.INTER_LINEAR) for each in maps)
    row, above = 0, next(wide)
    below = next(wide, above)
    for place in places:
        if int(place) > row:
            row, above, below = row + 1, below, next(wide, below)
        yield above, below, place - row


def _changed(values: Pixels, places: Iterable[tuple[Floats, Floats, float]]) -> NDArray[Any]:
    """Give rows `(h, W, 3)` their new colours."""
    height, width = values.shape[:2]
    sources = np.empty((3, height, 3, width), np.float32)  # each thrice, for three results at once
    for source, plane in zip(sources, cv2.split(values), strict=True):
        source[:] = plane[:, None]
    gains = np.empty((9, width), np.float32)
    result = np.empty((height, 3, width), np.float32)
    for row, (above, below, part) in enumerate(places):
        cv2.addWeighted(above[:9], 1 - part, below[:9], part, 0, dst=gains)
        cv2.addWeighted(above[9:], 1 - part, below[9:], part, 0, dst=result[row])
        for channel in range(3):
            gain = gains[3 * channel : 3 * channel + 3]
            cv2.accumulateProduct(sources[channel, row], gain, result[row])
    rounded = _rounded(result.reshape(-1, width), values.dtype).reshape(result.shape)
    return cv2.merge([rounded[:, channel] for channel in range(3)])


def _rounded(plane: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    result = np.empty(plane.shape, dtype)
    # In OpenCV, arithmetic rounds and cuts off in one go; there is nothing to add.
    depth = cv2.CV_8U if dtype == np.uint8 else cv2.CV_16U
    cv2.addWeighted(plane, 1, plane, 0, 0, dst=result, dtype=depth)
    return result
