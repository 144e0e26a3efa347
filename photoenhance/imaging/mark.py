"""The mark of a result: what made it and of what, in the photo's own XMP packet.

It is one `rdf:Description` of ours beside those of the packet, in which no byte changes. A file
thus says itself that it is a result, wherever it goes, and programs that know IPTC's digital
source type show that an algorithm has enhanced it.
"""

import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape, unescape

from photoenhance.imaging.formats import FORMATS, FormatName

NAMESPACE = "urn:photoenhance:result:1/"
CONTACT_SHEET = b"photoenhance contact sheet"  # in the XMP of each of its pages
LONGEST_IN_JPEG = 65_502  # bytes of a packet that one segment holds beside its signature

# Source: https://cv.iptc.org/newscodes/digitalsourcetype/
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EMPTY_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    f'<rdf:RDF xmlns:rdf="{_RDF}">\n'
    "</rdf:RDF>\n</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()

_END = re.compile(rb"</([A-Za-z_][\w.-]*):RDF\s*>")
_OURS = re.compile(
    rb"<[\w.-]+:Description [\w.-]+:about=\"\" xmlns:photoenhance=\"%s\"[^<>]*/>\n?"
    % re.escape(NAMESPACE.encode())
)
_DECLARED = re.compile(rb"xmlns:([\w.-]+)\s*=\s*[\"']%s[\"']" % re.escape(NAMESPACE.encode()))
_START_OF_SCAN, _ALONE = 0xDA, (0x00, 0x01, *range(0xD0, 0xDA), 0xFF)  # markers of JPEG
_PIECE, _REACH = 1 << 20, 1 << 16  # bytes read at once, and around a mark that was found
_QUOTES = {'"': "&quot;"}
_UNQUOTES = {"&quot;": '"', "&apos;": "'"}


_UNSEALED = "0" * 64
_SEAL = re.compile(rb"(:ContentSHA256=[\"'])([0-9a-f]{64})(?=[\"'])")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Mark:
    """What made a result.

    Attributes:
        model: its name, without the folder of a file.
        weights_sha256: of the model's file, in hexadecimal.
        fingerprint: of the model and all settings, as the journal knows it.
        settings: the same for people, such as "strength 0.6, fp32".
        source_sha256: of the file that was enhanced.
        version: of photoenhance.
        content_sha256: of the file, with this number's own digits as zeros: it shows whether
            somebody has changed the file since.
    """

    model: str
    weights_sha256: str
    fingerprint: str
    settings: str
    source_sha256: str
    version: str
    content_sha256: str = _UNSEALED

    def words(self) -> str:
        """Return model and settings as a sentence names them."""
        return f"{self.model}, {self.settings}" if self.settings else self.model


_NAMES = {
    "model": "Model",
    "weights_sha256": "WeightsSHA256",
    "fingerprint": "Fingerprint",
    "settings": "Settings",
    "source_sha256": "SourceSHA256",
    "version": "Version",
    "content_sha256": "ContentSHA256",
}


def marked(packet: bytes | None, mark: Mark, format_name: FormatName) -> bytes | None:
    """Return an XMP packet with a mark in it, in the place of an older one if there is one.

    Args:
        packet: the photo's own; None makes one.
        mark: to be put in.
        format_name: of the file that the packet is for.

    Returns:
        The packet without a mark where it cannot take one: it is no UTF-8, is not understood, or
        would become too long; or where the format holds none.
    """
    if not FORMATS[format_name].has_metadata:
        return packet
    own = unmarked(packet)
    plain = own or _EMPTY_PACKET
    ends = [] if b"\0" in plain else list(_END.finditer(plain))
    if not ends:
        return own
    end = ends[-1]
    description = _description(mark, end[1].decode(), with_type=b":DigitalSourceType" not in plain)
    whole = plain[: end.start()] + description + plain[end.start() :]
    if format_name == "jpeg" and len(whole) > LONGEST_IN_JPEG:
        return own
    return whole


def unmarked(packet: bytes | None) -> bytes | None:
    """Return a packet without a mark of ours, whoever has rewritten it since."""
    packet = _OURS.sub(b"", packet) if packet else None
    declared = _DECLARED.search(packet) if packet else None
    if packet is None or declared is None:
        return packet
    prefix = re.escape(declared[1])
    packet = re.sub(rb"\s+%s:\w+\s*=\s*(?:\"[^\"]*\"|'[^']*')" % prefix, b"", packet)
    return re.sub(rb"<%s:(\w+)\s*>[^<]*</%s:\1\s*>\s*" % (prefix, prefix), b"", packet)


