"""Whether a JPEG without its end marker has all its pixels all the same."""

import hashlib
import io
import re

from PIL import JpegImagePlugin

from photoenhance.imaging.jpeg.markers import EOI, SOS, Segment, segments

END = bytes([0xFF, EOI])

_FRAMES = (
    0xC0,
    0xC1,
    0xC2,
    0xC9,
    0xCA,
)  # in sequence or progressive, Huffman's codes or arithmetic
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_NEVER = 255
_TRIES = 3


def completed(file: bytes) -> bytes | None:
    """Return a JPEG that lacks its end marker with one, or None if pixels are missing too.

    A decoder makes up what is missing. So what could follow is varied: where all pixels are there,
    none depends on it. Scans of a progressive picture that are missing as a whole are counted.
    """
    body = file.rstrip(b"\xff")  # perhaps the half of an end marker
    try:
        if not _has_all_scans(body):
            return None
        found = {_pixels(body + tail + END) for tail in (b"", *_continuations(body))}
    except (LookupError, ValueError, OSError, SyntaxError):
        return None
    return body + END if len(found) == 1 else None


def _has_all_scans(file: bytes) -> bool:
    """Tell whether the scans give each wave of each component down to its last bit."""
    missing: dict[int, list[int]] = {}
    for segment in segments(file):
        if segment.marker in _FRAMES:
            missing = {part: [_NEVER] * 64 for part in segment.data[6::3]}
        if segment.marker == SOS:
            _note_scan(missing, segment)
    return bool(missing) and not any(any(bits) for bits in missing.values())


def _note_scan(missing: dict[int, list[int]], scan: Segment) -> None:
    """Note for the waves that a scan holds how many bits are missing behind it."""
    count = scan.data[0]
    first, last, bits = scan.data[1 + 2 * count : 4 + 2 * count]
    for part in scan.data[1 : 1 + 2 * count : 2]:
        missing[part][first : last + 1] = [bits & 15] * (last + 1 - first)


def _continuations(body: bytes) -> list[bytes]:
    """Return what could follow: noise, and noise behind each place to begin anew."""
    pixels = max(scan.position for scan in segments(body) if scan.marker == SOS)
    restarts = _RESTART.findall(body, pixels)
    following = restarts[-1][1] + 1 if restarts else 0
    tails = []
    for number in range(_TRIES):
        parts = [hashlib.sha512(bytes([number, part])).digest() for part in range(9)]
        noise = [part.replace(b"\xff", b"\x7f") for part in parts]
        marks = [bytes([0xFF, 0xD0 + (following + part) % 8]) for part in range(8)]
        tails.append(noise[0] + b"".join(map(bytes.__add__, marks, noise[1:])))
    return tails


def _pixels(file: bytes) -> bytes:
    """Return a hash of what a decoder makes of a JPEG."""
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(file))
    image.load()
    return hashlib.sha256(image.tobytes()).digest()
