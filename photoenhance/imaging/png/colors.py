"""The colours that a PNG file says it has, by any of its five ways."""

import struct
from dataclasses import dataclass

import numpy as np

from photoenhance.errors import ImageError
from photoenhance.imaging import cicp
from photoenhance.imaging.png.chunks import Chunk, unpacked
from photoenhance.imaging.profilewriter import grey_profile, rgb_profile

CHUNKS = frozenset([b"cICP", b"sRGB", b"gAMA", b"cHRM"])
"""Those that hold for enhanced pixels too: they stay in the same colours."""

_MAX_PROFILE = 1 << 26
_SRGB_GAMMA = 0.45455
_SRGB_POINTS = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # white, red, green, blue
_NAME = "gamma and chromaticities of a PNG"


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """What became of a PNG's colours: an ICC profile, or None for sRGB; and notes."""

    profile: bytes | None
    notes: tuple[str, ...] = ()


def read_colours(chunks: tuple[Chunk, ...], stored: bytes | None, *, is_grey: bool) -> Colours:
    """Find out which colours count, in the order of PNG 3: cICP, iCCP, sRGB, gAMA with cHRM.

    Args:
        chunks: of the file.
        stored: an ICC profile that the file holds in another way than by iCCP.
        is_grey: the picture has one channel.

    Raises:
        ImageError: HDR, or another kind of colours that cannot be honoured.
    """
    data = dict(chunks)
    coded = _coded(data, is_grey=is_grey)
    if coded is not None:
        return coded
    if b"iCCP" in data:
        return _embedded(data[b"iCCP"])
    if stored is not None or b"sRGB" in data:
        return Colours(stored)
    return Colours(_calibrated(data, is_grey=is_grey))


def _coded(data: dict[bytes, bytes], *, is_grey: bool) -> Colours | None:
    """Read cICP, where it says all; a file that leaves it open may say so by other chunks."""
    code = data.get(b"cICP", b"")
    if len(code) != 4 or code[2] != 0 or cicp.UNSPECIFIED in code[:2]:
        return None
    primaries, transfer, _, is_full_range = code
    profile, notes = cicp.profile_of(primaries, transfer, is_grey=is_grey)
    if not is_full_range:
        raise ImageError(
            "a PNG of narrow range (video levels) is not supported",
            hint="Save the photo in full range first.",
        )
    if b"iCCP" in data:
        notes += ("the ICC profile was left out: the PNG's cICP chunk outranks it",)
    return Colours(profile, notes)


def _embedded(data: bytes) -> Colours:
    _, _, rest = data.partition(b"\0")
    try:
        return Colours(unpacked(rest[:1], rest[1:], _MAX_PROFILE))
    except ValueError:
        return Colours(None, ("the colour profile is damaged and was left out: sRGB is assumed",))


def _calibrated(data: dict[bytes, bytes], *, is_grey: bool) -> bytes | None:
    """Make a profile of the chunks gAMA and cHRM, where they say something else than sRGB."""
    gamma = _numbers(data.get(b"gAMA", b""), 1)
    points = _numbers(data.get(b"cHRM", b""), 8) or _SRGB_POINTS
    if not gamma or not 0.02 < gamma[0] < 50:
        return None
    same_points = np.allclose(points, _SRGB_POINTS, atol=0.002)
    if abs(gamma[0] - _SRGB_GAMMA) < 0.01 and (same_points or is_grey):
        return None
    curve = (1 / gamma[0],)
    try:
        if is_grey:
            return grey_profile(curve, name=_NAME)
        return rgb_profile((curve, curve, curve), points, name=_NAME)
    except (ValueError, struct.error):
        return None


def _numbers(data: bytes, count: int) -> tuple[float, ...] | None:
    if len(data) < 4 * count:
        return None
    return tuple(number / 100_000 for number in struct.unpack_from(f">{count}I", data))
