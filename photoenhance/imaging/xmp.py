"""What an XMP packet says of other parts of its file, taken back where those parts are gone.

Packets are changed where they stand and stay otherwise as they are, byte for byte.
"""

import re
from collections.abc import Callable, Iterator

_CAMERA = b"http://ns.google.com/photos/1.0/camera/"
_CONTAINER = b"http://ns.google.com/photos/1.0/container/"
_ITEM = b"http://ns.google.com/photos/1.0/container/item/"
_GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
_NOTE = b"http://ns.adobe.com/xmp/note/"

_VIDEO_NAMES = rb"(?:MotionPhoto|MicroVideo)\w*"
_LIST_ITEM = re.compile(rb"<rdf:li\b[^<>]*>")
_LIST_ITEM_END = b"</rdf:li>"


def without_trailer(xmp: bytes) -> bytes:
    """Return the packet of a JPEG that has nothing behind its picture: no video, no gain map.

    Source: Google's Motion Photo format 1.0 and Ultra HDR Image Format 1.0.
    """
    xmp = without(xmp, _CAMERA, _VIDEO_NAMES)
    xmp = without(xmp, _CONTAINER, rb"Directory")
    return without(xmp, _GAIN_MAP, rb"\w+")


def without_gain_map(xmp: bytes) -> bytes:
    """Return the packet of a JPEG whose gain map was taken out, but not what follows it."""
    xmp = without(xmp, _GAIN_MAP, rb"\w+")
    start, end = _item(xmp, b"GainMap")
    return xmp[:start] + xmp[end:]


def with_gain_map_length(xmp: bytes, length: int) -> bytes:
    """Return the packet of a JPEG whose gain map has another length in bytes."""
    start, end = _item(xmp, b"GainMap")
    names = rb"(?:%s):Length" % prefixes(xmp, _ITEM, b"Item")
    pattern = rb"(%s(?:\s*=\s*[\"']|>)\s*)\d+" % names
    return xmp[:start] + re.sub(pattern, rb"\g<1>%d" % length, xmp[start:end]) + xmp[end:]


def without_extension(xmp: bytes) -> bytes:
    """Return a packet that does not speak of a second one, as only JPEG has it."""
    return without(xmp, _NOTE, rb"HasExtendedXMP")


def without(xmp: bytes, namespace: bytes, names: bytes) -> bytes:
    """Return a packet without some properties, be they attributes or elements.

    Args:
        xmp: the packet.
        namespace: of the properties.
        names: a regular expression for their names.
    """
    found = prefixes(xmp, namespace)
    if not found:
        return xmp
    name = rb"(?:%s):(?:%s)" % (found, names)
    xmp = with_each(xmp, name, lambda _: b"")
    return re.sub(rb"\s%s\s*=\s*(?:\"[^\"]*\"|'[^']*')" % name, b"", xmp)


def with_each(xmp: bytes, name: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change each element whose name matches a regular expression, its tags included."""
    parts, position = [], 0
    for start, end in elements(xmp, name):
        parts += [xmp[position:start], change(xmp[start:end])]
        position = end
    return b"".join([*parts, xmp[position:]])


def elements(xmp: bytes, name: bytes) -> Iterator[tuple[int, int]]:
    """Yield where elements begin and end whose name matches a regular expression, outer ones only.

    One that is never closed ends the search.
    """
    position = 0
    for tag in re.finditer(rb"<(%s)(?=[\s/>])[^<>]*>" % name, xmp):
        if tag.start() < position:
            continue
        position = tag.end()
        if not tag[0].endswith(b"/>"):
            closing = re.compile(rb"</%s\s*>" % re.escape(tag[1])).search(xmp, position)
            if closing is None:
                return
            position = closing.end()
        yield tag.start(), position


def prefixes(xmp: bytes, namespace: bytes, usual: bytes = b"") -> bytes:
    """Return a regular expression for the prefixes that stand for a namespace in a packet.

    Args:
        xmp: the packet.
        namespace: its full name.
        usual: what is returned for a packet that declares none.
    """
    found = re.findall(rb"\sxmlns:([\w.-]+)\s*=\s*[\"']%s[\"']" % re.escape(namespace), xmp)
    return b"|".join(map(re.escape, dict.fromkeys(found))) or usual


def _item(xmp: bytes, semantic: bytes) -> tuple[int, int]:
    """Return where the list item of a part of the file begins and ends; twice 0 for none."""
    sign = re.compile(rb":Semantic(?:\s*=\s*[\"']|>)\s*%s\b" % semantic)
    for tag in _LIST_ITEM.finditer(xmp):
        end = tag.end()
        if not tag[0].endswith(b"/>"):
            end = xmp.find(_LIST_ITEM_END, end) + len(_LIST_ITEM_END)
        if sign.search(xmp, tag.start(), end):
            return tag.start(), end
    return 0, 0
