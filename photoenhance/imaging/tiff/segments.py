"""The strips and tiles of a TIFF -> samples, a piece at a time.

Pillow holds no 16-bit colour and gets some layouts wrong, and tifffile cannot unpack LZW without
a package of a hundred megabytes. Here Pillow's libtiff unpacks bytes, and NumPy makes samples of
them.
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
from photoenhance.imaging.damage import DamageError

NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
CODECS = frozenset([NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD])
OF_LIBTIFF = CODECS - {NONE, DEFLATE, OLD_DEFLATE}
PREDICTING = CODECS - {NONE, PACKBITS}  # libtiff ignores a predictor with the others
_PIECE_BYTES = 1 << 22
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Layout:
    """How a page's samples lie in its file.

    Attributes:
        segment_width: of a strip (then the page's) or a tile, in pixels.
        segment_height: of all strips but the last, or of a tile.
        channels: samples of a pixel, whatever they mean.
        bits: of a sample, 1 to 16.
        is_planar: each channel has segments of its own.
        codec: the number of a compression in CODECS.
        has_predictor: samples are differences to their left neighbours.
        is_bit_reversed: the first bit of a byte is the lowest one.
    """

    width: int
    height: int
    segment_width: int
    segment_height: int
    is_tiled: bool
    channels: int
    bits: int
    is_planar: bool
    codec: int
    has_predictor: bool
    is_bit_reversed: bool
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """What a sample fits into, uint8 or uint16."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Samples of some channels and where they belong."""

    top: int
    left: int
    first_channel: int
    samples: NDArray[Any]  # (h, w, channels)


def blocks(tiff: ifd.TiffFile, layout: Layout) -> Iterator[Block]:
    """Unpack all segments in the file's order.

    Raises:
        DamageError: segments are missing or cut short.
    """
    across = -(-layout.width // layout.segment_width)
    down = -(-layout.height // layout.segment_height)
    planes = layout.channels if layout.is_planar else 1
    if min(len(layout.offsets), len(layout.lengths)) < across * down * planes:
        raise DamageError("strips or tiles are missing")
    for index in range(across * down * planes):
        plane, place = divmod(index, across * down)
        top = place // across * layout.segment_height
        left = place % across * layout.segment_width
        rows = layout.segment_height
        if not layout.is_tiled:
            rows = min(rows, layout.height - top)
        for skipped, samples in _pieces(tiff, layout, index, rows):
            fitting = samples[: layout.height - top - skipped, : layout.width - left]
            yield Block(top + skipped, left, plane, fitting)


def _pieces(
    tiff: ifd.TiffFile, layout: Layout, index: int, rows: int
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the rows of a segment as `(h, w, channels)`, each piece after its first row."""
    channels = 1 if layout.is_planar else layout.channels
    row_bytes = -(-layout.segment_width * channels * layout.bits // 8)
    offset, data = layout.offsets[index], b""
    if layout.codec != NONE:
        # No compression doubles a segment: what says so would have us read the file in a loop.
        packed = tiff.bytes_at(offset, min(layout.lengths[index], 2 * row_bytes * rows + 1024))
        if layout.is_bit_reversed:
            packed = packed.translate(_REVERSED)
        data = _unpacked(packed, layout.codec, row_bytes=row_bytes, rows=rows)
        if len(data) < rows * row_bytes:
            raise DamageError("a strip or tile is cut short")
    step = max(1, _PIECE_BYTES // row_bytes)
    for first in range(0, rows, step):
        start, length = first * row_bytes, min(step, rows - first) * row_bytes
        if layout.codec == NONE:
            piece = tiff.bytes_at(offset + start, length)
            if layout.is_bit_reversed:
                piece = piece.translate(_REVERSED)
        else:
            piece = data[start : start + length]
        row_shape = (layout.segment_width, channels)
        yield first, _samples(piece, layout, tiff.order, (length // row_bytes, *row_shape))


def _samples(data: bytes, layout: Layout, order: str, shape: tuple[int, int, int]) -> NDArray[Any]:
    """Make samples `(h, w, channels)` of whole rows of bytes."""
    if layout.bits in (8, 16):
        stored = np.frombuffer(data, f"{order}u{layout.bits // 8}").reshape(shape)
        samples = stored.astype(layout.dtype, copy=layout.has_predictor)
        if layout.has_predictor:
            np.add.accumulate(samples, axis=1, out=samples, dtype=samples.dtype)
        return samples
    rows, numbers = shape[0], shape[1] * shape[2]
    bits = np.unpackbits(np.frombuffer(data, np.uint8).reshape(rows, -1), axis=1)
    bits = bits[:, : numbers * layout.bits].reshape(rows, numbers, layout.bits)
    # Bits that do not fill their bytes stand in the upper part of them.
    packed = np.packbits(bits, axis=2)
    size = layout.dtype.itemsize
    samples = packed.reshape(-1).view(f">u{size}").reshape(shape) >> (8 * size - layout.bits)
    return samples.astype(layout.dtype)


def _unpacked(packed: bytes, codec: int, *, row_bytes: int, rows: int) -> bytes:
    """Undo a compression; the result is no longer than what the segment must hold."""
    if codec in (DEFLATE, OLD_DEFLATE):
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
    try:
        return TiffImageFile(file).tobytes()
    except OSError as error:
        raise DamageError("a strip or tile cannot be unpacked") from error
