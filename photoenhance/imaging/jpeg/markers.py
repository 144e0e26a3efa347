"""The marker segments of which a JPEG is made.

Source: ITU-T T.81, annex B.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from photoenhance.errors import ImageError

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
APP0, APP1, APP2, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
APPLICATION = range(APP0, APP0 + 16)
MAX_LENGTH = 65533  # of what a segment holds besides its length

_START = b"\xff\xd8"
_MAX_SEGMENTS = 1 << 16
_ALONE = 0x01  # TEM, the only marker besides those of the pattern that has no length
# Any marker but those amid pixels: FF00 is a byte FF, FFD0 to FFD7 mark places to begin anew.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker and what belongs to it.

    Attributes:
        marker: the byte behind FF.
        data: without marker and length.
        position: where the data begin in the file; 0 for a segment that we made.
    """

    marker: int
    data: bytes
    position: int = 0


def segments(file: bytes, start: int = 0, stop: int | None = None) -> Iterator[Segment]:
    """Yield the segments of the JPEG that begins at `start`, the scans' too, until it ends.

    At `stop` the file ends, or where it does end.

    The last one is EOI, whose position is where the JPEG ends; or, where EOI is missing, SOI,
    which begins what follows; or neither, where the file ends before.

    Raises:
        ImageError: they are so many that no photo is meant.
    """
    count = 0
    position, stop = start + len(_START), len(file) if stop is None else min(stop, len(file))
    while found := _MARKER.search(file, position, stop):
        marker, position = found[1][0], found.end()
        if marker == EOI:
            yield Segment(EOI, b"", position)
            return
        if marker == SOI:
            yield Segment(SOI, b"", position - len(_START))
            return
        if marker == _ALONE:
            continue
        end = position + int.from_bytes(file[position : position + 2], "big")
        if not position + 2 <= end <= stop:
            return
        count += 1
        if count > _MAX_SEGMENTS:
            raise ImageError(f"damaged, it has more than {_MAX_SEGMENTS:,} segments")
        yield Segment(marker, file[position + 2 : end], position + 2)
        position = end


def before_pixels(file: bytes, start: int = 0, stop: int | None = None) -> tuple[Segment, ...]:
    """Return the segments before the first scan, as `segments` yields them."""
    found = []
    for segment in segments(file, start, stop):
        if segment.marker in (SOS, SOI, EOI):
            break
        found.append(segment)
    return tuple(found)


def end_of(file: bytes, start: int = 0) -> int | None:
    """Return where the JPEG that begins at `start` ends, None where it has no end."""
    if not file.startswith(_START, start):
        return None
    last = deque(segments(file, start), maxlen=1)
    return last[0].position if last and last[0].marker in (EOI, SOI) else None


def packed(marker: int, data: bytes) -> bytes:
    """Return a segment's bytes.

    Raises:
        ValueError: more data than a segment holds.
    """
    if len(data) > MAX_LENGTH:
        raise ValueError(f"{len(data)} bytes do not fit into a JPEG's segment")
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data
