"""UEGAN: a generator that normalises and fuses five scales, and a discriminator that judges five.

Source: Ni, Yang, Wang, Ma and Kwong 2020, Towards Unsupervised Deep Image Enhancement with
Generative Adversarial Network, https://arxiv.org/abs/2012.15020.
Differs: images are in [0, 1] on the outside; the authors' range of [-1, 1] begins and ends here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from photoenhance.networks.generator import Generator, Scheme, check_small_copy
from photoenhance.networks.histogram import check_units, histogram_head
from photoenhance.networks.layers import upsample
from photoenhance.networks.levels import LEVELS
from photoenhance.networks.levelwise import LevelwiseScheme
from photoenhance.networks.squeeze import NEUTRAL, SqueezeExcitation

SLOPE = 0.2  # of the leaky rectifier, everywhere
SQUEEZES = ("none", "after", "before")


@dataclass(frozen=True, slots=True)
class UEGANConfig:
    """What fixes the networks' shapes, and which photos the weights are for.

    Attributes:
        width: channels of the finest level, a multiple of 8; the authors use 32.
        squeeze: where the channels of level 5 are gated: "none" as in the paper, "after" its
            attention as in a published variant, or "before" it, where a gate has something to see.
        work_size: short side of the photos that the weights learnt from, if those were whole ones;
            0 if not.
        local: share of the network's local work that is kept where it works on a small copy.
        histogram: units of each hidden layer of what predicts a colour transform from a photo's
            histogram, to which the network's work is added; see `histogram`. 0 for none.
    """

    width: int = 32
    squeeze: str = "none"
    work_size: int = 0
    local: float = 1.0
    histogram: int = 0

    def __post_init__(self) -> None:
        if self.squeeze not in SQUEEZES:
            raise ValueError(f"squeeze: expected none, after or before, found {self.squeeze!r}")
        check_small_copy(self.work_size, self.local)
        check_units(self.histogram)

    def channels(self, level: int) -> int:
        """Channels of level 1 (finest) to 5."""
        return self.width * 2 ** (level - 1)


class ConvBlock(nn.Module):
    """Reflection padding, convolution, and an activation or nothing."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, activation: nn.Module
    ) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ReflectionPad2d((kernel - 1) // 2) if kernel > 1 else nn.Identity(),
            nn.Conv2d(inputs, outputs, kernel, stride),
            activation,
        )

    @property
    def convolution(self) -> nn.Conv2d:
        """The block's convolution."""
        convolution = self.main[1]
        assert isinstance(convolution, nn.Conv2d)
        return convolution

    def forward(self, features: Tensor) -> Tensor:
        """Map `(N, inputs, H, W)` to `(N, outputs, H, W)`, halved (rounded up) by stride 2."""
        return self.main(features)


def _rectified(inputs: int, outputs: int, kernel: int, stride: int = 1) -> ConvBlock:
    activation = nn.LeakyReLU(SLOPE, inplace=True)
    return ConvBlock(inputs, outputs, kernel, stride=stride, activation=activation)


def _linear(inputs: int, outputs: int, kernel: int) -> ConvBlock:
    return ConvBlock(inputs, outputs, kernel, activation=nn.Identity())


