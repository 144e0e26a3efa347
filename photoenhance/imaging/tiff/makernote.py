"""Maker notes, many of which point to their own values by positions in the file.

A maker note is a directory of tags in a form that only its maker knows. Some count positions from
its own start, others from the start of the file: these must change where the note moves. Which way
a note counts is read off its pointers: they all lead into the note one way, and out of it the
other.

Source: where the directories begin, ExifTool's MakerNotes.pm, https://exiftool.org.
"""

import struct
from dataclasses import dataclass

TAG = 0x927C
# Only of makers that do not count from the note's start, or that do it now and then.
_STARTS = (
    (b"OLYMP\0", 8), (b"EPSON\0", 8), (b"CAMER\0", 8), (b"MINOL\0", 8), (b"Nikon\0\x01", 8),
    (b"SONY", 12), (b"\0\0SONY PIC\0", 12), (b"VHAB     \0", 12), (b"PREMI\0", 8),
    (b"Panasonic", 12), (b"LEICA CAMERA AG\0", 18), (b"LEICA", 8), (b"Ricoh", 8), (b"RICOH", 8),
    (b"      ", 8), (b"SANYO\0", 8), (b"SIGMA\0", 10), (b"FOVEON\0", 10), (b"QVC\0", 6),
    (b"DCI\0", 6), (b"AOC\0", 6), (b"JVC ", 4), (b"GE\0\0", 18), (b"GENIC\0", 18),
)  # fmt: skip
_OWN_HEADERS = (b"II*\0", b"MM\0*")
_NESTING = (b"OLYMP\0", b"EPSON\0")  # makers with directories inside their directory ...
_NESTED_TAGS = range(0x2010, 0x5001)  # ... at these tags
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_LONG, _POINTER = 4, 13
_MAX_TAGS = 512
_SLACK = 32  # some count from a few bytes before or behind the note's start


@dataclass(frozen=True, slots=True)
class Moved:
    """A maker note as it has to be at another place.

    Attributes:
        note: its bytes, as many as before.
        is_whole: False where it points to what is not in it, which does not move with it.
    """

    note: bytes
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Pointer:
    """A position in the file, and where in the note it is written."""

    place: int
    position: int
    length: int  # of what lies there

    def is_within(self, base: int, size: int) -> bool:
        """Tell whether all of what it points to lies in so many bytes."""
        return base <= self.position and self.position + self.length <= base + size


def moved(note: bytes, order: str, old: int, new: int) -> Moved:
    """Move a maker note from one position in a file to another.

    Args:
        note: its bytes.
        order: the file's byte order, `<` or `>`; the note may have another.
        old: where it was.
        new: where it will be.
    """
    directory = _directory(note, order)
    pointers = directory.pointers() if directory is not None else []
    if directory is None or not pointers:
        return Moved(note)
    footer = _footer(directory)
    base, within = old, [pointer for pointer in pointers if pointer.is_within(old, len(note))]
    if footer is not None:
        at_first = [pointer for pointer in pointers if pointer.is_within(footer, len(note))]
        if len(at_first) >= len(within):
            base, within = footer, at_first
    if _counts_from_its_start(directory, pointers, base):
        return Moved(note)
    if not within:
        return Moved(note, is_whole=_is_astray(directory, pointers))
    changed, word = bytearray(note), directory.order + "I"
    for pointer in within + _nested(directory, base):
        struct.pack_into(word, changed, pointer.place, pointer.position - base + new)
    if footer is not None:
        struct.pack_into(word, changed, len(note) - 4, new)
    return Moved(bytes(changed), is_whole=len(within) == len(pointers))


@dataclass(frozen=True, slots=True)
class _Directory:
    """A directory in a note: where it begins, and its byte order."""

    note: bytes
    start: int
    order: str

    def entries(self) -> list[tuple[int, int, int, int]]:
        """Return each tag with its type, its count, and where its value or pointer stands."""
        (total,) = self._numbers("H", self.start)
        found = []
        for place in range(self.start + 2, self.start + 2 + 12 * total, 12):
            tag, kind, count = self._numbers("HHI", place)
            found.append((tag, kind, count, place + 8))
        return found

    @property
    def end(self) -> int:
        """Where the table of tags ends; values may follow from here on."""
        return self.start + 2 + 12 * len(self.entries())

    def pointers(self) -> list[_Pointer]:
        """Return the pointers to values that are too long for the table."""
        found = []
        for _, kind, count, place in self.entries():
            length = _SIZES.get(kind, 0) * count
            if length > 4 and (position := self.position_at(place)):
                found.append(_Pointer(place, position, length))
        return found

    def position_at(self, place: int) -> int:
        """Return the pointer that stands at a place of the note."""
        return self._numbers("I", place)[0]

    def is_plausible(self) -> bool:
        """Tell a directory from other bytes."""
        if self.start + 2 > len(self.note):
            return False
        count = self._numbers("H", self.start)[0]
        if not 1 <= count <= _MAX_TAGS or self.start + 2 + 12 * count > len(self.note):
            return False
        wrong = sum(kind not in _SIZES for _, kind, _, _ in self.entries())
        return wrong <= count // 8  # cameras do write wrong ones

    def _numbers(self, layout: str, place: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + layout, self.note, place)


def _directory(note: bytes, order: str) -> _Directory | None:
    """Find the directory of a note; None where it has none, or its positions are its own."""
    start = next((start for prefix, start in _STARTS if note.startswith(prefix)), 0)
    if any(header in note[:20] for header in _OWN_HEADERS):
        return None
    for each in (order, ">" if order == "<" else "<"):
        directory = _Directory(note, start, each)
        if directory.is_plausible():
            return directory
    return None


def _footer(directory: _Directory) -> int | None:
    """Return where Canon says that the note was when its pointers were written."""
    note = directory.note
    is_one = directory.start == 0 and note[-8:-4] in _OWN_HEADERS
    return directory.position_at(len(note) - 4) if is_one else None


def _counts_from_its_start(directory: _Directory, pointers: list[_Pointer], base: int) -> bool:
    """Tell pointers that lead into the note when they are counted from its own start.

    In a file's first bytes they may lead into it either way: then values follow their table.
    """
    size = len(directory.note)
    if not all(pointer.is_within(-_SLACK, size + 2 * _SLACK) for pointer in pointers):
        return False
    if not all(pointer.is_within(base, size) for pointer in pointers):
        return True
    first = min(pointer.position for pointer in pointers)
    return abs(first - directory.end) < abs(first - base - directory.end)


def _is_astray(directory: _Directory, pointers: list[_Pointer]) -> bool:
    """Tell pointers that were wrong before, because somebody moved the note without them.

    They fit the note if they are counted from another place, at which it was once.
    """
    once = min(pointer.position for pointer in pointers) - directory.end
    return all(
        pointer.is_within(once - _SLACK, len(directory.note) + _SLACK) for pointer in pointers
    )


def _nested(directory: _Directory, base: int) -> list[_Pointer]:
    """Return the pointers to and in the directories that a directory holds."""
    note, found = directory.note, []
    for tag, kind, count, place in directory.entries():
        if not note.startswith(_NESTING) or tag not in _NESTED_TAGS:
            continue
        is_pointer = kind in (_LONG, _POINTER) and count == 1
        inner = _Directory(note, directory.position_at(place) - base, directory.order)
        if inner.start < 0 or not inner.is_plausible():
            continue
        pointers = inner.pointers()
        if is_pointer:
            pointers.append(_Pointer(place, inner.start + base, 2))
        found += [pointer for pointer in pointers if pointer.is_within(base, len(note))]
    return found
