"""How good a generator is, by photos that it does not learn from; never by the GAN's losses."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from photoenhance.errors import ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.losses.color import srgb_to_lab
from photoenhance.networks.generator import Generator
from photoenhance.tensors import image_of
from photoenhance.training.cast import Cast, cast
from photoenhance.training.likeness import Traits, chance, colour_distance, distances, traits_of

SIDE = 384  # photos are judged with their short side reduced to this
COMPARED_SIDE = 256  # of the copies of which the distances of collections are measured
WINDOW = 8
LEAST_CONTENT = 0.9  # below this, the photo itself suffers
PRICE = 5.0  # of content that is missing: 0.1 of it weighs as half the way to the look
FARTHEST = 1.25  # ratio of distances beyond which no trait counts: what is left may be chance
LEAST_TARGETS = 2  # with halves that can be compared
LEAST_DISTANCE = 1e-6  # of photos that are all alike
STRUCTURE_CONSTANT = 0.03**2 / 2  # Wang et al. 2004, C3 for images in [0, 1]

Pixels = NDArray[np.uint8]
Known = Literal["originals", "references"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What validation found.

    Attributes:
        score: the lower, the better; None for a generator that gives nothing usable.
        fault: what it gives instead, or None.
        content: structure of the photos that is still there, up to 1.
        known: what the photos should become: "originals", of which they were made, or "references",
            or None where that is not known. The four that follow are None then.
        psnr: to those in dB.
        psnr_before: that of the photos as they were.
        difference: mean distance to those in CIE L*a*b*.
        difference_before: that of the photos as they were.
        look: where nothing is known, the distance of tone, colour, local contrast and features from
            the targets', in units of the distance before: 1 changed nothing. Else None.
        cast: how the photos are tinted on the whole.
    """

    score: float | None
    fault: str | None = None
    content: float | None = None
    known: Known | None = None
    psnr: float | None = None
    psnr_before: float | None = None
    difference: float | None = None
    difference_before: float | None = None
    look: float | None = None
    cast: Cast | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far photos are from what they should be, on average.

    Attributes:
        psnr: in dB.
        difference: of the colours, in CIE L*a*b* (CIE76).
        tint: how much their mean a* and b* are too high.
    """

    psnr: float
    difference: float
    tint: tuple[float, float]


class Validator(ABC):
    """Judges generators by the same photos again and again.

    Attributes:
        name: what the photos are, for people.

    Args:
        sources: photos to improve, `(H, W, 3)` each.
        device: where to compute.
    """

    name: ClassVar[str]

    def __init__(self, sources: Sequence[Pixels], device: torch.device) -> None:
        self.sources = list(sources)
        self.device = device

    def judge(self, generator: Generator) -> Judgement:
        """Enhance the sources as `enhance` does by default, and judge what becomes of them."""
        # The enhancer changes its generator's mode, so it gets one of its own.
        enhancer = Enhancer(copy.deepcopy(generator), self.device)
        try:
            enhanced = [enhancer.enhance(Photo(pixels)).photo.pixels for pixels in self.sources]
        except ImageError as error:
            return Judgement(score=None, fault=error.message)
        with torch.inference_mode():
            return self._judged([image_of(pixels, self.device) for pixels in enhanced])

    @abstractmethod
    def _judged(self, enhanced: Sequence[Tensor]) -> Judgement: ...

    def _content(self, enhanced: Sequence[Tensor]) -> float:
        pairs = zip(enhanced, self.sources, strict=True)
        found = [_structure(image, image_of(source, self.device)) for image, source in pairs]
        return float(np.mean(found))


class PairedValidator(Validator):
    """Judges by what the photos should become, which is known.

    Args:
        sources: photos to improve.
        wanted: what they should become, one each and of the same sizes.
        device: where to compute.
    """

    known: ClassVar[Known]

    def __init__(
        self, sources: Sequence[Pixels], wanted: Sequence[Pixels], device: torch.device
    ) -> None:
        super().__init__(sources, device)
        self.wanted = list(wanted)
        with torch.inference_mode():
            self.before = self._compared([image_of(pixels, device) for pixels in sources])

    @abstractmethod
    def _score(self, found: Comparison) -> float:
        """Return the score, the lower the better."""

    def _judged(self, enhanced: Sequence[Tensor]) -> Judgement:
        found = self._compared(enhanced)
        return Judgement(
            self._score(found),
            content=self._content(enhanced),
            known=self.known,
            psnr=found.psnr,
            psnr_before=self.before.psnr,
            difference=found.difference,
            difference_before=self.before.difference,
            cast=cast(*found.tint, before=math.hypot(*self.before.tint)),
        )

    def _compared(self, images: Sequence[Tensor]) -> Comparison:
        wanted = (image_of(pixels, self.device) for pixels in self.wanted)
        found = [_comparison(*pair) for pair in zip(images, wanted, strict=True)]
        psnr, difference, a, b = (float(each) for each in np.mean(found, axis=0))
        return Comparison(psnr, difference, (a, b))


class ReferenceValidator(PairedValidator):
    """Judges by references that were given; the score is minus the PSNR."""

    name = "pairs of photos"
    known = "references"

    def _score(self, found: Comparison) -> float:
        return -found.psnr


class OriginalValidator(PairedValidator):
    """Judges by the originals that the photos were made of; the score is the colour difference.

    A mean of PSNRs will not do here: one photo that was hardly made worse would decide.
    """

    name = "held-out targets made worse"
    known = "originals"

    def _score(self, found: Comparison) -> float:
        return found.difference


class UnpairedValidator(Validator):
    """Judges by how far all photos together are from all targets together.

    The score is the mean ratio of the distances after and before, and a price for structure that is
    lost. No distance is taken to be below what chance makes of two collections of the same look.

    Args:
        sources: photos to improve.
        targets: photos with the wanted look; at least two.
        features: maps images to a list of feature maps; None leaves them out of the distances.
        device: where to compute.
    """

    name = "the held-out photos of both folders"

    def __init__(
        self,
        sources: Sequence[Pixels],
        targets: Sequence[Pixels],
        features: nn.Module | None,
        device: torch.device,
    ) -> None:
        super().__init__(sources, device)
        self.features = features
        with torch.inference_mode():
            self.targets = self._traits([image_of(pixels, device) for pixels in targets])
            before = self._traits([image_of(pixels, device) for pixels in sources])
        self.chance, colour_chance = chance(self.targets, len(before))
        self.before = self._distances(before)
        tint = float(colour_distance(before, self.targets).norm())
        self.tint_before = max(tint, colour_chance)

    def _judged(self, enhanced: Sequence[Tensor]) -> Judgement:
        traits = self._traits(enhanced)
        ratios = [
            min(after / before, FARTHEST)
            for after, before in zip(self._distances(traits), self.before, strict=True)
        ]
        content, look = self._content(enhanced), float(np.mean(ratios))
        a, b = (float(each) for each in colour_distance(traits, self.targets))
        return Judgement(
            look + PRICE * max(LEAST_CONTENT - content, 0.0),
            content=content,
            look=look,
            cast=cast(a, b, before=self.tint_before),
        )

    def _distances(self, traits: Sequence[Traits]) -> list[float]:
        pairs = zip(distances(traits, self.targets), self.chance, strict=True)
        return [max(*pair, LEAST_DISTANCE) for pair in pairs]

    def _traits(self, images: Sequence[Tensor]) -> list[Traits]:
        return [traits_of(_shrunk(image), self.features) for image in images]


def reduced(pixels: Pixels) -> Pixels:
    """Reduce a photo to the size at which it is judged."""
    height, width = pixels.shape[:2]
    factor = SIDE / min(height, width)
    if factor >= 1:
        return pixels
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _shrunk(image: Tensor) -> Tensor:
    factor = COMPARED_SIDE / min(image.shape[2:])
    if factor >= 1:
        return image
    return F.interpolate(image, scale_factor=factor, mode="bilinear", antialias=True)


def _structure(image: Tensor, reference: Tensor) -> float:
    """The structure term of SSIM, eq. 10 of Wang et al. 2004, of the mean of the channels."""
    x, y = image.mean(dim=1, keepdim=True), reference.mean(dim=1, keepdim=True)
    mean_x, mean_y = F.avg_pool2d(x, WINDOW, 1), F.avg_pool2d(y, WINDOW, 1)
    variance_x = (F.avg_pool2d(x**2, WINDOW, 1) - mean_x**2).clamp(min=0)
    variance_y = (F.avg_pool2d(y**2, WINDOW, 1) - mean_y**2).clamp(min=0)
    covariance = F.avg_pool2d(x * y, WINDOW, 1) - mean_x * mean_y
    spread = (variance_x * variance_y).sqrt()
    return float(((covariance + STRUCTURE_CONSTANT) / (spread + STRUCTURE_CONSTANT)).mean())


def _comparison(image: Tensor, wanted: Tensor) -> tuple[float, float, float, float]:
    """Return PSNR, colour difference, and how much the mean a* and b* are too high."""
    error = float(((image - wanted) ** 2).mean())
    apart = (srgb_to_lab(image) - srgb_to_lab(wanted))[0]
    a, b = (float(each) for each in apart[1:].mean(dim=(1, 2)))
    return -10 * math.log10(max(error, 1e-10)), float(apart.norm(dim=0).mean()), a, b
