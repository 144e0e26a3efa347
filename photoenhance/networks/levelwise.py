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
from torch import Tensor

from photoenhance.networks.bands import Band, Window, bands, empty, stacked
from photoenhance.networks.folding import Folded, normalised, plain, projected
from photoenhance.networks.generator import Scheme, SchemeName, Tile
from photoenhance.networks.layers import upsample_window
from photoenhance.networks.levels import LEVELS, Place, at_level, reach
from photoenhance.networks.moments import Moments
from photoenhance.networks.tail import Tail, TailRows
from photoenhance.networks.winograd import ROWS, Winograd, fastest

if TYPE_CHECKING:
    from photoenhance.networks.uegan import UEGANGenerator


@dataclass(frozen=True, slots=True)
class Survey:
    """What every tile must know of the whole image.

    Attributes:
        entry: the 1x1 convolution that leads from level 5 of the encoder into the decoder.
        decoders: the 3x3 convolutions of the decoder at levels 1 to 4; level k at index k - 1.
        tail: the convolutions after the decoder.
        coarse: the decoder's map of the held level, whole, ready to be upsampled; or None.
    """

    entry: Folded
    decoders: tuple[Folded | Winograd, ...]
    tail: Tail
    coarse: Tensor | None


class _Statistics:
    """The moments of every level's attention, as far as they have been seen."""

    def __init__(self, generator: "UEGANGenerator") -> None:
        self.generator = generator
        self.of_level: dict[int, Moments] = {}

    def add(self, level: int, features: Tensor) -> None:
        """See `(1, C, h, w)` of the encoder's map of a level, a band at a time."""
        weight = self.generator.attention(level).weight
        for band in bands(features.shape[2], features.shape[3], features.shape[1]):
            seen = Moments.of(projected(features[:, :, band.rows], weight))
            known = self.of_level.get(level)
            self.of_level[level] = known.merged(seen) if known else seen


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
        self.survey_halo, self.halo = reach(held)
        width = generator.config.width
        self.held_bytes = 12 * width / 2 ** (held - 1) if held <= LEVELS else 0.0
        self.tile_bytes = (4.0 if held == 2 else 10.0) * width

    def survey(self, tiles: Iterable[Tile]) -> Survey:
        """Measure the fine levels over the tiles' interiors; work out the coarse levels whole."""
        seen = _Statistics(self.generator)
        held: Tensor | None = None
        for tile in tiles:
            features = self._second(tile, seen)
            for level in range(2, min(self.held, LEVELS) + 1):
                if level > 2:
                    features = self._encoded(features, level)
                inside = features[..., *at_level(tile, level)]
                if level == self.held:
                    held = _placed(held, inside, tile, level)
                else:
                    seen.add(level, inside)
        maps = [] if held is None else [held]
        for level in range(self.held, LEVELS + 1):
            if level > self.held:
                maps.append(self._encoded(maps[-1], level))
            if level == LEVELS:
                maps[-1] = self.generator.gated(maps[-1])
            seen.add(level, maps[-1])
        return self._decoded(seen.of_level, maps)

    def render(self, tile: Tile, survey: Survey) -> Tensor:
        """Encode the tile's fine levels, then decode from the held level, or from level 5."""
        place = Place.of(tile)
        maps = [self._second(tile)] if self.held > 2 else []
        for level in range(3, min(self.held - 1, LEVELS) + 1):
            maps.append(self._encoded(maps[-1], level))
        coarse, first, finest = survey.coarse, (0, 0), self.held - 1
        if coarse is None:
            coarse, first, finest = survey.entry(maps.pop()), place.corner(LEVELS), LEVELS - 1
        for level in range(finest, 1, -1):
            coarse = self._decoded_level(level, coarse, first, maps.pop(), place, survey.decoders)
            first = place.corner(level)
        return self._finished(tile, coarse, first, survey)

    def _decoded(self, moments: dict[int, Moments], maps: list[Tensor]) -> Survey:
        """Fold the statistics, and decode the held maps, which are used up."""
        generator = self.generator
        attention, block = generator.attention(LEVELS), generator.before_upsampling(LEVELS - 1)
        entry = normalised(block.convolution, attention, moments[LEVELS], first=0)
        decoders = self._folded(moments)
        coarse: Tensor | None = None
        if maps:
            height, width = (side << self.held - 1 for side in maps[0].shape[2:])
            coarse = entry(maps.pop())
            for level in range(LEVELS - 1, self.held - 1, -1):
                whole = Place(0, 0, height, width)
                coarse = self._decoded_level(level, coarse, (0, 0), maps.pop(), whole, decoders)
        return Survey(entry, decoders, Tail(*generator.ending), coarse)

    def _folded(self, moments: dict[int, Moments]) -> tuple[Folded | Winograd, ...]:
        """Fold the attention of each level, 1 to 4, into the decoder that reads it."""
        decoders = []
        for level in range(1, LEVELS):
            convolution = self.generator.decoder(level).convolution
            attention = self.generator.attention(level)
            first = attention.channels
            decoders.append(normalised(convolution, attention, moments[level], first=first))
        # At the finest level there are too few channels to pay for the transforms.
        return decoders[0], *(fastest(decoder) for decoder in decoders[1:])

    def _finest(self, image: Tensor) -> Iterator[tuple[Band, Tensor]]:
        """Encode level 1 of a tile, band by band."""
        first = plain(self.generator.encoder(1).convolution)
        padded = F.pad(image * 2 - 1, (3, 3, 3, 3), "reflect")
        padded = padded.contiguous(memory_format=torch.channels_last)
        for band in bands(image.shape[2], image.shape[3], 2 * first.weight.shape[0]):
            rows = padded[:, :, band.rows.start : band.rows.stop + 6]
            yield band, self.generator.activate(first(rows))

    def _second(self, tile: Tile, seen: _Statistics | None = None) -> Tensor:
        """Encode level 2 of a tile; see level 1 of its interior on the way."""
        convolution = plain(self.generator.encoder(2).convolution)
        window = Window(1)

        def pieces() -> Iterator[Tensor]:
            for band, features in self._finest(tile.image):
                if seen is not None:
                    rows, columns = tile.interior
                    start, stop = (
                        min(max(row - band.rows.start, 0), features.shape[2])
                        for row in (rows.start, rows.stop)
                    )
                    if start < stop:
                        seen.add(1, features[:, :, start:stop, columns])
                frame = window.framed((features,), is_last=band.is_last)
                yield self.generator.activate(convolution(frame, stride=2))

        return stacked(pieces(), tile.image.shape[2] // 2)

    def _encoded(self, features: Tensor, level: int) -> Tensor:
        """Encode a level, 3 to 5, from the map of the one before it."""
        convolution = plain(self.generator.encoder(level).convolution)
        window = Window(1)
        height, width = features.shape[2:]
        return stacked(
            (
                self.generator.activate(
                    convolution(
                        window.framed((features[:, :, band.rows],), is_last=band.is_last), stride=2
                    )
                )
                for band in bands(height, width, features.shape[1])
            ),
            height // 2,
        )

    def _decoded_level(
        self,
        level: int,
        coarse: Tensor,
        first: tuple[int, int],
        fine: Tensor,
        place: Place,
        decoders: tuple[Folded | Winograd, ...],
    ) -> Tensor:
        """Decode a level, 2 to 4; the result is ready to be upsampled."""
        after = plain(self.generator.before_upsampling(level - 1).convolution)
        cut = bands(fine.shape[2], fine.shape[3], 2 * fine.shape[1])
        fine_bands = ((band, fine[:, :, band.rows]) for band in cut)
        joined = self._joined(level, coarse, first, fine_bands, place, decoders)
        return stacked((after(decoded) for _, decoded in joined), fine.shape[2])

    def _joined(
        self,
        level: int,
        coarse: Tensor,
        first: tuple[int, int],
        fine_bands: Iterable[tuple[Band, Tensor]],
        place: Place,
        decoders: tuple[Folded | Winograd, ...],
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield rows of a level's encoder map, and the decoder's map of the same rows."""
        window, decoder = Window(2, multiple=ROWS), decoders[level - 1]
        top, left = place.corner(level)
        for band, fine in fine_bands:
            rows = slice(top + band.rows.start, top + band.rows.stop)
            columns = slice(left, left + fine.shape[3])
            upsampled = upsample_window(coarse, first, (rows, columns), place.size(level + 1))
            frame = window.framed((upsampled, fine), is_last=band.is_last)
            decoded = self.generator.activate(decoder(frame))
            yield frame[:, -fine.shape[1] :, 1:-1, 1:-1], decoded

    def _finished(
        self, tile: Tile, coarse: Tensor, first: tuple[int, int], survey: Survey
    ) -> Tensor:
        """Decode level 1 of a tile band by band, down to the enhanced image."""
        place = Place.of(tile)
        tail = TailRows(survey.tail)
        finest = self._finest(tile.image)
        joined = self._joined(1, coarse, first, finest, place, survey.decoders)
        height, below = tile.image.shape[2], 0

        def residuals() -> Iterator[Tensor]:
            nonlocal below
            for features, decoded in joined:
                below += decoded.shape[2]
                yield tail.push(decoded * features, is_last=below == height)

        return self.generator.finish(tile.image, stacked(residuals(), height))


def _placed(held: Tensor | None, inside: Tensor, tile: Tile, level: int) -> Tensor:
    """Copy a tile's interior into the whole map of its level, made when first wanted."""
    scale = level - 1
    if held is None:
        size = (1, inside.shape[1], tile.height >> scale, tile.width >> scale)
        held = empty(size, like=inside)
    top = (tile.top + tile.interior[0].start) >> scale
    left = (tile.left + tile.interior[1].start) >> scale
    held[..., top : top + inside.shape[2], left : left + inside.shape[3]] = inside
    return held
