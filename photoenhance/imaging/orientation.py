"""Turning pictures upright while their rows are copied, so that no second copy is needed."""

from typing import Any

from numpy.typing import NDArray

TURNED = 5  # from this orientation on, width and height change places


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
    if orientation in (3, 4, 6, 7):
        view = view[::-1]
    if orientation in (2, 3, 7, 8):
        view = view[:, ::-1]
    return view
