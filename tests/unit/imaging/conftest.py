"""ICC profiles and EXIF blocks, made here byte by byte."""

import struct
from collections.abc import Callable

import numpy as np
import pytest

# Colorants under D50 (Bradford) as published with each space, columns red, green and blue, and the
# gamma of its curve; None is the sRGB curve.
SPACES = {
    "srgb": (
        [[0.43607, 0.38506, 0.14308], [0.2225, 0.71688, 0.06062], [0.01393, 0.0971, 0.71417]],
        None,
    ),
    "adobe": ([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]], 2.2),
    "p3": ([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]], None),
    "prophoto": ([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0, 0.0, 0.8249]], 1.8),
    "swapped": (
        [[0.1431, 0.4361, 0.3851], [0.0606, 0.2225, 0.7169], [0.7141, 0.0139, 0.0971]],
        2.2,
    ),
}
WIDE = ["adobe", "p3", "prophoto", "swapped"]


def tag_curve(gamma: float | None) -> bytes:
    if gamma is None:
        numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        return b"para\0\0\0\0\0\x03\0\0" + struct.pack(">5i", *[round(n * 65536) for n in numbers])
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def tag_xyz(numbers) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *[round(float(n) * 65536) for n in numbers])


def tag_text(text: str) -> bytes:
    plain = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(plain)) + plain + bytes(78)


def assemble(space: bytes, tags: dict[bytes, bytes], *, pcs: bytes = b"XYZ ") -> bytes:
    position = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        padded = data.ljust(-(-len(data) // 4) * 4, b"\0")
        table += struct.pack(">4sII", name, position + len(body), len(padded))
        body += padded
    head = bytearray(128)
    head[0:4] = struct.pack(">I", position + len(body))
    head[8:12] = b"\x02\x40\0\0"
    head[12:24] = b"mntr" + space + pcs
    head[36:40] = b"acsp"
    head[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(head) + table + body


@pytest.fixture(scope="session")
def profile_of() -> Callable[..., bytes]:
    """Make the ICC profile of a space in SPACES, or of grey with a gamma."""

    def make(name: str, gamma: float = 1.8) -> bytes:
        common = {b"desc": tag_text(name), b"cprt": b"text\0\0\0\0CC0\0"}
        common[b"wtpt"] = tag_xyz((0.9642, 1, 0.8249))
        if name == "grey":
            return assemble(b"GRAY", common | {b"kTRC": tag_curve(gamma)})
        matrix, own_gamma = SPACES[name]
        colorants = {
            tag: tag_xyz(column)
            for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), np.array(matrix).T, strict=True)
        }
        curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tag_curve(own_gamma))
        return assemble(b"RGB ", common | colorants | curves)

    return make


@pytest.fixture(scope="session")
def table_profile() -> bytes:
    """Make a profile that maps Adobe RGB by tables alone, as profiles of scanners do."""
    matrix = np.array(SPACES["adobe"][0])
    levels = np.linspace(0, 1, 17)
    white = matrix.sum(axis=1)

    def lab_of(rgb):
        ratio = (rgb**2.2) @ matrix.T / white
        root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
        light = 116 * root[..., 1] - 16
        a, b = 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])
        return np.stack([light / 100 * 255, a + 128, b + 128], axis=-1)

    def rgb_of(lab):
        y = (lab[..., 0] / 255 * 100 + 16) / 116
        root = np.stack([y + (lab[..., 1] - 128) / 500, y, y - (lab[..., 2] - 128) / 200], axis=-1)
        ratio = np.where(root > 0.2069, root**3, (root - 16 / 116) / 7.787)
        return np.clip((ratio * white) @ np.linalg.inv(matrix).T, 0, 1) ** (1 / 2.2) * 255

    def table(function, scale):
        axes = np.meshgrid(levels * scale, levels * scale, levels * scale, indexing="ij")
        nodes = np.rint(np.clip(function(np.stack(axes, axis=-1)), 0, 255)).astype(np.uint8)
        identity = bytes(range(256)) * 3
        unit = struct.pack(">9i", *(np.eye(3).ravel() * 65536).astype(int))
        head = b"mft1\0\0\0\0" + bytes([3, 3, 17, 0])
        return head + unit + identity + nodes.tobytes() + identity

    tags = {b"desc": tag_text("tables"), b"wtpt": tag_xyz((0.9642, 1, 0.8249))}
    tags |= {b"A2B0": table(lab_of, 1.0), b"B2A0": table(rgb_of, 255.0)}
    return assemble(b"RGB ", tags, pcs=b"Lab ")


@pytest.fixture(scope="session")
def exif_of() -> Callable[..., bytes]:
    """Make an EXIF block with a maker note that points into the block, GPS and a thumbnail."""

    def make(orientation: int = 1, *, order: str = "<", thumbnail: bytes | None = None) -> bytes:
        def pack(layout, *values):
            return struct.pack(order + layout, *values)

        ifd0, exif, gps, data = 8, 8 + 2 + 12 * 4 + 4, 8 + 54 + 2 + 12 * 4 + 4, 200
        note = data + 16
        picture = note + 16
        block = (b"II*\0" if order == "<" else b"MM\0*") + pack("I", ifd0)
        block += pack("H", 4) + pack("HHII", 0x010F, 2, 10, data)
        block += pack("HHIHH", 0x0112, 3, 1, orientation, 0)
        block += pack("HHII", 0x8769, 4, 1, exif) + pack("HHII", 0x8825, 4, 1, gps)
        block += pack("I", 250 + 32 if thumbnail else 0)
        block += pack("H", 4) + pack("HHII", 0x829A, 5, 1, data - 8)
        block += pack("HHII", 0x927C, 7, 16, note)
        block += pack("HHII", 0xA002, 4, 1, 640) + pack("HHII", 0xA003, 4, 1, 480) + pack("I", 0)
        block += pack("H", 1) + pack("HHI4s", 0x0001, 2, 2, b"N\0") + pack("I", 0)
        block = block.ljust(data - 8, b"\0") + pack("II", 1, 250)
        block += b"Acme Ltd.\0".ljust(16, b"\0") + b"NOTE" + pack("I", note) + b"12345678"
        block = block.ljust(picture + 50, b"\0")
        if thumbnail:
            block = block.ljust(282, b"\0")
            start = 282 + 2 + 24 + 4
            block += pack("H", 2) + pack("HHII", 0x0201, 4, 1, start)
            block += pack("HHII", 0x0202, 4, 1, len(thumbnail)) + pack("I", 0) + thumbnail
        return block

    return make
