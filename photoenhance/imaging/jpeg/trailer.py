"""What lies behind the picture of a JPEG: a video, further pictures, a camera maker's notes."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from photoenhance.imaging.jpeg import markers, mpf
from photoenhance.imaging.photo import Trailer

_PADDING = b"\0\xff"
_GAP = re.compile(b"\0*")
_VIDEO = b"ftyp"  # the name of the box by which an MP4 file begins
_GAIN_MAP = "the gain map (HDR)"
# Adobe's (Ultra HDR), ISO 21496-1's and Apple's.
_GAIN_MAPS = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"urn:iso:std:iso:ts:21496:-1",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole JPEG in a trailer.

    Attributes:
        start: where it begins in the trailer.
        end: where it ends there.
        is_preview: the first picture once more, smaller.
        is_gain_map: how much brighter a screen may show each part of the first picture.
    """

    start: int
    end: int
    is_preview: bool
    is_gain_map: bool


def read_trailer(file: bytes, end: int, index: markers.Segment | None) -> Trailer | None:
    """Return what lies in a file behind its picture; None where that is nothing of worth.

    Padding is nothing, and previews of the picture are dropped as thumbnails are.

    Args:
        file: the whole of it.
        end: of the first picture.
        index: the segment that holds the index of further pictures, if there is one.
    """
    data = file[end:]
    if not data.strip(_PADDING):
        return None
    trailer = Trailer(data, _own_index(index, end, len(data)) if index is not None else None)
    found = tuple(pictures(trailer))
    rest = _rest(data, found)
    holds = list(_of_pictures(found))
    if rest:
        holds.append("the video" if _VIDEO in rest else "what follows the picture")
    return replace(trailer, holds=tuple(holds)) if holds else None


def of_pictures(trailer: Trailer) -> tuple[str, ...]:
    """Return which of the things that a trailer holds are pictures."""
    return _of_pictures(tuple(pictures(trailer)))


def pictures(trailer: Trailer) -> Iterator[Picture]:
    """Find the pictures in a trailer: those that the index lists, or those at its beginning."""
    data = trailer.data
    if trailer.index is not None:
        for place in mpf.places(trailer.index)[1:]:
            end = place.start + place.length
            is_gain_map = _is_gain_map(data[place.start : end])
            yield Picture(place.start, end, place.is_preview, is_gain_map)
        return
    for start, end in _jpegs(data):
        yield Picture(start, end, is_preview=False, is_gain_map=_is_gain_map(data[start:end]))


def exchanged(trailer: Trailer, picture: Picture, new: bytes) -> Trailer | None:
    """Put another picture in the place of one, or take it out by putting nothing there."""
    data = trailer.data[: picture.start] + new + trailer.data[picture.end :]
    index = trailer.index
    if index is not None:
        index = mpf.replaced(index, picture.start, len(new))
    holds = trailer.holds if new else tuple(what for what in trailer.holds if what != _GAIN_MAP)
    return Trailer(data, index, holds) if holds else None


def _of_pictures(found: tuple[Picture, ...]) -> tuple[str, ...]:
    nouns = [_GAIN_MAP] if any(picture.is_gain_map for picture in found) else []
    count = sum(not picture.is_gain_map and not picture.is_preview for picture in found)
    if count:
        nouns.append("the second picture" if count == 1 else f"{count} further pictures")
    return tuple(nouns)


def _jpegs(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where JPEGs at the beginning begin and end, one behind the other."""
    start = 0
    while (end := markers.end_of(data, start)) is not None:
        yield start, end
        gap = _GAP.match(data, end)
        start = gap.end() if gap else end


def _own_index(segment: markers.Segment, end: int, length: int) -> bytes | None:
    """Return an index whose places count from the trailer's start; None if it cannot be right."""
    index = segment.data.removeprefix(mpf.SIGNATURE)
    try:
        index = mpf.moved(index, 0, segment.position + len(mpf.SIGNATURE) - end)
        listed = mpf.places(index)[1:]
    except (ValueError, struct.error):
        return None
    position = 0
    for place in sorted(listed, key=lambda place: place.start):
        if place.start < position or place.length < 0:
            return None
        position = place.start + place.length
    return index if position <= length else None


def _is_gain_map(picture: bytes) -> bool:
    return any(
        sign in segment.data
        for segment in markers.before_pixels(picture)
        for sign in _GAIN_MAPS
        if segment.marker in (markers.APP1, markers.APP2)
    )


def _rest(data: bytes, found: tuple[Picture, ...]) -> bytes:
    """Return what belongs to no picture and is no padding."""
    rest, position = b"", 0
    for picture in sorted(found, key=lambda picture: picture.start):
        rest += data[position : max(position, picture.start)].strip(_PADDING)
        position = max(position, picture.end)
    return rest + data[position:].strip(_PADDING)
