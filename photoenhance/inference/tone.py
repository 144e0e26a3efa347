"""The generator's change to a small copy of a photo, as one smooth colour transform for all of it.

What a pixel becomes depends on its colour alone: no halo, no unevenness, and the same pixels in
any crop. A quadratic polynomial of the coded values holds most of what an enhancement does to
tones and colours, and too little to follow what a network does here and there by mistake.

The fit is least squares over the pixels of the small copy. Averaging has taken the extremes out of
these, so that a photo has colours which the copy does not: weak anchors, a lattice of colours, hold
the polynomial there. And it may not fall where it should rise: a channel rises with itself and with
all three, so that no grey becomes darker than a darker one.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.tensors import Pixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# The terms are 1, the three channels, and their products: of each pair of places in 1, r, g, b.
_PAIRS = ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))
TERMS = 4 + len(_PAIRS)
LEAST_SLOPE = 0.02  # of a channel where all channels rise, or it alone
RIDGE = 1e-6  # what a coefficient costs, in mean squared errors of the copy's pixels
ANCHOR = 1e-2  # weight of all anchors together, where the copy's pixels weigh 1
NEAR = 0.1  # distance of colours that have some say over an anchor
_ANCHOR_LEVELS = np.array([0.0, 0.5, 1.0])
_MOST_NEIGHBOURS = 4096  # pixels of the copy that have
_DEEPEST = 65535
_REFITS = 4  # until the same anchors hold
_SWEEPS = 200  # of the constraints at most; photos need 25
_STRIP = 48_000  # pixels that are worked on at a time: as many as caches hold
_FIT_ROWS = 64  # that are summed up at a time
_BLEND_ROWS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """One colour transform for a whole photo: a quadratic polynomial of its coded values.

    Attributes:
        coefficients: `(10, 3)`: what 1, r, g, b, rr, rg, rb, gg, gb and bb add to red, green and
            blue, all in [0, 1].
    """

    coefficients: Floats

    def applied(self, pixels: Pixels, *, rows: int | None = None) -> Pixels:
        """Return the photo's pixels after this transform, rounded.

        Args:
            pixels: `(H, W, 3)` uint8 or uint16.
            rows: how many are worked on at a time; None is as many as caches hold. The result does
                not depend on it.
        """
        result = np.empty_like(pixels)
        height, width = pixels.shape[:2]
        step = min(rows or max(1, _STRIP // width), height)
        coefficients = _of_levels(self.coefficients, np.iinfo(pixels.dtype).max)
        work = np.empty((4, 3, step * width), np.float32)  # once: memory that is new is slow
        for start in range(0, height, step):
            strip = pixels[start : start + step]
            result[start : start + step] = _evaluated(
                coefficients, strip, work[..., : len(strip) * width]
            )
        return result


def fit(source: Pixels, enhanced: Pixels) -> Tone:
    """Find the transform that comes nearest to what the generator made of a small copy.

    Args:
        source: `(h, w, 3)` in 16 bits, the small copy.
        enhanced: same shape and range.
    """
    squares, products = _sums(source, enhanced)
    squares += RIDGE * np.eye(TERMS)
    anchors = _lattice(_ANCHOR_LEVELS)
    ends = _ends(anchors, source, enhanced)
    coefficients = np.stack(
        [
            _anchored(squares, products[:, channel], channel, anchors, ends[:, channel])
            for channel in range(3)
        ],
        axis=-1,
    )
    coefficients[[1, 2, 3], [0, 1, 2]] += 1  # the source itself
    return Tone(coefficients.astype(np.float32))


def _sums(source: Pixels, enhanced: Pixels) -> tuple[Doubles, Doubles]:
    """Return the mean products of the terms with each other and with the change of a pixel."""
    squares, products = np.zeros((TERMS, TERMS)), np.zeros((TERMS, 3))
    for top in range(0, len(source), _FIT_ROWS):
        rows = slice(top, top + _FIT_ROWS)
        before, after = (each[rows].reshape(-1, 3) / _DEEPEST for each in (source, enhanced))
        terms = _terms(before.T)
        squares += terms @ terms.T
        products += terms @ (after - before)
    count = source.shape[0] * source.shape[1]
    return squares / count, products / count


def _ends(anchors: Doubles, source: Pixels, enhanced: Pixels) -> Doubles:
    """Return where the anchors should end, `(n, 3)`.

    What is 0 or 1 stays so: black is black after all enhancements, and a pure colour is pure. The
    rest changes as those pixels do whose colours are nearest.
    """
    every = -(-source.shape[0] * source.shape[1] // _MOST_NEIGHBOURS)
    before, after = (each.reshape(-1, 3)[::every] / _DEEPEST for each in (source, enhanced))
    distances = ((anchors[:, None] - before) ** 2).sum(axis=-1)
    beyond = distances - distances.min(axis=1, keepdims=True)
    nearness = np.exp(-beyond / (2 * NEAR**2))
    change = nearness @ (after - before) / nearness.sum(axis=1, keepdims=True)
    is_inside = (anchors > 0) & (anchors < 1)
    return np.where(is_inside, anchors + change, anchors).clip(0, 1)


def _anchored(
    squares: Doubles, products: Doubles, channel: int, anchors: Doubles, ends: Doubles
) -> Doubles:
    """Solve one channel's least squares with anchors, which may end beyond the range's ends.

    What lies beyond is cut off later. To hold it back would take contrast from all other colours.
    """
    terms, weight = _terms(anchors.T), ANCHOR / len(anchors)
    places = anchors[:, channel]
    is_held = np.ones(len(anchors), bool)
    for _ in range(_REFITS):
        held = terms[:, is_held]
        coefficients = _rising(
            squares + weight * held @ held.T,
            products + weight * held @ (ends - places)[is_held],
            channel,
        )
        reached = places + coefficients @ terms
        is_beyond = ((ends >= 1) & (reached > 1)) | ((ends <= 0) & (reached < 0))
        if (is_held == ~is_beyond).all():
            break
        is_held = ~is_beyond
    return coefficients


def blend(local: Pixels, tone: Tone, source: Pixels, share: float) -> None:
    """Turn a local result into the transform's plus a share of what differs between them.

    Args:
        local: what a photo became locally, `(H, W, 3)`; changed in place.
        tone: the transform.
        source: the photo's own pixels.
        share: of the difference, from 0 to 1.
    """
    top = np.iinfo(source.dtype).max
    for start in range(0, len(source), _BLEND_ROWS):
        rows = slice(start, start + _BLEND_ROWS)
        even = tone.applied(source[rows]).astype(np.float32)
        even += (local[rows] - even) * np.float32(share)
        local[rows] = np.rint(even).clip(0, top)


def _rising(squares: Doubles, products: Doubles, channel: int) -> Doubles:
    """Solve one channel's least squares so that it rises with itself and with all channels.

    A quadratic's slope is linear in the colour, so it is least in a corner of the cube.

    Source: Hildreth 1957, A quadratic programming procedure: each constraint in turn is met, as
    far as it has to be.
    """
    slopes = np.concatenate([_slopes([channel]), _slopes([0, 1, 2])])
    least = LEAST_SLOPE - 1  # of the change, to which the source's own slope of 1 is added
    inverse = np.linalg.inv(squares)
    towards = slopes @ inverse
    lengths = (towards * slopes).sum(axis=1)
    coefficients, forces = inverse @ products, np.zeros(len(slopes))
    for _ in range(_SWEEPS):
        before = forces.copy()
        for place, slope in enumerate(slopes):
            missing = (least - slope @ coefficients) / lengths[place]
            step = max(missing, -forces[place])
            forces[place] += step
            coefficients = coefficients + step * towards[place]
        if np.abs(forces - before).max() <= 1e-9:
            break
    return coefficients


def _slopes(channels: list[int]) -> Doubles:
    """Return the terms' slopes, `(8, 10)`, in the cube's corners where these channels rise."""
    ones = np.ones((8, 1))
    corners = np.concatenate([ones, _lattice(np.array([0.0, 1.0]))], axis=1)
    rise = np.zeros(4)
    rise[[1 + channel for channel in channels]] = 1
    linear = np.broadcast_to(rise, (8, 4))
    pairs = [rise[i] * corners[:, j] + rise[j] * corners[:, i] for i, j in _PAIRS]
    return np.concatenate([linear, np.stack(pairs, axis=1)], axis=1)


def _of_levels(coefficients: Floats, top: int) -> Floats:
    """Return what the terms of levels from 0 to `top` add to levels, `(10, 3, 1)`."""
    scale = np.repeat([top, 1, 1 / top], [1, 3, len(_PAIRS)])
    return (coefficients * scale[:, None]).astype(np.float32)[..., None]


def _evaluated(coefficients: Floats, pixels: Pixels, work: Floats) -> NDArray[Any]:
    """Give rows `(h, W, 3)` their new colours.

    Each operation rounds each number by itself, wherever it stands. A product of matrices rounds
    otherwise at its edges, so that a crop would differ.

    Args:
        coefficients: as `_of_levels` gives them.
        pixels: the rows.
        work: `(4, 3, h * W)`, what is written over.
    """
    planes, result, slope, part = work
    for plane, levels in zip(planes, cv2.split(pixels), strict=True):
        plane[:] = levels.reshape(-1)
    one, r, g, b, rr, rg, rb, gg, gb, bb = coefficients
    red, green, blue = planes
    np.multiply(blue, bb, out=result)
    result += b
    result *= blue
    np.multiply(green, gg, out=slope)
    slope += np.multiply(blue, gb, out=part)
    slope += g
    slope *= green
    result += slope
    np.multiply(red, rr, out=slope)
    slope += np.multiply(green, rg, out=part)
    slope += np.multiply(blue, rb, out=part)
    slope += r
    slope *= red
    result += slope
    result += one
    rounded = np.empty(result.shape, pixels.dtype)
    # In OpenCV, arithmetic rounds and cuts off in one go; there is nothing to add.
    depth = cv2.CV_8U if pixels.dtype == np.uint8 else cv2.CV_16U
    cv2.addWeighted(result, 1, result, 0, 0, dst=rounded, dtype=depth)
    return cv2.merge([plane.reshape(pixels.shape[:2]) for plane in rounded])


def _lattice(levels: Doubles) -> Doubles:
    """Return all colours of these levels, `(n, 3)`."""
    return np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)


def _terms(planes: NDArray[Any]) -> NDArray[Any]:
    """Return the polynomial's terms, `(10, ...)`, for the three channels, `(3, ...)`."""
    values = [np.ones_like(planes[0]), *planes]
    return np.stack([*values, *(values[i] * values[j] for i, j in _PAIRS)])
