"""TensorFlow's checkpoints of version 2 ("tensor bundles"), read without TensorFlow.

A bundle is two files: `NAME.index`, a sorted table in LevelDB's format whose values are protocol
buffers, and `NAME.data-00000-of-00001`, the tensors' bytes one after the other.
"""

import hashlib
import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from photoenhance.zoo import protobuf
from photoenhance.zoo.crc32c import masked_crc32c
from photoenhance.zoo.protobuf import MalformedError

if TYPE_CHECKING:
    from torch import Tensor

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
FOOTER_BYTES = 48
TRAILER_BYTES = 5  # a block's compression and its checksum
FLOAT32 = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a tensor lies in the data.

    Attributes:
        shape: its sides.
        dtype: TensorFlow's number of its type; 1 is float32.
        shard: which data file it is in.
        offset: of its first byte.
        size: in bytes.
        crc: its checksum as stored, masked.
    """

    shape: tuple[int, ...]
    dtype: int
    shard: int
    offset: int
    size: int
    crc: int


def is_index(end: bytes) -> bool:
    """Whether these last bytes of a file are those of an index."""
    return len(end) >= FOOTER_BYTES and end.endswith(MAGIC)


def entries(index: bytes) -> dict[str, Entry]:
    """Read an index: each tensor's name and place.

    Raises:
        MalformedError: it is damaged, compressed or no index.
    """
    if not is_index(index):
        raise MalformedError("it does not end as an index does")
    table = memoryview(index)
    footer = table[-FOOTER_BYTES:]
    _, position = _handle(footer, 0)
    blocks, _ = _handle(footer, position)
    found: dict[str, Entry] = {}
    for _, place in _records(_block(table, blocks)):
        for key, value in _records(_block(table, _handle(place, 0)[0])):
            if key:  # the empty one is the table's header
                found[key.decode("utf-8", "replace")] = _entry(value)
    return found


def tensors(found: Mapping[str, Entry], names: Iterable[str], data: bytes) -> "dict[str, Tensor]":
    """Take the named tensors out of the data, each checked against its sum.

    Raises:
        MalformedError: one is missing, damaged, or no float32.
    """
    import torch  # noqa: PLC0415 (an index is read without torch)

    taken = {}
    for name in names:
        if name not in found:
            raise MalformedError(f"{name} is missing")
        entry = found[name]
        if entry.dtype != FLOAT32 or entry.size != 4 * math.prod(entry.shape):
            raise MalformedError(f"{name} is no array of float32 numbers of its size")
        content = memoryview(data)[entry.offset : entry.offset + entry.size]
        if entry.shard or len(content) != entry.size:
            raise MalformedError(f"{name} lies outside the data")
        if masked_crc32c(content) != entry.crc:
            raise MalformedError(f"{name} is damaged: its checksum is wrong")
        taken[name] = torch.frombuffer(bytearray(content), dtype=torch.float32).view(entry.shape)
    return taken


def fingerprint(sums: Mapping[str, int]) -> str:
    """One number for many tensors' checksums: equal only for equal tensors, wherever they lie.

    Args:
        sums: masked checksums by the tensors' names, without what varies from file to file.
    """
    lines = (f"{name} {crc}" for name, crc in sorted(sums.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _handle(data: memoryview, position: int) -> tuple[tuple[int, int], int]:
    """A block's offset and size, and the position after them."""
    offset, position = protobuf.varint(data, position)
    size, position = protobuf.varint(data, position)
    return (offset, size), position


def _block(table: memoryview, handle: tuple[int, int]) -> memoryview:
    offset, size = handle
    end = offset + size
    if end + TRAILER_BYTES > len(table):
        raise MalformedError("a block lies outside the index")
    if table[end]:
        raise MalformedError("its index is compressed, which is not supported")
    (crc,) = struct.unpack("<I", table[end + 1 : end + TRAILER_BYTES])
    if masked_crc32c(table[offset : end + 1]) != crc:
        raise MalformedError("its index is damaged: a checksum is wrong")
    return table[offset:end]


def _records(block: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Give a block's keys and values; keys leave out what they share with the one before."""
    if len(block) < 4:
        raise MalformedError("a block is too short")
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise MalformedError("a block is too short")
    key, position = b"", 0
    while position < end:
        shared, position = protobuf.varint(block, position)
        unshared, position = protobuf.varint(block, position)
        length, position = protobuf.varint(block, position)
        if shared > len(key) or position + unshared + length > end:
            raise MalformedError("a record is cut off")
        key = key[:shared] + bytes(block[position : position + unshared])
        position += unshared
        yield key, block[position : position + length]
        position += length


def _entry(value: memoryview) -> Entry:
    found = {1: 0, 3: 0, 4: 0, 5: 0, 6: 0}
    shape: tuple[int, ...] = ()
    for number, field in protobuf.fields(value):
        if number == 2:
            shape = tuple(
                _side(side) for key, side in protobuf.fields(protobuf.content(field)) if key == 2
            )
        elif number in found:
            found[number] = protobuf.integer(field)
    return Entry(shape, found[1], found[3], found[4], found[5], found[6])


def _side(field: protobuf.Value) -> int:
    sides = [
        protobuf.integer(value)
        for key, value in protobuf.fields(protobuf.content(field))
        if key == 1
    ]
    return sides[0] if sides else 0
