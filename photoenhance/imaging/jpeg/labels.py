"""What the segments of a JPEG say of its picture <-> `Metadata`."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from photoenhance.imaging.jpeg import mpf
from photoenhance.imaging.jpeg.markers import (
    APP0,
    APP1,
    APP2,
    APP13,
    APP14,
    APPLICATION,
    COM,
    MAX_LENGTH,
    Segment,
    packed,
)
from photoenhance.imaging.photo import Metadata
from photoenhance.imaging.photoshop import joined_resources, split_resources

_ISO_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"

_JFIF, _EXIF = b"JFIF\0", b"Exif\0\0"
_XMP, _EXTENDED_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP, _ICC = b"Photoshop 3.0\0", b"ICC_PROFILE\0"
# Thumbnails and the coding of colours: the writer of pixels sees to these itself.
_OF_PIXELS = ((APP0, b"JFXX\0"), (APP14, b"Adobe"))
_UNDERSTOOD = (
    (APP0, _JFIF), (APP1, _EXIF), (APP1, _XMP), (APP1, _EXTENDED_XMP), (APP2, mpf.SIGNATURE),
    (APP2, _ICC), (APP13, _PHOTOSHOP),
)  # fmt: skip
_ONLY_ONCE = (_JFIF, _XMP, mpf.SIGNATURE)
_TIFF_STARTS = (b"II*\0", b"MM\0*")
_MAX_EXIF = 1 << 24  # in all; a writer splits it into segments
_INCH, _CENTIMETRE = 1, 2
_CM_PER_INCH = 2.54
_DAMAGED_PROFILE = "the colour profile is damaged and was left out: sRGB is assumed"
_NAME = re.compile(rb"[A-Za-z][\w .:/-]{2,40}")


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What segments say.

    Attributes:
        exif: as in `Metadata`, but of the picture as it is stored, as is `metadata`.
        index: the segment that lists further pictures.
        metadata: all but EXIF and what does not stand in segments.
        icc_profile: None where there is none, or not the whole of it.
        left_out: as in `Photo`.
    """

    exif: bytes | None
    index: Segment | None
    metadata: Metadata
    icc_profile: bytes | None
    left_out: tuple[str, ...]


def read_labels(segments: Iterable[Segment]) -> Labels:
    """Understand the segments before a JPEG's pixels; what is not understood is kept as it is."""
    found: defaultdict[bytes, list[Segment]] = defaultdict(list)
    comments, others = [], []
    for segment in segments:
        name = _name(segment)
        if segment.marker == COM:
            comments.append(segment.data)
        elif name is not None and not _is_second(name, segment, found[name]):
            found[name].append(segment)
        elif segment.marker in APPLICATION and not _is_any(segment, _OF_PIXELS):
            others.append((segment.marker, segment.data))
    exif, xmp, resources = (_joined(found[name], name) for name in (_EXIF, _XMP, _PHOTOSHOP))
    iptc, photoshop = split_resources(resources or b"")
    density = _density(found[_JFIF])
    said = Metadata(
        xmp=xmp,
        extended_xmp=tuple(segment.data for segment in found[_EXTENDED_XMP]),
        iptc=iptc,
        photoshop=photoshop,
        dpi=_dpi(density),
        density=density,
        comments=tuple(comments),
        segments=tuple(others),
    )
    profile = _profile(found[_ICC])
    left_out = (_DAMAGED_PROFILE,) if found[_ICC] and profile is None else ()
    return Labels(exif, next(iter(found[mpf.SIGNATURE]), None), said, profile, left_out)


def packed_labels(said: Metadata) -> bytes:
    """Return the segments that say what metadata say, but for an index of further pictures."""
    unit, horizontal, vertical = said.density or _density_of(said.dpi)
    density = bytes([unit]) + horizontal.to_bytes(2, "big") + vertical.to_bytes(2, "big")
    parts = [(APP0, _JFIF + b"\1\1" + density + b"\0\0")]
    if said.exif is not None:
        parts += exif_segments(said.exif)
    if said.xmp is not None:
        parts.append((APP1, _XMP + said.xmp))
    parts += [(APP1, part) for part in said.extended_xmp]
    parts += said.segments
    resources = joined_resources(said.iptc, said.photoshop)
    room = MAX_LENGTH - len(_PHOTOSHOP)
    cuts = range(0, len(resources), room)
    parts += [(APP13, _PHOTOSHOP + resources[cut : cut + room]) for cut in cuts]
    parts += [(COM, comment) for comment in said.comments]
    return b"".join(packed(marker, data) for marker, data in parts)


