"""Folders of photos -> squares for training."""

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging.color import converter
from photoenhance.imaging.read import read
from photoenhance.training.config import Framing
from photoenhance.training.folders import hint, photos_below

logger = logging.getLogger(__name__)

KEPT_SIDE = 512  # photos are kept in memory with their short side reduced to this many pixels
CACHE_BYTES = 2 << 30

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Square:
    """A square of a photo.

    Attributes:
        image: `(size, size, 3)` float32, sRGB in [0, 1].
        sample: same shape: single pixels of the same places, none of them an average.
        extent: rows and columns that are the photo's own; the rest is mirrored.
    """

    image: NDArray[np.float32]
    sample: NDArray[np.float32]
    extent: tuple[int, int]


class PhotoFolder:
    """The photos of a folder, decoded when first wanted. Safe to share between threads.

    Photos that turn out to be unreadable are named once and left out. What is drawn with the same
    random numbers is the same, whichever of them were known to be unreadable before.

    Args:
        folder: that they are in.
        paths: its photos, or None for all in it and its subfolders.
        side: photos are kept with their short side reduced to this.
        cache_bytes: how much decoded photos may take; what does not fit is decoded again.

    Attributes:
        paths: the files, by their index.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[Path] | None = None,
        *,
        side: int = KEPT_SIDE,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.paths = list(photos_below(folder).photos if paths is None else paths)
        self.folder = folder
        self._side = side
        self._cache_bytes = cache_bytes
        self._kept: dict[int, Pixels] = {}
        self._kept_bytes = 0
        self._left_out: set[int] = set()
        self._lock = threading.Lock()

    def draw(self, random: np.random.Generator) -> tuple[int, Pixels]:
        """Draw a readable photo: its index and, decoded once, its pixels.

        Raises:
            ConfigError: not one photo of the folder can be read.
        """
        while len(self._left_out) < len(self.paths):
            index = int(random.integers(len(self.paths)))
            pixels = self.pixels_or_none(index)
            if pixels is not None:
                return index, pixels
        msg = f"{self.folder}: not one of {len(self.paths)} photos can be read"
        raise ConfigError(msg, hint=hint())

    def following(self, index: int) -> Pixels:
        """Return the first readable photo at or after this index, from the beginning again at last.

        Raises:
            ConfigError: not one photo of the folder can be read.
        """
        for step in range(len(self.paths)):
            pixels = self.pixels_or_none((index + step) % len(self.paths))
            if pixels is not None:
                return pixels
        return self.draw(np.random.default_rng(0))[1]  # which says what is wrong

    def pixels(self, index: int) -> Pixels:
        """Return a photo reduced to the kept size; `(H, W, 3)` uint8, sRGB.

        Raises:
            ImageError: the photo cannot be read.
        """
        kept = self._kept.get(index)
        if kept is None:
            kept = _reduced(self.paths[index], self._side)
            with self._lock:
                if self._kept_bytes + kept.nbytes <= self._cache_bytes and index not in self._kept:
                    self._kept[index] = kept
                    self._kept_bytes += kept.nbytes
        return kept

    def pixels_or_none(self, index: int) -> Pixels | None:
        """Return a photo as `pixels` does, or None for one that is left out."""
        if index in self._left_out:
            return None
        try:
            return self.pixels(index)
        except ImageError as error:
            if self.leave_out(index):
                logger.warning("left out: %s", error)
            return None

    def is_readable(self, index: int) -> bool:
        """Whether a photo can be read; those that cannot are named once."""
        return self.pixels_or_none(index) is not None

    def without(self, indices: Collection[int]) -> "PhotoFolder":
        """Return the folder without some of its photos."""
        if not indices:
            return self
        paths = [path for index, path in enumerate(self.paths) if index not in indices]
        return PhotoFolder(self.folder, paths, side=self._side, cache_bytes=self._cache_bytes)

    def leave_out(self, index: int) -> bool:
        """Never draw a photo from now on; return whether it was not left out before."""
        with self._lock:
            is_new = index not in self._left_out
            self._left_out.add(index)
        return is_new


def held_out(paths: Sequence[Path], most: int) -> tuple[list[Path], list[Path]]:
    """Split photos into those to learn from and those to judge by: every tenth, from ten up.

    Args:
        paths: in an order that both parts keep, so that pairs stay at the same places.
        most: photos to judge by; of many photos, they are spread over all.
    """
    every = max(10, -(-len(paths) // max(most, 1)))
    chosen = set(list(paths)[every - 1 :: every][:most])
    learnt = [path for path in paths if path not in chosen]
    return learnt, [path for path in paths if path in chosen]


def square(pixels: Pixels, framing: Framing, size: int, random: np.random.Generator) -> Square:
    """Make a square of a photo, mirrored or turned at random.

    Args:
        pixels: `(H, W, 3)`, of any size; what is too small is enlarged.
        framing: which part, and which symmetries.
        size: side of the square.
        random: where the part lies and how it is turned.
    """
    if framing.kind == "whole":
        return _whole(_turned(pixels, framing, random), size)
    height, width = pixels.shape[:2]
    short = side = min(height, width)
    if framing.kind == "square" and framing.share[0] < 1:
        side = max(1, round(short * random.uniform(*framing.share)))
    if short > size and framing.kind == "crop":
        side = size
    elif short > size and framing.kind == "zoom":
        # Log-uniform: as many windows of half the size as of a quarter.
        side = round(size * (short / size) ** random.random())
    top = int(random.integers(height - side + 1))
    left = int(random.integers(width - side + 1))
    window = pixels[top : top + side, left : left + side]
    both = _turned(_resized(window, (size, size)), framing, random)
    return Square(_floats(both[..., :3]), _floats(both[..., 3:]), (size, size))


def _whole(pixels: Pixels, size: int) -> Square:
    height, width = pixels.shape[:2]
    factor = size / max(height, width)
    extent = max(round(height * factor), 1), max(round(width * factor), 1)
    missing = ((0, size - extent[0]), (0, size - extent[1]), (0, 0))
    both = np.pad(_resized(pixels, extent), missing, mode="symmetric")
    return Square(_floats(both[..., :3]), _floats(both[..., 3:]), extent)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Return `(h, w, 6)`: a photo in another size, and single pixels of the same places."""
    method = cv2.INTER_AREA if size[0] < pixels.shape[0] else cv2.INTER_CUBIC
    resized = cv2.resize(pixels, size[::-1], interpolation=method)
    sample = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_NEAREST)
    return np.concatenate([resized, sample], axis=2)


def _turned(pixels: NDArray[Any], framing: Framing, random: np.random.Generator) -> NDArray[Any]:
    symmetry = int(random.integers(8))
    if framing.symmetries != "mirror" and symmetry & 2:
        pixels = pixels[::-1]
    if framing.symmetries == "all" and symmetry & 4:
        pixels = pixels.transpose(1, 0, 2)
    return pixels[:, ::-1] if symmetry & 1 else pixels


def _floats(pixels: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(pixels, dtype=np.float32) / np.float32(255)


def _reduced(path: Path, side: int) -> Pixels:
    photo = read(path)
    pixels = photo.pixels
    height, width = pixels.shape[:2]
    if min(height, width) > side:
        factor = side / min(height, width)
        size = (round(width * factor), round(height * factor))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    profiled = converter(photo)
    if profiled is not None:
        image = profiled.to_srgb(pixels)
    else:
        image = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    return (image * 255 + 0.5).astype(np.uint8)
