"""ICC profiles for colours that a file describes by numbers of its own."""

import struct

import numpy as np
from numpy.typing import NDArray

Curve = tuple[float, ...]
"""Numbers of ICC's parametric curves: gamma alone, or gamma, a, b, c and d.

Light is `(a * x + b) ** gamma` from `d` on, and `c * x` below.
"""

_D50 = (0.9642, 1.0, 0.8249)
# Source: Lam 1985, the Bradford cone responses, as ICC.1:2022 (annex E) adapts whites with them.
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_DATE = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)  # any: equal colours are to give equal bytes
_KINDS = {1: 0, 5: 3}  # of curves, by how many numbers they have


def grey_profile(curve: Curve, *, name: str) -> bytes:
    """Make the profile of grey whose light is its value through a curve."""
    return _assembled(b"GRAY", {b"kTRC": _curve(curve)}, name)


def rgb_profile(
    curves: tuple[Curve, Curve, Curve],
    chromaticities: tuple[float, ...],
    *,
    name: str,
    cicp: tuple[int, int] | None = None,
) -> bytes:
    """Make the profile of RGB whose light is its values through curves.

    Args:
        curves: of red, green and blue.
        chromaticities: x and y of white, red, green and blue.
        name: what users read.
        cicp: the code points of primaries and transfer that say the same, where they exist.

    Raises:
        ValueError: the chromaticities span no colours.
    """
    adaptation, colorants = _adapted(chromaticities)
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, colorants.T), strict=True))
    tags |= dict(zip((b"rTRC", b"gTRC", b"bTRC"), map(_curve, curves), strict=True))
    tags[b"chad"] = b"sf32\0\0\0\0" + _fixed(*adaptation.ravel())
    if cicp is not None:
        tags[b"cicp"] = b"cicp\0\0\0\0" + bytes([*cicp, 0, 1])
    return _assembled(b"RGB ", tags, name)


def _adapted(
    chromaticities: tuple[float, ...],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return XYZ under any white -> under D50, and linear RGB -> XYZ under D50."""
    points = np.array(chromaticities, dtype=np.float64).reshape(4, 2)
    if not (points[:, 1] > 1e-4).all():
        raise ValueError("chromaticities without light")
    light = np.stack([points[:, 0], points[:, 1], 1 - points.sum(axis=1)]) / points[:, 1]
    white, primaries = light[:, 0], light[:, 1:]
    try:
        matrix = primaries * np.linalg.solve(primaries, white)
    except np.linalg.LinAlgError as error:
        raise ValueError("chromaticities in one line") from error
    gains = (_CONES @ np.array(_D50)) / (_CONES @ white)
    adaptation = np.linalg.inv(_CONES) @ (gains[:, None] * _CONES)
    return adaptation, adaptation @ matrix


def _assembled(space: bytes, tags: dict[bytes, bytes], name: str) -> bytes:
    """Put tags, equal ones once, behind a header of version 4.4."""
    tags = tags | {b"desc": _words(name), b"cprt": _words("CC0"), b"wtpt": _xyz(np.array(_D50))}
    start, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    places: dict[bytes, int] = {}
    for tag, data in tags.items():
        if data not in places:
            places[data] = start + len(body)
            body += data.ljust(-(-len(data) // 4) * 4, b"\0")
        table += struct.pack(">4sII", tag, places[data], len(data))
    size = struct.pack(">I", start + len(body))
    head = size + b"\0\0\0\0\x04\x40\0\0mntr" + space + b"XYZ " + _DATE + b"acsp" + bytes(28)
    return head + _fixed(*_D50) + bytes(48) + table + body


def _curve(curve: Curve) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", _KINDS[len(curve)], 0) + _fixed(*curve)


def _words(text: str) -> bytes:
    words = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(words), 28) + words


def _xyz(color: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*color)


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *[round(float(number) * 65536) for number in numbers])
