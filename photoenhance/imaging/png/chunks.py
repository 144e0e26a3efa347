"""The chunks of a PNG file: those that make up its picture, and all the others.

Pillow is given the picture alone. So what stands beside it is read by our limits, not by Pillow's,
and damage there does not cost the picture.
"""

import io
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, BinaryIO

from photoenhance.errors import ImageError

Chunk = tuple[bytes, bytes]
"""Name and data."""

_SIGNATURE_SIZE = 8
_PICTURE = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
_ANIMATION = frozenset([b"acTL", b"fcTL", b"fdAT"])
_BULK = frozenset([b"IDAT", b"IEND", b"fcTL", b"fdAT"])  # whose checksums are not ours to check
_MAX_DATA = 1 << 28  # of all chunks beside the picture
_MAX_CHUNKS = 1 << 20
_NO_END = "the PNG has no end: what stood behind the pixels is missing"


@dataclass(frozen=True, slots=True, eq=False)
class PngFile:
    """A PNG file, taken apart.

    Attributes:
        bits: of a channel.
        kind: PNG's colour type.
        frames: more than one for an animation.
        chunks: what is neither picture nor animation, in the file's order.
        picture: a PNG file of the picture alone.
        notes: as in `Photo`.
        left_out: as in `Photo`.
    """

    bits: int
    kind: int
    frames: int
    chunks: tuple[Chunk, ...]
    picture: BinaryIO
    notes: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Head:
    """Where a chunk starts, its name, and the length of its data."""

    start: int
    name: bytes
    length: int

    @property
    def end(self) -> int:
        """Where the next one starts: behind length, name, data and checksum."""
        return self.start + self.length + 12


def scan(stream: BinaryIO) -> PngFile:
    """Take a PNG file apart.

    Raises:
        ImageError: a chunk that the picture needs is missing, damaged or of an unknown kind.
    """
    size = stream.seek(0, io.SEEK_END)
    heads = list(islice(_heads(stream, size), _MAX_CHUNKS))
    chunks: list[Chunk] = []
    damaged: list[bytes] = []
    too_long: list[bytes] = []
    parts = [(0, _SIGNATURE_SIZE)]
    left = _MAX_DATA
    for head in heads:
        if head.name not in _BULK and head.length > left:
            too_long.append(head.name)
            continue
        data = b"" if head.name in _BULK else _data(stream, head)
        if data is None:
            damaged.append(head.name)
        elif head.name in _PICTURE:
            parts.append((head.start, min(head.end, size)))
        else:
            chunks.append((head.name, data))
            left -= len(data)
    names = [head.name for head in heads]
    _check(names, damaged)
    stream.seek(_SIGNATURE_SIZE + 16)
    bits, kind = stream.read(2)
    return PngFile(
        bits,
        kind,
        _frames(names, chunks),
        tuple(chunk for chunk in chunks if chunk[0] not in _ANIMATION),
        io.BufferedReader(_Excerpt(stream, parts)),
        notes=() if names[-1] == b"IEND" else (_NO_END,),
        left_out=(
            *_listed("damaged parts of the PNG were left out", damaged),
            *_listed("parts of the PNG are too long and were left out", too_long),
            *_behind(stream, heads[-1].end, size),
        ),
    )


def unpacked(method: bytes, data: bytes, limit: int) -> bytes:
    """Return what a chunk holds packed.

    Args:
        method: the byte that names the way of packing.
        data: what is packed.
        limit: how many bytes it may be unpacked.

    Raises:
        ValueError: it is damaged, longer, or packed in an unknown way.
    """
    if method != b"\0" or limit < 1:  # to zlib, 0 means no limit
        raise ValueError("packed in an unknown way, or too long")
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise ValueError("damaged") from error
    if unpacker.unconsumed_tail:
        raise ValueError(f"longer than {limit} bytes")
    return plain


def _heads(stream: BinaryIO, size: int) -> Iterator[_Head]:
    """Find the chunks up to the mark of the end, or to where there are none any more."""
    start = _SIGNATURE_SIZE
    while start + 12 <= size:
        stream.seek(start)
        length, name = struct.unpack(">I4s", stream.read(8))
        head = _Head(start, name, length)
        if not name.isalpha() or (head.end > size and name != b"IDAT"):
            return
        yield head
        if name == b"IEND":
            return
        start = head.end


def _data(stream: BinaryIO, head: _Head) -> bytes | None:
    """Read a chunk; None where its checksum is wrong."""
    stream.seek(head.start + 8)
    data = stream.read(head.length)
    return data if stream.read(4) == checksum(head.name, data) else None


def checksum(name: bytes, data: bytes) -> bytes:
    """Return the four bytes that end a chunk."""
    return zlib.crc32(data, zlib.crc32(name)).to_bytes(4, "big")


def _check(names: list[bytes], damaged: list[bytes]) -> None:
    unknown = [name for name in names if name[:1].isupper() and name not in _PICTURE]
    if unknown:
        raise ImageError(
            f"PNGs with a chunk {unknown[0].decode()} are not supported",
            hint="Save the photo as PNG or TIFF with another program.",
        )
    for name in (b"IHDR", b"PLTE"):
        if name in damaged:
            raise ImageError(f"damaged, the checksum of its chunk {name.decode()} is wrong")
    if names[:1] != [b"IHDR"] or b"IDAT" not in names:
        raise ImageError("damaged, no picture in the PNG")


def _frames(names: list[bytes], chunks: list[Chunk]) -> int:
    """Count the pictures of an animation: those that it announces, and one before it."""
    announced = [data for name, data in chunks if name == b"acTL" and len(data) >= 8]
    count = int.from_bytes(announced[0][:4], "big") if len(announced) == 1 else 0
    if not count:
        return 1
    is_apart = b"fcTL" not in names[: names.index(b"IDAT")]
    return count + is_apart


def _listed(what: str, names: list[bytes]) -> tuple[str, ...]:
    listed = ", ".join(sorted({name.decode() for name in names}))
    return (f"{what} ({listed})",) if names else ()


def _behind(stream: BinaryIO, end: int, size: int) -> tuple[str, ...]:
    """Tell of data behind the end, but for the padding that some programs leave there."""
    stream.seek(end)
    is_padding = not stream.read(1 << 16).strip(b"\0\t\n\r ")
    return () if is_padding else (f"{size - end:,} bytes behind the PNG's end were left out",)


class _Excerpt(io.RawIOBase):
    """Parts of a file, one behind the other, as a file of their own."""

    def __init__(self, stream: BinaryIO, parts: list[tuple[int, int]]) -> None:
        self._stream = stream
        self._parts: list[tuple[int, int]] = []  # neighbours as one: many pictures are in slices
        for start, end in parts:
            if self._parts and self._parts[-1][1] == start:
                self._parts[-1] = (self._parts[-1][0], end)
            else:
                self._parts.append((start, end))
        lengths = [end - start for start, end in self._parts]
        self._ends = list(accumulate(lengths))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ends[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        index = bisect_right(self._ends, self._position)
        if index == len(self._ends):
            return 0
        left = self._ends[index] - self._position
        self._stream.seek(self._parts[index][1] - left)
        data = self._stream.read(min(left, len(buffer)))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
