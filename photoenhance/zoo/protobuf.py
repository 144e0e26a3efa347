"""Protocol buffers, read field by field without a schema: enough for checkpoints' indexes and ONNX.

Source: https://protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator

MOST_FIELDS = 1000  # of a message
Value = int | memoryview


class MalformedError(ValueError):
    """Bytes that are no protocol buffer."""


def fields(data: memoryview, most: int = MOST_FIELDS) -> Iterator[tuple[int, Value]]:
    """Give each field's number and value, in the order of the bytes.

    A number comes as an unsigned integer, anything with a length as a view of its bytes: nothing
    is copied, so that a message can claim no more memory than it has bytes.

    Args:
        data: a message.
        most: of the fields that it may have.

    Raises:
        MalformedError: a field is cut off or of a kind that nobody writes any more, or there are
            too many.
    """
    position = count = 0
    while position < len(data):
        count += 1
        if count > most:
            raise MalformedError(f"a part of it has more than {most:,} fields")
        key, position = varint(data, position)
        kind = key & 7
        value: Value
        if kind == 0:
            value, position = varint(data, position)
        elif kind in (1, 2, 5):
            length = {1: 8, 5: 4}.get(kind, 0)
            if kind == 2:
                length, position = varint(data, position)
            if length > len(data) - position:
                raise MalformedError("a field is cut off")
            value = data[position : position + length]
            position += length
            if kind != 2:
                value = int.from_bytes(value, "little")
        else:
            raise MalformedError(f"a field is of the unknown kind {kind}")
        yield key >> 3, value


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """Read a number of variable length; return it and the position after it.

    Raises:
        MalformedError: it is cut off or longer than 64 bits.
    """
    value = 0
    for index in range(10):
        if position + index >= len(data):
            raise MalformedError("a number is cut off")
        byte = data[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, position + index + 1
    raise MalformedError("a number is too long")


def numbers(value: Value) -> list[int]:
    """The values of a field that may hold one number or many, packed."""
    if isinstance(value, int):
        return [value]
    found, position = [], 0
    while position < len(value):
        number, position = varint(value, position)
        found.append(number)
    return found


def integer(value: Value) -> int:
    """A field that must be a number.

    Raises:
        MalformedError: it is not.
    """
    if not isinstance(value, int):
        raise MalformedError("a field that should be a number is not")
    return value


def content(value: Value) -> memoryview:
    """A field that must be bytes, a text or a message.

    Raises:
        MalformedError: it is not.
    """
    if isinstance(value, int):
        raise MalformedError("a field that should have a length has none")
    return value


def text(value: Value) -> str:
    """A field that must be a text.

    Raises:
        MalformedError: it is not.
    """
    try:
        return str(content(value), "utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("a text is no UTF-8") from error
