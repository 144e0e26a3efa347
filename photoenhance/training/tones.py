"""How a collection of photos looks on the whole, in some fifty numbers; and how plain ones do."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging.glance import glance, quick_glance
from photoenhance.training.folders import hint

SIDE = 128  # of the copies that are looked at
MOST = 100  # photos that are looked at
PIXELS = 1000  # that count of each
# Close together at both ends, where a look shows most: what it makes of black and of white.
SHARES = (
    *(0.002, 0.01, 0.03, 0.08, 0.16, 0.26, 0.38, 0.5),
    *(0.62, 0.74, 0.84, 0.92, 0.97, 0.99, 0.998),
)

PLAIN_RED = (
    *(0.0, 0.0, 0.0078, 0.0588, 0.1333, 0.2392, 0.3725, 0.5137),
    *(0.6314, 0.7412, 0.8196, 0.898, 0.9647, 0.9961, 1.0),
)
PLAIN_GREEN = (
    *(0.0, 0.0118, 0.0431, 0.0941, 0.1686, 0.2588, 0.3765, 0.4902),
    *(0.6039, 0.7098, 0.8, 0.8745, 0.9412, 0.9765, 1.0),
)
PLAIN_BLUE = (
    *(0.0, 0.0, 0.0118, 0.0588, 0.1216, 0.2, 0.3137, 0.4392),
    *(0.5725, 0.698, 0.8118, 0.8941, 0.9529, 0.9843, 1.0),
)
PLAIN_COLOUR = 0.0727
PLAIN_PHOTOS = 177


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """What the pixels of all photos of a collection are together.

    Attributes:
        levels: `(3, len(SHARES))`, sRGB in [0, 1]: the values of red, green and blue below which
            each of SHARES of the pixels lie.
        colour: mean distance of red and of blue from green, each photo's own cast taken off.
        photos: how many were looked at.
    """

    levels: NDArray[np.float64]
    colour: float
    photos: int


def plain() -> Tones:
    """Return the tones of plain photos: finished, of all subjects, with no look of their own.

    Source: measured by `tones_of` in 177 of the finished photos, under free licences, that the
        bundled models learnt from (CID22, CLIC, Unsplash, elementary OS). Every seventh was left
        out, so that looks made of those are a fair test.
    """
    return Tones(np.array((PLAIN_RED, PLAIN_GREEN, PLAIN_BLUE)), PLAIN_COLOUR, PLAIN_PHOTOS)


def tones_of(pixels: NDArray[np.float64]) -> Tones:
    """Measure a collection; `(photos, pixels, 3)`, sRGB, as `sampled` returns them."""
    levels = np.quantile(pixels.reshape(-1, 3), SHARES, axis=0).T
    return Tones(levels, colour_of(pixels), len(pixels))


def colour_of(pixels: NDArray[np.floating]) -> float:
    """Measure the colour alone; `(photos, pixels, 3)`."""
    apart = pixels[..., [0, 2]] - pixels[..., 1:2]
    return float(np.abs(apart - apart.mean(axis=1, keepdims=True)).mean())


def sampled(paths: Sequence[Path]) -> NDArray[np.float64]:
    """Take pixels of a folder's photos, the same ones for the same files.

    Args:
        paths: sorted; if there are more than MOST, some are passed over, evenly.

    Returns:
        `(photos, PIXELS, 3)`, sRGB in [0, 1].

    Raises:
        ConfigError: not one photo can be read.
    """
    places = np.linspace(0, len(paths) - 1, min(len(paths), MOST)).round().astype(int)
    taken = [_pixels(paths[place]) for place in places]
    readable = [pixels for pixels in taken if pixels is not None]
    if not readable:
        raise ConfigError(
            f"{paths[0].parent}: not one of {len(taken)} photos can be read",
            hint=hint(),
        )
    return np.stack(readable)


def _pixels(path: Path) -> NDArray[np.float64] | None:
    try:
        seen = quick_glance(path, SIDE) or glance(path, SIDE)
    except ImageError:
        return None  # whoever draws it for training tells of it
    flat = seen.pixels.reshape(-1, 3) / np.float64(255)
    return flat[np.linspace(0, len(flat) - 1, PIXELS).astype(int)]
