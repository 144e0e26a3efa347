"""DPE: a U-Net that sees a small version of the whole photo at once, and the critic it trains with.

Source: Chen, Wang, Kao and Chuang 2018, Deep Photo Enhancer: Unpaired Learning for Image
Enhancement from Photographs with GANs, https://doi.org/10.1109/CVPR.2018.00660; layers and
constants are the authors' code's.
Differs: channels are in the order red, green, blue; the authors' weights are in the opposite one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.networks import thumbnail
from photoenhance.networks.dpe_layers import ActivatedNorm, activate, draw_as_published
from photoenhance.networks.dpe_scheme import DPEScheme
from photoenhance.networks.enlarged import MirroredConv
from photoenhance.networks.extension import Extension
from photoenhance.networks.generator import Generator, Scheme, SchemeName, check_small_copy
from photoenhance.networks.histogram import check_units, histogram_head

MULTIPLE = 16
WIDTHS = re.compile(r"[1-9]\d{0,3}(-[1-9]\d{0,3}){3}")
CONTEXTS = ("scaled", "native")
MOST_SCALE = 32  # of kernels; beyond it, tiles of a bearable size would be little but halo
MOST_SIDE = 4096  # of the square for the global vector; its last kernel is a 64th as wide
MOST_OF_STRIPS = 2  # scale up to which strips come first


@dataclass(frozen=True, slots=True)
class DPEConfig:
    """What fixes the networks' shapes, and how photos larger than the training's are seen.

    Attributes:
        width: channels of the finest level; the next ones have 2, 4, 8 and 8 times as many.
        widths: channels of the four finest levels where they are others, such as "4-5-6-8".
        norm_sets: 1, or 2 for training in both directions: one for photos, one for enhanced ones.
        side: of the square that the whole photo is reduced to for its global vector, a multiple
            of 64; the network is trained on such squares.
        context: "scaled" widens the kernels for larger photos, so that each still sees the same
            share of the photo; "native" leaves them as they are.
        work_size: short side of the photos that the weights learnt from, if those were whole ones;
            0 if not.
        local: share of the network's local work that is kept where it works on a small copy.
        histogram: units of each hidden layer of what predicts a colour transform from a photo's
            histogram, to which the network's work is added; see `histogram`. 0 for none.
    """

    width: int = 16
    widths: str = ""
    norm_sets: int = 1
    side: int = 512
    context: str = "scaled"
    work_size: int = 0
    local: float = 1.0
    histogram: int = 0

    def __post_init__(self) -> None:
        if self.widths and not WIDTHS.fullmatch(self.widths):
            msg = f"widths: expected four numbers such as 4-5-6-8, found {self.widths!r}"
            raise ValueError(msg)
        if self.width < 1:
            raise ValueError(f"width: expected at least 1, found {self.width}")
        if self.norm_sets not in (1, 2):
            raise ValueError(f"norm_sets: expected 1 or 2, found {self.norm_sets}")
        if self.side not in range(64, MOST_SIDE + 1, 64):
            msg = f"side: expected a multiple of 64 up to {MOST_SIDE}, found {self.side}"
            raise ValueError(msg)
        if self.context not in CONTEXTS:
            raise ValueError(f"context: expected scaled or native, found {self.context!r}")
        check_small_copy(self.work_size, self.local)
        check_units(self.histogram)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the four finest levels; the coarsest has as many as the fourth."""
        if self.widths:
            return tuple(int(number) for number in self.widths.split("-"))
        return tuple(self.width * factor for factor in (1, 2, 4, 8))


