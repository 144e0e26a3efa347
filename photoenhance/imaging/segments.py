"""The strips and tiles of a TIFF -> arrays, one at a time.

Pillow holds no 16-bit colour, and tifffile cannot unpack LZW without a package of a hundred
megabytes. Here Pillow's libtiff unpacks bytes, and NumPy makes pixels of them.
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from photoenhance.imaging import ifd
from photoenhance.imaging.decode import Decoded
from photoenhance.imaging.orientation import stored_view, upright_size

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACKBITS = 1, 5, 8, 32946, 32773
OF_LIBTIFF = (_LZW, _PACKBITS)
CODECS = (_NONE, _DEFLATE, _OLD_DEFLATE, *OF_LIBTIFF)
ASSOCIATED = 1
_PIECE_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page's pixels lie in its file.

    Attributes:
        segment_width: of a strip (then the page's) or a tile, in pixels.
        segment_height: of all strips but the last, or of a tile.
        channels: samples of a pixel, whatever they mean.
        colours: how many of them, from the first on, are colour: 1 or 3.
        alpha: what the channel after them is: 1 alpha multiplied into the colours, 2 alpha that
            is not, 0 neither.
        bytes_per_sample: 1 or 2.
        is_planar: each channel has segments of its own.
        is_inverted: grey whose 0 is white.
        has_predictor: samples are differences to their left neighbours.
    """

    width: int
    height: int
    segment_width: int
    segment_height: int
    is_tiled: bool
    channels: int
    colours: int
    alpha: int
    bytes_per_sample: int
    is_planar: bool
    is_inverted: bool
    codec: int
    has_predictor: bool
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Samples of some channels and where they belong."""

    top: int
    left: int
    first_channel: int
    samples: NDArray[Any]  # (h, w, channels)


def decode_segments(tiff: ifd.TiffFile, layout: Layout, orientation: int) -> Decoded:
    """Decode a page into upright arrays.

    Raises:
        ValueError: segments are missing or cut short.
    """
    width, height = upright_size(layout.width, layout.height, orientation)
    dtype = np.uint8 if layout.bytes_per_sample == 1 else np.uint16
    pixels = np.empty((height, width, 3), dtype)
    alpha = np.empty((height, width), dtype) if layout.alpha else None
    into_pixels = stored_view(pixels, orientation)
    into_alpha = stored_view(alpha, orientation) if alpha is not None else None
    for block in _blocks(tiff, layout):
        rows = slice(block.top, block.top + block.samples.shape[0])
        columns = slice(block.left, block.left + block.samples.shape[1])
        for index in range(block.samples.shape[2]):
            channel = block.first_channel + index
            samples = block.samples[..., index]
            if channel < layout.colours:
                here = slice(None) if layout.colours == 1 else slice(channel, channel + 1)
                into_pixels[rows, columns, here] = samples[..., None]
            elif channel == layout.colours and into_alpha is not None:
                into_alpha[rows, columns] = samples
    if layout.is_inverted:
        np.subtract(np.iinfo(dtype).max, pixels, out=pixels)
    if alpha is not None and layout.alpha == ASSOCIATED:
        _divide_by_alpha(pixels, alpha)
    left_out = layout.channels - layout.colours - (alpha is not None)
    notes = (f"{left_out} channels that are neither colour nor alpha were left out",)
    return Decoded(pixels, alpha, layout.colours == 1, left_out=notes if left_out else ())


def _blocks(tiff: ifd.TiffFile, layout: Layout) -> Iterator[_Block]:
    """Unpack all segments in the file's order."""
    across = -(-layout.width // layout.segment_width)
    down = -(-layout.height // layout.segment_height)
    planes = layout.channels if layout.is_planar else 1
    if min(len(layout.offsets), len(layout.lengths)) < across * down * planes:
        raise ValueError("strips or tiles are missing")
    for index in range(across * down * planes):
        plane, place = divmod(index, across * down)
        top = place // across * layout.segment_height
        left = place % across * layout.segment_width
        rows = layout.segment_height
        if not layout.is_tiled:
            rows = min(rows, layout.height - top)
        for skipped, samples in _samples(tiff, layout, index, rows):
            fitting = samples[: layout.height - top - skipped, : layout.width - left]
            yield _Block(top + skipped, left, plane, fitting)


def _samples(
    tiff: ifd.TiffFile, layout: Layout, index: int, rows: int
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield a segment's rows `(h, w, channels)`, in pieces where it is large and lies open."""
    channels = 1 if layout.is_planar else layout.channels
    row_bytes = layout.segment_width * channels * layout.bytes_per_sample
    offset, length = layout.offsets[index], layout.lengths[index]
    step = max(1, _PIECE_BYTES // row_bytes) if layout.codec == _NONE else rows
    for first in range(0, rows, step):
        count = min(step, rows - first)
        if layout.codec == _NONE:
            data = tiff.bytes_at(offset + first * row_bytes, count * row_bytes)
        else:
            # No compression doubles a segment: what says so would have us read the file in a loop.
            packed = tiff.bytes_at(offset, min(length, 2 * row_bytes * rows + 1024))
            data = _unpacked(packed, layout.codec, row_bytes=row_bytes, rows=rows)
        if len(data) < count * row_bytes:
            raise ValueError("a strip or tile is cut short")
        kind = f"{tiff.order}u{layout.bytes_per_sample}"
        shape = (count, layout.segment_width, channels)
        samples = np.frombuffer(data, kind, count * row_bytes // layout.bytes_per_sample)
        samples = samples.reshape(shape).astype(kind[1:], copy=layout.has_predictor)
        if layout.has_predictor:
            np.add.accumulate(samples, axis=1, out=samples, dtype=samples.dtype)
        yield first, samples


def _unpacked(packed: bytes, codec: int, *, row_bytes: int, rows: int) -> bytes:
    """Undo a compression; the result is no longer than what the segment must hold."""
    if codec in (_DEFLATE, _OLD_DEFLATE):
        return zlib.decompressobj().decompress(packed, row_bytes * rows)
    tags = [
        ifd.entry("<", 0x0100, ifd.LONG, row_bytes),
        ifd.entry("<", 0x0101, ifd.LONG, rows),
        ifd.entry("<", 0x0102, ifd.SHORT, 8),
        ifd.entry("<", 0x0103, ifd.SHORT, codec),
        ifd.entry("<", 0x0106, ifd.SHORT, 1),
        ifd.entry("<", 0x0111, ifd.LONG, 8),
        ifd.entry("<", 0x0115, ifd.SHORT, 1),
        ifd.entry("<", 0x0116, ifd.LONG, rows),
        ifd.entry("<", 0x0117, ifd.LONG, len(packed)),
    ]
    start = 8 + len(packed) + len(packed) % 2
    directory = ifd.packed(ifd.Directory({tag.tag: tag for tag in tags}), "<", start)
    head = b"II*\0" + start.to_bytes(4, "little")
    file = io.BytesIO(head + packed + b"\0" * (len(packed) % 2) + directory)
    return TiffImageFile(file).tobytes()


def _divide_by_alpha(pixels: NDArray[Any], alpha: NDArray[Any]) -> None:
    """Take alpha out of colours into which it was multiplied; row by row, in place."""
    top = np.iinfo(pixels.dtype).max
    for row, opacity in zip(pixels, alpha, strict=True):
        factor = top / np.maximum(opacity, 1).astype(np.float64)
        row[:] = np.minimum(np.rint(row * factor[:, None]), top).astype(pixels.dtype)
