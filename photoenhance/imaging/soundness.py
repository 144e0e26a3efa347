"""Whether a photo seems to be whole, by its head and its length: what thousands can be asked."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from PIL.JpegImagePlugin import JpegImageFile
from PIL.WebPImagePlugin import WebPImageFile

from photoenhance.errors import ImageError
from photoenhance.imaging import extras, ifd, iso
from photoenhance.imaging.damage import DAMAGE
from photoenhance.imaging.draft import check_size
from photoenhance.imaging.formats import FORMATS, FormatName, of_suffix, readable, recognise
from photoenhance.imaging.jpeg import markers
from photoenhance.imaging.png import chunks
from photoenhance.imaging.read import DEFAULT_MAX_PIXELS
from photoenhance.imaging.silence import muted, silenced
from photoenhance.imaging.tiff import layout, segments
from photoenhance.imaging.tiff import reader as tiff
from photoenhance.imaging.tiff.pages import HEIGHT, WIDTH, pages

_END_OF_JPEG = b"\xff\xd9"
_PADDING = 4096  # bytes at a JPEG's end that are looked at for its end marker
_MOVING = (b"avis", b"msf1", b"hevc", b"hevx")  # brands of ISO files that hold sequences


def seems_whole(file: Path) -> bool:
    """Whether `read` would most probably read a photo, in a thousandth of the time.

    The head of the file is read, and where it ends is compared with what the head says. Damage
    amid the pixels shows only when they are decoded. A False means no more than that `read` must
    be asked: a rare variant may be readable all the same.
    """
    try:
        with muted(), file.open("rb") as stream:
            name = _format_of(file, stream)
            return name is not None and name in readable() and _CHECKS[name](stream)
    except (*DAMAGE, ImageError, MemoryError):
        return False


def _format_of(file: Path, stream: BinaryIO) -> FormatName | None:
    name = recognise(stream.read(64))
    stream.seek(0)
    is_raw = of_suffix(file) == FORMATS["raw"] or (name == "tiff" and tiff.is_camera_raw(stream))
    return "raw" if is_raw else name


def _is_whole_jpeg(stream: BinaryIO) -> bool:
    check_size(*JpegImageFile(stream).size, DEFAULT_MAX_PIXELS)
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _PADDING))
    if stream.read().rstrip(b"\0").endswith(_END_OF_JPEG):
        return True
    stream.seek(0)
    file = stream.read()  # a film or another picture may follow
    end = markers.end_of(file)
    return end is not None and file.endswith(_END_OF_JPEG, 0, end)


def _is_whole_png(stream: BinaryIO) -> bool:
    found = chunks.scan(stream)
    stream.seek(16)
    width, height = struct.unpack(">II", stream.read(8))
    check_size(width, height, DEFAULT_MAX_PIXELS)
    return found.frames == 1 and not found.notes


def _is_whole_webp(stream: BinaryIO) -> bool:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(4)
    is_long_enough = int.from_bytes(stream.read(4), "little") + 8 <= size
    stream.seek(0)
    image = WebPImageFile(stream)
    check_size(*image.size, DEFAULT_MAX_PIXELS)
    return is_long_enough and image.n_frames == 1


def _is_whole_tiff(stream: BinaryIO) -> bool:
    file = ifd.TiffFile(stream)
    page = pages(file).photo
    samples = layout.Samples.of(page)
    layout.check(page, samples)
    if samples.codec not in segments.CODECS:
        return False
    check_size(page.number(WIDTH), page.number(HEIGHT), DEFAULT_MAX_PIXELS)
    found = layout.layout_of(page, samples, DEFAULT_MAX_PIXELS)
    if len(found.offsets) != len(found.lengths) or not all(found.lengths):
        return False
    return max(map(int.__add__, found.offsets, found.lengths)) <= file.size


def _is_whole_iso(stream: BinaryIO) -> bool:
    brand = stream.read(12)[8:]
    return brand not in _MOVING and iso.has_whole_boxes(stream)


def _never(stream: BinaryIO) -> bool:
    """Have every BMP read: they are as quickly decoded as read, and rare."""
    del stream
    return False


def _is_whole_raw(stream: BinaryIO) -> bool:
    with silenced():
        return extras.opens_as_raw(stream)


_CHECKS: dict[FormatName, Callable[[BinaryIO], bool]] = {
    "jpeg": _is_whole_jpeg,
    "png": _is_whole_png,
    "tiff": _is_whole_tiff,
    "webp": _is_whole_webp,
    "avif": _is_whole_iso,
    "bmp": _never,
    "heif": _is_whole_iso,
    "raw": _is_whole_raw,
}
