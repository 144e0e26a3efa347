"""A small version of a photo, gathered piece by piece."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photoenhance.networks.extension import Extension
from photoenhance.networks.generator import Tile

LOBES = 3  # of the Lanczos filter on each side


def square(image: Tensor, side: int) -> Tensor:
    """Reduce a photo to this long side, and mirror it at the right and the bottom to a square.

    Args:
        image: `(N, 3, H, W)`; one that is no larger than `side` stays as it is.
        side: of the square.

    Returns:
        `(N, 3, side, side)`.
    """
    height, width = image.shape[2:]
    rows, columns = reduced(height, width, side)
    if (rows, columns) != (height, width):
        down, across = _filters(image, (height, rows), (width, columns))
        image = (down @ image.to(down.dtype) @ across.mT).clamp(0, 1).to(image.dtype)
    return _filled(image, side)


class Thumbnail:
    """The square of `square`, of a photo that is seen tile by tile, each once.

    Resampling is linear in the pixels, so each interior adds its share.

    Args:
        size: the photo's height and width without extension.
        side: of the square.
    """

    def __init__(self, size: tuple[int, int], side: int) -> None:
        self.size = size
        self.side = side
        self._filters: tuple[Tensor, Tensor] | None = None
        self._total: Tensor | None = None

    def add(self, tile: Tile) -> None:
        """See the interior of a tile of the photo, extended at the right and the bottom or not."""
        if self._filters is None or self._total is None:
            rows, columns = reduced(*self.size, self.side)
            self._filters = _filters(tile.image, (self.size[0], rows), (self.size[1], columns))
            shape = (1, tile.image.shape[1], rows, columns)
            self._total = tile.image.new_zeros(shape, dtype=self._filters[0].dtype)
        inner_rows, inner_columns = tile.interior
        top, left = tile.top + inner_rows.start, tile.left + inner_columns.start
        inside = tile.image[..., inner_rows, inner_columns]
        inside = inside[..., : max(self.size[0] - top, 0), : max(self.size[1] - left, 0)]
        if inside.numel():
            down = self._filters[0][:, top : top + inside.shape[2]]
            across = self._filters[1][:, left : left + inside.shape[3]]
            _add(self._total, inside.to(self._total.dtype), down, across)

    def square(self) -> Tensor:
        """Return `(1, 3, side, side)`, after every tile was added."""
        assert self._total is not None
        return _filled(self._total.clamp(0, 1), self.side)


def reduced(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size of a photo whose long side is reduced to `side`, or its own if smaller."""
    long = max(height, width)
    if long <= side:
        return height, width
    return max(round(height * side / long), 1), max(round(width * side / long), 1)


def lanczos(length: int, wanted: int) -> NDArray[np.float64]:
    """Return the matrix `(wanted, length)` that resamples an axis.

    Source: Pillow's `Image.resize` with `LANCZOS`, up to its rounding between the two axes.
    """
    step = length / wanted
    stretch = max(step, 1.0)
    centres = ((np.arange(wanted) + 0.5) * step)[:, None]
    first = np.floor(np.maximum(centres - LOBES * stretch + 0.5, 0)).astype(int)
    stop = np.floor(np.minimum(centres + LOBES * stretch + 0.5, length)).astype(int)
    places = first + np.arange((stop - first).max())
    distances = (places + 0.5 - centres) / stretch
    weights = np.sinc(distances) * np.sinc(distances / LOBES) * (np.abs(distances) < LOBES)
    weights[places >= stop] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((wanted, length))
    rows, columns = np.nonzero(weights)
    matrix[rows, places[rows, columns]] = weights[rows, columns]
    return matrix


def _filters(
    image: Tensor, rows: tuple[int, int], columns: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    # At least single precision: half would blur what the global vector rests on.
    dtype = torch.promote_types(image.dtype, torch.float32)
    down, across = (torch.from_numpy(lanczos(*axis)) for axis in (rows, columns))
    return down.to(image.device, dtype), across.to(image.device, dtype)


def _add(total: Tensor, inside: Tensor, down: Tensor, across: Tensor) -> None:
    """Add what a piece contributes; most of both filters is zero, and left out."""
    rows, columns = _touched(down), _touched(across)
    with torch.autocast(inside.device.type, enabled=False):
        total[..., rows, columns] += down[rows] @ inside @ across[columns].mT


def _touched(matrix: Tensor) -> slice:
    nonzero = matrix.ne(0).any(dim=1).nonzero()
    return slice(int(nonzero[0]), int(nonzero[-1]) + 1) if len(nonzero) else slice(0, 0)


def _filled(image: Tensor, side: int) -> Tensor:
    height, width = image.shape[2:]
    return Extension((0, side - height), (0, side - width), repeats_edge=True).extend(image)
