"""How a photo is continued beyond its borders until a network can take it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Extension:
    """Mirrored rows and columns around a photo.

    Attributes:
        rows: pixels added above and below.
        columns: pixels added on the left and on the right.
        repeats_edge: whether the pixel at the border is repeated (b a|a b) or not (c b|a b c).
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    repeats_edge: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the extended height and width of a photo of this height and width."""
        return height + sum(self.rows), width + sum(self.columns)

    def extend(self, image: Tensor) -> Tensor:
        """Mirror `(N, C, H, W)` beyond its borders, back and forth where it is short."""
        for dim, (before, after) in ((2, self.rows), (3, self.columns)):
            if before or after:
                length = image.shape[dim]
                run = slice(-before, length + after)
                places = mirrored(run, length, repeats_edge=self.repeats_edge)
                image = image.index_select(dim, torch.as_tensor(places, device=image.device))
        return image

    def crop(self, image: Tensor) -> Tensor:
        """Cut what `extend` added off `(N, C, H, W)`."""
        (top, bottom), (left, right) = self.rows, self.columns
        height, width = image.shape[2:]
        return image[:, :, top : height - bottom, left : width - right]


def towards_the_end(height: int, width: int, *, multiple: int, smallest: int) -> Extension:
    """Reflect at the bottom and the right, up to multiples no shorter than the smallest side."""

    def missing(length: int) -> int:
        return max(-(-length // multiple), -(-smallest // multiple)) * multiple - length

    return Extension((0, missing(height)), (0, missing(width)))


def mirrored(run: slice, length: int, *, repeats_edge: bool = False) -> NDArray[np.intp]:
    """Return where the samples of a run lie on an axis of `length` that is mirrored at its ends.

    Args:
        run: from its start, which may be negative, to its stop, which may lie beyond the end.
        length: of the axis; at least 1.
        repeats_edge: as in `Extension`.
    """
    if length == 1:
        return np.zeros(run.stop - run.start, dtype=np.intp)
    period = 2 * length if repeats_edge else 2 * (length - 1)
    places = np.arange(run.start, run.stop) % period
    return np.minimum(places, (period - 1 if repeats_edge else period) - places)
