"""Maps worked out a band of rows at a time, no row twice, while they are in the CPU's caches.

Everything here is laid out channels-last, which convolutions on CPUs are fastest in: at most
widths they then come near the rate of a matrix product.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

BAND_VALUES = 1 << 21  # in the widest map of a band: 8 MiB, so that what is made from it fits too
FEWEST_ROWS = 16  # of a band where there are as many: the convolutions at the end reach over 8


@dataclass(frozen=True, slots=True)
class Band:
    """Some rows of a map, and whether they are its last."""

    rows: slice
    is_last: bool


def bands(height: int, width: int, channels: int) -> Iterator[Band]:
    """Cut the rows of a map into about equal bands.

    Args:
        height: of the map; if it is even, so is every band.
        width: likewise.
        channels: in the widest map that a band is worked out through.
    """
    step = 1 + (height + 1) % 2
    most = max(BAND_VALUES // (width * channels), FEWEST_ROWS)
    count = max(height // most, 1)
    edges = [height // step * k // count * step for k in range(count)] + [height]
    for start, stop in pairwise(edges):
        yield Band(slice(start, stop), stop == height)


class Window:
    """Gathers the bands of a map, framed for 3x3 convolutions that need no padding.

    The map is reflected at its first and last row and at both sides. The convolutions of all
    frames, one below the other, are the convolution of the whole reflected map.

    Args:
        kept: rows of a frame that the next one needs again: 2, or 1 for convolutions of stride 2
            over bands of even height.
        multiple: what all frames but the last give is this many rows, or several times as many.
    """

    def __init__(self, kept: int, *, multiple: int = 1) -> None:
        self.kept = kept
        self.multiple = multiple
        self._above: Tensor | None = None

    def framed(self, parts: tuple[Tensor, ...], *, is_last: bool) -> Tensor:
        """Join the parts of the next band along the channels, and frame them.

        Args:
            parts: `(1, C, h, W)` each, at least 2 rows and columns.
            is_last: whether the band ends with the map.
        """
        height, width = parts[0].shape[2:]
        above = 1 if self._above is None else self._above.shape[2]
        channels = sum(part.shape[1] for part in parts)
        shape = (1, channels, above + height + is_last, width + 2)
        frame = empty(shape, like=parts[-1])
        rows, at = slice(above, above + height), 0
        for part in parts:
            frame[:, at : at + part.shape[1], rows, 1:-1] = part
            at += part.shape[1]
        frame[:, :, rows, 0] = frame[:, :, rows, 2]
        frame[:, :, rows, -1] = frame[:, :, rows, -3]
        frame[:, :, :above] = frame[:, :, 2:3] if self._above is None else self._above
        if is_last:
            frame[:, :, -1] = frame[:, :, -3]
            return frame
        given = (frame.shape[2] - self.kept) // self.multiple * self.multiple
        self._above = frame[:, :, given:].clone()
        return frame[:, :, : given + self.kept]


def stacked(pieces: Iterable[Tensor], height: int) -> Tensor:
    """Put the bands of a map, `(1, C, h, W)` each, into a whole map of this height."""
    whole, top = None, 0
    for piece in pieces:
        if whole is None:
            whole = empty((1, piece.shape[1], height, piece.shape[3]), like=piece)
        whole[:, :, top : top + piece.shape[2]] = piece
        top += piece.shape[2]
    assert whole is not None
    assert top == height
    return whole


def empty(shape: tuple[int, int, int, int], *, like: Tensor) -> Tensor:
    """Make room for a map of this shape, of the kind of another, channels last."""
    return torch.empty(
        shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )
