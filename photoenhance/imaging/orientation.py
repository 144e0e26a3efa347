"""Turning pictures upright while their rows are copied, so that no second copy is needed."""

from decimal import Decimal
from typing import Any

from numpy.typing import NDArray

TURNED = 5  # from this orientation on, width and height change places
Point = tuple[Decimal, Decimal]

_UPSIDE_DOWN = (3, 4, 6, 7)
_MIRRORED = (2, 3, 7, 8)


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return width and height after turning a picture of this stored size upright."""
    return (height, width) if orientation >= TURNED else (width, height)


def stored_view(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return a view of an upright array `(H, W, ...)` laid out as the file stores it.

    Rows written to the view in the file's order land turned upright in the array.

    Args:
        orientation: 1 to 8, as EXIF numbers them.
    """
    view = upright.swapaxes(0, 1) if orientation >= TURNED else upright
    if orientation in _UPSIDE_DOWN:
        view = view[::-1]
    if orientation in _MIRRORED:
        view = view[:, ::-1]
    return view


def upright_point(point: Point, stored: Point, orientation: int) -> Point:
    """Return where a point of a stored picture lies once that is upright.

    Args:
        point: to the right and downwards.
        stored: width and height of the stored picture, in the point's unit.
        orientation: 1 to 8.
    """
    x, y = point
    x = stored[0] - x if orientation in _MIRRORED else x
    y = stored[1] - y if orientation in _UPSIDE_DOWN else y
    return (y, x) if orientation >= TURNED else (x, y)


def upright_rectangle(
    corner: Point, size: Point, stored: Point, orientation: int
) -> tuple[Decimal, ...]:
    """Return left, top, width and height of a rectangle, turned as `upright_point` turns."""
    opposite = corner[0] + size[0], corner[1] + size[1]
    ends = [upright_point(point, stored, orientation) for point in (corner, opposite)]
    (left, right), (top, bottom) = (sorted(sides) for sides in zip(*ends, strict=True))
    return left, top, right - left, bottom - top
