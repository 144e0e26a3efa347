"""A folder of photos in numbers: how many, how large, how they look."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.errors import ImageError
from photoenhance.imaging.glance import Glance, glance, quick_glance
from photoenhance.metrics import tone
from photoenhance.metrics.image import luma
from photoenhance.training.alike import fingerprint, in_both, repeats

SIDE = 128  # of the copies that are looked at
# Mean luma and its deviation in percent; Hasler and Süsstrunk's colourfulness; the mean of CIE b*,
# above 0 yellowish, below it bluish.
MEASURES = ("brightness", "contrast", "colour", "warmth")
GREY = 3.0  # colourfulness below which a photo is black and white
QUANTILES = (0.1, 0.5, 0.9)
SAME_LOOK = 1.5  # difference of two copies in every measure, from compression and size alone
NAMED = 5  # photos that are named as examples


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """What is known of a folder's photos: some fifty bytes each, and never their pixels.

    Attributes:
        folder: where they are.
        paths: of the N photos that can be read.
        broken: why others cannot.
        sizes: `(N, 2)` int32, height and width.
        tones: `(N, 4)` float32, one column for each of MEASURES.
        hashes: `(N, 16)` uint8, fingerprints of their pictures.
        repeats: photos that show what an earlier one shows: its place, and the earlier one's.
    """

    folder: Path
    paths: list[Path]
    broken: list[str]
    sizes: NDArray[np.int32]
    tones: NDArray[np.float32]
    hashes: NDArray[np.uint8]
    repeats: dict[int, int]

    @property
    def count(self) -> int:
        """How many photos can be read."""
        return len(self.paths)

    @property
    def is_empty(self) -> bool:
        """Whether not one can be read."""
        return not self.paths

    @property
    def grey(self) -> int:
        """How many of them are black and white."""
        return int((self.tones[:, MEASURES.index("colour")] < GREY).sum())

    def spread(self, measure: str) -> tuple[float, float, float]:
        """Return what a tenth, half and nine tenths of the photos lie below; nan without any."""
        if not self.paths:
            return (float("nan"),) * 3
        low, middle, high = np.quantile(self.tones[:, MEASURES.index(measure)], QUANTILES)
        return float(low), float(middle), float(high)


def take(
    folder: Path, paths: Sequence[Path], *, workers: int, seen: Callable[[], object]
) -> Census:
    """Look at every photo once.

    Args:
        folder: that they are in.
        paths: the photos.
        workers: threads that decode.
        seen: called after each photo.
    """
    known: list[tuple[Path, _Look]] = []
    broken: list[str] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        warnings.simplefilter("ignore")  # codecs warn of what does not matter here
        for path, quick in zip(paths, pool.map(_quick_look, paths), strict=True):
            try:
                # The careful reader is not for several threads: it works in this one.
                known.append((path, quick or _look(glance(path, SIDE))))
            except ImageError as error:
                broken.append(error.message)
            seen()
    looks = [look for _, look in known]
    hashes = np.array([look.hash for look in looks], np.uint8).reshape(-1, 16)
    return Census(
        folder,
        [path for path, _ in known],
        broken,
        np.array([look.size for look in looks], np.int32).reshape(-1, 2),
        np.array([look.tones for look in looks], np.float32).reshape(-1, len(MEASURES)),
        hashes,
        repeats(hashes),
    )


@dataclass(frozen=True, slots=True)
class Overlap:
    """Photos that are in two folders, or twice in one.

    Attributes:
        count: how many.
        unchanged: how many of them look the same in both, as no edit was made.
        examples: of a few, one path and the other.
    """

    count: int
    unchanged: int
    examples: tuple[tuple[str, str], ...]


def overlap(census: Census, other: Census) -> Overlap:
    """Find the photos of one folder that are in another one, too."""
    return _overlap(census, other, in_both(census.hashes, other.hashes))


def duplicates(census: Census) -> Overlap:
    """Tell of the photos that show what an earlier one of their folder shows."""
    return _overlap(census, census, census.repeats)


def _overlap(census: Census, other: Census, pairs: dict[int, int]) -> Overlap:
    here, there = list(pairs), list(pairs.values())
    difference = np.abs(census.tones[here] - other.tones[there])
    unchanged = int((difference < SAME_LOOK).all(axis=1).sum())
    named = [(str(census.paths[a]), str(other.paths[b])) for a, b in list(pairs.items())[:NAMED]]
    return Overlap(len(pairs), unchanged, tuple(named))


def distance(one: Census, other: Census, measure: str) -> float:
    """Return how far the photos of two folders, neither empty, are from each other in a measure.

    The mean distance of their sorted values, which is the Wasserstein-1 distance, in units of the
    mean of the deviations in both: 0 is the same look, 1 is seen at once.
    """
    column = MEASURES.index(measure)
    places = np.linspace(0, 1, 101)
    first, second = (np.quantile(each.tones[:, column], places) for each in (one, other))
    deviation = (one.tones[:, column].std() + other.tones[:, column].std()) / 2
    return float(np.abs(first - second).mean() / max(float(deviation), 1e-6))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    size: tuple[int, int]
    tones: tuple[float, ...]
    hash: NDArray[np.uint8]


def _quick_look(path: Path) -> _Look | None:
    quick = quick_glance(path, SIDE)
    return None if quick is None else _look(quick)


def _look(seen: Glance) -> _Look:
    image = seen.pixels / np.float64(255)
    lab = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2LAB)
    tones = (
        float(100 * luma(image).mean()),
        tone.contrast(image),
        tone.colourfulness(image),
        float(lab[..., 2].mean()),
    )
    return _Look(seen.size, tones, fingerprint(seen.pixels))
