"""A drawn photo, enhanced in several ways, and what must be true of the results."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.generator import Generator

SIZE = (256, 320)
TILE = 128
MOST_DIFFERENCE = 1  # 8-bit levels between renderings: what the program promises of every photo
LEAST_CHANGE = 0.5  # mean change in 8-bit levels: models that do less do nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        seconds: for one photo, once everything is loaded.
        change: mean over all pixels between the photo and its result, in 8-bit levels.
        difference: the largest one between the photo at once and in pieces, in 8-bit levels.
        is_repeatable: whether the same photo gave the same bytes twice.
    """

    seconds: float
    change: float
    difference: int
    is_repeatable: bool

    def faults(self) -> tuple[str, ...]:
        """Say what is wrong, as clauses; nothing if all is well."""
        found = {
            f"tiles differ by {self.difference} levels from the photo at once": (
                self.difference > MOST_DIFFERENCE
            ),
            "the same photo came out differently the second time": not self.is_repeatable,
            "the model leaves the photo as it is": self.change < LEAST_CHANGE,
        }
        return tuple(clause for clause, is_true in found.items() if is_true)

    @property
    def speed(self) -> float:
        """Megapixels a second; of so small a photo it says little of a GPU."""
        return SIZE[0] * SIZE[1] / 1e6 / self.seconds


def examine(generator: Generator, device: torch.device) -> Outcome:
    """Enhance a drawn photo at once, again, and in pieces.

    Raises:
        ImageError: the generator gives no picture.
        DeviceError: the memory does not suffice.
    """
    photo = Photo(_drawn())
    at_once = Enhancer(generator, device, rendering="whole")
    first = at_once.enhance(photo).photo.pixels
    begun = time.monotonic()
    second = at_once.enhance(photo).photo.pixels
    seconds = time.monotonic() - begun
    frugal = generator.schemes(*SIZE)[-1].name  # a network that must see all has no tiles
    tiled = Enhancer(generator, device, rendering=frugal, tile=TILE).enhance(photo).photo.pixels
    return Outcome(
        seconds=seconds,
        change=float(np.abs(first.astype(int) - photo.pixels).mean()),
        difference=int(np.abs(first.astype(int) - tiled).max()),
        is_repeatable=bool((first == second).all()),
    )


def _drawn() -> NDArray[np.uint8]:
    """Draw a dull landscape: a sky, hills with grain, and a bright disc with a hard edge."""
    height, width = SIZE
    rows, columns = np.mgrid[0:height, 0:width]
    hills = rows > height * (0.55 + 0.1 * np.sin(columns / 40) + 0.04 * np.sin(columns / 11))
    disc = (rows - height / 4) ** 2 + (columns - width * 0.7) ** 2 < (height / 9) ** 2
    grain = np.random.default_rng(0).normal(0, 5, SIZE)
    planes = []
    for sky, ground, sun in ((95, 70, 180), (110, 85, 165), (135, 60, 120)):
        plane = np.where(hills, ground + grain + 12 * np.sin(rows / 5), sky + 40 * rows / height)
        planes.append(np.where(disc & ~hills, sun, plane))
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)
