"""The look of a folder: what its photos have and plain photos have not; and how to take it away.

A look is modelled as a curve for each of red, green and blue, then a factor on the saturation.
Most edits are near to that, and both can be told from pooled statistics alone: the curves from the
levels below which the same shares of the pixels lie, the factor from the colour that is left.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.training.tones import Tones, colour_of, tones_of

LUMA = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709
# Axes of what the three curves do: together, red against blue, green against both.
AXES = np.array([[1, 1, 1], [1, 0, -1], [-1, 2, -1]]) / np.sqrt([[3], [2], [6]])
CONTENT = (0.5, 0.22, 0.1)  # deviation of mid levels from photo to photo, along each axis
CONTENT_REACH = 0.7  # how far apart levels are that vary together
PRECISION = 0.02  # of a level, however many photos there are
FEW = 5  # photos: of so few, pooled levels vary half as much again as independent ones would
LOOKS = (0.3, 0.06, 0.06)  # deviation of what looks do to levels, along each axis
LOOK_REACH = 0.45  # how far apart levels are that a look moves together
BENT = 0.1  # share of what looks do to colour that is no straight line over the levels
SATURATIONS = (0.4, 2.5)
BISECTIONS = 12
LEAST_COLOUR = 0.01  # below which the saturation of a folder tells nothing


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A way from photos with a look to plain ones.

    Attributes:
        saturation: factor on the distance from luma, which comes first.
        levels: `(3, K)`, increasing: values of red, green and blue.
        shifts: `(3, K)`: what is then added to each of them; in between, it is interpolated.
        size: mean CIE 1976 colour difference that the way makes in photos of the folder.
    """

    saturation: float
    levels: NDArray[np.float64]
    shifts: NDArray[np.float64]
    size: float = 0.0

    def removed(self, image: NDArray[np.floating], share: float) -> NDArray[np.float32]:
        """Go a share of the way; every share, above 1 also, keeps the order of the levels.

        Args:
            image: `(..., 3)`, sRGB in [0, 1]; and so is the result.
            share: 0 changes nothing, 1 is all the way.
        """
        return np.clip(self._moved(image, share), 0, 1).astype(np.float32)

    def _moved(self, image: NDArray[np.floating], share: float) -> NDArray[np.float64]:
        image = saturated(image, self.saturation**share)
        wanted = np.maximum.accumulate(self.levels + share * self.shifts, axis=1)
        moved = [
            image[..., channel] + np.interp(image[..., channel], before, after - before)
            for channel, (before, after) in enumerate(zip(self.levels, wanted, strict=True))
        ]
        return np.stack(moved, axis=-1)


def saturated(image: NDArray[np.floating], factor: float) -> NDArray[np.float64]:
    """Multiply the distance of each pixel from its luma; `(..., 3)`, not clipped."""
    luma = (image @ LUMA)[..., None]
    return np.asarray(luma + (image - luma) * factor, dtype=np.float64)


def look_of(target: NDArray[np.float64], reference: Tones) -> Look:
    """Find the way from the target photos to those of the reference.

    Args:
        target: `(photos, pixels, 3)`, sRGB in [0, 1].
        reference: tones of photos without the look.

    Source: matched statistics of two collections as in Reinhard et al. 2001,
        https://doi.org/10.1109/38.946629, and matched distributions of each channel as in
        Pitié et al. 2007, https://doi.org/10.1016/j.cviu.2006.11.011; differences of content are
        held back as in Gaussian process regression, Rasmussen and Williams 2006, eq. 2.23.
    Differs: whole collections are matched, not two pictures. The constants were measured on
        `tones.plain`'s photos (content) and chosen on made looks (looks).
    """
    trust = _trust(reference, len(target))
    factor = _saturation(target, reference, trust) ** (len(target) / (len(target) + FEW))
    found = _curves(target, reference, trust, factor)
    return replace(found, size=_difference(target, found.removed(target, 1)))


def _saturation(target: NDArray[np.float64], reference: Tones, trust: NDArray[np.float64]) -> float:
    """Find the factor that leaves as much colour as the reference has, by bisection."""
    if colour_of(target) < LEAST_COLOUR:
        return 1.0
    least, most = SATURATIONS
    for _ in range(BISECTIONS):
        factor = (least * most) ** 0.5
        plainer = _curves(target, reference, trust, factor).removed(target, 1)
        if colour_of(plainer) < reference.colour:
            least = factor
        else:
            most = factor
    return (least * most) ** 0.5


def _curves(
    target: NDArray[np.float64], reference: Tones, trust: NDArray[np.float64], factor: float
) -> Look:
    """Match the levels of the target, once its saturation is changed."""
    levels = tones_of(saturated(target, factor)).levels
    levels = np.maximum.accumulate(levels + 1e-5 * np.arange(levels.shape[1]), axis=1)
    found = AXES @ (reference.levels - levels)
    return Look(factor, levels, AXES.T @ np.einsum("aij,aj->ai", trust, found))


def _trust(reference: Tones, photos: int) -> NDArray[np.float64]:
    """How much of what is found along each axis is the look: `(3, K, K)`.

    What the photos show differs, too: some thirty photos may all be of the evening.
    """
    level = reference.levels.mean(axis=0)
    apart = np.abs(level[:, None] - level)
    together = np.exp(-0.5 * (apart / LOOK_REACH) ** 2)
    straight = 0.5 + 2 * np.outer(level - 0.5, level - 0.5)
    room = 4 * level * (1 - level)  # black and white are in every photo
    content = np.outer(room, room) * np.exp(-apart / CONTENT_REACH)
    content *= (1 + FEW / photos) / photos + 1 / reference.photos
    trust = []
    for axis, (by_look, by_content) in enumerate(zip(LOOKS, CONTENT, strict=True)):
        shape = straight + BENT**2 * together if axis else together
        wanted = by_look**2 * shape
        noise = by_content**2 * content + PRECISION**2 * np.eye(len(level))
        trust.append(np.linalg.solve(wanted + noise, wanted).T)
    return np.stack(trust)


def _difference(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    labs = [cv2.cvtColor(image.astype(np.float32), cv2.COLOR_RGB2LAB) for image in (one, other)]
    return float(np.linalg.norm(labs[0] - labs[1], axis=-1).mean())
