"""Faces and other regions in XMP, turned as their picture is turned.

Sources: Metadata Working Group, Guidelines for Handling Image Metadata 2.0, "Image Regions": they
apply to the picture as it is stored, of the size that they name; Microsoft's People Tagging
schema; EXIF 2.3 in XMP (CIPA DC-010); IPTC Photo Metadata Standard, "Image Region".
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from photoenhance.imaging.orientation import TURNED, Point, upright_point, upright_rectangle
from photoenhance.imaging.xmp import elements, prefixes, with_each

_AREAS = ((b"http://ns.adobe.com/xmp/sType/Area#", b"stArea"),
          (b"http://ns.acdsee.com/sType/Area#", b"acdsee-stArea"))  # fmt: skip
_SIZES = ((b"http://ns.adobe.com/xap/1.0/sType/Dimensions#", b"stDim"),
          (b"http://ns.acdsee.com/sType/Dimensions#", b"acdsee-stDim"))  # fmt: skip
_MICROSOFT = b"http://ns.microsoft.com/photo/1.2/t/Region#"
_EXIF = b"http://ns.adobe.com/exif/1.0/"
_IPTC = b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

_AREA = rb"[\w.-]+:(?:Area|DLYArea|ALGArea)"  # the two others are ACDSee's
_APPLIED_TO = rb"[\w.-]+:AppliedToDimensions"
_LIST_ITEM = rb"rdf:li"
_LISTED = re.compile(rb"(<rdf:li>\s*)(\d+)")
_WHOLE = Decimal(1), Decimal(1)


@dataclass(frozen=True, slots=True)
class _Turn:
    """How a picture is turned upright.

    Attributes:
        stored: its width and height in pixels before that.
        orientation: 2 to 8.
    """

    stored: Point
    orientation: int

    @property
    def swaps_sides(self) -> bool:
        return self.orientation >= TURNED

    def point(self, x: Decimal, y: Decimal, *, is_relative: bool) -> Point:
        return upright_point((x, y), _WHOLE if is_relative else self.stored, self.orientation)

    def rectangle(self, sides: tuple[Decimal, ...], *, is_relative: bool) -> tuple[Decimal, ...]:
        x, y, width, height = sides
        whole = _WHOLE if is_relative else self.stored
        return upright_rectangle((x, y), (width, height), whole, self.orientation)


def upright_regions(xmp: bytes, stored: tuple[int, int], orientation: int) -> bytes:
    """Return the packet of a picture that was turned, its regions turned with it.

    Args:
        xmp: the packet.
        stored: width and height of the picture before it was turned.
        orientation: 1 to 8.
    """
    if orientation == 1:
        return xmp
    turn = _Turn((Decimal(stored[0]), Decimal(stored[1])), orientation)
    if not _are_upright(xmp, turn):
        area, size = _any_prefix(xmp, _AREAS), _any_prefix(xmp, _SIZES)
        xmp = with_each(xmp, _AREA, lambda part: _upright_area(part, area, turn))
        xmp = with_each(xmp, _APPLIED_TO, lambda part: _upright_size(part, size, turn))
        rectangle = _property(prefixes(xmp, _MICROSOFT, b"MPReg"), b"Rectangle", rb"[^\"'<>]*")
        xmp = rectangle.sub(lambda found: found[1] + _upright_list(found[2], turn), xmp)
    subject = rb"(?:%s):Subject(?:Area|Location)" % prefixes(xmp, _EXIF, b"exif")
    xmp = with_each(xmp, subject, lambda part: _upright_subject(part, turn))
    iptc = prefixes(xmp, _IPTC, b"Iptc4xmpExt")
    boundary = rb"(?:%s):RegionBoundary" % iptc
    return with_each(xmp, boundary, lambda part: _upright_boundary(part, iptc, turn))


def _are_upright(xmp: bytes, turn: _Turn) -> bool:
    """Tell whether regions name a size of the upright picture's shape, not of the stored one's."""
    size = _any_prefix(xmp, _SIZES)
    for start, end in elements(xmp, _APPLIED_TO):
        named = _numbers(xmp[start:end], size, b"w", b"h")
        if named is not None and turn.swaps_sides:
            width, height = turn.stored
            as_stored = abs(named[0] * height - named[1] * width)
            return as_stored > abs(named[0] * width - named[1] * height)
    return False


def _upright_area(part: bytes, prefix: bytes, turn: _Turn) -> bytes:
    """Turn a region given by its centre, and by width and height unless it is a point or circle."""
    centre, sides = _numbers(part, prefix, b"x", b"y"), _numbers(part, prefix, b"w", b"h")
    is_relative = re.search(rb":unit\s*(?:=\s*[\"']|>)\s*pixel", part) is None
    if centre is not None:
        part = _with(part, prefix, (b"x", b"y"), turn.point(*centre, is_relative=is_relative))
    if sides is not None and turn.swaps_sides:
        part = _with(part, prefix, (b"w", b"h"), sides[::-1])
    return part


def _upright_size(part: bytes, prefix: bytes, turn: _Turn) -> bytes:
    sides = _numbers(part, prefix, b"w", b"h")
    return _with(part, prefix, (b"w", b"h"), sides[::-1]) if sides and turn.swaps_sides else part


def _upright_list(text: bytes, turn: _Turn) -> bytes:
    """Turn Microsoft's "x, y, width, height"; what is no such list stays."""
    try:
        sides = [Decimal(number.decode()) for number in text.split(b",")]
    except (InvalidOperation, UnicodeDecodeError):
        return text
    if len(sides) != 4:
        return text
    return b", ".join(map(_packed, turn.rectangle(tuple(sides), is_relative=True)))


