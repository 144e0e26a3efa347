"""What a file says about its picture: which tags are carried over, and which must change."""

import io
import re
import struct
from dataclasses import dataclass

from photoenhance.imaging import ifd

ORIENTATION = 0x0112
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
    """An EXIF block that could be understood, and the orientation (1 to 8) that it asks for."""

    block: bytes
    orientation: int | None


def read_exif(block: bytes) -> ReadExif | None:
    """Look into an EXIF block, with or without JPEG's `Exif` prefix; None if it is damaged."""
    block = block.removeprefix(b"Exif\0\0")
    try:
        tiff = ifd.TiffFile(io.BytesIO(block))
        directory = tiff.directory(tiff.first)
        if tiff.is_big:
            return None
        return ReadExif(block, orientation_of(tiff, directory))
    except (ValueError, struct.error):
        return None


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


def upright_exif(exif: ReadExif, width: int, height: int) -> bytes:
    """Return the block of a picture that was turned: orientation 1, its new size, no thumbnail.

    Bytes are changed where they stand, so that maker notes, which point into the block by
    position, stay right.
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


def upright_xmp(xmp: bytes, width: int, height: int) -> bytes:
    """Return the packet of a picture that was turned: orientation 1, its new size, no thumbnail."""
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    for pattern, side in zip(_XMP_SIDES, (width, height), strict=True):
        xmp = re.sub(pattern, rb"\g<1>%d" % side, xmp)
    for name in (b"xmp:Thumbnails>", b"xap:Thumbnails>"):
        start, end = xmp.find(b"<" + name), xmp.rfind(b"</" + name)
        if 0 <= start < end:
            xmp = xmp[:start] + xmp[end + 2 + len(name) :]
    return xmp


def iptc_of_photoshop(resources: bytes) -> bytes | None:
    """Find the IPTC records (resource 0x0404) among Photoshop's image resources."""
    position = 0
    while resources[position : position + 4] == b"8BIM" and position + 12 <= len(resources):
        kind = int.from_bytes(resources[position + 4 : position + 6], "big")
        name = resources[position + 6] + 1
        size_at = position + 6 + name + name % 2
        size = int.from_bytes(resources[size_at : size_at + 4], "big")
        if kind == 0x0404:
            return resources[size_at + 4 : size_at + 4 + size]
        position = size_at + 4 + size + size % 2
    return None


def photoshop_of_iptc(iptc: bytes) -> bytes:
    """Wrap IPTC records as Photoshop's image resource 0x0404."""
    size = len(iptc).to_bytes(4, "big")
    return b"8BIM\x04\x04\0\0" + size + iptc + b"\0" * (len(iptc) % 2)


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
