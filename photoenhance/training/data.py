"""Folders of photos -> squares for training."""

import logging
import threading
from collections.abc import Sequence
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

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
KEPT_SIDE = 512  # photos are kept in memory with their short side reduced to this many pixels
CACHE_BYTES = 2 << 30

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Square:
    """A square of a photo.

    Attributes:
        image: `(size, size, 3)` float32, sRGB in [0, 1].
        extent: rows and columns that are the photo's own; the rest is mirrored.
    """

    image: NDArray[np.float32]
    extent: tuple[int, int]


class PhotoFolder:
    """The readable photos of a folder, decoded when first wanted. Safe to share between threads.

    Args:
        folder: searched with its subfolders.
        paths: those of its photos that count, or None for all.
        side: photos are kept with their short side reduced to this.
        cache_bytes: how much decoded photos may take; what does not fit is decoded again.

    Attributes:
        paths: the files, sorted by name.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[Path] | None = None,
        *,
        side: int = KEPT_SIDE,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.paths = photos_below(folder) if paths is None else list(paths)
        self.folder = folder
        self._side = side
        self._cache_bytes = cache_bytes
        self._kept: dict[int, Pixels] = {}
        self._kept_bytes = 0
        self._unreadable: set[int] = set()
        self._lock = threading.Lock()

    def draw(self, random: np.random.Generator) -> int:
        """Draw the index of a readable photo.

        Raises:
            ConfigError: not one photo of the folder can be read.
        """
        while len(self._unreadable) < len(self.paths):
            index = int(random.integers(len(self.paths)))
            if self.is_readable(index):
                return index
        msg = f"{self.folder}: not one of {len(self.paths)} photos can be read"
        raise ConfigError(msg, hint="Choose a folder of JPEG, PNG, TIFF or WebP photos.")

    def following(self, index: int) -> int:
        """Return the first readable photo at or after this index, from the beginning again at last.

        Raises:
            ConfigError: not one photo of the folder can be read.
        """
        for step in range(len(self.paths)):
            place = (index + step) % len(self.paths)
            if self.is_readable(place):
                return place
        return self.draw(np.random.default_rng(0))  # which says what is wrong

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

    def is_readable(self, index: int) -> bool:
        """Whether a photo can be read; those that cannot are told of once."""
        if index in self._unreadable:
            return False
        try:
            self.pixels(index)
        except ImageError as error:
            with self._lock:
                if index not in self._unreadable:
                    logger.warning("left out: %s", error)
                self._unreadable.add(index)
            return False
        return True


def photos_below(folder: Path) -> list[Path]:
    """List the photos of a folder and its subfolders, sorted, hidden ones left out.

    Raises:
        ConfigError: there is no such folder, or no photo in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder", hint="Name a folder of photos.")
    visible = (
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    paths = sorted(path for path in visible if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        msg = f"{folder}: no photos (looked for {', '.join(sorted(SUFFIXES))}, subfolders included)"
        raise ConfigError(msg, hint="Name a folder that holds photos.")
    return paths


def held_out(paths: Sequence[Path], most: int) -> tuple[list[Path], list[Path]]:
    """Split photos into those to learn from and those to judge by: every tenth, from ten up.

    Args:
        paths: sorted.
        most: photos to judge by; of many photos, they are spread over all.
    """
    every = max(10, -(-len(paths) // max(most, 1)))
    chosen = set(list(paths)[every - 1 :: every][:most])
    return [path for path in paths if path not in chosen], sorted(chosen)


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
    if short > size and framing.kind == "crop":
        side = size
    elif short > size and framing.kind == "zoom":
        # Log-uniform: as many windows of half the size as of a quarter.
        side = round(size * (short / size) ** random.random())
    top = int(random.integers(height - side + 1))
    left = int(random.integers(width - side + 1))
    window = pixels[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    resized = cv2.resize(window, (size, size), interpolation=method)
    return Square(_floats(_turned(resized, framing, random)), (size, size))


def _whole(pixels: Pixels, size: int) -> Square:
    height, width = pixels.shape[:2]
    factor = size / max(height, width)
    extent = max(round(height * factor), 1), max(round(width * factor), 1)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(pixels, extent[::-1], interpolation=method)
    missing = ((0, size - extent[0]), (0, size - extent[1]), (0, 0))
    return Square(_floats(np.pad(resized, missing, mode="symmetric")), extent)


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
