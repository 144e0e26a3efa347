"""Photos by which generators are judged, always the same ones."""

from collections.abc import Sequence

import numpy as np

from photoenhance.errors import ConfigError
from photoenhance.training.data import PhotoFolder, Pixels
from photoenhance.training.degradation import Degradation
from photoenhance.training.look import Look
from photoenhance.training.validation import reduced

ENOUGH = 12  # photos to judge by; of fewer, each is made worse in several ways
MOST_WAYS = 4  # two ways find the best step of a run nearly as well

Pairs = tuple[list[Pixels], list[Pixels]]


def readable(folder: PhotoFolder) -> list[Pixels]:
    """Return those photos of a folder that can be read, in the size at which they are judged."""
    found = (folder.pixels_or_none(index) for index in range(len(folder.paths)))
    return [reduced(pixels) for pixels in found if pixels is not None]


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


def partners(sources: PhotoFolder, targets: PhotoFolder) -> Pairs:
    """Read the pairs of two folders with partners at the same places, where both can be read.

    Raises:
        ConfigError: two partners differ in shape.
    """
    inputs, wanted = [], []
    for index, path in enumerate(sources.paths):
        one, other = sources.pixels_or_none(index), targets.pixels_or_none(index)
        if one is None or other is None:
            continue
        if one.shape != other.shape:
            raise ConfigError(
                f"{path.name}: input and reference differ in shape", hint="Use pairs of one shape."
            )
        inputs.append(reduced(one))
        wanted.append(reduced(other))
    return inputs, wanted
