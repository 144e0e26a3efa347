"""Mean and variance of channels, merged over tiles without losing digits."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and centred sum of squares of each channel, in float64.

    Source: Chan, Golub and LeVeque 1979, the pairwise update of mean and centred sum.
    """

    count: int
    mean: Tensor  # (C,)
    squares: Tensor  # (C,)

    @staticmethod
    def of(features: Tensor) -> "Moments":
        """Measure `(1, C, h, w)` features over all their pixels."""
        # Half precision has too few digits to sum this many numbers.
        exact = features[0].to(torch.promote_types(features.dtype, torch.float32))
        # Not torch.var_mean: on CPUs it is many times slower, above all where channels lie last.
        mean = exact.mean(dim=(-2, -1))
        squares = (exact - mean[:, None, None]).square_().sum(dim=(-2, -1))
        count = features.shape[-2] * features.shape[-1]
        return Moments(count, mean.double(), squares.double())

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of pixels together."""
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        squares = self.squares + other.squares + delta**2 * (self.count * other.count / count)
        return Moments(count, mean, squares)

    def scale_and_shift(self, epsilon: float) -> tuple[Tensor, Tensor]:
        """Return `a` and `b`, `(C,)` float64: `a * x + b` has mean 0 and deviation 1.

        The variance is the biased one, with `epsilon` added before the root.
        """
        scale = (self.squares / self.count + epsilon).rsqrt()
        return scale, -self.mean * scale
