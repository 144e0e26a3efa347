"""What a file says about its picture: which tags are carried over, and which must change."""

import io
import re
import struct
from dataclasses import dataclass

from photoenhance.imaging import ifd
from photoenhance.imaging.orientation import upright_size
from photoenhance.imaging.regions import upright_regions
from photoenhance.imaging.turning import turn_values

ORIENTATION = 0x0112
_DPI_TAGS, _DPI_UNIT = (0x011A, 0x011B), 0x0128
_THUMBNAIL, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_SIZE_TAGS = ((0x0100, 0x0101), (0xA002, 0xA003))  # of the picture, in IFD0 and in EXIF

_XMP_ORIENTATION = re.compile(
    rb"(tiff:Orientation\s*=\s*[\"']\s*|<tiff:Orientation>\s*)([1-8])(?=\s*[\"'<])"
)
_XMP_SIDES = (
    rb"((?:tiff:ImageWidth|exif:PixelXDimension)(?:\s*=\s*[\"']|>)\s*)\d+",
    rb"((?:tiff:ImageLength|exif:PixelYDimension)(?:\s*=\s*[\"']|>)\s*)\d+",
)


@dataclass(frozen=True, slots=True)
class ReadExif:
    """An EXIF block that could be understood, and what it says of how to show the picture.

    Attributes:
        block: without JPEG's prefix.
        orientation: 1 to 8, or None.
        dpi: pixels per inch of the picture as it is stored, whatever they may be worth; or None.
    """

    block: bytes
    orientation: int | None
    dpi: tuple[float, float] | None = None


def read_exif(block: bytes) -> ReadExif | None:
    """Look into an EXIF block, with or without JPEG's `Exif` prefix; None if it is damaged."""
    block = block.removeprefix(b"Exif\0\0")
    try:
        tiff = ifd.TiffFile(io.BytesIO(block))
        directory = tiff.directory(tiff.first)
        if tiff.is_big:
            return None
        return ReadExif(block, orientation_of(tiff, directory), _dpi(tiff, directory))
    except (ValueError, struct.error):
        return None


def is_empty_exif(block: bytes) -> bool:
    """Tell whether an EXIF block is sound and says nothing, as programs write it."""
    try:
        tiff = ifd.TiffFile(io.BytesIO(block.removeprefix(b"Exif\0\0")))
        return not any(tiff.bytes_at(tiff.first, 8 if tiff.is_big else 2))
    except (ValueError, struct.error):
        return False


def orientation_of(tiff: ifd.TiffFile, directory: ifd.Directory) -> int | None:
    """Return the orientation, 1 to 8, that a directory asks for, or None where it asks for none."""
    entry = directory.entries.get(ORIENTATION)
    if entry is None or entry.kind not in (1, ifd.SHORT, ifd.LONG) or entry.count < 1:
        return None
    value = tiff.integers(entry)[0]
    return value if 1 <= value <= 8 else None


def xmp_orientation(xmp: bytes) -> int | None:
    """Return the orientation that an XMP packet asks for, or None."""
    found = _XMP_ORIENTATION.search(xmp)
    return int(found[2]) if found else None


def upright_exif(exif: ReadExif, width: int, height: int, orientation: int) -> bytes:
    """Return the block of a picture that was turned: orientation 1, its new size, no thumbnail.

    Bytes are changed where they stand, so that maker notes, which point into the block by
    position, stay right.

    Args:
        exif: of the picture as it is stored.
        width: of the upright picture in pixels.
        height: likewise.
        orientation: by which it was turned.
    """
    tiff = ifd.TiffFile(io.BytesIO(exif.block))
    directory = tiff.directory(tiff.first)
    block = bytearray(exif.block)
    if ORIENTATION in directory.entries:
        _overwrite(block, tiff.order, directory.entries[ORIENTATION], ifd.SHORT, 1)
    for part in (directory, directory.children.get(ifd.EXIF)):
        for tags in _SIZE_TAGS if part else ():
            for tag, side in zip(tags, (width, height), strict=True):
                if part is not None and tag in part.entries:
                    _overwrite(block, tiff.order, part.entries[tag], ifd.LONG, side)
    turn_values(block, tiff, directory, upright_size(width, height, orientation), orientation)
    if directory.following:
        _drop_thumbnail(block, tiff, directory)
    return bytes(block)


