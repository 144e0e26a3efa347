"""The boxes of AVIF and HEIF files: what they hold, and the colours that they name.

Source: ISO/IEC 14496-12 for boxes and items, 23008-12 for pictures as items and their properties.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MAX_META = 1 << 24
_MAX_BOXES = 4096
_FULL = 4  # bytes of version and flags, before the content of some boxes


@dataclass(frozen=True, slots=True)
class Item:
    """A picture, or a block of metadata, in a file.

    Attributes:
        kind: such as `av01` or `Exif`; empty where the file does not say.
        content_type: of metadata of the kind `mime`.
        is_hidden: only to be shown as a part of others.
        properties: kind and content of what is said about it.
    """

    kind: bytes
    content_type: bytes
    is_hidden: bool
    properties: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class IsoFile:
    """What an AVIF or HEIF file lists of itself.

    Attributes:
        outer: the kinds of its boxes, in order; `uuid` with the sixteen bytes that name it.
        primary: the number of the item that is the photo.
        items: by their numbers.
        references: from a kind and an item, to the items that it refers to in this way.
    """

    outer: tuple[bytes, ...]
    primary: int
    items: dict[int, Item]
    references: dict[tuple[bytes, int], tuple[int, ...]]

    def said_of(self, number: int, kind: bytes) -> list[bytes]:
        """Return what an item's properties of one kind say."""
        item = self.items.get(number)
        return [content for each, content in item.properties if each == kind] if item else []


def parse(stream: BinaryIO) -> IsoFile:
    """Read the boxes of a file, as far as they are sound: of damage, the codec will tell."""
    outer: list[bytes] = []
    parts: dict[bytes, bytes] = {}
    size = stream.seek(0, io.SEEK_END)
    for kind, start, claimed in _outer_boxes(stream):
        end = min(claimed, size)
        stream.seek(start)
        outer.append(kind + stream.read(16) if kind == b"uuid" else kind)
        if kind == b"meta" and not parts and end - start <= _MAX_META:
            stream.seek(start)
            parts = dict(_boxes(stream.read(end - start)[_FULL:]))
    try:
        primary = _primary(parts[b"pitm"])
        references = dict(_references(parts.get(b"iref", bytes(_FULL))))
        items = _items(parts)
    except (KeyError, IndexError, struct.error, ValueError):
        return IsoFile(tuple(outer), 0, {}, {})
    return IsoFile(tuple(outer), primary, items, references)


def has_whole_boxes(stream: BinaryIO) -> bool:
    """Whether a file is as long as its boxes are together: none is cut short."""
    size = stream.seek(0, io.SEEK_END)
    ends = [end for _, _, end in _outer_boxes(stream)]
    return ends[-1:] == [size]


def _outer_boxes(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Find a file's own boxes: kind, and where the content starts and is said to end."""
    size, start = stream.seek(0, io.SEEK_END), 0
    for _ in range(_MAX_BOXES):
        stream.seek(start)
        head = stream.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        content = start + 8
        if length == 1 and len(head) == 16:
            length, content = int.from_bytes(head[8:], "big"), start + 16
        end = size if length == 0 else start + length
        yield kind, content, end
        if end <= start or end >= size:
            return
        start = end


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Take the boxes in a box apart: kind and content."""
    start = 0
    while start + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        end = len(data) if length == 0 else start + length
        if end < start + 8:
            return
        yield kind, data[start + 8 : end]
        start = end


class _Fields:
    """Reads a box's numbers one after the other; past its end struct.error is raised."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = _FULL
        self.version = data[0]
        self.flags = int.from_bytes(data[1:_FULL], "big")

    def number(self, layout: str) -> int:
        """Return a number of a layout of `struct`'s."""
        (value,) = struct.unpack_from(">" + layout, self._data, self._place)
        self._place += struct.calcsize(layout)
        return int(value)

    def rest(self) -> bytes:
        """Return all that was not read."""
        return self._data[self._place :]


def _primary(box: bytes) -> int:
    fields = _Fields(box)
    return fields.number("I" if fields.version else "H")


def _references(box: bytes) -> Iterator[tuple[tuple[bytes, int], tuple[int, ...]]]:
    layout = "I" if box[0] else "H"
    for kind, content in _boxes(box[_FULL:]):
        fields = _Fields(bytes(_FULL) + content)
        source = fields.number(layout)
        yield (kind, source), tuple(fields.number(layout) for _ in range(fields.number("H")))


def _items(parts: dict[bytes, bytes]) -> dict[int, Item]:
    owned = _properties(list(_boxes(parts.get(b"iprp", b""))))
    listing = _Fields(parts[b"iinf"])
    listing.number("I" if listing.version else "H")
    items = {}
    for kind, entry in _boxes(listing.rest()):
        if kind != b"infe" or entry[0] < 2:
            continue
        fields = _Fields(entry)
        number = fields.number("I" if fields.version > 2 else "H")
        fields.number("H")
        name = fields.number("I").to_bytes(4, "big")
        texts = fields.rest().split(b"\0")  # the item's name, and of `mime` its type
        content_type = texts[1] if name == b"mime" and len(texts) > 1 else b""
        items[number] = Item(name, content_type, bool(fields.flags & 1), owned.get(number, ()))
    return items


def _properties(boxes: list[tuple[bytes, bytes]]) -> dict[int, tuple[tuple[bytes, bytes], ...]]:
    """Return what is said about each item: `ipco` lists it, `ipma` tells what is whose."""
    known = [said for kind, content in boxes if kind == b"ipco" for said in _boxes(content)]
    owned = {}
    for kind, content in boxes:
        if kind != b"ipma":
            continue
        fields = _Fields(content)
        for _ in range(fields.number("I")):
            item = fields.number("I" if fields.version else "H")
            # The highest bit says that the property is essential.
            layout, mask = ("H", 0x7FFF) if fields.flags & 1 else ("B", 0x7F)
            places = [fields.number(layout) & mask for _ in range(fields.number("B"))]
            owned[item] = tuple(known[place - 1] for place in places if 0 < place <= len(known))
    return owned
