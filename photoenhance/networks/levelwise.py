"""UEGAN tile by tile: its statistics first, its coarse levels whole, its fine levels in pieces.

Only the means and variances of five maps tie UEGAN's output to the whole image, and they depend on
the encoder alone. With them known, each normalisation is an affine map, which folds, together with
the 1x1 convolution before it, into the convolution after it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.networks.generator import Scheme, SchemeName, Tile
from photoenhance.networks.layers import upsample_window
from photoenhance.networks.moments import Moments

if TYPE_CHECKING:
    from photoenhance.networks.uegan import ConvBlock, GlobalAttention, UEGANGenerator

LEVELS = 5
CHUNK_PIXELS = 1 << 16  # of a coarse level, worked out at a time


@dataclass(frozen=True, slots=True)
class Folded:
    """A convolution with the image's statistics folded in.

    Attributes:
        weight: `(C_out, C_in, k, k)`.
        bias: `(C_out,)`.
    """

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class Survey:
    """What every tile must know of the whole image.

    Attributes:
        entry: the 1x1 convolution that leads from level 5 of the encoder into the decoder.
        decoders: the 3x3 convolutions of the decoder at levels 1 to 4; level k at index k - 1.
        coarse: the decoder's map of the held level, whole, ready to be upsampled; or None.
    """

    entry: Folded
    decoders: tuple[Folded, ...]
    coarse: Tensor | None


class LevelwiseScheme(Scheme):
    """Keep the maps of one level and coarser whole; work out the finer ones tile by tile, twice.

    Args:
        generator: the network.
        held: the finest level that is kept whole, 2 to 5; or 6 to keep none.
    """

    def __init__(self, generator: "UEGANGenerator", held: int) -> None:
        self.generator = generator
        self.held = held
        self.name: SchemeName = "strips" if held <= LEVELS else "tiles"
        self.survey_halo, self.halo = _reach(held)
        width = generator.config.width
        self.held_bytes = 12 * width / 2 ** (held - 1) if held <= LEVELS else 0.0
        self.tile_bytes = 30.0 * width

    def survey(self, tiles: Iterable[Tile]) -> Survey:
        """Measure the fine levels over the tiles' interiors; work out the coarse levels whole."""
        moments: dict[int, Moments] = {}
        maps: dict[int, Tensor] = {}
        for tile in tiles:
            features = tile.image * 2 - 1
            for level in range(1, min(self.held, LEVELS) + 1):
                features = self.generator.encoder(level)(features)
                rows, columns = _at_level(tile, level)
                inside = features[..., rows, columns]
                if level == self.held:
                    _place(maps, inside, tile, level)
                else:
                    seen = Moments.of(self.generator.attention(level).project(inside))
                    moments[level] = moments[level].merged(seen) if level in moments else seen
        for level in range(self.held + 1, LEVELS + 1):
            maps[level] = _encode_whole(self.generator.encoder(level), maps[level - 1])
        for level, features in maps.items():
            moments[level] = _moments_whole(self.generator.attention(level), features)
        return self._decoded(moments, maps)

    def render(self, tile: Tile, survey: Survey) -> Tensor:
        """Encode the tile's fine levels, then decode from the held level, or from level 5."""
        maps = [self.generator.encoder(1)(tile.image * 2 - 1)]
        for level in range(2, min(self.held - 1, LEVELS) + 1):
            maps.append(self.generator.encoder(level)(maps[-1]))
        coarse, level, first = survey.coarse, self.held - 1, (0, 0)
        if coarse is None:
            coarse, level = _convolved(maps[-1], survey.entry), LEVELS - 1
            first = (tile.top >> level, tile.left >> level)
        while level >= 1:
            fine, scale = maps[level - 1], level - 1
            top, left = tile.top >> scale, tile.left >> scale
            window = (slice(top, top + fine.shape[2]), slice(left, left + fine.shape[3]))
            size = (tile.height >> level, tile.width >> level)
            upsampled = upsample_window(coarse, first, window, size)
            coarse = self._decode(level, upsampled, fine, survey.decoders)
            first, level = (top, left), level - 1
        return self.generator.finish(tile.image, maps[0], coarse)

    def _decode(
        self, level: int, upsampled: Tensor, fine: Tensor, decoders: tuple[Folded, ...]
    ) -> Tensor:
        """Decode one level; the result is ready to be upsampled, or to be finished at level 1."""
        features = F.pad(torch.cat([upsampled, fine], dim=1), (1, 1, 1, 1), "reflect")
        features = self.generator.activate(_convolved(features, decoders[level - 1]))
        if level == 1:
            return features
        return self.generator.before_upsampling(level - 1)(features)

    def _decoded(self, moments: dict[int, Moments], maps: dict[int, Tensor]) -> Survey:
        entry = _folded_entry(self.generator, moments[LEVELS])
        decoders = tuple(
            _folded_decoder(self.generator, level, moments[level]) for level in range(1, LEVELS)
        )
        if not maps:
            return Survey(entry, decoders, None)
        coarse = _convolved(maps.pop(LEVELS), entry)
        for level in range(LEVELS - 1, self.held - 1, -1):
            coarse = self._decode_whole(level, coarse, maps.pop(level), decoders)
        return Survey(entry, decoders, coarse)

    def _decode_whole(
        self, level: int, coarse: Tensor, fine: Tensor, decoders: tuple[Folded, ...]
    ) -> Tensor:
        size, width = (coarse.shape[2], coarse.shape[3]), fine.shape[3]
        decoded = []
        for start, stop in _chunks(fine):
            above, below = max(start - 2, 0), min(stop + 2, fine.shape[2])
            window = (slice(above, below), slice(0, width))
            upsampled = upsample_window(coarse, (0, 0), window, size)
            chunk = self._decode(level, upsampled, fine[:, :, above:below], decoders)
            decoded.append(chunk[:, :, start - above : stop - above])
        return torch.cat(decoded, dim=2)


