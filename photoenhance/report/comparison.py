"""Pairs of files -> rows of the page: both are read, measured and made small."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from photoenhance.errors import ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import read
from photoenhance.report import pictures
from photoenhance.report.histogram import outlines
from photoenhance.report.measures import measures
from photoenhance.report.rows import Failure, Pair, Picture, Row

DEFAULT_SIDE = 1600

Also = Callable[[str, Photo, Photo], None]


@dataclass(frozen=True, slots=True)
class Looks:
    """How photos get onto a page.

    Attributes:
        side: the longer side of a picture in pixels, at most.
        pair_bytes: that the two pictures of a pair may have together.
        page: where it will lie, if files are linked from there; None embeds them.
    """

    side: int = DEFAULT_SIDE
    pair_bytes: int = 1_000_000
    page: Path | None = None


def compare(
    pairs: Iterable[Pair], looks: Looks, also: Also | None = None
) -> Iterator[Row | Failure]:
    """Look at each pair.

    Args:
        pairs: of files.
        looks: how they are to be shown.
        also: is given each pair's name and previews, such as a sheet's `add`.

    Yields:
        One value a pair; a failure where one of the files cannot be read.
    """
    for pair in pairs:
        try:
            size, notes, before, after = _seen(pair, looks.side)
        except ImageError as error:
            yield Failure(pair.name, error.message, error.hint)
            continue
        if also:
            also(pair.name, before, after)
        yield Row(
            pair.name,
            size,
            *_pictures(pair, looks, before, after),
            outlines(before.pixels, after.pixels),
            measures(before, after),
            pair.facts,
            pair.notes + notes,
        )


def _seen(pair: Pair, side: int) -> tuple[tuple[int, int], tuple[str, ...], Photo, Photo]:
    """Return a pair's width and height, what is odd about it, and its previews."""
    before, after = read(pair.before), read(pair.after)
    height, width = before.pixels.shape[:2]
    new_height, new_width = after.pixels.shape[:2]
    notes: tuple[str, ...] = ()
    if (height, width) != (new_height, new_width):
        notes = (f"the sizes differ: {width}x{height} before, {new_width}x{new_height} after",)
    return (width, height), notes, preview(before, side), preview(after, side)


def _pictures(pair: Pair, looks: Looks, before: Photo, after: Photo) -> tuple[Picture, Picture]:
    if looks.page:
        links = pictures.linked(pair.before, looks.page), pictures.linked(pair.after, looks.page)
        if links[0] and links[1]:
            return links[0], links[1]
    return pictures.embedded(before, after, looks.pair_bytes)
