"""ICC profiles for colours that a file describes by numbers of its own."""

import struct

import numpy as np
from numpy.typing import NDArray

_D50 = (0.9642, 1.0, 0.8249)
# Source: Lam 1985, the Bradford cone responses, as ICC.1:2022 (annex E) adapts whites with them.
_CONES = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def grey_profile(gamma: float) -> bytes:
    """Make the profile of grey whose light is its value to the power of `gamma`."""
    return _assembled(b"GRAY", {b"kTRC": _curve(gamma)})


def rgb_profile(gamma: float, chromaticities: tuple[float, ...]) -> bytes:
    """Make the profile of RGB whose light is its values to the power of `gamma`.

    Args:
        gamma: between 1/256 and 255.
        chromaticities: x and y of white, red, green and blue.

    Raises:
        ValueError: the chromaticities span no colours.
    """
    columns = _colorants(chromaticities).T
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, columns), strict=True))
    return _assembled(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma)))


def _colorants(chromaticities: tuple[float, ...]) -> NDArray[np.float64]:
    """Return linear RGB -> XYZ under D50, from primaries under any white."""
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
    return np.linalg.inv(_CONES) @ (gains[:, None] * _CONES) @ matrix


def _assembled(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Put tags behind a header of version 2.4, each once and on a multiple of four bytes."""
    name = b"made from gamma and chromaticities\0"
    tags = tags | {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text\0\0\0\0CC0\0",
        b"wtpt": _xyz(np.array(_D50)),
    }
    position, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, position + len(body), len(data))
        body += data.ljust(-(-len(data) // 4) * 4, b"\0")
    size = struct.pack(">I", position + len(body))
    head = size + b"\0\0\0\0\x02\x40\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp" + bytes(28)
    return head + _xyz(np.array(_D50))[8:] + bytes(48) + table + body


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)


def _xyz(color: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *[round(float(part) * 65536) for part in color])
