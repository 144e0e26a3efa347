"""The two convolutions at the end of UEGAN, which have nothing between them, as one."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.networks.folding import composed, in_blocks, plain

REACH = 4  # of both kernels together, 3x3 and 7x7; nearer to a border they meet its reflection
SEEN = 8  # pixels from a border that the outer 4 depend on


class Tail:
    """Both convolutions, folded.

    Near the borders one convolution cannot replace the two: the authors reflect between them.
    There they are applied in turn.
    """

    def __init__(self, first: nn.Conv2d, second: nn.Conv2d) -> None:
        self.first, self.second = plain(first), plain(second)
        self.blocks = in_blocks(composed(first, second))

    def middle(self, features: Tensor) -> Tensor:
        """Convolve `(1, C, h + 8, W)` to `(1, 3, h, W)`, right but for 4 columns at each side.

        Both `h` and `W` are even.
        """
        return F.pixel_shuffle(self.blocks(features, stride=2, columns=REACH), 2)

    def in_turn(self, features: Tensor, *, rows: int) -> Tensor:
        """Apply one convolution after the other, reflecting before each at both sides.

        Args:
            features: `(N, C, h, w)`.
            rows: 1 to reflect at the top and the bottom too; 0 cuts 4 rows off there instead.
        """
        features = self.first(F.pad(features, (1, 1, rows, rows), "reflect"))
        return self.second(F.pad(features, (3, 3, 3 * rows, 3 * rows), "reflect"))


class TailRows:
    """Works the tail out for bands of a map that come one below the other."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self._above: Tensor | None = None

    def push(self, band: Tensor, *, is_last: bool) -> Tensor:
        """Return the rows of the residual that can be known with one band more.

        Args:
            band: `(1, C, h, W)`; the first has at least 8 rows, and all together an even number.
            is_last: whether the band ends with the map.

        Returns:
            `(1, 3, k, W)`, k even; what was missing before the last band comes with it.
        """
        is_first = self._above is None
        beyond = band.new_zeros(1, band.shape[1], REACH, band.shape[3])
        pieces = [beyond if self._above is None else self._above, band]
        features = torch.cat([*pieces, beyond] if is_last else pieces, dim=2)
        count = (features.shape[2] - 2 * REACH) // 2 * 2
        used = features[:, :, : count + 2 * REACH]
        self._above = features[:, :, count:]
        residual = self.tail.middle(used)
        # Both sides as one batch: torch has fast convolutions for few columns only of batches.
        sides = torch.cat([used[..., :SEEN], used[..., -SEEN:]])
        left, right = self.tail.in_turn(sides, rows=0)
        residual[..., :REACH], residual[..., -REACH:] = left[..., :REACH], right[..., -REACH:]
        if is_first:
            top = self.tail.in_turn(used[:, :, REACH : REACH + SEEN], rows=1)
            residual[:, :, :REACH] = top[:, :, :REACH]
        if is_last:
            bottom = self.tail.in_turn(used[:, :, -REACH - SEEN : -REACH], rows=1)
            residual[:, :, -REACH:] = bottom[:, :, -REACH:]
        return residual
