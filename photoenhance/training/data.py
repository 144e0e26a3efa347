"""Unpaired folders -> batches, each a function of the seed and the step alone."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging.color import converter
from photoenhance.imaging.read import read
from photoenhance.training.config import TrainConfig

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"})
KEPT_SIDE = 512  # photos are kept in memory with their short side reduced to this many pixels
CACHE_BYTES = 2 << 30

Pixels = NDArray[np.uint8]


class PhotoFolder:
    """The readable photos of a folder, decoded when first wanted.

    Attributes:
        paths: the files, sorted by name, subfolders included.
    """

    def __init__(self, folder: Path, *, side: int = KEPT_SIDE) -> None:
        self.paths = _photos_below(folder)
        self.folder = folder
        self._side = side
        self._kept: dict[int, Pixels] = {}
        self._kept_bytes = 0
        self._unreadable: set[int] = set()

    def crop(self, random: np.random.Generator, size: int) -> NDArray[np.float32]:
        """Draw a crop of a random photo, at a random scale, mirrored half of the time.

        The window is a square of between `size` pixels and the whole short side (log-uniform),
        resized to `(size, size, 3)`, sRGB in [0, 1]. Smaller photos are enlarged.

        Raises:
            ConfigError: not one photo of the folder can be read.
        """
        pixels = self._draw(random)
        height, width = pixels.shape[:2]
        short = min(height, width)
        side = short
        if short > size:
            side = round(size * (short / size) ** random.random())
        top = int(random.integers(height - side + 1))
        left = int(random.integers(width - side + 1))
        window = pixels[top : top + side, left : left + side]
        method = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        resized = cv2.resize(window, (size, size), interpolation=method)
        crop = np.asarray(resized, dtype=np.float32) / np.float32(255)
        return crop[:, ::-1] if random.random() < 0.5 else crop

    def _draw(self, random: np.random.Generator) -> Pixels:
        while len(self._unreadable) < len(self.paths):
            index = int(random.integers(len(self.paths)))
            if index in self._unreadable:
                continue
            try:
                return self._pixels(index)
            except ImageError as error:
                self._unreadable.add(index)
                logger.warning("left out: %s", error)
        msg = f"{self.folder}: not one of {len(self.paths)} photos can be read"
        raise ConfigError(msg, hint="Choose a folder of JPEG, PNG, TIFF or WebP photos.")

    def _pixels(self, index: int) -> Pixels:
        if index not in self._kept:
            pixels = _reduced(self.paths[index], self._side)
            if self._kept_bytes + pixels.nbytes > CACHE_BYTES:
                return pixels
            self._kept[index] = pixels
            self._kept_bytes += pixels.nbytes
        return self._kept[index]


def _photos_below(folder: Path) -> list[Path]:
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


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step sees; every tensor `(N, 3, size, size)` in [0, 1].

    Attributes:
        source: photos to improve; the first `len(original)` of them are made.
        original: the good photos of which the made sources were made.
        target: photos with the wanted look, other than those.
    """

    source: Tensor
    original: Tensor
    target: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(self.source.to(device), self.original.to(device), self.target.to(device))


class Batches:
    """Draws batches from a folder of targets and, if there is one, a folder of sources.

    Args:
        target: photos with the wanted look.
        source: photos to improve, or None: then every source is made.
        config: sizes, seed, and how sources are made.
    """

    def __init__(
        self, target: PhotoFolder, source: PhotoFolder | None, config: TrainConfig
    ) -> None:
        self.target = target
        self.source = source
        self.config = config

    def at(self, step: int) -> Batch:
        """Draw the batch of a step; the same for the same folders, seed and step."""
        size, count = self.config.crop, self.config.batch
        made = count if self.source is None else min(self.config.made, count)
        random = np.random.default_rng((self.config.seed, step))
        originals = [self.target.crop(random, size) for _ in range(made)]
        sources = [self.config.degradation.apply(image, random) for image in originals]
        if self.source is not None:
            sources += [self.source.crop(random, size) for _ in range(count - made)]
        targets = [self.target.crop(random, size) for _ in range(count)]
        return Batch(_stack(sources, size), _stack(originals, size), _stack(targets, size))


def _stack(images: Sequence[NDArray[np.float32]], size: int) -> Tensor:
    stacked = np.stack(images) if images else np.empty((0, size, size, 3), np.float32)
    # Seen as (N, 3, H, W), the memory is channels last, as training wants it.
    return torch.from_numpy(stacked).permute(0, 3, 1, 2)
