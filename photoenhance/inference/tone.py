"""The generator's change to a small copy of a photo, as one smooth colour transform for all of it.

What a pixel becomes depends on its colour alone: no halo, no unevenness, and the same pixels in
any crop. A quadratic polynomial of the coded values holds most of what an enhancement does to
tones and colours, and too little to follow what a network does here and there by mistake.

The fit is least squares over the pixels of the small copy. Averaging has taken the extremes out of
these, so that a photo has colours which the copy does not: weak anchors at the corners of the cube
and along its greys hold the polynomial there, and it may not fall anywhere where it should rise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoenhance.tensors import Pixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# The terms are 1, the three channels, and their products: of each pair of places in 1, r, g, b.
_PAIRS = ((1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))
TERMS = 4 + len(_PAIRS)
LEAST_SLOPE = 0.02  # of a channel where all channels rise, or it alone
RIDGE = 1e-4  # what a coefficient costs, in mean squared errors of the copy's pixels
ANCHOR = 1e-3  # weight of all anchors together, where the copy's pixels weigh 1
_SWEEPS = 1000  # of the constraints at most
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

    def applied(self, pixels: Pixels, *, rows: int = 16) -> Pixels:
        """Return the photo's pixels after this transform, rounded.

        Args:
            pixels: `(H, W, 3)` uint8 or uint16.
            rows: how many are worked on at a time. The result does not depend on it.
        """
        result = np.empty_like(pixels)
        top = np.iinfo(pixels.dtype).max
        for start in range(0, len(pixels), rows):
            strip = slice(start, start + rows)
            colors = self._of(pixels[strip].astype(np.float32) / np.float32(top))
            result[strip] = np.rint(colors * np.float32(top)).clip(0, top)
        return result

    def _of(self, colors: Floats) -> Floats:
        # Sums in a fixed order of operations that round alike everywhere: a product of matrices
        # rounds differently at its edges, and so would crops.
        values = _terms(np.moveaxis(colors, -1, 0))
        result = np.empty(colors.shape, np.float32)
        for channel in range(3):
            plane = values[0] * self.coefficients[0, channel]
            for value, coefficient in zip(values[1:], self.coefficients[1:, channel], strict=True):
                plane += value * coefficient
            result[..., channel] = plane
        return result


def fit(source: Pixels, enhanced: Pixels) -> Tone:
    """Find the transform that comes nearest to what the generator made of a small copy.

    Args:
        source: `(h, w, 3)` in 16 bits, the small copy.
        enhanced: same shape and range.
    """
    squares, products = np.zeros((TERMS, TERMS)), np.zeros((TERMS, 3))
    for top in range(0, len(source), _FIT_ROWS):
        before, after = (
            each[top : top + _FIT_ROWS].reshape(-1, 3) / 65535.0 for each in (source, enhanced)
        )
        terms = _terms(before.T)
        squares += terms @ terms.T
        products += terms @ (after - before)
    count = source.shape[0] * source.shape[1]
    squares, products = squares / count, products / count
    anchors = _terms(_lattice(np.array([0.0, 0.5, 1.0])).T)
    mean = (enhanced / 65535.0 - source / 65535.0).mean(axis=(0, 1))
    weight = ANCHOR / anchors.shape[1]
    squares += weight * anchors @ anchors.T + RIDGE * np.eye(TERMS)
    products += weight * anchors.sum(axis=1)[:, None] * mean
    coefficients = np.stack(
        [_rising(squares, products[:, channel], channel) for channel in range(3)], axis=-1
    )
    coefficients[[1, 2, 3], [0, 1, 2]] += 1  # the source itself
    return Tone(coefficients.astype(np.float32))


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


def _lattice(levels: Doubles) -> Doubles:
    """Return all colours of these levels, `(n, 3)`."""
    return np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)


def _terms(planes: NDArray[Any]) -> NDArray[Any]:
    """Return the polynomial's terms, `(10, ...)`, for the three channels, `(3, ...)`."""
    values = [np.ones_like(planes[0]), *planes]
    return np.stack([*values, *(values[i] * values[j] for i, j in _PAIRS)])
