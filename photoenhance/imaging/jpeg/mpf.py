"""The index of a JPEG's further pictures, which lie behind the first one.

Source: CIPA DC-007, Multi-Picture Format. An index is a small TIFF file; the places that it names
count from its own start, and sizes and places are numbers of 4 bytes.
"""

import io
import struct
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

from photoenhance.imaging import ifd

SIGNATURE = b"MPF\0"

_COUNT, _ENTRIES = 0xB001, 0xB002
_ENTRY_BYTES = 16
_KIND_BITS = 0xFFFFFF
_PREVIEWS = range(0x010001, 0x010006)  # "large thumbnails", of VGA size and more


@dataclass(frozen=True, slots=True)
class Place:
    """Where an index says that a picture lies; the first one's start is always 0."""

    start: int
    length: int
    is_preview: bool


def places(index: bytes) -> tuple[Place, ...]:
    """Return what an index lists, the first picture included.

    Raises:
        ValueError: it is damaged.
    """
    order, table, count = _table(index)
    found = []
    for number in range(count):
        kind, length, start = _entry(index, order, table, number)
        found.append(Place(start, length, (kind & _KIND_BITS) in _PREVIEWS))
    return tuple(found)


def moved(index: bytes, first_length: int, distance: int) -> bytes:
    """Return the index of a file whose first picture has another length.

    Args:
        index: an undamaged one.
        first_length: of the first picture in bytes.
        distance: that the other pictures lie farther from the index than before.
    """
    order, table, count = _table(index)
    changed = bytearray(index)
    for number in range(count):
        _, length, start = _entry(index, order, table, number)
        numbers = (length, start + distance) if number else (first_length, 0)
        struct.pack_into(order + "ii", changed, table + _ENTRY_BYTES * number + 4, *numbers)
    return bytes(changed)


def replaced(index: bytes, lengths: dict[int, int]) -> bytes | None:
    """Return the index of a file in which pictures got other lengths.

    A picture without length is no longer listed. What lies behind moves with it.

    Args:
        index: an undamaged one.
        lengths: the new ones, by where their pictures start.

    Returns:
        None where nothing but the first picture is left.
    """
    order, table, count = _table(index)
    grown = sorted(
        (place.start, lengths[place.start] - place.length)
        for place in places(index)[1:]
        if place.start in lengths
    )
    starts = [start for start, _ in grown]
    distances = [0, *accumulate(distance for _, distance in grown)]
    entries = [index[table : table + _ENTRY_BYTES]]
    for number in range(1, count):
        at = table + _ENTRY_BYTES * number
        kind, old, place = _entry(index, order, table, number)
        now = lengths.get(place, old)
        if now:
            packed = struct.pack(
                order + "Iii", kind, now, place + distances[bisect_left(starts, place)]
            )
            entries.append(packed + index[at + 12 : at + _ENTRY_BYTES])
    if len(entries) < 2:
        return None
    whole = b"".join(entries).ljust(_ENTRY_BYTES * count, b"\0")
    changed = bytearray(index[:table] + whole + index[table + len(whole) :])
    directory = _directory(index)[1]
    struct.pack_into(
        order + "I", changed, directory.entries[_ENTRIES].position + 4, _ENTRY_BYTES * len(entries)
    )
    if _COUNT in directory.entries:
        struct.pack_into(order + "I", changed, directory.entries[_COUNT].position + 8, len(entries))
    return bytes(changed)


def _directory(index: bytes) -> tuple[ifd.TiffFile, ifd.Directory]:
    tiff = ifd.TiffFile(io.BytesIO(index))
    return tiff, tiff.directory(tiff.first)


def _table(index: bytes) -> tuple[str, int, int]:
    """Return the byte order, where the entries begin, and how many they are."""
    tiff, directory = _directory(index)
    entry = directory.entries.get(_ENTRIES)
    if tiff.is_big or entry is None or entry.count < 2 * _ENTRY_BYTES:
        raise ValueError("no index of several pictures")
    (table,) = struct.unpack_from(tiff.order + "I", index, entry.position + 8)
    return tiff.order, table, entry.count // _ENTRY_BYTES


def _entry(index: bytes, order: str, table: int, number: int) -> tuple[int, int, int]:
    """Return an entry's kind, length and place, which may be negative once it was moved."""
    return struct.unpack_from(order + "Iii", index, table + _ENTRY_BYTES * number)
