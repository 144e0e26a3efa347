"""EnlightenGAN tile by tile: its coarse levels once and whole, its fine levels in pieces.

Nothing in it depends on the whole photo, so that a halo makes any tile exact; but the reach of the
coarse levels is long, and a tile's halo with it. Kept whole, they need a few dozen bytes a pixel.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from photoenhance.networks.generator import Scheme, SchemeName, Tile
from photoenhance.networks.layers import upsample_window

if TYPE_CHECKING:
    from photoenhance.networks.enlightengan import EnlightenGANGenerator

LEVELS = 5
CHUNK_VALUES = 1 << 24  # of a coarse map, worked out at a time
STRIP_ROWS = 128  # of a photo at half its size, worked out at a time


class CoarseWholeScheme(Scheme):
    """Work out the coarse levels whole, from what a first pass finds; the fine ones in tiles.

    Args:
        generator: the network.
        held: the finest level that is worked out whole, 3 or 4; or 6 for none.
    """

    def __init__(self, generator: "EnlightenGANGenerator", held: int) -> None:
        self.generator = generator
        self.held = held
        self.deepest = min(held, LEVELS) - 1  # level of those in tiles
        self.name: SchemeName = "strips" if held <= LEVELS else "tiles"
        self.survey_halo, self.halo = _reach(held)
        width = generator.config.width
        self.held_bytes = 11 * width / 2 ** (held - 1) if held <= LEVELS else 0.0
        self.tile_bytes = 28.0 * width

    def survey(self, tiles: Iterable[Tile]) -> Tensor | None:
        """Return the decoder's map of the held level; None where nothing is held."""
        if self.held > LEVELS:
            return None
        whole: Tensor | None = None
        scale = self.held - 1
        for tile in tiles:
            gray = self.generator.darkness(tile.image)
            features = self.generator.entry(tile.image, gray)
            for level in range(1, self.held):
                features = F.max_pool2d(self.generator.encode(level, features), 2)
                gray = F.max_pool2d(gray, 2)
            found = torch.cat([features, gray.to(features.dtype)], dim=1)
            if whole is None:
                whole = _empty(found, tile.height >> scale, tile.width >> scale)
            _put_interior(whole, found, tile, scale)
        assert whole is not None
        return self._coarse(whole[:, :-1], whole[:, -1:])

    def _coarse(self, features: Tensor, gray: Tensor) -> Tensor:
        """Work out the held level and all coarser ones; return the decoder's map of the former."""
        generator, skips, grays = self.generator, [], [gray]
        for level in range(self.held, LEVELS):
            skips.append(_encoded(generator, level, features))
            features = F.max_pool2d(skips[-1], 2)
            grays.append(F.max_pool2d(grays[-1], 2))
        features = _bottleneck(generator, features, grays.pop())
        for level in range(LEVELS - 1, self.held - 1, -1):
            features = _decoded(generator, level, features, skips.pop(), grays.pop())
        return features

    def render(self, tile: Tile, survey: Tensor | None) -> Tensor:
        """Enhance one tile; `(1, 3, h, w)`."""
        return self.unclamped(tile, survey).clamp(0, 1)

    def unclamped(self, tile: Tile, survey: Tensor | None) -> Tensor:
        """Encode the tile's fine levels, then decode from the held level, or from level 5."""
        generator = self.generator
        gray = generator.darkness(tile.image)
        features, skips, grays = generator.entry(tile.image, gray), [], [gray]
        for level in range(1, self.deepest + 1):
            skips.append(generator.encode(level, features))
            features = F.max_pool2d(skips[-1], 2)
            grays.append(F.max_pool2d(grays[-1], 2))
        first = (0, 0)
        if survey is None:
            survey = generator.bottleneck(features, grays[-1])
            first = (tile.top >> self.deepest, tile.left >> self.deepest)
        features = survey
        for level in range(self.deepest, 0, -1):
            top, left = tile.top >> (level - 1), tile.left >> (level - 1)
            rows, columns = skips[-1].shape[2:]
            window = (slice(top, top + rows), slice(left, left + columns))
            size = (tile.height >> level, tile.width >> level)
            features = _upsampled(generator, features, first, window, size)
            features = generator.rise(level, features)
            features = generator.join(features, skips.pop(), grays[level - 1])
            features, first = generator.decode(level, features), (top, left)
        return tile.image + generator.finish(features, gray)