def _upright_subject(part: bytes, turn: _Turn) -> bytes:
    """Turn EXIF's list: the centre in pixels, then nothing, a diameter, or width and height."""
    numbers = [Decimal(found[2].decode()) for found in _LISTED.finditer(part)]
    if not 2 <= len(numbers) <= 4:
        return part
    sides = numbers[:1:-1] if turn.swaps_sides else numbers[2:]
    changed = iter([*turn.point(*numbers[:2], is_relative=False), *sides])
    return _LISTED.sub(lambda found: found[1] + _packed(next(changed)), part)


def _upright_boundary(part: bytes, prefix: bytes, turn: _Turn) -> bytes:
    """Turn IPTC's rectangle, circle or polygon."""
    is_relative = re.search(rb":rbUnit\s*(?:=\s*[\"']|>)\s*pixel", part) is None
    sides = _numbers(part, prefix, b"rbX", b"rbY", b"rbW", b"rbH")
    if sides is not None:
        names = (b"rbX", b"rbY", b"rbW", b"rbH")
        return _with(part, prefix, names, turn.rectangle(sides, is_relative=is_relative))
    radius = _numbers(part, prefix, b"rbRx")
    if radius is not None and is_relative and turn.swaps_sides:  # to the picture's width
        part = _with(
            part, prefix, (b"rbRx",), (round(radius[0] * turn.stored[0] / turn.stored[1], 6),)
        )

    def upright(point: bytes) -> bytes:
        found = _numbers(point, prefix, b"rbX", b"rbY")
        if found is None:
            return point
        return _with(point, prefix, (b"rbX", b"rbY"), turn.point(*found, is_relative=is_relative))

    return upright(part) if radius is not None else with_each(part, _LIST_ITEM, upright)


def _any_prefix(xmp: bytes, namespaces: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"|".join(prefixes(xmp, namespace, usual) for namespace, usual in namespaces)


def _property(prefix: bytes, name: bytes, value: bytes = rb"[-+.\deE]+") -> re.Pattern[bytes]:
    """Find a property, attribute or element: what stands before its value, and the value."""
    return re.compile(rb"((?:%s):%s(?:\s*=\s*[\"']|\s*>)\s*)(%s)" % (prefix, name, value))


def _numbers(part: bytes, prefix: bytes, *names: bytes) -> tuple[Decimal, ...] | None:
    """Return the numbers that properties hold; None unless all are there."""
    found = [_property(prefix, name).search(part) for name in names]
    try:
        return tuple(Decimal(each[2].decode()) for each in found if each) if all(found) else None
    except InvalidOperation:
        return None


def _with(
    part: bytes, prefix: bytes, names: tuple[bytes, ...], values: tuple[Decimal, ...]
) -> bytes:
    for name, value in zip(names, values, strict=True):
        part = _property(prefix, name).sub(rb"\g<1>%s" % _packed(value), part)
    return part


def _packed(number: Decimal) -> bytes:
    return format(max(number, Decimal(0)), "f").encode()
