"""The texts of a PNG file, and the profiles that ImageMagick and exiftool store as texts."""

import re
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from photoenhance.imaging.metadata import read_exif
from photoenhance.imaging.photo import Text
from photoenhance.imaging.photoshop import split_resources
from photoenhance.imaging.png.chunks import Chunk, unpacked

XMP_KEYWORD = "XML:com.adobe.xmp"
RAW_PROFILE = "Raw profile type "

TEXT_CHUNKS = frozenset([b"tEXt", b"zTXt", b"iTXt"])
_MAX_TEXT = 1 << 26  # of all texts together, unpacked
_MAX_NOTES = 16
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"  # before them in APP1 of a JPEG
_PROFILES = {
    "exif": "EXIF", "app1": "EXIF", "xmp": "XMP", "iptc": "IPTC", "8bim": "IPTC",
    "icc": "colour profile", "icm": "colour profile",
}  # fmt: skip
_STORED = re.compile(r"\s*\S[^\n]*\n\s*(\d{1,10})\s*\n([\s0-9a-fA-F]*)", re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """What a PNG's texts, and its chunk of EXIF, say.

    Attributes:
        exif: a block, perhaps a damaged one.
        xmp: an XML packet.
        iptc: IIM records.
        photoshop: the other resources that stand with them.
        icc_profile: one that is stored as a text.
        text: all other texts.
        unread: texts that are damaged, or beyond measure.
        notes: as in `Photo`.
        left_out: as in `Photo`.
    """

    exif: bytes | None
    xmp: bytes | None
    iptc: bytes | None
    photoshop: bytes | None
    icc_profile: bytes | None
    text: tuple[Text, ...]
    unread: tuple[Chunk, ...]
    notes: tuple[str, ...]
    left_out: tuple[str, ...]


def embedded(chunks: tuple[Chunk, ...]) -> Embedded:
    """Understand what stands in a PNG's texts; what is stored twice counts once."""
    texts, unread = read_texts(chunks)
    stored: dict[str, bytes] = {}
    plain, packets, damaged = [], [], []
    for text in texts:
        kind = _kind(text.keyword)
        if text.keyword == XMP_KEYWORD:
            packets.append(text.text.encode())
        elif kind not in _PROFILES:
            plain.append(text)
        elif (data := raw_profile(text.text)) is not None:
            stored.setdefault(kind, data)
        else:
            damaged.append(f"damaged {_PROFILES[kind]} was left out")
    app1 = stored.get("app1", b"")
    blocks = [data for name, data in chunks if name == b"eXIf"]
    blocks += [
        data for data in (stored.get("exif", b""), app1) if data and not data.startswith(_XMP)
    ]
    iptc, photoshop = _resources(stored)
    packets += [stored.get("xmp", b""), app1.removeprefix(_XMP) if app1.startswith(_XMP) else b""]
    return Embedded(
        exif=next((block for block in blocks if read_exif(block)), next(iter(blocks), None)),
        xmp=next(filter(None, packets), None),
        iptc=iptc,
        photoshop=photoshop,
        icc_profile=stored.get("icc") or stored.get("icm"),
        text=tuple(plain),
        unread=tuple(unread),
        notes=tuple(dict.fromkeys(_unread_note(data) for _, data in unread[:_MAX_NOTES])),
        left_out=tuple(damaged),
    )


def _unread_note(data: bytes) -> str:
    keyword = data.partition(b"\0")[0][:79].decode("latin-1")
    return f"the text {keyword!r} is damaged or too long: it was kept unread"


def _kind(keyword: str) -> str:
    """Return the kind of profile that a text stores, in small letters, or nothing."""
    start, kind = keyword[: len(RAW_PROFILE)], keyword[len(RAW_PROFILE) :]
    return kind.strip().lower() if start.lower() == RAW_PROFILE.lower() else ""


def _resources(stored: dict[str, bytes]) -> tuple[bytes | None, bytes | None]:
    """Return IPTC and Photoshop's other resources; ImageMagick stores the same under two names."""
    iptc = photoshop = None
    for data in (stored.get("iptc", b""), stored.get("8bim", b"")):
        records, others = split_resources(data) if data.startswith(b"8BIM") else (data, None)
        iptc, photoshop = iptc or records or None, photoshop or others
    return iptc, photoshop


def read_texts(chunks: Iterable[Chunk]) -> tuple[list[Text], list[Chunk]]:
    """Read the texts among a PNG's chunks; those that are damaged or beyond measure come back."""
    texts, unread, left = [], [], _MAX_TEXT
    for name, data in chunks:
        if name not in TEXT_CHUNKS:
            continue
        keyword, _, rest = data.partition(b"\0")
        try:
            text = _READERS[name](keyword.decode("latin-1"), rest, left)
        except ValueError:
            unread.append((name, data))
            continue
        left -= len(text.text)
        texts.append(text)
    return texts, unread


def raw_profile(text: str) -> bytes | None:
    """Return the bytes that a text holds in hexadecimal behind a name and their number.

    Returns:
        None where there are fewer than their number says; what follows them does not count.
    """
    found = _STORED.match(text)
    if found is None:
        return None
    size = int(found[1])
    digits = "".join(found[2].split())[: 2 * size]
    return bytes.fromhex(digits) if 0 < len(digits) == 2 * size else None


def text_chunk(said: Text) -> Chunk:
    """Return a text as tEXt or zTXt, which every reader knows, where those can hold it, else iTXt.

    A text is packed only where it was: readers set narrower limits to packed ones.
    """
    keyword = said.keyword.encode("latin-1", "replace") + b"\0"
    if not said.language and not said.translated:
        with suppress(UnicodeEncodeError):
            text = said.text.encode("latin-1")
            if said.is_packed:
                return b"zTXt", keyword + b"\0" + zlib.compress(text)
            return b"tEXt", keyword + text
    text = zlib.compress(said.text.encode()) if said.is_packed else said.text.encode()
    language = said.language.encode("latin-1", "replace") + b"\0"
    translated = said.translated.encode() + b"\0"
    return b"iTXt", keyword + bytes([said.is_packed, 0]) + language + translated + text


def _read_plain(keyword: str, rest: bytes, limit: int) -> Text:
    if len(rest) > limit:
        raise ValueError("too long")
    return Text(keyword, rest.decode("latin-1"))


def _read_packed(keyword: str, rest: bytes, limit: int) -> Text:
    text = unpacked(rest[:1], rest[1:], limit).decode("latin-1")
    return Text(keyword, text, is_packed=True)


def _read_international(keyword: str, rest: bytes, limit: int) -> Text:
    language, translated, text = rest[2:].split(b"\0", 2)
    is_packed = rest[:1] == b"\1"
    if is_packed:
        text = unpacked(rest[1:2], text, limit)
    if len(text) > limit:
        raise ValueError("too long")
    tag = language.decode("latin-1")
    return Text(keyword, text.decode(), tag, translated.decode(), is_packed)


_READERS = {b"tEXt": _read_plain, b"zTXt": _read_packed, b"iTXt": _read_international}
