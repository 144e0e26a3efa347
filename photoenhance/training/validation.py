"""How good a generator is, by photos that it does not learn from; never by the GAN's losses."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from photoenhance.losses.color import srgb_to_lab

SIDE = 256  # photos are judged with their short side reduced to this
QUANTILES = 64
WINDOW = 8
LEAST_CONTENT = 0.9  # below this, the photo itself suffers
PRICE = 5.0  # of content that is missing: 0.1 of it weighs as half the way to the look
STRUCTURE_CONSTANT = 0.03**2 / 2  # Wang et al. 2004, C3 for images in [0, 1]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What validation found.

    Attributes:
        content: structure of the photos that is still there, up to 1.
        look: distance of tone, colour, local contrast and features from the targets', in units of
            the distance that the photos had before: 1 changed nothing, 0 reached the look.
        psnr: to the references in dB, or None without any.
        score: the lower, the better: minus the PSNR where there are references, else the look,
            and a price for content below 0.9.
    """

    content: float
    look: float
    psnr: float | None
    score: float


class Validator:
    """Judges generators by the same photos again and again.

    Args:
        sources: photos to improve, `(H, W, 3)` each.
        targets: photos with the wanted look.
        references: of the sources, one each and of the same sizes; or none.
        features: maps images to a list of feature maps; None leaves them out of the look.
        device: where the generator is.
    """

    def __init__(
        self,
        sources: Sequence[Pixels],
        targets: Sequence[Pixels],
        references: Sequence[Pixels],
        features: nn.Module | None,
        device: torch.device,
    ) -> None:
        self.sources = [_image(pixels, device) for pixels in sources]
        self.references = [_image(pixels, device) for pixels in references]
        self.features = features
        with torch.inference_mode():
            self.wanted = self._statistics([_image(pixels, device) for pixels in targets])
            self.before = _distances(self._statistics(self.sources), self.wanted)

    @torch.inference_mode()
    def judge(self, generator: nn.Module) -> Judgement:
        """Enhance the sources and judge what comes of them."""
        enhanced = [generator(image) for image in self.sources]
        content = float(
            np.mean([_structure(a, b) for a, b in zip(enhanced, self.sources, strict=True)])
        )
        after = _distances(self._statistics(enhanced), self.wanted)
        look = float(np.mean([a / max(b, 1e-6) for a, b in zip(after, self.before, strict=True)]))
        psnr = None
        if self.references:
            pairs = zip(enhanced, self.references, strict=True)
            psnr = float(np.mean([_psnr(image, reference) for image, reference in pairs]))
        score = look + PRICE * max(LEAST_CONTENT - content, 0.0) if psnr is None else -psnr
        return Judgement(content, look, psnr, score)

    def _statistics(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Return quantiles of lightness, a*, b* and local contrast, and means of the features."""
        values: list[list[Tensor]] = [[], [], [], []]
        for image in images:
            lab = srgb_to_lab(image)[0]
            for channel in range(3):
                values[channel].append(lab[channel].flatten())
            values[3].append(_local_contrast(lab[0]))
        places = torch.linspace(0, 1, QUANTILES + 2, device=images[0].device)[1:-1]
        found = [torch.quantile(_thinned(torch.cat(each)), places) for each in values]
        if self.features is not None:
            found.append(self._feature_means(self.features, images))
        return found

    def _feature_means(self, features: nn.Module, images: Sequence[Tensor]) -> Tensor:
        means = []
        for image in images:
            maps = features(image[:, :, : image.shape[2] // 16 * 16, : image.shape[3] // 16 * 16])
            means.append(torch.cat([m.float().mean(dim=(0, 2, 3)) for m in maps]))
        return torch.stack(means).mean(dim=0)


def reduced(pixels: Pixels) -> Pixels:
    """Reduce a photo to the size at which it is judged."""
    height, width = pixels.shape[:2]
    factor = SIDE / min(height, width)
    if factor >= 1:
        return pixels
    size = (round(width * factor), round(height * factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _image(pixels: Pixels, device: torch.device) -> Tensor:
    planes = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(2, 0, 1)
    return planes[None].float() / 255


def _distances(one: Sequence[Tensor], other: Sequence[Tensor]) -> list[float]:
    # Of quantiles, this is the Wasserstein-1 distance of the distributions.
    return [float((a - b).abs().mean()) for a, b in zip(one, other, strict=True)]


def _thinned(values: Tensor) -> Tensor:
    return values[:: max(len(values) // 200_000, 1)]  # torch.quantile takes no more than 2^24


def _local_contrast(lightness: Tensor) -> Tensor:
    plane = lightness[None, None]
    mean = F.avg_pool2d(plane, WINDOW)
    variance = F.avg_pool2d(plane**2, WINDOW) - mean**2
    return variance.clamp(min=0).sqrt().flatten()


def _structure(image: Tensor, reference: Tensor) -> float:
    """The structure term of SSIM, eq. 10 of Wang et al. 2004, of the mean of the channels."""
    x, y = image.mean(dim=1, keepdim=True), reference.mean(dim=1, keepdim=True)
    mean_x, mean_y = F.avg_pool2d(x, WINDOW, 1), F.avg_pool2d(y, WINDOW, 1)
    variance_x = (F.avg_pool2d(x**2, WINDOW, 1) - mean_x**2).clamp(min=0)
    variance_y = (F.avg_pool2d(y**2, WINDOW, 1) - mean_y**2).clamp(min=0)
    covariance = F.avg_pool2d(x * y, WINDOW, 1) - mean_x * mean_y
    spread = (variance_x * variance_y).sqrt()
    return float(((covariance + STRUCTURE_CONSTANT) / (spread + STRUCTURE_CONSTANT)).mean())


def _psnr(image: Tensor, reference: Tensor) -> float:
    error = float(((image - reference) ** 2).mean())
    return -10 * float(np.log10(max(error, 1e-10)))
