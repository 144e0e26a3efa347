"""EnlightenGAN: a U-Net that is told where a photo is dark, and discriminators for it.

Source: Jiang, Gong, Liu, Cheng, Fang, Shen, Yang, Zhou and Wang 2021, EnlightenGAN: Deep Light
Enhancement without Paired Supervision, https://arxiv.org/abs/1906.06972. Where the paper and the
authors' code differ, this is the code: blocks, attention and padding are described there alone.
Differs: images are in [0, 1] on the outside; the authors' range of [-1, 1] begins and ends here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.networks.enlightengan_schemes import LEVELS, CoarseWholeScheme, HalfSizeScheme
from photoenhance.networks.extension import Extension
from photoenhance.networks.generator import Generator, Scheme, check_small_copy
from photoenhance.networks.histogram import check_units, histogram_head
from photoenhance.networks.layers import upsample

SLOPE = 0.2  # of the leaky rectifier, everywhere
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
WIDEST = 2200  # columns of the widest photo that the authors' script does not halve
MOST_MARGIN = 256  # beyond what the network sees, zeros do not show
DEVIATION = 0.02  # of the authors' initial weights


@dataclass(frozen=True, slots=True)
class EnlightenGANConfig:
    """What fixes the networks' shapes, and how the same weights may be used.

    Attributes:
        width: channels of the finest level; the authors use 32.
        attention: whether the features, and not the residual alone, know where the photo is dark.
        align_corners: how the decoder upsamples. The authors trained with the torch of 2018, which
            aligned the corners; their code run with a newer one does not.
        truncate: whether 8-bit results are cut off, as by the authors' script, and not rounded.
        halve_wide: whether photos wider than 2,200 pixels are worked on at half their size, as by
            the authors' script, which saved memory so.
        work_size: short side of the photos that the weights learnt from, if those were whole ones;
            0 if not. The network sees 137 pixels far: in larger photos it cannot tell a dark
            background from a dark photo.
        margin: pixels of the photo's mirror image that are worked on around it, a multiple of 16.
            The convolutions meet zeros beyond that, which show as a frame where photos are small.
        local: share of the network's local work that is kept where it works on a small copy.
        histogram: units of each hidden layer of what predicts a colour transform from a photo's
            histogram, to which the network's work is added; see `histogram`. 0 for none.
    """

    width: int = 32
    attention: bool = True
    align_corners: bool = True
    truncate: bool = False
    halve_wide: bool = False
    work_size: int = 0
    margin: int = 0
    local: float = 1.0
    histogram: int = 0

    def __post_init__(self) -> None:
        if self.margin not in range(0, MOST_MARGIN + 1, 16):
            msg = f"margin: expected a multiple of 16 up to {MOST_MARGIN}, found {self.margin}"
            raise ValueError(msg)
        check_small_copy(self.work_size, self.local)
        check_units(self.histogram)

    def channels(self, level: int) -> int:
        """Channels of level 1 (finest) to 5."""
        return self.width * 2 ** (level - 1)


class EnlightenGANGenerator(Generator):
    """An encoder and a decoder of five levels; dark places get the most attention.

    Every block is twice a convolution, a leaky rectifier and a norm, in this order. What the
    decoder finds is multiplied by the attention map once more, and added to the image.
    """

    multiple = 16
    smallest = 16

    def __init__(self, config: EnlightenGANConfig | None = None) -> None:
        super().__init__()
        self.config = config or EnlightenGANConfig()
        c = [4 if self.config.attention else 3]
        c += [self.config.channels(level) for level in range(1, LEVELS + 1)]
        for level in range(1, LEVELS + 1):
            self._add_block(level, c[level - 1], c[level])
        for level in range(LEVELS - 1, 0, -1):
            rise = nn.Conv2d(c[level + 1], c[level], 3, padding=1)
            self.add_module(f"deconv{_decoder(level) - 1}", rise)
            self._add_block(_decoder(level), 2 * c[level], c[level])
        self.conv10 = nn.Conv2d(c[1], 3, 1)
        # With weights in this order all maps come in it; that saves a quarter of the time on a CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.truncates = self.config.truncate
        self.work_size = self.config.work_size or None
        self.local_share = float(self.config.local)
        self.histogram = histogram_head(self.config.histogram)
        self.whole_bytes = 26.0 * self.config.width

    def _add_block(self, block: int, inputs: int, outputs: int) -> None:
        """Add two convolutions and their norms, by the names of the published weights."""
        self.add_module(f"conv{block}_1", nn.Conv2d(inputs, outputs, 3, padding=1))
        self.add_module(f"bn{block}_1", nn.BatchNorm2d(outputs))
        self.add_module(f"conv{block}_2", nn.Conv2d(outputs, outputs, 3, padding=1))
        if block != _decoder(1):  # which has no second norm
            self.add_module(f"bn{block}_2", nn.BatchNorm2d(outputs))

    def extension(self, height: int, width: int) -> Extension:
        """Reflect on all sides up to multiples of 16, an odd pixel at the bottom or the right.

        The margin comes on top of that.
        """
        if self.halves(height, width):
            return super().extension(height, width)
        return self.centred(height, width)

    def halves(self, height: int, width: int) -> bool:
        """Whether an image of this size is worked on at half its size."""
        return self.config.halve_wide and width > WIDEST and height > 1

    def centred(self, height: int, width: int) -> Extension:
        """Return the authors' padding, which their halving of wide photos comes before."""
        rows, columns, margin = -height % 16, -width % 16, self.config.margin
        return Extension(
            (margin + rows // 2, margin + rows - rows // 2),
            (margin + columns // 2, margin + columns - columns // 2),
        )

    def schemes(self, height: int, width: int) -> Sequence[Scheme]:
        """Work out level 3 and coarser ones whole, then level 4 and coarser; at last none."""
        schemes = [CoarseWholeScheme(self, held) for held in (3, 4, LEVELS + 1)]
        if self.halves(height, width):
            return [HalfSizeScheme(self, scheme, height, width) for scheme in schemes]
        return schemes

    def forward(self, image: Tensor) -> Tensor:
        """Enhance whole images of any size; `(N, 3, H, W)` in [0, 1]."""
        return self.unclamped(image).clamp(0, 1)

    def unclamped(self, image: Tensor, gray: Tensor | None = None) -> Tensor:
        """Enhance like `forward`, but let values leave [0, 1], as the training losses see them.

        Args:
            image: `(N, 3, H, W)` in [0, 1].
            gray: the attention map `(N, 1, H, W)`; made from the image if None.

        Differs: where the authors halve photos of odd sides, they lose a row or a column; here the
        last one is repeated.
        """
        gray = self.darkness(image) if gray is None else gray
        if not self.halves(*image.shape[2:]):
            return self._extended(image, gray)
        small = self._extended(F.avg_pool2d(image, 2), F.avg_pool2d(gray, 2))
        large = upsample(small, aligned=self.config.align_corners)
        missing = (image.shape[3] - large.shape[3], image.shape[2] - large.shape[2])
        return F.pad(large, (0, missing[0], 0, missing[1]), "replicate")

    def _extended(self, image: Tensor, gray: Tensor) -> Tensor:
        extension = self.centred(*image.shape[2:])
        image, gray = extension.extend(image), extension.extend(gray)
        return extension.crop(self._worked_on(image, gray))

    def extended(self, image: Tensor) -> Tensor:
        """Enhance an image that is extended already; `(N, 3, H, W)` with sides of multiples of 16.

        What lies close to its border is not what `forward` gives for the photo inside it.
        """
        return self._worked_on(image, self.darkness(image)).clamp(0, 1)

    def _worked_on(self, image: Tensor, gray: Tensor) -> Tensor:
        return image + self._residual(self.entry(image, gray), gray)

    def _residual(self, features: Tensor, gray: Tensor) -> Tensor:
        # A skip is let go as soon as it is used: that halves the memory.
        skips, grays = [], [gray]
        for level in range(1, LEVELS):
            skips.append(self.encode(level, features))
            features = F.max_pool2d(skips[-1], 2)
            grays.append(F.max_pool2d(grays[-1], 2))
        features = self.bottleneck(features, grays.pop())
        for level in range(LEVELS - 1, 0, -1):
            features = upsample(features, aligned=self.config.align_corners)
            features = self.rise(level, features)
            features = self.join(features, skips.pop(), grays.pop())
            features = self.decode(level, features)
        return self.finish(features, gray)

    @staticmethod
    def darkness(image: Tensor) -> Tensor:
        """Return the attention map `(N, 1, H, W)`: 1 minus the luma of an image in [0, 1]."""
        red, green, blue = image.unbind(1)
        return (1 - (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue))[:, None]

    def entry(self, image: Tensor, gray: Tensor) -> Tensor:
        """Return what level 1 sees: the image in [-1, 1] and, with attention, the map."""
        signed = image * 2 - 1
        return torch.cat([signed, gray], dim=1) if self.config.attention else signed

    def encode(self, level: int, features: Tensor) -> Tensor:
        """Work out the encoder's map of a level, 1 (finest) to 4, from the one above, pooled."""
        return self._normed(f"{level}_2", self._normed(f"{level}_1", features))

    def bottleneck(self, features: Tensor, gray: Tensor) -> Tensor:
        """Work out the map of level 5 from that of level 4, pooled."""
        features = self._attended(self._normed(f"{LEVELS}_1", features), gray)
        return self._normed(f"{LEVELS}_2", features)

    def rise(self, level: int, features: Tensor) -> Tensor:
        """Convolve what was upsampled to a level, 4 to 1, down to that level's channels."""
        return self.get_submodule(f"deconv{_decoder(level) - 1}")(features)

    def join(self, features: Tensor, skip: Tensor, gray: Tensor) -> Tensor:
        """Put the encoder's map, multiplied by the attention map, behind the decoder's."""
        return torch.cat([features, self._attended(skip, gray)], dim=1)

    def decode(self, level: int, features: Tensor) -> Tensor:
        """Work out the decoder's map of a level, 4 to 1, from both maps."""
        block = _decoder(level)
        features = self._normed(f"{block}_1", features)
        if level > 1:
            return self._normed(f"{block}_2", features)
        return F.leaky_relu_(self.get_submodule(f"conv{block}_2")(features), SLOPE)

    def finish(self, features: Tensor, gray: Tensor) -> Tensor:
        """Return what is to be added to the image, from the decoder's finest map."""
        return self.conv10(features) * gray / 2  # half, since [0, 1] is half of [-1, 1]

    def _normed(self, name: str, features: Tensor) -> Tensor:
        features = F.leaky_relu_(self.get_submodule(f"conv{name}")(features), SLOPE)
        return self.get_submodule(f"bn{name}")(features)

    def _attended(self, features: Tensor, gray: Tensor) -> Tensor:
        return features * gray.to(features.dtype) if self.config.attention else features

    def initialise(self, *, gain: float, last: float) -> None:
        """Draw orthogonal weights of this gain, no biases; scale the last convolution by `last`.

        A small `last` begins near the identity.
        """
        _draw_orthogonal(self, gain)
        with torch.no_grad():
            self.conv10.weight.mul_(last)

    def initialise_as_published(self) -> None:
        """Draw weights of deviation 0.02, and norms around 1; biases stay as torch draws them."""
        _draw_normal(self)


def _decoder(level: int) -> int:
    """The number that the block of a level's decoder has in the published names."""
    return 2 * LEVELS - level


class EnlightenGANDiscriminator(nn.Module):
    """Convolutions that halve, then two that do not, without norms, down to a map of logits.

    Args:
        width: channels after the first convolution, doubled at most thrice; the authors use 64.
        layers: convolutions that halve; the authors judge whole photos with 5, patches with 4.
    """

    smallest: ClassVar[int] = 1

    def __init__(self, width: int = 64, layers: int = 5) -> None:
        super().__init__()
        modules: list[nn.Module] = []
        inputs = 3
        for layer in range(layers + 1):
            outputs, stride = width * min(2**layer, 8), 2 if layer < layers else 1
            modules += [nn.Conv2d(inputs, outputs, 4, stride, 2), nn.LeakyReLU(SLOPE, inplace=True)]
            inputs = outputs
        self.model = nn.Sequential(*modules, nn.Conv2d(inputs, 1, 4, 1, 2))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits `(N, 1, h, w)` for `(N, 3, H, W)` in [0, 1]."""
        return self.model(image * 2 - 1)

    def initialise(self, *, gain: float) -> None:
        """Draw orthogonal weights of this gain, with no biases."""
        _draw_orthogonal(self, gain)

    def initialise_as_published(self) -> None:
        """Draw weights of deviation 0.02; biases stay as torch draws them."""
        _draw_normal(self)


def photo_discriminator(config: EnlightenGANConfig) -> EnlightenGANDiscriminator:
    """Build what judges whole photos, twice as wide as the generator, as the authors' is."""
    return EnlightenGANDiscriminator(2 * config.width, layers=5)


def patch_discriminator(config: EnlightenGANConfig) -> EnlightenGANDiscriminator:
    """Build what judges patches of 32 pixels, twice as wide as the generator."""
    return EnlightenGANDiscriminator(2 * config.width, layers=4)


def _draw_orthogonal(network: nn.Module, gain: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            # Drawn elsewhere: torch cannot draw into weights that are channels-last.
            drawn = nn.init.orthogonal_(torch.empty(module.weight.shape), gain)
            with torch.no_grad():
                module.weight.copy_(drawn)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _draw_normal(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, DEVIATION)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, DEVIATION)
