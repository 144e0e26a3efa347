"""The readers of WebP and AVIF, over Pillow's decoders.

Pillow's classes are called one by one: `Image.open` would try dozens of formats that are no
photos, and has a limit of pixels of its own, for the whole process.
"""

import io
import struct
from typing import BinaryIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.WebPImagePlugin import WebPImageFile

from photoenhance.imaging import iso, isocontent
from photoenhance.imaging.decode import decode
from photoenhance.imaging.draft import Draft, check_size, label, refuse_animation
from photoenhance.imaging.photo import Metadata, StoredFormat

_MAX_CHUNKS = 256
_WEBP_CHUNKS = frozenset(
    [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "]
)


def read_webp(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a WebP that does not move."""
    chunks, left_out = _riff_chunks(stream)
    stream.seek(0)
    image = WebPImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    found = label(image.info.get("exif"), image.info.get("xmp"))
    return Draft(
        decode(image, found.orientation),
        StoredFormat("webp", is_lossless=b"VP8L" in chunks),
        found.exif,
        Metadata(xmp=found.xmp),
        image.info.get("icc_profile"),
        left_out=found.left_out + left_out,
    )


def read_avif(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read an AVIF that does not move."""
    file = iso.parse(stream)
    stream.seek(0)
    image = AvifImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    profile, notes = isocontent.read_colours(file, image.info.get("icc_profile"))
    found = label(image.info.get("exif"), image.info.get("xmp"))
    # Pillow writes into EXIF what the boxes say; what XMP says does not count (ISO 23000-22).
    orientation = (found.exif.orientation if found.exif else None) or 1
    depth = ("colours of more than 8 bits were read as 8 bits",) if isocontent.is_deep(file) else ()
    return Draft(
        decode(image, orientation),
        StoredFormat("avif"),
        found.exif,
        Metadata(xmp=found.xmp),
        profile,
        notes=notes,
        left_out=found.left_out + depth + isocontent.left_out(file),
        orientation=orientation,
    )


def _riff_chunks(stream: BinaryIO) -> tuple[set[bytes], tuple[str, ...]]:
    """Name the chunks of a WebP, and say which of them, and what behind them, will be lost."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(4)
    end = min(8 + int.from_bytes(stream.read(4), "little"), size)
    names: set[bytes] = set()
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > end:
            break
        stream.seek(position)
        name, length = struct.unpack("<4sI", stream.read(8))
        names.add(name)
        position += 8 + length + length % 2
    unknown = ", ".join(sorted(repr(name)[2:-1].strip() for name in names - _WEBP_CHUNKS))
    notes = [f"parts of the WebP were left out ({unknown})"] if unknown else []
    stream.seek(end)
    if stream.read(1 << 16).strip(b"\0\t\n\r "):
        notes.append(f"{size - end:,} bytes behind the WebP's end were left out")
    return names, tuple(notes)
