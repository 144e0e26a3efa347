"""Photos by which generators are judged, always the same ones."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from photoenhance.errors import ConfigError
from photoenhance.training.batches import check_pairs
from photoenhance.training.data import PhotoFolder, Pixels
from photoenhance.training.degradation import Degradation
from photoenhance.training.look import Look
from photoenhance.training.validation import reduced

ENOUGH = 16  # photos to judge by; of fewer, each is made worse in several ways
MOST_WAYS = 8

Pairs = tuple[list[Pixels], list[Pixels]]


def readable(folder: PhotoFolder) -> list[Pixels]:
    """Return those photos of a folder that can be read, in the size at which they are judged."""
    indices = range(len(folder.paths))
    return [reduced(folder.pixels(index)) for index in indices if folder.is_readable(index)]


def made_worse(
    originals: Sequence[Pixels], degradation: Degradation, look: Look | None, seed: int
) -> Pairs:
    """Make sources of photos, in the same ways for the same seed.

    Args:
        originals: at least one.
        degradation: how sources are made in training.
        look: that of the target photos, or None to leave it.
        seed: of the run.

    Returns:
        The sources, and of each what it was made of.
    """
    ways = min(-(-ENOUGH // len(originals)), MOST_WAYS)
    sources, wanted = [], []
    for index, original in enumerate(originals):
        for way in range(ways):
            random = np.random.default_rng((seed, index, way))
            image = original.astype(np.float32) / np.float32(255)
            worse = degradation.apply(image, random, look)
            sources.append((worse * 255 + 0.5).astype(np.uint8))
            wanted.append(original)
    return sources, wanted


def pairs(folder: Path) -> Pairs:
    """Read the photos of the folders `input` and `reference`.

    Raises:
        ConfigError: a photo has no partner, or one of another shape.
        ImageError: a photo cannot be read.
    """
    inputs, references = (PhotoFolder(folder / name) for name in ("input", "reference"))
    check_pairs(inputs, references)
    return _paired(inputs, references, range(len(inputs.paths)))


def partners(sources: PhotoFolder, targets: PhotoFolder) -> Pairs:
    """Read the photos of two folders of the same names, without pairs that cannot be read.

    Raises:
        ConfigError: two partners differ in shape.
    """
    indices = range(min(len(sources.paths), len(targets.paths)))
    both = [k for k in indices if sources.is_readable(k) and targets.is_readable(k)]
    return _paired(sources, targets, both)


def _paired(inputs: PhotoFolder, references: PhotoFolder, indices: Sequence[int]) -> Pairs:
    sources = [reduced(inputs.pixels(k)) for k in indices]
    wanted = [reduced(references.pixels(k)) for k in indices]
    for k, one, other in zip(indices, sources, wanted, strict=True):
        if one.shape != other.shape:
            raise ConfigError(
                f"{inputs.paths[k].name}: input and reference differ in shape",
                hint="Use pairs of one shape.",
            )
    return sources, wanted
