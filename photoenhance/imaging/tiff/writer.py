"""The writer of TIFF, in 8 and 16 bits.

The EXIF block, which is a small TIFF file itself, begins the file, and only its first directory is
replaced by one at the end. Everything that the block's inner directories and maker notes point to
by position is then still where it was.
"""

import io
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from photoenhance.errors import ImageError
from photoenhance.imaging import ifd, metadata
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.rows import OutputRows
from photoenhance.imaging.tiff import tags

_BYTE, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 1, 3, 4, 5, 7
_DEFLATE, _LEVEL = 8, 3  # twice as fast as the usual 6, for 1.5 % more bytes
_STRIP_BYTES = 1 << 20
_MAX_FILE = 2**32 - 1


def write_tiff(rows: OutputRows, said: Metadata, sink: BinaryIO, stored: StoredFormat) -> None:
    """Write a classic TIFF in strips, with deflate and differences or as it is.

    Raises:
        ImageError: the file would pass the 4 GiB that the format can hold.
    """
    exif = said.exif or b"II*\0\0\0\0\0"
    order = "<" if exif.startswith(b"II") else ">"
    sink.write(exif)
    position = len(exif)
    width, height = rows.size
    row_bytes = width * rows.channels * rows.dtype.itemsize
    strip_rows = min(height, max(1, _STRIP_BYTES // row_bytes))
    offsets, lengths = [], []
    for top in range(0, height, strip_rows):
        strip = rows.rows(top, min(top + strip_rows, height))
        if stored.is_premultiplied and rows.has_alpha:
            strip = _premultiplied(strip)
        data = _packed(strip, order, stored.is_compressed)
        if position + len(data) > _MAX_FILE - (1 << 24):
            raise ImageError(
                "too large for TIFF, which ends at 4 GiB", hint="Write PNG instead of TIFF."
            )
        sink.write(data)
        offsets.append(position)
        lengths.append(len(data))
        position += len(data)
    tags = _tags(rows, said, order, stored)
    tags += [
        ifd.entry(order, 0x0111, _LONG, *offsets),
        ifd.entry(order, 0x0116, _LONG, strip_rows),
        ifd.entry(order, 0x0117, _LONG, *lengths),
    ]
    kept = _of_exif(said.exif)
    if not kept.keys() & {0x011A, 0x011B}:  # EXIF outranks what else tells the resolution
        kept |= _resolution(said, order)
    entries = kept | {tag.tag: tag for tag in tags}
    sink.write(bytes(position % 2))
    position += position % 2
    sink.write(ifd.packed(ifd.Directory(entries), order, position))
    sink.seek(4)
    sink.write(struct.pack(order + "I", position))


def _premultiplied(strip: NDArray[Any]) -> NDArray[Any]:
    """Multiply colours by alpha, the last channel; what dividing by it did is undone exactly."""
    top = np.iinfo(strip.dtype).max
    colours = np.rint(strip[..., :-1] * (strip[..., -1:] / top)).astype(strip.dtype)
    return np.concatenate([colours, strip[..., -1:]], axis=-1)


def _packed(strip: NDArray[Any], order: str, is_compressed: bool) -> bytes:
    if not is_compressed:
        return strip.astype(f"{order}u{strip.dtype.itemsize}").tobytes()
    differences = strip.copy()
    np.subtract(strip[:, 1:], strip[:, :-1], out=differences[:, 1:])
    return zlib.compress(differences.astype(f"{order}u{strip.dtype.itemsize}").tobytes(), _LEVEL)


def _tags(rows: OutputRows, said: Metadata, order: str, stored: StoredFormat) -> list[ifd.Entry]:
    width, height = rows.size
    colours = 1 if rows.channels < 3 else 3
    bits = 8 * rows.dtype.itemsize
    tags = [
        ifd.entry(order, 0x0100, _LONG, width),
        ifd.entry(order, 0x0101, _LONG, height),
        ifd.entry(order, 0x0102, _SHORT, *[bits] * rows.channels),
        ifd.entry(order, 0x0103, _SHORT, _DEFLATE if stored.is_compressed else 1),
        ifd.entry(order, 0x0106, _SHORT, 1 if colours == 1 else 2),
        ifd.entry(order, metadata.ORIENTATION, _SHORT, 1),
        ifd.entry(order, 0x0115, _SHORT, rows.channels),
        ifd.entry(order, 0x011C, _SHORT, 1),
    ]
    if stored.is_compressed:
        tags.append(ifd.entry(order, 0x013D, _SHORT, 2))
    if rows.has_alpha:
        tags.append(ifd.entry(order, 0x0152, _SHORT, 1 if stored.is_premultiplied else 2))
    blobs = (
        (0x02BC, _BYTE, said.xmp),
        (0x83BB, _UNDEFINED, said.iptc),
        (0x8649, _UNDEFINED, said.photoshop),
        (0x8773, _UNDEFINED, rows.icc_profile),
    )
    return tags + [ifd.Entry(tag, kind, len(data), data) for tag, kind, data in blobs if data]


def _resolution(said: Metadata, order: str) -> dict[int, ifd.Entry]:
    if said.dpi is None:
        return {}
    across, down = (round(dpi * 10000) for dpi in said.dpi)
    return {
        0x011A: ifd.entry(order, 0x011A, _RATIONAL, across, 10000),
        0x011B: ifd.entry(order, 0x011B, _RATIONAL, down, 10000),
        0x0128: ifd.entry(order, 0x0128, _SHORT, 2),
    }


def _of_exif(block: bytes | None) -> dict[int, ifd.Entry]:
    """Return what the EXIF block's first directory says; its pointers hold in the new file too."""
    if block is None:
        return {}
    tiff = ifd.TiffFile(io.BytesIO(block))
    return tags.kept_in_tiff(tiff.directory(tiff.first))