class HalfSizeScheme(Scheme):
    """Work at half size where the generator does: that result is kept whole, and enlarged in tiles.

    Args:
        generator: the network.
        inner: how the photo at half its size is worked on.
        height: of the photo.
        width: likewise.
    """

    survey_halo = 0
    halo = 0

    def __init__(
        self, generator: "EnlightenGANGenerator", inner: CoarseWholeScheme, height: int, width: int
    ) -> None:
        self.generator = generator
        self.inner = inner
        self.name = inner.name
        self.half = (height // 2, width // 2)
        self.held_bytes = inner.held_bytes / 4 + 12
        self.tile_bytes = 64.0

    def survey(self, tiles: Iterable[Tile]) -> Tensor:
        """Return the enhanced photo at half its size, not clamped."""
        half: Tensor | None = None
        for tile in tiles:
            small = F.avg_pool2d(tile.image, 2)
            if half is None:
                half = small.new_empty(1, 3, tile.height // 2, tile.width // 2)
            _put_interior(half, small, tile, 1)
        assert half is not None
        extension = self.generator.centred(*self.half)
        image = extension.extend(half[:, :, : self.half[0], : self.half[1]])
        survey = self.inner.survey(_strips(image, self.inner.survey_halo))
        enhanced = torch.empty_like(image)
        for strip in _strips(image, self.inner.halo):
            _put_interior(enhanced, self.inner.unclamped(strip, survey), strip, 0)
        return extension.crop(enhanced)

    def render(self, tile: Tile, survey: Tensor) -> Tensor:
        """Enlarge the part of the result that lies below a tile."""
        height, width = tile.image.shape[2:]
        rows = slice(tile.top, min(tile.top + height, 2 * self.half[0]))
        columns = slice(tile.left, min(tile.left + width, 2 * self.half[1]))
        large = _upsampled(self.generator, survey, (0, 0), (rows, columns), self.half)
        missing = (width - large.shape[3], height - large.shape[2])
        return F.pad(large, (0, missing[0], 0, missing[1]), "replicate").clamp(0, 1)


def _reach(held: int) -> tuple[int, int]:
    """Return the halos of the survey and of the rendering, in pixels.

    Two convolutions a level reach 2 samples, the one after an upsampling 1; pooled samples are two
    of the level above, upsampled ones half of the level below and one neighbour.
    """

    def pixels(level: int, samples: int) -> int:
        for _ in range(level - 1):
            samples = 2 * (samples + 2)
        return samples + 2

    finest = min(held, LEVELS)
    survey = pixels(held - 1, 0) if held <= LEVELS else 0
    render, samples = 0, 0
    for level in range(1, finest):
        samples += 2
        render = max(render, pixels(level, samples))
        samples = (samples + 3) // 2
    if held > LEVELS:
        render = max(render, pixels(LEVELS, samples))
    step = 2 ** (finest - 1)
    return -(-survey // step) * step, -(-render // step) * step


def _upsampled(
    generator: "EnlightenGANGenerator",
    coarse: Tensor,
    first: tuple[int, int],
    window: tuple[slice, slice],
    size: tuple[int, int],
) -> Tensor:
    aligned = generator.config.align_corners
    return upsample_window(coarse, first, window, size, aligned=aligned)


def _put_interior(whole: Tensor, found: Tensor, tile: Tile, scale: int) -> None:
    """Copy the interior of a tile's map, whose samples are 2**scale pixels, to its place."""
    rows, columns = tile.interior
    inside = found[
        ...,
        rows.start >> scale : rows.stop >> scale,
        columns.start >> scale : columns.stop >> scale,
    ]
    top, left = (tile.top + rows.start) >> scale, (tile.left + columns.start) >> scale
    whole[..., top : top + inside.shape[2], left : left + inside.shape[3]] = inside


def _empty(like: Tensor, height: int, width: int) -> Tensor:
    """Make room for a whole map, in the order in which the convolutions work fastest."""
    size = (1, like.shape[1], height, width)
    order = torch.channels_last
    return torch.empty(size, dtype=like.dtype, device=like.device, memory_format=order)


def _strips(image: Tensor, halo: int) -> Iterator[Tile]:
    height, width = image.shape[2:]
    for start in range(0, height, STRIP_ROWS):
        stop = min(start + STRIP_ROWS, height)
        top, bottom = max(start - halo, 0), min(stop + halo, height)
        interior = (slice(start - top, stop - top), slice(0, width))
        yield Tile(image[:, :, top:bottom], top, 0, height, width, interior)


def _runs(
    work: Callable[[slice], Tensor], shape: torch.Size, *, halo: int
) -> Iterator[tuple[slice, Tensor]]:
    """Work out a map in runs of rows, each seen with a halo; yield its rows and what they are."""
    _, channels, height, width = shape
    most = max(CHUNK_VALUES // (channels * width) // 2 * 2, 2 * halo)
    for start in range(0, height, most):
        stop = min(start + most, height)
        seen = slice(max(start - halo, 0), min(stop + halo, height))
        yield slice(start, stop), work(seen)[:, :, start - seen.start : stop - seen.start]


def _joined(runs: Iterator[tuple[slice, Tensor]], height: int) -> Tensor:
    whole: Tensor | None = None
    for rows, found in runs:
        if whole is None:
            whole = _empty(found, height, found.shape[3])
        whole[:, :, rows] = found
    assert whole is not None
    return whole


def _encoded(generator: "EnlightenGANGenerator", level: int, features: Tensor) -> Tensor:
    def work(rows: slice) -> Tensor:
        return generator.encode(level, features[:, :, rows])

    return _joined(_runs(work, features.shape, halo=2), features.shape[2])


def _bottleneck(generator: "EnlightenGANGenerator", features: Tensor, gray: Tensor) -> Tensor:
    def work(rows: slice) -> Tensor:
        return generator.bottleneck(features[:, :, rows], gray[:, :, rows])

    return _joined(_runs(work, features.shape, halo=2), features.shape[2])


def _decoded(
    generator: "EnlightenGANGenerator", level: int, coarse: Tensor, skip: Tensor, gray: Tensor
) -> Tensor:
    """Decode a level; the result takes the place of the encoder's map, which is as large."""
    size, width = (coarse.shape[2], coarse.shape[3]), skip.shape[3]

    def work(rows: slice) -> Tensor:
        window = (rows, slice(0, width))
        raised = generator.rise(level, _upsampled(generator, coarse, (0, 0), window, size))
        return generator.decode(level, generator.join(raised, skip[:, :, rows], gray[:, :, rows]))

    waiting: tuple[slice, Tensor] | None = None
    for rows, found in _runs(work, skip.shape, halo=4):
        # The next run's halo still reads the rows of the one before it.
        if waiting is not None:
            skip[:, :, waiting[0]] = waiting[1]
        waiting = rows, found
    assert waiting is not None
    skip[:, :, waiting[0]] = waiting[1]
    return skip
