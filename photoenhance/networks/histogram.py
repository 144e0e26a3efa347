"""One colour transform for a whole photo, predicted from its histogram.

How dark, flat, hazy or tinted a photo is stands in its histogram. A small perceptron reads that at
once and learns it from few photos; a convolutional network has to guess it from a small copy, in
which averages have taken the place of the blackest and the whitest pixels. So a recipe may have
both: what the network changes in the photo is added to what its histogram says.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SHARES = (0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995)
QUANTITIES = 8  # whose quantiles are taken: all channels, red, green, blue, luma, and three chromas
LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # ITU-R BT.709
SCALE = 5.0  # of quantiles, which deviate by 0.02 to 0.2 from photo to photo
DROPOUT = 0.1
# Where levels that fall short are stretched to before the perceptron's polynomial: about the 0.5
# and 99.5 percentiles of finished photos.
BLACK, WHITE = 0.04, 0.95
# Ranges of levels. A photo of less than the first is a page, a night or one colour, and stays so:
# what a transform would show is its noise. From the second on, all of it is applied.
BLANK, FULL = 0.1, 0.3
TERMS = 10  # of a quadratic polynomial of three channels


def quantiles(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a photo's quantiles at `SHARES`, `(8, 13)`: its cumulative histograms, turned around.

    They are those of all values of the three channels, of red, green, blue, luma, of the largest
    channel less the smallest, of red less green, and of blue less green.

    Args:
        image: `(..., 3)`, sRGB in [0, 1]: the photo's own pixels, all or a sample of them. A copy
            that averages pixels has neither its blackest nor its whitest ones.
    """
    pixels = image.reshape(-1, 3)
    red, green, blue = pixels.T
    chroma = pixels.max(axis=1) - pixels.min(axis=1)
    each = np.stack([red, green, blue, pixels @ LUMA, chroma, red - green, blue - green])
    together = _at_shares(np.sort(pixels, axis=None))
    return np.concatenate([together[None], _at_shares(np.sort(each, axis=1))]).astype(np.float32)


def _at_shares(ordered: NDArray[np.float32]) -> NDArray[np.float64]:
    """Interpolate the quantiles of sorted values, `(..., n)`, linearly; `(..., 13)`."""
    last = ordered.shape[-1] - 1
    places = np.array(SHARES) * last
    below = places.astype(np.intp)
    low, high = ordered[..., below], ordered[..., np.minimum(below + 1, last)]
    return low + (high - low) * (places - below)


def quadratic_terms(image: Tensor) -> Tensor:
    """Return 1, the channels, their squares and their products of `(N, 3, H, W)`; `(N, 10, H*W)`.

    They are in the order 1, r, g, b, rr, gg, bb, rg, rb, gb.
    """
    r, g, b = image.flatten(2).unbind(1)
    return torch.stack([torch.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, r * b, g * b], 1)


@dataclass(frozen=True, slots=True, eq=False)
class ColorTransform:
    """A colour transform of each of some photos.

    Levels are stretched linearly, and to them a quadratic polynomial of them is added.

    Attributes:
        gain: `(N, 1, 1, 1)`, a factor on values in [0, 1].
        offset: `(N, 1, 1, 1)`, what is added then.
        coefficients: `(N, 10, 3)`, what each of `quadratic_terms` adds to red, green and blue.
    """

    gain: Tensor
    offset: Tensor
    coefficients: Tensor

    def change(self, image: Tensor) -> Tensor:
        """Return what this adds to these photos or to parts of them, `(N, 3, h, w)`, not clamped.

        In float32, under autocast too: it is the size of a level that counts here.
        """
        with torch.autocast(image.device.type, enabled=False):
            levels = image.float() * self.gain + self.offset
            bend = self.coefficients.transpose(1, 2) @ quadratic_terms(levels)
            return levels - image + bend.view_as(levels)


class HistogramHead(nn.Module):
    """Predicts a photo's colour transform from its quantiles, by a perceptron of two hidden layers.

    Untrained, it stretches levels that fall short of a finished photo's, most of the way.

    Args:
        units: of each hidden layer.
    """

    even: Tensor

    def __init__(self, units: int) -> None:
        super().__init__()
        # The quantiles of an even histogram are the shares themselves; chromas are around 0.
        even = torch.zeros(QUANTITIES, len(SHARES))
        even[: QUANTITIES - 3] = torch.tensor(SHARES)
        self.register_buffer("even", even, persistent=False)
        self.perceptron = nn.Sequential(
            nn.Linear(even.numel(), units),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(units, units),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(units, 1 + 3 * TERMS),
        )
        last = self.perceptron[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        with torch.no_grad():
            last.bias.zero_()
            last.bias[0] = 1.0

    def forward(self, measured: Tensor) -> ColorTransform:
        """Return the transforms of photos with these quantiles, `(N, 8, 13)`."""
        with torch.autocast(measured.device.type, enabled=False):
            found = self.perceptron(((measured - self.even) * SCALE).flatten(1))
            low, high = measured[:, 0, 0], measured[:, 0, -1]
            applied = ((high - low - BLANK) / (FULL - BLANK)).clamp(0, 1)
            darkest, brightest = low.clamp(max=BLACK), high.clamp(min=WHITE)
            gain = (brightest - darkest) / (high - low).clamp(min=BLANK)
            offset = darkest - low * gain
            stretched = applied * torch.sigmoid(found[:, 0])
            gain, offset = 1 + stretched * (gain - 1), stretched * offset
            bend = found[:, 1:].view(-1, TERMS, 3) * applied.view(-1, 1, 1)
        return ColorTransform(gain.view(-1, 1, 1, 1), offset.view(-1, 1, 1, 1), bend)


def check_units(units: int) -> None:
    """Refuse a config's number of units that cannot be.

    Raises:
        ValueError: it is negative.
    """
    if units < 0:
        raise ValueError(f"histogram: expected 0 or more, found {units}")


def histogram_head(units: int) -> HistogramHead | None:
    """Build the head that a config asks for, or None for 0 units."""
    return HistogramHead(units) if units else None
