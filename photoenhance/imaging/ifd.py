"""The directories of tags that TIFF files and EXIF blocks are made of."""

import io
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from photoenhance.imaging.damage import DamageError

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
          16: 8, 17: 8, 18: 8}  # fmt: skip
_INTEGERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MAX_ENTRIES = 4096

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
CHILDREN = (EXIF, GPS, INTEROPERABILITY)
SHORT, LONG, RATIONAL, UNDEFINED = 3, 4, 5, 7
POINTERS = (13, 18)  # types of numbers that are places in the file


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag.

    Attributes:
        kind: its type as TIFF numbers them.
        value: its bytes, in the byte order of the file.
        position: where the entry itself lies in the file; 0 for one that we made.
        value_position: where its value lies.
    """

    tag: int
    kind: int
    count: int
    value: bytes
    position: int = 0
    value_position: int = 0


@dataclass(frozen=True, slots=True)
class Directory:
    """Tags in ascending order, and the directories that some of them point to."""

    entries: dict[int, Entry]
    children: dict[int, "Directory"] = field(default_factory=dict)
    following: int = 0  # where the next directory lies, 0 for none


class TiffFile:
    """Reads directories from a TIFF or BigTIFF file, or from an EXIF block.

    Every method raises DamageError where the file contradicts itself; of a damaged directory, tags
    and children that cannot be read are left out.

    Attributes:
        order: `<` or `>`, as `struct` writes byte orders.
        first: where the first directory lies.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        # Directories and values that overlap could make us read a file thousands of times over.
        self._bytes_left = 4 * self.size + (1 << 16)
        start = self.bytes_at(0, 8)
        self.order = {b"II": "<", b"MM": ">"}.get(start[:2], "")
        if not self.order:
            raise DamageError("it lacks the mark of its byte order")
        (version,) = struct.unpack(self.order + "H", start[2:4])
        if version not in (42, 43):
            raise DamageError("it is no TIFF of a known version")
        self.is_big = version == 43
        self.first = self._numbers("Q", 8)[0] if self.is_big else self._numbers("I", 4)[0]

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes of the file."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise DamageError("it is cut short, or a tag points outside the file")
        self._file.seek(offset)
        return self._file.read(length)

    def starting_at(self, offset: int) -> BinaryIO:
        """Return the file as one whose first directory lies at `offset`; a copy unless it does."""
        self._file.seek(0)
        if offset == self.first:
            return self._file
        data = bytearray(self._file.read())
        position, letter = (8, "Q") if self.is_big else (4, "I")
        struct.pack_into(self.order + letter, data, position, offset)
        return io.BytesIO(data)

    def directory(self, offset: int, *, depth: int = 0) -> Directory:
        """Read the directory at `offset` with its EXIF and GPS children."""
        head, width, size = ("Q", 8, 20) if self.is_big else ("H", 2, 12)
        (count,) = self._numbers(head, offset)
        if not 0 < count <= _MAX_ENTRIES:
            raise DamageError(f"a directory of {count} tags")
        self._take(size * count)
        found = [self._entry(offset + width + size * index) for index in range(count)]
        entries = {entry.tag: entry for entry in found if entry is not None}
        children = {}
        for tag in CHILDREN if depth < 2 else ():
            with suppress(ValueError, LookupError):
                children[tag] = self.directory(self.integers(entries[tag])[0], depth=depth + 1)
        end = offset + width + size * count
        word, length = ("Q", 8) if self.is_big else ("I", 4)
        following = self._numbers(word, end)[0] if end + length <= self.size else 0
        return Directory(entries, children, following)

    def integers(self, entry: Entry) -> tuple[int, ...]:
        """Return the numbers of a tag, which must be whole ones and at least one."""
        if entry.kind not in _INTEGERS or entry.count == 0:
            raise DamageError(f"tag {entry.tag} holds no whole number")
        return struct.unpack(f"{self.order}{entry.count}{_INTEGERS[entry.kind]}", entry.value)

    def _entry(self, position: int) -> Entry | None:
        """Read one tag; None where it is of an unknown type or its value is not in the file."""
        tag, kind = self._numbers("HH", position)
        word, room = ("Q", 8) if self.is_big else ("I", 4)
        (count,) = self._numbers(word, position + 4)
        if kind not in _SIZES:
            return None
        length = _SIZES[kind] * count
        inline = position + 4 + room
        offset = inline if length <= room else self._numbers(word, inline)[0]
        if offset + length > self.size:
            return None
        self._take(length)
        return Entry(tag, kind, count, self.bytes_at(offset, length), position, offset)

    def _take(self, length: int) -> None:
        self._bytes_left -= length
        if self._bytes_left < 0:
            raise DamageError("its tags hold more than the file does")

    def _numbers(self, layout: str, offset: int) -> tuple[int, ...]:
        layout = self.order + layout
        return struct.unpack(layout, self.bytes_at(offset, struct.calcsize(layout)))


def entry(order: str, tag: int, kind: int, *numbers: int) -> Entry:
    """Make a tag of whole numbers; a rational takes two numbers for each value."""
    letter = "I" if kind == RATIONAL else _INTEGERS[kind]
    count = len(numbers) // 2 if kind == RATIONAL else len(numbers)
    return Entry(tag, kind, count, struct.pack(f"{order}{len(numbers)}{letter}", *numbers))


def packed(directory: Directory, order: str, start: int) -> bytes:
    """Write a directory, its values and its children as bytes that will lie at `start`.

    Tags of BigTIFF's 8-byte types are left out: a classic file cannot hold them.
    """
    entries = {tag: entry for tag, entry in directory.entries.items() if entry.kind < 16}
    tags = sorted(entries.keys() | directory.children.keys())
    table = struct.pack(order + "H", len(tags))
    values = bytearray()
    values_start = start + 2 + 12 * len(tags) + 4
    for tag in tags:
        position = values_start + len(values)
        if tag in directory.children:
            table += struct.pack(order + "HHII", tag, LONG, 1, position)
            values += packed(directory.children[tag], order, position)
            continue
        found = entries[tag]
        table += struct.pack(order + "HHI", tag, found.kind, found.count)
        if len(found.value) <= 4:
            table += found.value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", position)
            values += found.value + b"\0" * (len(found.value) % 2)
    return table + bytes(4) + bytes(values)