class GlobalAttention(nn.Module):
    """The global attention module (GAM), reduced to what reaches its output.

    Source: section III-B of the paper.
    Differs: the attention vector and the bias of `fuse` are constant over space, so the final
    instance normalisation removes them; what is left is InstanceNorm(W_x t), with W_x the half of
    `fuse` that multiplies the features. `conv` and the rest of `fuse` exist for the checkpoints.
    """

    EPSILON: ClassVar[float] = 1e-5  # added to the variance

    def __init__(self, channels: int, gain: float = 1.0) -> None:
        super().__init__()
        self.channels = channels
        self.gain = gain
        self.conv = nn.Sequential(
            nn.Conv2d(2 * channels, channels // 8, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // 8, channels, 1, bias=False),
        )
        self.fuse = nn.Sequential(nn.Conv2d(2 * channels, channels, 1))

    @property
    def weight(self) -> Tensor:
        """W_x, `(C, C, 1, 1)`."""
        return self.fuse.get_parameter("0.weight")[:, : self.channels]

    def project(self, features: Tensor) -> Tensor:
        """Return W_x t, not yet normalised."""
        return F.conv2d(features, self.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map `(N, C, H, W)` to the same shape; each channel of each sample normalised."""
        projected = self.project(features)
        variance, mean = torch.var_mean(projected, dim=(-2, -1), correction=0, keepdim=True)
        return (projected - mean) * (variance + self.EPSILON).rsqrt() * self.gain


class UEGANGenerator(Generator):
    """Encoder of five levels, global attention at each, decoder, and a residual on the input."""

    multiple = 16
    smallest = 32

    def __init__(self, config: UEGANConfig | None = None) -> None:
        super().__init__()
        self.config = config or UEGANConfig()
        if self.config.width < 8 or self.config.width % 8:
            raise ValueError(f"width: expected a multiple of 8, found {self.config.width}")
        c = [0, *(self.config.channels(level) for level in range(1, LEVELS + 1))]
        self.enc1 = _rectified(3, c[1], 7)
        self.enc2 = _rectified(c[1], c[2], 3, 2)
        self.enc3 = _rectified(c[2], c[3], 3, 2)
        self.enc4 = _rectified(c[3], c[4], 3, 2)
        self.enc5 = _rectified(c[4], c[5], 3, 2)
        # Index 0 was the authors' upsampling layer; the keys count it.
        self.upsample1 = nn.Sequential(nn.Identity(), _linear(c[5], c[4], 1))
        self.upsample2 = nn.Sequential(nn.Identity(), _linear(c[4], c[3], 1))
        self.upsample3 = nn.Sequential(nn.Identity(), _linear(c[3], c[2], 1))
        self.upsample4 = nn.Sequential(nn.Identity(), _linear(c[2], c[1], 1))
        self.dec1 = _rectified(c[5], c[4], 3)
        self.dec2 = _rectified(c[4], c[3], 3)
        self.dec3 = _rectified(c[3], c[2], 3)
        self.dec4 = _rectified(c[2], c[1], 3)
        self.dec5 = nn.Sequential(_linear(c[1], c[1], 3), _linear(c[1], 3, 7))
        # What leaves the attention has mean 0 everywhere: a gate after it is always neutral. The
        # weights that the variant has for it do nothing, and are here to be kept.
        gain = NEUTRAL if self.config.squeeze == "after" else 1.0
        self.squeeze = None if self.config.squeeze == "none" else SqueezeExcitation(c[5])
        self.ga5 = GlobalAttention(c[5], gain)
        self.ga4 = GlobalAttention(c[4])
        self.ga3 = GlobalAttention(c[3])
        self.ga2 = GlobalAttention(c[2])
        self.ga1 = GlobalAttention(c[1])
        self.work_size = self.config.work_size or None
        self.local_share = float(self.config.local)
        self.histogram = histogram_head(self.config.histogram)
        self.whole_bytes = 38.0 * self.config.width

    def encoder(self, level: int) -> ConvBlock:
        """The block that makes the map of a level, 1 (finest) to 5, from the one before it."""
        return (self.enc1, self.enc2, self.enc3, self.enc4, self.enc5)[level - 1]

    def attention(self, level: int) -> GlobalAttention:
        """The module that normalises the encoder's map of a level, 1 to 5."""
        return (self.ga1, self.ga2, self.ga3, self.ga4, self.ga5)[level - 1]

    def before_upsampling(self, level: int) -> ConvBlock:
        """The 1x1 convolution of what goes up to a level, 1 to 4."""
        block = (self.upsample4, self.upsample3, self.upsample2, self.upsample1)[level - 1][1]
        assert isinstance(block, ConvBlock)
        return block

    def decoder(self, level: int) -> ConvBlock:
        """The block that joins what comes up to a level, 1 to 4, with that level's attention."""
        return (self.dec4, self.dec3, self.dec2, self.dec1)[level - 1]

    def encode(self, image: Tensor) -> list[Tensor]:
        """Return the encoder's five maps of `(N, 3, H, W)` in [0, 1], finest first."""
        maps = [self.enc1(image * 2 - 1)]
        for level in range(2, LEVELS + 1):
            maps.append(self.encoder(level)(maps[-1]))
        return maps

    def gated(self, deepest: Tensor) -> Tensor:
        """Gate the encoder's map of level 5, whole, if the variant does so before its attention."""
        if self.squeeze is None or self.config.squeeze == "after":
            return deepest
        return self.squeeze(deepest)

    def activate(self, features: Tensor) -> Tensor:
        """Rectify in place, as every block of the encoder and the decoder does."""
        return F.leaky_relu_(features, SLOPE)

    @property
    def ending(self) -> tuple[nn.Conv2d, nn.Conv2d]:
        """The last two convolutions, 3x3 and 7x7, with nothing between them."""
        first, second = self.dec5
        assert isinstance(first, ConvBlock)
        assert isinstance(second, ConvBlock)
        return first.convolution, second.convolution

    def finish(self, image: Tensor, residual: Tensor) -> Tensor:
        """Bound what the last convolution gives, and add it to the image; `(N, 3, H, W)` both."""
        return (image + torch.tanh(residual) / 2).clamp(0, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Enhance whole images of any size; `(N, 3, H, W)` in [0, 1].

        Differs: the 1x1 convolutions run before the upsampling that they follow in the paper.
        Bilinear weights sum to one, so the result is the same at a quarter of the cost.
        """
        extension = self.extension(*image.shape[2:])
        image = extension.extend(image)
        maps = self.encode(image)
        decoded = self.ga5(self.gated(maps[-1]))
        for level in range(LEVELS - 1, 0, -1):
            coarse = upsample(self.before_upsampling(level)(decoded))
            fine = self.attention(level)(maps[level - 1])
            decoded = self.decoder(level)(torch.cat([coarse, fine], dim=1))
        return extension.crop(self.finish(image, self.dec5(decoded * maps[0])))

    def schemes(self, height: int, width: int) -> Sequence[Scheme]:  # noqa: ARG002 (all alike)
        """Hold the maps of level 2, then 3, whole; at last hold nothing.

        A gate before the attention must have seen all of level 5, which then is the least to hold.
        """
        last = LEVELS if self.config.squeeze == "before" else LEVELS + 1
        return [LevelwiseScheme(self, held) for held in (2, 3, last)]

    def initialise(self, *, gain: float, last: float) -> None:
        """Draw orthogonal weights of this gain, no biases; scale the last convolution by `last`.

        Differs: the authors' gain of 0.02 shrinks features about 60 times a level, far below the
        epsilon of the normalisation, and weight decay then kills levels 3 to 5.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.orthogonal_(module.weight, gain)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.dec5.get_parameter("1.main.1.weight").mul_(last)

    def initialise_as_published(self) -> None:
        """Draw weights so small that features shrink 60 times a level, as the authors' code does.

        Source: the authors' code; orthogonal, gain 0.02.
        """
        self.initialise(gain=0.02, last=1.0)


class UEGANDiscriminator(nn.Module):
    """Five blocks that halve the image in turn, each with a head that judges its scale.

    Source: section III-C of the paper; the widths, kernels and the tanh are the authors' code's.
    """

    smallest: ClassVar[int] = 65

    def __init__(self, config: UEGANConfig | None = None) -> None:
        super().__init__()
        c = [3, *((config or UEGANConfig()).channels(level) for level in range(1, LEVELS + 1))]
        self.d1, self.d1_pred = _judged(c[0], c[1], 7)
        self.d2, self.d2_pred = _judged(c[1], c[2], 7)
        self.d3, self.d3_pred = _judged(c[2], c[3], 7)
        self.d4, self.d4_pred = _judged(c[3], c[4], 5)
        self.d5, self.d5_pred = _judged(c[4], c[5], 5)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return five maps of logits `(N, 1, h, w)` in [-1, 1], finest first, for sides >= 65."""
        features, logits = image * 2 - 1, []
        for block, head in (
            (self.d1, self.d1_pred),
            (self.d2, self.d2_pred),
            (self.d3, self.d3_pred),
            (self.d4, self.d4_pred),
            (self.d5, self.d5_pred),
        ):
            features = block(features)
            logits.append(head(features))
        return logits

    def initialise(self, *, gain: float) -> None:
        """Draw orthogonal weights of this gain, with no biases."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # Spectral norm moves a convolution's own weight away.
                weights = [v for k, v in module.named_parameters() if k != "bias"]
                nn.init.orthogonal_(weights[0], gain)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _judged(inputs: int, outputs: int, kernel: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Build a block and its head. The nesting gives the authors' key names."""
    pad = (kernel - 1) // 2
    # The hook form of spectral norm, deprecated or not, has the published checkpoints' keys.
    normed = spectral_norm(nn.Conv2d(inputs, outputs, kernel, 2))
    block = nn.Sequential(
        nn.Sequential(nn.ReflectionPad2d(pad), normed, nn.LeakyReLU(SLOPE, inplace=True))
    )
    head = nn.Sequential(
        nn.Sequential(nn.ReflectionPad2d(pad), nn.Conv2d(outputs, 1, kernel, bias=False), nn.Tanh())
    )
    return block, head
