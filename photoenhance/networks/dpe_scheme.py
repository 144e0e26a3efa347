"""DPE tile by tile: its global vector first, its coarse levels whole, its fine levels in pieces.

Only the global vector ties DPE's output to the whole photo, and it comes from a thumbnail that can
be gathered piece by piece.

Differs: the authors cut tiles with a margin of 64 pixels times the scale, less than the 79 that
the network reaches. Most of that reach is the coarse levels'; worked out whole, they leave tiles
a halo of 7 to 31 pixels times the scale, and the tiles equal the whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.networks.dpe_layers import ALPHA, SCALE, ActivatedNorm
from photoenhance.networks.generator import Scheme, SchemeName, Tile
from photoenhance.networks.spread import Layer, Part, convolve, room_like
from photoenhance.networks.thumbnail import Thumbnail

if TYPE_CHECKING:
    from photoenhance.networks.dpe import DPEGenerator

DEEPEST = 4  # level of the encoder's last map; level 0 has the photo's size


@dataclass(frozen=True, slots=True)
class Survey:
    """What every tile must know of the whole photo.

    Attributes:
        encoders: the encoder's convolutions, one a level, finest first.
        decoders: the decoder's convolutions, one a level, finest first.
        residual: the last convolution.
        coarse: the decoder's map of the held level, whole.
    """

    encoders: tuple[Layer, ...]
    decoders: tuple[Layer, ...]
    residual: Layer
    coarse: Tensor


class DPEScheme(Scheme):
    """Keep the maps of one level and coarser whole; work out the finer ones tile by tile.

    Args:
        generator: the network, in evaluation mode.
        size: the photo's height and width without its extension.
        held: the finest level that is kept whole, 1 to 4.
        name: what the tiles are to be.
    """

    def __init__(
        self, generator: "DPEGenerator", size: tuple[int, int], held: int, name: SchemeName
    ) -> None:
        self.generator = generator
        self.size = size
        self.held = held
        self.name: SchemeName = name
        self.scale = generator.scale(*size)
        # At each level below the held one the widest way leads through kernels that see two samples
        # times the scale to each side, and the finest level's see one more.
        step = 2**held
        self.halo = self.survey_halo = -(-(2 * step - 1) * self.scale // step) * step
        channels = (*generator.config.channels, generator.config.channels[-1], 0)
        # Of the held level the encoder's and the decoder's map, of the next the decoder's.
        here, next_one = (channels[level] / 4**level for level in (held, held + 1))
        self.held_bytes = 4 * (2 * here + next_one)
        self.tile_bytes = 10.0 * channels[0] + 32

    def survey(self, tiles: Iterable[Tile]) -> Survey:
        """Gather the thumbnail and the held level; work out the coarser levels whole."""
        encoders = folded_encoders(self.generator)
        thumbnail = Thumbnail(self.size, self.generator.config.side)
        held: Tensor | None = None
        for tile in tiles:
            thumbnail.add(tile)
            features = tile.image
            for layer in encoders[: self.held + 1]:
                features = self._apply([Part(features)], layer)
            held = _placed(held, features, tile, self.held)
        assert held is not None
        maps = [held]
        for layer in encoders[self.held + 1 :]:
            maps.append(self._apply([Part(maps[-1])], layer))
        entry, decoders, residual = folded_decoders(
            self.generator, self.generator.survey(thumbnail.square())
        )
        decoded = self._apply([Part(maps.pop())], entry)
        decoded = self._apply([Part(decoded)], decoders[DEEPEST])
        for level in range(DEEPEST - 1, self.held - 1, -1):
            decoded = self._apply(
                [Part(decoded, is_doubled=True), Part(maps.pop())], decoders[level]
            )
        return Survey(encoders, decoders, residual, decoded)

    def render(self, tile: Tile, survey: Survey) -> Tensor:
        """Encode the tile's fine levels, then decode from the held level."""
        maps, features = [], tile.image
        for layer in survey.encoders[: self.held]:
            features = self._apply([Part(features)], layer)
            maps.append(features)
        rows, columns = (
            slice(first >> self.held, (first + length) >> self.held)
            for first, length in zip((tile.top, tile.left), tile.image.shape[2:], strict=True)
        )
        decoded = survey.coarse[:, :, rows, columns]
        for level in range(self.held - 1, -1, -1):
            parts = [Part(decoded, is_doubled=True), Part(maps.pop())]
            decoded = self._apply(parts, survey.decoders[level])
        residual = convolve([Part(decoded)], survey.residual, self.scale)
        return (tile.image + residual).clamp(0, 1)

    def _apply(self, parts: list[Part], layer: Layer) -> Tensor:
        return F.elu_(convolve(parts, layer, self.scale), ALPHA)


