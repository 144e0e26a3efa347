"""Integer geometry: how an image is cut, and where each piece lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels with a halo, and the interior that it is cut for.

    Attributes:
        rows: of the whole image, halo included.
        columns: likewise.
        inner_rows: rows of the interior, in the whole image.
        inner_columns: likewise.
    """

    rows: slice
    columns: slice
    inner_rows: slice
    inner_columns: slice

    @property
    def interior(self) -> tuple[slice, slice]:
        """The interior's rows and columns, counted from the window's own corner."""
        return (
            slice(self.inner_rows.start - self.rows.start, self.inner_rows.stop - self.rows.start),
            slice(
                self.inner_columns.start - self.columns.start,
                self.inner_columns.stop - self.columns.start,
            ),
        )


def windows(
    size: tuple[int, int], tile: tuple[int, int], *, halo: int, multiple: int
) -> Iterator[Window]:
    """Cut an image into interiors of about equal size, row by row, each with its halo.

    Args:
        size: height and width of the image, both multiples of `multiple`.
        tile: the most rows and columns that an interior may have; at least `multiple`.
        halo: pixels of context on each side, cut off at the image's borders.
        multiple: interiors begin and end on multiples of this.
    """
    for inner_rows, rows in _runs(size[0], tile[0], halo, multiple):
        for inner_columns, columns in _runs(size[1], tile[1], halo, multiple):
            yield Window(rows, columns, inner_rows, inner_columns)


def _runs(length: int, most: int, halo: int, multiple: int) -> Iterator[tuple[slice, slice]]:
    units = length // multiple
    count = -(-units // max(most // multiple, 1))
    edges = [multiple * (units * k // count) for k in range(count + 1)]
    for start, stop in pairwise(edges):
        yield slice(start, stop), slice(max(start - halo, 0), min(stop + halo, length))
