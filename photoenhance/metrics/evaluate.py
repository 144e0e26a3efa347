"""Folders -> rows: every photo of every candidate, judged."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import pixels_in, read
from photoenhance.metrics.image import Image, image_of
from photoenhance.metrics.measures import Measure, View
from photoenhance.metrics.pairs import Pair

INPUTS = "inputs"  # the candidate that leaves photos as they are
SAME_SIZE = "Bring both to one size; photoenhance does not resize what it compares."

Enhance = Callable[[Photo], Photo]


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo as one candidate made it.

    Attributes:
        pair: the input and its reference.
        candidate: a model's name, or "inputs".
        values: by metric; nan where it cannot judge this photo, inf for the PSNR of a photo
            that equals its reference.
        seconds: taken to enhance and judge.
    """

    pair: Pair
    candidate: str
    values: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Broken:
    """A photo that could not be judged.

    Attributes:
        pair: the input and its reference.
        candidate: that failed; None where the photo itself is broken, and so every candidate has.
        error: why.
    """

    pair: Pair
    candidate: str | None
    error: ImageError


def check_sizes(pairs: Sequence[Pair]) -> None:
    """Compare the sizes of every pair, before any work is put into one.

    Their files' heads are looked at, which is quick. A head may tell of a thumbnail, so a pair is
    decoded before it is refused. What cannot be read is passed over: it will be reported when its
    turn comes, and so will those whose heads do not show that they differ.

    Raises:
        ConfigError: an input and its reference are of different sizes.
    """
    for pair in pairs:
        if pair.reference is None:
            continue
        counts = [pixels_in(path) for path in (pair.input, pair.reference)]
        if None in counts or counts[0] == counts[1]:
            continue
        try:
            photo, reference = read(pair.input), read(pair.reference)
        except ImageError:
            continue
        difference = _difference(pair, photo, reference)
        if difference:
            raise ConfigError(difference, hint=SAME_SIZE)


def evaluate(
    pairs: Sequence[Pair], candidates: Mapping[str, Enhance], measures: Mapping[str, Measure]
) -> Iterator[Judged | Broken]:
    """Judge photos one after the other, each as every candidate makes it; decode each file once.

    Args:
        pairs: the photos.
        candidates: models by name; the inputs as they are come first by themselves.
        measures: metrics by name.

    Raises:
        DeviceError: the memory does not suffice for a model.
    """
    for pair in pairs:
        try:
            photo, reference = _read(pair)
        except ImageError as error:
            yield Broken(pair, None, error)
            continue
        source = image_of(photo)
        wanted = None if reference is None else image_of(reference)
        yield _judged(pair, INPUTS, View(source, wanted), measures)
        for name, enhance in candidates.items():
            yield _enhanced(pair, (name, enhance), (photo, source, wanted), measures)


def _read(pair: Pair) -> tuple[Photo, Photo | None]:
    photo = read(pair.input)
    if pair.reference is None:
        return photo, None
    reference = read(pair.reference)
    difference = _difference(pair, photo, reference)
    if difference:
        raise ImageError(difference, hint=SAME_SIZE)
    return photo, reference


def _enhanced(
    pair: Pair,
    candidate: tuple[str, Enhance],
    photo: tuple[Photo, Image, Image | None],
    measures: Mapping[str, Measure],
) -> Judged | Broken:
    name, enhance = candidate
    given, source, wanted = photo
    begun = time.monotonic()
    try:
        enhanced = enhance(given)
    except ImageError as error:
        return Broken(pair, name, error)
    return _judged(pair, name, View(image_of(enhanced), wanted, source), measures, begun)


def _judged(
    pair: Pair,
    candidate: str,
    view: View,
    measures: Mapping[str, Measure],
    begun: float | None = None,
) -> Judged:
    begun = time.monotonic() if begun is None else begun
    values = {name: measure(view) for name, measure in measures.items()}
    return Judged(pair, candidate, values, time.monotonic() - begun)


def _difference(pair: Pair, photo: Photo, reference: Photo) -> str | None:
    """Say how the sizes of a pair differ, if they do."""
    (height, width), (wanted_height, wanted_width) = (
        each.pixels.shape[:2] for each in (photo, reference)
    )
    if (height, width) == (wanted_height, wanted_width):
        return None
    return (
        f"{pair.reference}: is of {wanted_width} x {wanted_height} pixels, but its input of "
        f"{width} x {height}"
    )