def mark_in(data: bytes) -> Mark | None:
    """Find the mark in the bytes of a packet, or of a whole file."""
    for found in _DECLARED.finditer(data):
        around = data[max(0, found.start() - _REACH) : found.end() + _REACH]
        values = {field: _value(around, found[1], name) for field, name in _NAMES.items()}
        if values["fingerprint"]:
            return Mark(**{field: value or "" for field, value in values.items()})
    return None


def read_mark(file: Path) -> Mark | None:
    """Find the mark in a file of any format; None where there is none, or no such file.

    XMP stands in files as it is, so its text can be looked for. Nothing is decoded.
    """
    try:
        if not file.is_file():  # a named pipe can be read only once
            return None
        with file.open("rb") as stream:
            return _searched(stream, _end_of_labels(stream))
    except OSError:
        return None


def is_contact_sheet(file: Path) -> bool:
    """Whether a file says that it is a page of a contact sheet of ours."""
    try:
        if not file.is_file():
            return False
        with file.open("rb") as stream:
            end = _end_of_labels(stream)
            return any(True for _ in _places(stream, CONTACT_SHEET, end))
    except OSError:
        return False


def sealed(data: bytes) -> bytes:
    """Return a whole file whose mark says what its content is; one without a mark as it is."""
    found = _SEAL.search(data)
    if found is None:
        return data
    digest = hashlib.sha256(_with_seal(data, found, _UNSEALED.encode())).hexdigest()
    return _with_seal(data, found, digest.encode())


def is_untouched(file: Path) -> bool:
    """Tell whether a result is byte for byte what was written, by its mark."""
    try:
        data = file.read_bytes()
    except OSError:
        return False
    found = _SEAL.search(data)
    return found is not None and sealed(data) == data


def _with_seal(data: bytes, found: re.Match[bytes], digits: bytes) -> bytes:
    """Exchange the digits of a seal, and in a PNG the checksum of the chunk that they stand in."""
    changed = bytearray(data)
    changed[found.start(2) : found.end(2)] = digits
    position = len(_PNG)
    while data.startswith(_PNG) and position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if found.start() < end:
            checksum = zlib.crc32(changed[position + 4 : end])
            changed[end : end + 4] = checksum.to_bytes(4, "big")
            break
        position = end + 4
    return bytes(changed)


def _searched(stream: BinaryIO, end: int) -> Mark | None:
    for place in _places(stream, NAMESPACE.encode(), end):
        stream.seek(max(0, place - _REACH))
        mark = mark_in(stream.read(2 * _REACH))
        if mark:
            return mark
    return None


def _places(stream: BinaryIO, text: bytes, end: int) -> Iterator[int]:
    """Find where a text stands before `end`, once a piece of the stream."""
    position, rest = 0, b""
    while position < end:
        stream.seek(position)
        piece = stream.read(min(_PIECE, end - position))
        if not piece:
            return
        place = (rest + piece).find(text)
        if place >= 0:
            yield position - len(rest) + place
        position += len(piece)
        rest = (rest + piece)[1 - len(text) :]


def _end_of_labels(stream: BinaryIO) -> int:
    """Return where a JPEG's pixels begin, before which its XMP stands; or where the file ends."""
    size, position = stream.seek(0, io.SEEK_END), 2
    stream.seek(0)
    if stream.read(2) != b"\xff\xd8":
        return size
    while position < size:
        stream.seek(position)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in _ALONE:
            return size  # fill bytes and worse: search all of it
        if head[1] == _START_OF_SCAN:
            return position
        position += 2 + int.from_bytes(head[2:], "big")
    return size


def _description(mark: Mark, rdf: str, *, with_type: bool) -> bytes:
    properties = {
        f"photoenhance:{_NAMES[each.name]}": getattr(mark, each.name) for each in fields(mark)
    }
    spaces = {"photoenhance": NAMESPACE}
    if with_type:
        spaces["Iptc4xmpExt"] = _IPTC
        properties["Iptc4xmpExt:DigitalSourceType"] = _SOURCE_TYPE
    parts = [f'xmlns:{prefix}="{name}"' for prefix, name in spaces.items()]
    parts += [f'{name}="{escape(_plain(value), _QUOTES)}"' for name, value in properties.items()]
    text = f'<{rdf}:Description {rdf}:about="" {" ".join(parts)}/>\n'
    return text.encode()


def _plain(text: str) -> str:
    """Return text without what XML cannot hold: control characters, and bytes of odd names."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _value(packet: bytes, prefix: bytes, name: str) -> str | None:
    names = (re.escape(prefix), name.encode())
    pattern = rb"[\s]%s:%s\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')" % names
    pattern += rb"|<%s:%s\s*>([^<]*)<" % names
    found = re.search(pattern, packet)
    if found is None:
        return None
    text = next(group for group in found.groups() if group is not None)
    return unescape(text.decode("utf-8", "replace"), _UNQUOTES)
