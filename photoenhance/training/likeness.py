"""How far two collections of photos are apart in tone, colour, local contrast and features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.losses.color import srgb_to_lab

QUANTILES = 64
PIXELS = 4096  # of each photo that count, so that large photos have no more say than small ones
WINDOW = 8
SPLITS = 16  # ways to part a collection into halves


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What one photo adds to its collection.

    Attributes:
        values: L*, a*, b* and local contrast of some of its pixels; `(n,)` each.
        features: `(f,)`, the mean of each feature map; empty without a network.
    """

    values: tuple[Tensor, ...]
    features: Tensor

    @property
    def colour(self) -> Tensor:
        """The mean a* and b*, `(2,)`."""
        return torch.stack([self.values[1].mean(), self.values[2].mean()])


def traits_of(image: Tensor, features: nn.Module | None) -> Traits:
    """Measure one photo, `(1, 3, H, W)` in [0, 1]."""
    lab = srgb_to_lab(image)[0]
    values = (*lab.flatten(1), _local_contrast(lab[0]))
    found = torch.empty(0, device=image.device)
    if features is not None:
        maps = features(image[:, :, : image.shape[2] // 16 * 16, : image.shape[3] // 16 * 16])
        found = torch.cat([each.float().mean(dim=(0, 2, 3)) for each in maps])
    return Traits(tuple(_thinned(each) for each in values), found)


def distances(one: Sequence[Traits], other: Sequence[Traits]) -> list[float]:
    """Return how far two collections are apart in each trait, features last if there are any.

    Of quantiles, the mean difference is the Wasserstein-1 distance of the distributions.
    """
    pairs = zip(_summary(one), _summary(other), strict=True)
    return [float((a - b).abs().mean()) for a, b in pairs]


def colour_distance(one: Sequence[Traits], other: Sequence[Traits]) -> Tensor:
    """Return how much the mean a* and b* of the first collection are above the other's; `(2,)`."""
    first, second = (torch.stack([each.colour for each in photos]) for photos in (one, other))
    return first.mean(dim=0) - second.mean(dim=0)


def chance(photos: Sequence[Traits], others: int) -> tuple[list[float], float]:
    """Return what is found between a collection and another of the same look: the floor.

    Measured between random halves of the collection. Of two samples of m and n photos, chance makes
    a distance that grows as the root of 1/m + 1/n: halves are farther apart than the whole
    collections that are to be compared.

    Args:
        photos: at least two.
        others: photos in the other collection.

    Returns:
        What `distances` finds, and the length of what `colour_distance` finds.
    """
    random, half = np.random.default_rng(0), len(photos) // 2
    found, colours = [], []
    for _ in range(SPLITS):
        order = random.permutation(len(photos))
        one, other = ([photos[k] for k in places] for places in (order[:half], order[half:]))
        found.append(distances(one, other))
        colours.append(float(colour_distance(one, other).norm()))
    rest = len(photos) - half
    scale = ((1 / len(photos) + 1 / others) / (1 / half + 1 / rest)) ** 0.5
    return [float(each) for each in np.mean(found, axis=0) * scale], float(np.mean(colours)) * scale


def _summary(photos: Sequence[Traits]) -> list[Tensor]:
    places = torch.linspace(0, 1, QUANTILES + 2, device=photos[0].features.device)[1:-1]
    columns = zip(*(each.values for each in photos), strict=True)
    found = [torch.quantile(torch.cat(column), places) for column in columns]
    features = torch.stack([each.features for each in photos]).mean(dim=0)
    return [*found, features] if len(features) else found


def _thinned(values: Tensor) -> Tensor:
    places = torch.linspace(0, len(values) - 1, PIXELS, device=values.device)
    return values[places.long()]


def _local_contrast(lightness: Tensor) -> Tensor:
    plane = lightness[None, None]
    mean = F.avg_pool2d(plane, WINDOW)
    variance = F.avg_pool2d(plane**2, WINDOW) - mean**2
    return variance.clamp(min=0).sqrt().flatten()
