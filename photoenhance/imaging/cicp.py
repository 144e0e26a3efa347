"""Colours that PNG, AVIF and HEIF name by numbers of ITU-T H.273 (CICP), as ICC profiles."""

from photoenhance.errors import ImageError
from photoenhance.imaging.profilewriter import Curve, grey_profile, rgb_profile

UNSPECIFIED, SRGB = 2, 13  # of transfers

_D65, _C, _DCI = (0.3127, 0.329), (0.31, 0.316), (0.314, 0.351)
_BT601 = (0.63, 0.34, 0.31, 0.595, 0.155, 0.07)
_P3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
# Source: ITU-T H.273, table 2: x and y of white, red, green and blue.
_PRIMARIES: dict[int, tuple[str, tuple[float, ...]]] = {
    1: ("BT.709", (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)),
    4: ("BT.470 M", (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: ("BT.601 625", (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06)),
    6: ("BT.601 525", (*_D65, *_BT601)),
    7: ("SMPTE 240M", (*_D65, *_BT601)),
    8: ("film", (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049)),
    9: ("BT.2020", (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046)),
    11: ("DCI-P3", (*_DCI, *_P3)),
    12: ("Display P3", (*_D65, *_P3)),
    22: ("EBU 3213", (*_D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077)),
}

_SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CAMERA_CURVES = frozenset([1, 6, 11, 12, 14, 15])
"""Those of BT.709, BT.601 and BT.2020, which are a camera's; a screen has another one."""
_SCREEN_CURVE: Curve = (2.4,)  # Source: ITU-R BT.1886, as browsers show them in PNG
# Source: ITU-T H.273, table 3, each turned round: from a channel's value to light.
_CURVES: dict[int, Curve] = {
    4: (2.2,),
    5: (2.8,),
    7: (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0912),
    8: (1.0,),
    SRGB: _SRGB_CURVE,
} | dict.fromkeys(CAMERA_CURVES, _SCREEN_CURVE)

_HDR = {16: "PQ", 18: "HLG"}
_XYZ = 10
_LOGARITHMIC_AND_CINEMA = frozenset([9, 10, 17])


def profile_of(
    primaries: int, transfer: int, *, is_grey: bool = False
) -> tuple[bytes | None, tuple[str, ...]]:
    """Make the ICC profile of colours given by their code points.

    Returns:
        The profile, None for sRGB, which is also what is not specified; and notes.

    Raises:
        ImageError: colours that are no standard range, or that no ICC curve describes.
    """
    refuse_hdr(transfer)
    if primaries == _XYZ or transfer in _LOGARITHMIC_AND_CINEMA:
        raise ImageError(
            f"its colours (CICP {primaries}/{transfer}) are not supported",
            hint="Export the photo as sRGB or Display P3 first.",
        )
    stated = (primaries, transfer)
    primaries = 1 if primaries == UNSPECIFIED else primaries
    transfer = SRGB if transfer == UNSPECIFIED else transfer
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        note = f"its colours (CICP {stated[0]}/{stated[1]}) are unknown: sRGB is assumed"
        return None, (note,)
    name, points = _PRIMARIES[primaries]
    curve = _CURVES[transfer]
    if curve == _SRGB_CURVE and (points == _PRIMARIES[1][1] or is_grey):
        return None, ()
    name = name if curve == _SRGB_CURVE else f"{name}, transfer {transfer}"
    if is_grey:
        return grey_profile(curve, name=name), ()
    return rgb_profile((curve,) * 3, points, name=name, cicp=(primaries, transfer)), ()


def refuse_hdr(transfer: int) -> None:
    """Refuse brightness beyond a screen's white.

    Raises:
        ImageError: the curve is PQ or HLG.
    """
    if transfer in _HDR:
        raise ImageError(
            f"HDR ({_HDR[transfer]}) is not supported",
            hint="Export the photo in standard range first, such as sRGB or Display P3.",
        )