def exif_segments(exif: bytes) -> tuple[tuple[int, bytes], ...]:
    """Return the application segments that hold EXIF: several where it is too long for one."""
    cuts, room = [0], MAX_LENGTH - len(_EXIF)
    while (cut := cuts[-1] + room) < len(exif):
        # What begins as EXIF does would be taken for another one.
        cuts.append(cut - exif.startswith(_TIFF_STARTS, cut))
    ends = (*cuts[1:], len(exif))
    return tuple((APP1, _EXIF + exif[start:end]) for start, end in zip(cuts, ends, strict=True))


def fits(said: Metadata) -> tuple[bool, bool]:
    """Tell whether EXIF is short enough for a few segments, and XMP for one."""
    xmp = len(said.xmp or b"") + len(_XMP)
    return len(said.exif or b"") <= _MAX_EXIF, xmp <= MAX_LENGTH


def is_of_gain_map(segment: tuple[int, bytes]) -> bool:
    """Tell a segment that says nothing but that a gain map lies behind the picture."""
    return segment[1].startswith(_ISO_GAIN_MAP)


def names(segments: Iterable[tuple[int, bytes]]) -> str:
    """Name application segments for a message, as their makers do or by their number."""
    return ", ".join(dict.fromkeys(_called(segments)))


def _called(segments: Iterable[tuple[int, bytes]]) -> Iterator[str]:
    for marker, data in segments:
        found = _NAME.match(data)
        yield found[0].decode().strip() if found else f"APP{marker - APP0}"


def _name(segment: Segment) -> bytes | None:
    """Return the signature of a segment that we understand."""
    starts = (s for marker, s in _UNDERSTOOD if segment.marker == marker)
    return next((start for start in starts if segment.data.startswith(start)), None)


def _is_any(segment: Segment, kinds: tuple[tuple[int, bytes], ...]) -> bool:
    return any(segment.marker == marker and segment.data.startswith(s) for marker, s in kinds)


def _is_second(name: bytes, segment: Segment, before: list[Segment]) -> bool:
    """Tell a segment that goes on with nothing before it, but says something for a second time."""
    if name == _EXIF:
        return bool(before) and segment.data[len(_EXIF) :].startswith(_TIFF_STARTS)
    return bool(before) and name in _ONLY_ONCE


def _joined(segments: list[Segment], name: bytes) -> bytes | None:
    return b"".join(segment.data.removeprefix(name) for segment in segments) or None


def _profile(segments: list[Segment]) -> bytes | None:
    """Return an ICC profile from its numbered parts, or None unless each is there, and only once.

    A part that stands there twice alike is one. There are 255 parts at most.
    """
    parts: dict[int, bytes] = {}
    counts = set()
    for segment in segments:
        head, part = segment.data[len(_ICC) :][:2], segment.data[len(_ICC) + 2 :]
        if len(head) < 2 or parts.setdefault(head[0], part) != part:
            return None
        counts.add(head[1])
    if len(counts) != 1 or set(parts) != set(range(1, counts.pop() + 1)):
        return None
    return b"".join(parts[number] for number in sorted(parts)) or None


def _density(jfif: list[Segment]) -> tuple[int, int, int] | None:
    """Return JFIF's unit and resolution."""
    if not jfif or len(jfif[0].data) < 12:
        return None
    data = jfif[0].data
    return data[7], int.from_bytes(data[8:10], "big"), int.from_bytes(data[10:12], "big")


def _dpi(density: tuple[int, int, int] | None) -> tuple[float, float] | None:
    """Return a resolution in inches; None where it only tells the pixels' shape."""
    if density is None or density[0] not in (_INCH, _CENTIMETRE):
        return None
    factor = 1 if density[0] == _INCH else _CM_PER_INCH
    return density[1] * factor, density[2] * factor


def _density_of(dpi: tuple[float, float] | None) -> tuple[int, int, int]:
    """Return JFIF's unit and resolution, in the unit in which whole numbers are closer."""
    if dpi is None:
        return 0, 1, 1
    choices = []
    for unit, factor in ((_INCH, 1.0), (_CENTIMETRE, _CM_PER_INCH)):
        horizontal, vertical = (min(65535, max(1, round(each / factor))) for each in dpi)
        error = abs(horizontal * factor - dpi[0]) + abs(vertical * factor - dpi[1])
        choices.append((error, unit, horizontal, vertical))
    _, unit, horizontal, vertical = min(choices)
    return unit, horizontal, vertical
