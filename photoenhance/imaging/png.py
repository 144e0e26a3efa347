"""The reader of PNG, in 8 bits and, beyond what Pillow can hold, in 16."""

import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from photoenhance.imaging.decode import Decoded, decode, fill, rows_of, strips
from photoenhance.imaging.draft import Draft, check_size, label, refuse_animation, sane_dpi
from photoenhance.imaging.metadata import iptc_of_photoshop
from photoenhance.imaging.photo import Metadata, StoredFormat, Text
from photoenhance.imaging.profilewriter import grey_profile, rgb_profile

XMP_KEYWORD = "XML:com.adobe.xmp"
RAW_PROFILE = "Raw profile type "

_SRGB_GAMMA = 0.45455
_SRGB_POINTS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # white, red, green, blue

_RGB, _GREY_ALPHA, _RGBA = 2, 4, 6
_HALVES = {_RGB: ("RGB;16B", "RGB;16L"), _RGBA: ("RGBA;16B", "RGBA;16L")}


def read_png(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a PNG that does not move."""
    bits, kind = stream.read(26)[24:26]
    stream.seek(0)
    image = PngImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    is_deep = bits == 16 and kind in (_RGB, _GREY_ALPHA, _RGBA)
    if is_deep:
        _decode_as(image, "RGBA" if kind == _GREY_ALPHA else _HALVES[kind][0])
    image.load()  # metadata may stand behind the pixels
    texts = {str(keyword): str(text) for keyword, text in image.text.items()}
    exif = image.info.get("exif") or _raw_profile(texts, "exif") or _raw_profile(texts, "APP1")
    found = label(exif, image.info.get("xmp") or texts.get(XMP_KEYWORD))
    said = Metadata(
        xmp=found.xmp,
        iptc=_iptc(texts),
        dpi=sane_dpi(image.info.get("dpi")),
        text=tuple(
            Text(k, t) for k, t in texts.items() if k != XMP_KEYWORD and RAW_PROFILE not in k
        ),
    )
    key = image.info.get("transparency") if image.mode in ("1", "L", "RGB", "I;16") else None
    decoded = _deep(stream, image, kind, found.orientation) if is_deep else None
    decoded = decoded or decode(image, found.orientation)
    if key is not None:
        alpha = _keyed_alpha(decoded.pixels, key, bits)
        decoded = Decoded(decoded.pixels, alpha, decoded.is_grey, notes=decoded.notes)
    profile = image.info.get("icc_profile") or _own_profile(image.info, decoded.is_grey)
    format_ = StoredFormat("png", decoded.is_grey)
    return Draft(decoded, format_, found.exif, said, profile, found.notes)


def _decode_as(image: PngImageFile, rawmode: str) -> None:
    """Have an opened picture decoded as pixels of another layout."""
    image.tile = [tile._replace(args=rawmode) for tile in image.tile]


def _deep(stream: BinaryIO, image: PngImageFile, kind: int, orientation: int) -> Decoded:
    """Decode 16-bit channels.

    Pillow keeps one byte of each channel, and which one can be chosen: two passes give both.
    Grey with alpha has four bytes a pixel, as 8-bit RGBA has, and passes for it.
    """
    if kind == _GREY_ALPHA:
        pairs = rows_of(image, lambda strip: np.ascontiguousarray(strip).view(">u2"))
        planes = fill(image.size, pairs, orientation, channels=2, dtype=np.uint16)
        return Decoded(*planes, is_grey=True)
    stream.seek(0)
    second = PngImageFile(stream)
    _decode_as(second, _HALVES[kind][1])
    second.load()
    high, low = rows_of(image), rows_of(second)

    def rows(top: int, bottom: int) -> NDArray[Any]:
        return (high(top, bottom).astype(np.uint16) << 8) | low(top, bottom)

    channels = len(second.getbands())
    return Decoded(*fill(image.size, rows, orientation, channels=channels, dtype=np.uint16))


def _keyed_alpha(pixels: NDArray[Any], key: Any, bits: int) -> NDArray[Any]:
    """Return the alpha of pixels of which one colour, in the file's own bits, is transparent."""
    opaque = np.iinfo(pixels.dtype).max
    wanted = np.asarray(key, dtype=np.int64) * (opaque // (2**bits - 1))
    alpha = np.empty(pixels.shape[:2], pixels.dtype)
    for top, bottom in strips(pixels.shape[1], pixels.shape[0]):
        alpha[top:bottom] = np.where((pixels[top:bottom] == wanted).all(axis=-1), 0, opaque)
    return alpha


def _own_profile(info: dict[str | tuple[int, int], Any], is_grey: bool) -> bytes | None:
    """Make a profile of the chunks gAMA and cHRM, where they say something else than sRGB."""
    gamma, points = info.get("gamma"), info.get("chromaticity", _SRGB_POINTS)
    if not gamma or "srgb" in info or not 0.02 < gamma < 50:
        return None
    same_points = np.allclose(points, _SRGB_POINTS, atol=0.002)
    if abs(gamma - _SRGB_GAMMA) < 0.01 and (same_points or is_grey):
        return None
    try:
        return grey_profile(1 / gamma) if is_grey else rgb_profile(1 / gamma, points)
    except (ValueError, struct.error):
        return None


def _raw_profile(texts: dict[str, str], kind: str) -> bytes | None:
    """Return the bytes that ImageMagick's way of storing profiles holds in hexadecimal."""
    lines = texts.get(RAW_PROFILE + kind, "").strip().splitlines()
    try:
        return bytes.fromhex("".join(lines[2:])) or None
    except ValueError:
        return None


def _iptc(texts: dict[str, str]) -> bytes | None:
    profile = _raw_profile(texts, "iptc") or _raw_profile(texts, "8bim")
    if profile is not None and profile.startswith(b"8BIM"):
        return iptc_of_photoshop(profile)
    return profile