def _reach(held: int) -> tuple[int, int]:
    """Return the halos of the survey and of the rendering, in pixels.

    Both follow from the kernels, towards the top and the left, where aligned corners make the
    reach longer: the convolutions at the end need 4 samples, each decoder 1 more, each upsampling
    from (a-1)//2 on, each encoder step from 2a-1 on, and the first convolution 3.
    """

    def pixels(level: int, samples: int) -> int:
        for _ in range(level - 1):
            samples = 2 * samples + 1
        return samples + 3

    finest = min(held, LEVELS)
    survey, render, samples = pixels(finest, 0), 0, 4
    for level in range(1, min(held - 1, LEVELS) + 1):
        if level < LEVELS:
            samples += 1
        render = max(render, pixels(level, samples))
        samples = (samples + 2) // 2
    step = 2 ** (finest - 1)
    return -(-survey // step) * step, -(-render // step) * step


def _at_level(tile: Tile, level: int) -> tuple[slice, slice]:
    scale = level - 1
    rows, columns = tile.interior
    return (
        slice(rows.start >> scale, rows.stop >> scale),
        slice(columns.start >> scale, columns.stop >> scale),
    )


def _place(maps: dict[int, Tensor], inside: Tensor, tile: Tile, level: int) -> None:
    """Copy a tile's interior into the whole map of its level, made when first wanted."""
    scale = level - 1
    if level not in maps:
        size = (1, inside.shape[1], tile.height >> scale, tile.width >> scale)
        maps[level] = inside.new_empty(size)
    top = (tile.top + tile.interior[0].start) >> scale
    left = (tile.left + tile.interior[1].start) >> scale
    maps[level][..., top : top + inside.shape[2], left : left + inside.shape[3]] = inside


def _chunks(features: Tensor) -> Iterator[tuple[int, int]]:
    """Cut the rows of a whole map into even runs of a bounded number of pixels."""
    height, width = features.shape[2:]
    rows = max(CHUNK_PIXELS // width // 2 * 2, 2)
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _encode_whole(block: "ConvBlock", features: Tensor) -> Tensor:
    encoded = []
    for start, stop in _chunks(features):
        above = max(start - 2, 0)
        chunk = block(features[:, :, above:stop])
        encoded.append(chunk[:, :, (start - above) // 2 :])
    return torch.cat(encoded, dim=2)


def _moments_whole(attention: "GlobalAttention", features: Tensor) -> Moments:
    seen = [
        Moments.of(attention.project(features[:, :, start:stop]))
        for start, stop in _chunks(features)
    ]
    total = seen[0]
    for moments in seen[1:]:
        total = total.merged(moments)
    return total


def _folded_entry(generator: "UEGANGenerator", moments: Moments) -> Folded:
    """Fold the attention of level 5 into the 1x1 convolution before the first upsampling."""
    attention = generator.attention(LEVELS)
    convolution = generator.before_upsampling(LEVELS - 1).convolution
    return _folded(convolution, attention, moments, plain=0)


def _folded_decoder(generator: "UEGANGenerator", level: int, moments: Moments) -> Folded:
    """Fold the attention of a level into the half of its decoder that reads it."""
    attention = generator.attention(level)
    convolution = generator.decoder(level).convolution
    return _folded(convolution, attention, moments, plain=attention.channels)


def _folded(
    convolution: nn.Conv2d, attention: "GlobalAttention", moments: Moments, *, plain: int
) -> Folded:
    """Put normalised attention in front of all but the first `plain` inputs of a convolution."""
    weight, bias = convolution.weight, convolution.bias
    assert bias is not None
    scale, shift = moments.scale_and_shift(attention.EPSILON)
    before, after = weight[:, :plain].double(), weight[:, plain:].double()
    composed = torch.einsum(
        "ojyx,ji->oiyx", after * scale[:, None, None], attention.weight[:, :, 0, 0].double()
    )
    shifted = bias.double() + torch.einsum("ojyx,j->o", after, shift)
    return Folded(torch.cat([before, composed], dim=1).to(weight.dtype), shifted.to(bias.dtype))


def _convolved(features: Tensor, folded: Folded) -> Tensor:
    return F.conv2d(features, folded.weight, folded.bias)