class DPEGenerator(Generator):
    """Encoder of five levels, a global vector, decoder with skips, and a residual on the image.

    Convolutions come before the upsampling; skips carry them as they are, before activation and
    norm, which follow the joining.
    """

    multiple = MULTIPLE
    smallest = MULTIPLE

    def __init__(self, config: DPEConfig | None = None) -> None:
        super().__init__()
        self.config = config or DPEConfig()
        c1, c2, c3, c4 = self.config.channels
        sets = self.config.norm_sets
        self.encoder = nn.ModuleList(
            [
                MirroredConv(3, c1, 3),
                MirroredConv(c1, c2, 5, 2),
                MirroredConv(c2, c3, 5, 2),
                MirroredConv(c3, c4, 5, 2),
                MirroredConv(c4, c4, 5, 2),
            ]
        )
        self.encoder_norms = _norms((c1, c2, c3, c4, c4), sets)
        self.overview = nn.ModuleList([MirroredConv(c4, c4, 5, 2), MirroredConv(c4, c4, 5, 2)])
        self.overview_norms = _norms((c4, c4), sets)
        self.overview_pool = nn.Conv2d(c4, c4, self.config.side // 64)
        self.overview_out = nn.Conv2d(c4, c4, 1)
        self.local = MirroredConv(c4, c4, 3)
        self.fusion = nn.Conv2d(2 * c4, c4, 1)
        joined = (c4, 2 * c4, c4 + c3, c3 + c2, c2 + c1, c1)
        self.decoder = nn.ModuleList(
            MirroredConv(inputs, outputs, 3)
            for inputs, outputs in zip(joined, (c4, c4, c3, c2, c1, 3), strict=True)
        )
        self.decoder_norms = _norms(joined, sets)
        self.work_size = self.config.work_size or None
        self.local_share = float(self.config.local)
        self.histogram = histogram_head(self.config.histogram)
        self.whole_bytes = 48.0 * c1 + 140
        self.initialise_as_published()

    def extension(self, height: int, width: int) -> Extension:
        """Mirror, edges repeated, at the bottom and the right.

        Photos up to the side of the training's square become that square, as in training. Larger
        ones reach the next multiple of 16, and what the widest kernel needs.
        """
        side = self.config.side
        if max(height, width) <= side:
            return Extension((0, side - height), (0, side - width), repeats_edge=True)
        shortest = MULTIPLE * self.scale(height, width)
        rows, columns = (
            max(-(-length // MULTIPLE) * MULTIPLE, shortest) - length for length in (height, width)
        )
        return Extension((0, rows), (0, columns), repeats_edge=True)

    def scale(self, height: int, width: int) -> int:
        """Return how many times as wide as in training the kernels see a photo of this size.

        Source: the authors' inference code: the ratio of the long side to the training's.
        Differs: it may exceed 4, up to 32; they reduce photos to a long side of 2048 before.
        """
        if self.config.context == "native":
            return 1
        scale = round(max(height, width) / self.config.side)
        return min(max(scale, 1), MOST_SCALE)

    def forward(self, image: Tensor) -> Tensor:
        """Enhance whole images; `(N, 3, H, W)` in [0, 1] of any size."""
        return self.unclamped(image).clamp(0, 1)

    def unclamped(self, image: Tensor, norms: int = 0) -> Tensor:
        """Enhance `(N, 3, H, W)` of any size; values may leave [0, 1].

        Args:
            image: in [0, 1].
            norms: which set of batch normalisations to use.

        Differs: in training, too, images may be larger than the config's side. The global vector
        is then that of a small version, as it will be in use.
        """
        size = (image.shape[2], image.shape[3])
        extension = self.extension(*size)
        extended = extension.extend(image)
        if max(size) <= self.config.side:
            skips, deep = self.encode(extended, norms)
            vector, scale = self.vector(deep, norms), 1
        else:
            vector = self.survey(thumbnail.square(image, self.config.side), norms)
            scale = self.scale(*size)
            skips, deep = self.encode(extended, norms, scale)
        return extension.crop(self.decode(extended, skips, deep, vector, norms, scale))

    def survey(self, square: Tensor, norms: int = 0) -> Tensor:
        """Return the global vector `(N, C, 1, 1)` of photos reduced to `(N, 3, side, side)`."""
        return self.vector(self.encode(square, norms)[1], norms)

    def encode(self, image: Tensor, norms: int, scale: int = 1) -> tuple[list[Tensor], Tensor]:
        """Encode `(N, 3, H, W)`, sides multiples of 16.

        Returns:
            What the convolutions of the four finest levels give, finest first; and the coarsest
            level, normalised, `(N, C, H/16, W/16)`.
        """
        skips, features = [], image
        for convolution, norm in zip(self.encoder, self.encoder_norms, strict=True):
            raw = convolution(features, scale)
            skips.append(raw)
            features = norm(raw, norms)
        return skips[:-1], features

    def vector(self, deep: Tensor, norms: int) -> Tensor:
        """Return the global vector `(N, C, 1, 1)` of a coarsest level of side / 16."""
        for convolution, norm in zip(self.overview, self.overview_norms, strict=True):
            deep = norm(convolution(deep), norms)
        return self.overview_out(activate(self.overview_pool(deep)))

    def decode(
        self,
        image: Tensor,
        skips: list[Tensor],
        deep: Tensor,
        vector: Tensor,
        norms: int,
        scale: int,
    ) -> Tensor:
        """Join everything, coarse to fine; takes the skips out of their list as it goes."""
        local = self.local(deep, scale)
        features = self.fusion(torch.cat([local, vector.expand_as(local)], dim=1))
        for convolution, norm in zip(self.decoder, self.decoder_norms, strict=True):
            features = convolution(norm(features, norms), scale)
            if skips:
                upsampled = F.interpolate(features, scale_factor=2, mode="nearest")
                features = torch.cat([upsampled, skips.pop()], dim=1)
        return image + features

    def schemes(self, height: int, width: int) -> Sequence[Scheme]:
        """Hold the maps of level 2 whole, then of level 3, at last of level 4, a 16th a side.

        Halos grow with the scale; where they are wide, strips would be little but halo.
        """
        size = (height, width)
        if self.scale(height, width) <= MOST_OF_STRIPS:
            kinds: list[tuple[int, SchemeName]] = [(2, "strips"), (3, "strips"), (4, "tiles")]
        else:
            kinds = [(2, "tiles"), (3, "tiles"), (3, "strips"), (4, "tiles")]
        return [DPEScheme(self, size, held, name) for held, name in kinds]

    def initialise_as_published(self) -> None:
        """Draw weights as the authors did: untrained, the network hardly changes an image."""
        draw_as_published(self)

    def initialise(self, *, gain: float, last: float) -> None:
        """Draw orthogonal weights of this gain, no biases; scale the last convolution by `last`."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.orthogonal_(module.weight, gain)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.decoder.get_parameter("5.weight").mul_(last)


class DPEDiscriminator(nn.Module):
    """The critic: six convolutions, each followed by activation and instance norm, and a mean.

    Source: the authors' code. It judges squares of the config's side; values beyond [0, 1] count.
    """

    SLOPE = 0.2

    def __init__(self, config: DPEConfig | None = None) -> None:
        super().__init__()
        config = config or DPEConfig()
        c1, c2, c3, c4 = config.channels
        self.convolutions = nn.ModuleList(
            [
                MirroredConv(3, c1, 3),
                MirroredConv(c1, c2, 5, 2),
                MirroredConv(c2, c3, 5, 2),
                MirroredConv(c3, c4, 5, 2),
                MirroredConv(c4, c4, 5, 2),
                MirroredConv(c4, c4, 5, 2),
            ]
        )
        self.norms = nn.ModuleList(
            nn.InstanceNorm2d(channels, affine=True) for channels in (c1, c2, c3, c4, c4, c4)
        )
        self.judge = nn.Conv2d(c4, 1, config.side // 32)
        self.initialise_as_published()

    def initialise_as_published(self) -> None:
        """Draw weights as the authors did."""
        draw_as_published(self)

    def forward(self, image: Tensor) -> Tensor:
        """Return one score an image, `(N,)`, for `(N, 3, side, side)`; higher is more real."""
        features = image
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            features = norm(F.leaky_relu(convolution(features), self.SLOPE))
        return self.judge(features).mean(dim=(1, 2, 3))


def _norms(channels: Sequence[int], sets: int) -> nn.ModuleList:
    return nn.ModuleList(ActivatedNorm(count, sets) for count in channels)
