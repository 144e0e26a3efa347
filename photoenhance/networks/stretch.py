"""A photo's own levels, stretched where they fall short of what finished photos use.

How far a photo is from black and white is known from its percentiles, and a network that has to
guess it errs. So a recipe may have the levels stretched first; what the network finds in the photo
as it was is added to that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

EXTREMES = (0.005, 0.995)  # shares of all values, of the three channels, that lie below
# Between them. A photo of less than the first is a page, a night or one colour, and stays so: what
# stretching would show is its noise. From the second on, levels are stretched all the way.
BLANK, FULL = 0.1, 0.3


def extremes(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the low and the high percentile of a photo, `(2,)`.

    Args:
        image: `(..., 3)`, sRGB in [0, 1]: the photo's own pixels, all or a sample of them. A copy
            that averages pixels has neither its blackest nor its whitest ones.
    """
    return np.quantile(image, EXTREMES).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where the levels of photos go at least.

    Attributes:
        black: the low percentile is brought down to this, if it lies above.
        white: the high percentile is brought up to this, if it lies below.
    """

    black: float
    white: float

    def levels(self, extremes: Tensor) -> "Levels":
        """Say how images are stretched whose `extremes` are these, `(N, 2)`."""
        low, high = extremes.unbind(1)
        darkest, brightest = low.clamp(max=self.black), high.clamp(min=self.white)
        share = ((high - low - BLANK) / (FULL - BLANK)).clamp(0, 1)
        gain = (brightest - darkest) / (high - low).clamp(min=BLANK)
        offset = darkest - low * gain
        gain, offset = 1 + share * (gain - 1), share * offset
        return Levels(gain.view(-1, 1, 1, 1), offset.view(-1, 1, 1, 1))


def stretch_of(black: float, white: float) -> Stretch | None:
    """Return what two values of a config ask for, or None for those that ask for nothing.

    Args:
        black: as in `Stretch`; 1 leaves every photo's black where it is.
        white: as in `Stretch`; 0 leaves every photo's white where it is.

    Raises:
        ValueError: one of them is out of its range.
    """
    for name, value in (("black", black), ("white", white)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}: expected a number from 0 to 1, found {value}")
    if (black, white) == (1, 0):
        return None
    if black < 1 and white > 0 and black >= white:
        raise ValueError(f"black: expected less than white, {white}, found {black}")
    return Stretch(float(black), float(white))


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """How the levels of each of some photos are stretched.

    Attributes:
        gain: `(N, 1, 1, 1)`, a factor on values in [0, 1].
        offset: `(N, 1, 1, 1)`, what is added then.
    """

    gain: Tensor
    offset: Tensor

    def change(self, image: Tensor) -> Tensor:
        """Return what stretching adds to these photos or to parts of them, `(N, 3, h, w)`."""
        return (image * self.gain + self.offset).clamp(0, 1) - image