def folded_encoders(generator: "DPEGenerator") -> tuple[Layer, ...]:
    """Return the encoder with the norm before each convolution folded into it."""
    layers = [_layer(_convolution(generator.encoder[0]))]
    for module, norm in zip(generator.encoder[1:], generator.encoder_norms[:-1], strict=True):
        layers.append(_folded(_convolution(module), norm))
    return tuple(layers)


def folded_decoders(
    generator: "DPEGenerator", vector: Tensor
) -> tuple[Layer, tuple[Layer, ...], Layer]:
    """Fold the decoder's norms, and the global vector, into its convolutions.

    Args:
        generator: the network.
        vector: the photo's global vector, `(1, C, 1, 1)`.

    Returns:
        The way in from the coarsest level, which joins two convolutions with nothing between them;
        the convolution that gives the decoder's map of each level, finest first; the last one.
    """
    local = _folded(generator.local, generator.encoder_norms[DEEPEST])
    mixing = generator.fusion.weight[:, :, 0, 0].double()
    seen, known = mixing.chunk(2, dim=1)
    weight = torch.einsum("oj,jiyx->oiyx", seen, local.weight.double())
    assert generator.fusion.bias is not None
    bias = seen @ local.bias.double() + known @ vector.flatten().double()
    bias = bias + generator.fusion.bias.double()
    entry = Layer(weight.to(local.weight.dtype), bias.to(local.bias.dtype))
    layers = [
        _folded(_convolution(module), norm)
        for module, norm in zip(generator.decoder, generator.decoder_norms, strict=True)
    ]
    return entry, tuple(reversed(layers[:-1])), layers[-1]


def _folded(convolution: nn.Conv2d, norm: nn.Module) -> Layer:
    """Put an activation's scale and a norm in front of a convolution.

    Both are one affine map of each channel, with which mirroring at the borders commutes.
    """
    assert isinstance(norm, ActivatedNorm)
    assert convolution.bias is not None
    scale, shift = norm.norm(0).scale_and_shift()
    weight = convolution.weight.double()
    bias = convolution.bias.double() + torch.einsum("oiyx,i->o", weight, shift)
    weight = weight * (scale * SCALE)[:, None, None]
    return Layer(
        weight.to(convolution.weight.dtype),
        bias.to(convolution.bias.dtype),
        convolution.stride[0],
    )


def _layer(convolution: nn.Conv2d) -> Layer:
    assert convolution.bias is not None
    return Layer(convolution.weight, convolution.bias, convolution.stride[0])


def _convolution(module: nn.Module) -> nn.Conv2d:
    assert isinstance(module, nn.Conv2d)
    return module


def _placed(whole: Tensor | None, features: Tensor, tile: Tile, level: int) -> Tensor:
    """Copy a tile's interior into the whole map of a level, made when first wanted."""
    rows, columns = (slice(run.start >> level, run.stop >> level) for run in tile.interior)
    inside = features[:, :, rows, columns]
    if whole is None:
        whole = room_like(features, tile.height >> level, tile.width >> level)
    top, left = (tile.top >> level) + rows.start, (tile.left >> level) + columns.start
    whole[:, :, top : top + inside.shape[2], left : left + inside.shape[3]] = inside
    return whole