def without_orientation(block: bytes) -> bytes:
    """Return a good block without its orientation, which counts as 1; nothing else moves."""
    tiff = ifd.TiffFile(io.BytesIO(block))
    entry = tiff.directory(tiff.first).entries.get(ORIENTATION)
    if entry is None:
        return block
    count, end = _table(tiff)
    after = block[entry.position + 12 : end + 4] + bytes(12)
    head = block[: tiff.first] + struct.pack(tiff.order + "H", count - 1)
    return head + block[tiff.first + 2 : entry.position] + after + block[end + 4 :]


def upright_xmp(xmp: bytes, width: int, height: int, orientation: int) -> bytes:
    """Return the packet of a picture that was turned, as `upright_exif` does with EXIF."""
    xmp = upright_regions(xmp, upright_size(width, height, orientation), orientation)
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    for pattern, side in zip(_XMP_SIDES, (width, height), strict=True):
        xmp = re.sub(pattern, rb"\g<1>%d" % side, xmp)
    for name in (b"xmp:Thumbnails>", b"xap:Thumbnails>"):
        start, end = xmp.find(b"<" + name), xmp.rfind(b"</" + name)
        if 0 <= start < end:
            xmp = xmp[:start] + xmp[end + 2 + len(name) :]
    return xmp


def _dpi(tiff: ifd.TiffFile, directory: ifd.Directory) -> tuple[float, float] | None:
    """Return the resolution in inches, None where it only tells the pixels' shape."""
    unit = directory.entries.get(_DPI_UNIT)
    is_told = unit is not None and unit.kind == ifd.SHORT and unit.count == 1
    factor = {2: 1.0, 3: 2.54}.get(tiff.integers(unit)[0] if unit and is_told else 2)
    sides = []
    for tag in _DPI_TAGS:
        entry = directory.entries.get(tag)
        if factor is None or entry is None or entry.kind != ifd.RATIONAL or entry.count != 1:
            return None
        above, below = struct.unpack(tiff.order + "II", entry.value)
        sides.append(above / below * factor if below else 0.0)
    return sides[0], sides[1]


def _overwrite(block: bytearray, order: str, entry: ifd.Entry, kind: int, value: int) -> None:
    """Replace a tag, wherever its value was, by one number that stands in the tag itself."""
    packed = struct.pack(order + "HHI", entry.tag, kind, 1)
    number = struct.pack(order + ("H" if kind == ifd.SHORT else "I"), value).ljust(4, b"\0")
    block[entry.position : entry.position + 12] = packed + number


def _drop_thumbnail(block: bytearray, tiff: ifd.TiffFile, directory: ifd.Directory) -> None:
    """Unlink the thumbnail's directory, and take its picture out where that moves nothing else."""
    _, end = _table(tiff)
    block[end : end + 4] = bytes(4)
    try:
        thumbnail = tiff.directory(directory.following)
        start = tiff.integers(thumbnail.entries[_THUMBNAIL])[0]
        length = tiff.integers(thumbnail.entries[_THUMBNAIL_LENGTH])[0]
    except (ValueError, LookupError, struct.error):
        return
    if block[start : start + 2] != b"\xff\xd8" or start + length > len(block):
        return
    block[start : start + length] = bytes(length)
    if start + length >= len(block) - 1:
        del block[start:]


def _table(tiff: ifd.TiffFile) -> tuple[int, int]:
    """Return how many tags the first directory has, and where its table ends."""
    (count,) = struct.unpack(tiff.order + "H", tiff.bytes_at(tiff.first, 2))
    return count, tiff.first + 2 + 12 * count
