"""What EXIF says of a picture's sides and places, changed as the picture is turned."""

import struct
from decimal import Decimal

from photoenhance.imaging import ifd
from photoenhance.imaging.orientation import TURNED, upright_point

_RESOLUTION = (0x011A, 0x011B)
_FOCAL_PLANE = (0xA20E, 0xA20F)  # resolution of the sensor
_SUBJECT_AREA, _SUBJECT_LOCATION = 0x9214, 0xA214
_INLINE = 4  # bytes of a value that stand in the tag itself


def turn_values(
    block: bytearray,
    tiff: ifd.TiffFile,
    directory: ifd.Directory,
    stored: tuple[int, int],
    orientation: int,
) -> None:
    """Turn what an EXIF block says, where it stands.

    Source: EXIF 2.32, tags XResolution, FocalPlaneXResolution, SubjectArea and SubjectLocation.

    Args:
        block: to be changed.
        tiff: reads the block.
        directory: the first one of it.
        stored: width and height of the picture before it was turned.
        orientation: by which it was turned, 1 to 8.
    """
    exif = directory.children.get(ifd.EXIF)
    if orientation >= TURNED:
        _exchange(block, tiff, directory, _RESOLUTION)
        if exif is not None:
            _exchange(block, tiff, exif, _FOCAL_PLANE)
    for tag in (_SUBJECT_AREA, _SUBJECT_LOCATION):
        entry = exif.entries.get(tag) if exif is not None else None
        if entry is not None and entry.kind == ifd.SHORT and 2 <= entry.count <= 4:
            numbers = _turned(tiff.integers(entry), stored, orientation)
            _put(block, tiff, entry, struct.pack(f"{tiff.order}{entry.count}H", *numbers))


def _turned(numbers: tuple[int, ...], stored: tuple[int, int], orientation: int) -> tuple[int, ...]:
    """Turn a centre, and the diameter or the width and height behind it."""
    point, whole = (tuple(map(Decimal, pair)) for pair in (numbers[:2], stored))
    x, y = upright_point((point[0], point[1]), (whole[0], whole[1]), orientation)
    sides = numbers[2:][::-1] if orientation >= TURNED else numbers[2:]
    return max(0, int(x)), max(0, int(y)), *sides


def _exchange(
    block: bytearray, tiff: ifd.TiffFile, directory: ifd.Directory, tags: tuple[int, int]
) -> None:
    """Give each of two tags the value of the other, if they are alike."""
    first, second = (directory.entries.get(tag) for tag in tags)
    if first and second and (first.kind, first.count) == (second.kind, second.count):
        _put(block, tiff, first, second.value)
        _put(block, tiff, second, first.value)


def _put(block: bytearray, tiff: ifd.TiffFile, entry: ifd.Entry, value: bytes) -> None:
    """Put a value of the same length in the place of a tag's old one."""
    start = entry.position + 8
    if len(value) > _INLINE:
        (start,) = struct.unpack_from(tiff.order + "I", block, start)
    block[start : start + len(value)] = value
