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
added to the offsets. Windows are 3x3 with binomial weights, which ring less than boxes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.imaging.color import ColorConverter
from photoenhance.tensors import Pixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RIDGE = 3e-5  # variance of colours below which a window counts as flat
MOST_SQUARES = 16  # the small copy's area at most, in squares of its short side
_BINOMIAL = np.array([0.25, 0.5, 0.25])
_HALO = 2  # rows that the fit and the smoothing after it reach beyond one
_FIT_ROWS = 32  # that are fitted at a time: as many as caches hold


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


def reduced(pixels: Pixels, colors: ColorConverter | None, size: tuple[int, int]) -> Floats:
    """Make a small copy in sRGB by averaging over areas, in little memory.

    Args:
        pixels: `(H, W, 3)` uint8 or uint16.
        colors: their way to sRGB; None where they are.
        size: height and width of the copy, none larger than the photo's.

    Returns:
        `(h, w, 3)` in [0, 1].
    """
    (height, width), (small_height, small_width) = pixels.shape[:2], size
    copy = np.empty((small_height, small_width, 3), np.float32)
    for row in range(small_height):
        start, stop = row * height / small_height, (row + 1) * height / small_height
        first, last = int(start), min(int(np.ceil(stop)), height)
        edges = np.arange(first, last)
        covered = np.minimum(edges + 1, stop) - np.maximum(edges, start)
        weights = (covered / covered.sum()).astype(np.float32)
        values = _floats(pixels[first:last], colors).reshape(last - first, -1)
        line = (weights @ values).reshape(1, width, 3)
        copy[row] = cv2.resize(line, (small_width, 1), interpolation=cv2.INTER_AREA)
    return copy.clip(0, 1)


def _floats(pixels: Pixels, colors: ColorConverter | None) -> Floats:
    if colors:
        return colors.to_srgb(pixels)
    return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What becomes of the colours around each pixel of a small copy.

    Attributes:
        maps: `(h, 12, w)`: how much of the red there was goes into red, green and blue, then of the
            green and of the blue, then what is added to each whatever the colour was.
    """

    maps: Floats

    def applied(self, pixels: Pixels, colors: ColorConverter | None, *, rows: int = 16) -> Pixels:
        """Return the photo's pixels after this change.

        Args:
            pixels: `(H, W, 3)` uint8 or uint16.
            colors: as for `reduced`.
            rows: how many are worked on at a time. The result does not depend on it.
        """
        result = np.empty_like(pixels)
        limit = 1 if colors else np.iinfo(pixels.dtype).max
        maps = self.maps * np.repeat([1, limit], [9, 3]).astype(np.float32)[:, None]
        for top in range(0, len(pixels), rows):
            strip = pixels[top : top + rows]
            lines = _lines(maps, top, len(strip), pixels.shape[:2])
            if colors:
                before = colors.to_srgb(strip)
                after = cv2.merge(list(_changed(before, lines))).clip(0, 1)
                result[top : top + rows] = colors.apply_change(strip, before, after)
            else:
                planes = [_rounded(plane, pixels.dtype) for plane in _changed(strip, lines)]
                result[top : top + rows] = cv2.merge(planes)
        return result


def fit(source: Floats, enhanced: Floats, strength: float) -> Change:
    """Find the change that makes a small copy what the generator made of it.

    Args:
        source: `(h, w, 3)` in [0, 1], the small copy.
        enhanced: same shape and range.
        strength: how much of the change is to happen, from 0 to 1.
    """
    height, width = source.shape[:2]
    edge = ((0, 0), (_HALO, _HALO), (0, 0))
    planes = np.pad(source.transpose(2, 0, 1).astype(np.float64), edge, "reflect")
    change = np.pad(enhanced.transpose(2, 0, 1).astype(np.float64), edge, "reflect") - planes
    maps = np.empty((height, 12, width), np.float32)
    for top in range(0, height, _FIT_ROWS):
        run = slice(top, top + _FIT_ROWS + 2 * _HALO)
        inside = _affine(planes[:, run], change[:, run])[:, _HALO:-_HALO] * strength
        maps[top : top + _FIT_ROWS] = inside.transpose(1, 0, 2)
    maps[:, [0, 4, 8]] += 1  # the source itself
    return Change(maps)


def _affine(source: Doubles, change: Doubles) -> Doubles:
    """Fit `(3, h, w)` to `(3, h, w)` around each pixel; `(12, h, w)` in the order of `Change`."""
    mean, shift = _blurred(source), _blurred(change)
    spread = _blurred(source[:, None] * source) - mean[:, None] * mean
    joint = _blurred(source[:, None] * change) - mean[:, None] * shift
    spread[[0, 1, 2], [0, 1, 2]] += RIDGE
    gains = (_inverse(spread)[:, :, None] * joint[None]).sum(axis=1)  # from each, to each
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
    blurred = np.empty_like(planes)
    for index in np.ndindex(planes.shape[:-2]):
        cv2.sepFilter2D(planes[index], -1, _BINOMIAL, _BINOMIAL, dst=blurred[index])
    return blurred


def _lines(maps: Floats, top: int, count: int, size: tuple[int, int]) -> Iterator[Floats]:
    """Enlarge maps bilinearly; yield `(12, W)` for each row of the photo, in one buffer."""
    (height, width), last = size, len(maps) - 1
    places = (np.arange(top, top + count) + 0.5) * len(maps) / height - 0.5
    places = places.clip(0, last)
    above = places.astype(int)
    used = maps[above[0] : above[-1] + 2]
    # Sideways first, since that is slow: in OpenCV and here, a row of the maps serves many rows.
    flat = cv2.resize(used.reshape(-1, maps.shape[2]), (width, used.shape[0] * 12))
    wide = flat.reshape(-1, 12, width)
    line = np.empty((12, width), np.float32)
    for row, part in zip(above - above[0], places - above, strict=True):
        below = min(row + 1, len(wide) - 1)
        cv2.addWeighted(wide[row], 1 - part, wide[below], part, 0, dst=line)
        yield line


def _changed(values: Pixels | Floats, lines: Iterable[Floats]) -> Floats:
    """Give rows `(h, W, 3)` their new colours, as planes `(3, h, W)`."""
    planes = np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)
    for row, line in enumerate(lines):
        for source, channel in np.ndindex(3, 3):
            cv2.accumulateProduct(
                planes[source, row], line[3 * source + channel], line[9 + channel]
            )
        planes[:, row] = line[9:]
    return planes


def _rounded(plane: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    result = np.empty(plane.shape, dtype)
    # In OpenCV, arithmetic rounds and cuts off in one go; there is nothing to add.
    depth = cv2.CV_8U if dtype == np.uint8 else cv2.CV_16U
    cv2.addWeighted(plane, 1, plane, 0, 0, dst=result, dtype=depth)
    return result
