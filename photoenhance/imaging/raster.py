"""The readers of WebP, AVIF and BMP, over Pillow's decoders.

Pillow's classes are called one by one: `Image.open` would try dozens of formats that are no
photos, and has a limit of pixels of its own, for the whole process.
"""

from typing import BinaryIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.WebPImagePlugin import WebPImageFile

from photoenhance.imaging.decode import decode
from photoenhance.imaging.draft import Draft, check_size, label, refuse_animation, sane_dpi
from photoenhance.imaging.photo import Metadata, StoredFormat


def read_webp(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a WebP that does not move."""
    is_lossless = b"VP8L" in _riff_chunks(stream)
    stream.seek(0)
    image = WebPImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    found = label(image.info.get("exif"), image.info.get("xmp"))
    decoded = decode(image, found.orientation)
    format_ = StoredFormat("webp", is_lossless=is_lossless)
    profile = image.info.get("icc_profile")
    return Draft(decoded, format_, found.exif, Metadata(xmp=found.xmp), profile, found.notes)


def read_avif(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read an AVIF that does not move."""
    notes = _avif_depth(stream.read(4096))
    stream.seek(0)
    image = AvifImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    found = label(image.info.get("exif"), image.info.get("xmp"))
    decoded = decode(image, found.orientation)
    said = Metadata(xmp=found.xmp)
    profile = image.info.get("icc_profile")
    return Draft(decoded, StoredFormat("avif"), found.exif, said, profile, found.notes, notes)


def read_bmp(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a BMP."""
    image = BmpImageFile(stream)
    check_size(*image.size, max_pixels)
    said = Metadata(dpi=sane_dpi(image.info.get("dpi")))
    decoded = decode(image, 1)
    return Draft(decoded, StoredFormat("bmp", decoded.is_grey), metadata=said)


def _riff_chunks(stream: BinaryIO) -> set[bytes]:
    """Name the chunks of a WebP."""
    names: set[bytes] = set()
    position = 12
    while len(names) < 64:
        stream.seek(position)
        head = stream.read(8)
        if len(head) < 8:
            break
        names.add(head[:4])
        size = int.from_bytes(head[4:], "little")
        position += 8 + size + size % 2
    return names


def _avif_depth(head: bytes) -> tuple[str, ...]:
    """Tell of a depth that Pillow cannot give us, by the codec's own configuration box."""
    place = head.find(b"av1C")
    if place >= 0 and head[place + 6 : place + 7] and head[place + 6] & 0x40:
        return ("colours of more than 8 bits were read as 8 bits",)
    return ()
