"""The reader of BMP, over Pillow's decoder, and the colours that its later versions can name."""

import struct
from typing import BinaryIO

from PIL.BmpImagePlugin import BmpImageFile

from photoenhance.imaging.decode import decode
from photoenhance.imaging.draft import Draft, check_size, sane_dpi
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.profilewriter import rgb_profile

# Source: Microsoft, BITMAPV4HEADER and BITMAPV5HEADER; places are counted from the header's start.
_HEADER, _V4_SIZE, _V5_SIZE = 14, 108, 124
_KIND, _ENDPOINTS, _GAMMAS, _PROFILE = 56, 60, 96, 112
_CALIBRATED, _EMBEDDED, _LINKED = 0, 0x4D424544, 0x4C494E4B
_MAX_PROFILE = 1 << 26


def read_bmp(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a BMP."""
    image = BmpImageFile(stream)
    check_size(*image.size, max_pixels)
    profile, notes = _colours(stream)
    said = Metadata(dpi=sane_dpi(image.info.get("dpi")))
    decoded = decode(image, 1)
    format_ = StoredFormat("bmp", decoded.is_grey)
    return Draft(decoded, format_, metadata=said, icc_profile=profile, notes=notes)


def _colours(stream: BinaryIO) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the profile that a header holds or describes, None for sRGB, and notes."""
    place = stream.tell()
    stream.seek(_HEADER)
    header = stream.read(_V5_SIZE)
    size = int.from_bytes(header[:4], "little")
    try:
        if size < _V4_SIZE or len(header) < size:
            return None, ()
        (kind,) = struct.unpack_from("<I", header, _KIND)
        if kind == _CALIBRATED:
            return _calibrated(header), ()
        if size < _V5_SIZE or kind not in (_EMBEDDED, _LINKED):
            return None, ()
        if kind == _LINKED:
            return None, ("the colour profile is in another file: sRGB is assumed",)
        start, length = struct.unpack_from("<II", header, _PROFILE)
        stream.seek(_HEADER + start)
        return stream.read(min(length, _MAX_PROFILE)), ()
    finally:
        stream.seek(place)


def _calibrated(header: bytes) -> bytes | None:
    """Make a profile of endpoints and gammas; None where they say nothing that can be true."""
    endpoints = [n / (1 << 30) for n in struct.unpack_from("<9i", header, _ENDPOINTS)]
    gammas = [n / (1 << 16) for n in struct.unpack_from("<3I", header, _GAMMAS)]
    lights = [endpoints[i : i + 3] for i in (0, 3, 6)]
    white = [sum(axis) for axis in zip(*lights, strict=True)]
    sums = [sum(light) for light in (white, *lights)]
    if not all(0.02 < gamma < 50 for gamma in gammas) or not all(total > 1e-4 for total in sums):
        return None
    points = [n / s for light, s in zip((white, *lights), sums, strict=True) for n in light[:2]]
    red, green, blue = ((gamma,) for gamma in gammas)
    try:
        return rgb_profile((red, green, blue), tuple(points), name="endpoints of a BMP")
    except (ValueError, struct.error):
        return None
