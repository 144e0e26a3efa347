"""What lies behind the picture of a JPEG: a video, further pictures, a camera maker's notes."""

import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from photoenhance.errors import ImageError
from photoenhance.imaging.jpeg import markers, mpf
from photoenhance.imaging.photo import Trailer

_PADDING = b"\0\xff"
_PADDINGS = re.compile(b"[\0\xff]*")
_GAP = re.compile(b"\0*")
_VIDEO = b"ftyp"  # the name of the box by which an MP4 file begins
_GAIN_MAP = "the gain map (HDR)"
_WRONG_INDEX = "the list of further pictures (MPF) is damaged: it was left out, they were kept"
_MAX_PICTURES = 256
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


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """What lies behind a picture.

    Attributes:
        trailer: None where there is nothing of worth.
        pictures: in the trailer, by their start.
        notes: as in `Photo`.
    """

    trailer: Trailer | None = None
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()


def read_behind(file: bytes, end: int, index: markers.Segment | None) -> Behind:
    """Find what lies in a file behind its picture.

    Padding is nothing, and previews of the picture are dropped as thumbnails are.

    Args:
        file: the whole of it.
        end: of the first picture.
        index: the segment that holds the index of further pictures, if there is one.
    """
    padding = _PADDINGS.match(file, end)
    if padding and padding.end() == len(file):
        return Behind()
    data = file[end:]
    own_index = _own_index(index, end, len(data)) if index is not None else None
    found = tuple(sorted(_pictures(data, own_index), key=lambda picture: picture.start))
    holds = list(of_pictures(found))
    if rest := _rest(data, found):
        holds.append("the video" if _VIDEO in rest else "what follows the picture")
    if not holds:
        return Behind()
    notes = (_WRONG_INDEX,) if index is not None and own_index is None else ()
    behind = Behind(Trailer(data, own_index, tuple(holds)), found, notes)
    return exchanged(behind, {picture: b"" for picture in found if picture.is_preview})


def exchanged(behind: Behind, new: dict[Picture, bytes]) -> Behind:
    """Put other pictures in the place of some, or take some out by putting nothing there."""
    trailer = behind.trailer
    if trailer is None or not new:
        return behind
    parts, kept = [], []
    position = grown = 0
    for picture in behind.pictures:
        put = new.get(picture)
        start, end = picture.start + grown, picture.end + grown
        if put is not None:
            parts += [trailer.data[position : picture.start], put]
            position = picture.end
            grown += len(put) - (picture.end - picture.start)
            end = start + len(put)
        if start < end:
            kept.append(replace(picture, start=start, end=end))
    parts.append(trailer.data[position:])
    has_gain_map = any(picture.is_gain_map for picture in kept)
    holds = tuple(what for what in trailer.holds if has_gain_map or what != _GAIN_MAP)
    if not holds:
        return Behind(notes=behind.notes)
    index = trailer.index
    if index is not None:
        index = mpf.replaced(index, {picture.start: len(put) for picture, put in new.items()})
    return Behind(Trailer(b"".join(parts), index, holds), tuple(kept), behind.notes)


def of_pictures(found: Iterable[Picture]) -> tuple[str, ...]:
    """Name pictures for a message, but for previews."""
    kinds = [picture.is_gain_map for picture in found if not picture.is_preview]
    nouns = [_GAIN_MAP] if any(kinds) else []
    if count := kinds.count(False):
        nouns.append("the second picture" if count == 1 else f"{count} further pictures")
    return tuple(nouns)


def _pictures(data: bytes, index: bytes | None) -> Iterator[Picture]:
    """Find the pictures in a trailer: those that the index lists, or those at its beginning.

    Of very many, only the first ones are found.
    """
    if index is None:
        for start, end in islice(_jpegs(data), _MAX_PICTURES):
            yield Picture(start, end, False, _is_gain_map(data, start, end))
        return
    for place in mpf.places(index)[1 : 1 + _MAX_PICTURES]:
        end = place.start + place.length
        is_gain_map = _is_gain_map(data, place.start, end)
        yield Picture(place.start, end, place.is_preview and not is_gain_map, is_gain_map)


def _jpegs(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where JPEGs at the beginning begin and end, one behind the other."""
    start = 0
    with suppress(ImageError):  # what is no photo may still lie there
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
        if place.start < position or place.length < 1:
            return None
        position = place.start + place.length
    return index if position <= length else None


def _is_gain_map(data: bytes, start: int, end: int) -> bool:
    return any(
        sign in segment.data
        for segment in markers.before_pixels(data, start, end)
        for sign in _GAIN_MAPS
        if segment.marker in (markers.APP1, markers.APP2)
    )


def _rest(data: bytes, found: tuple[Picture, ...]) -> bytes:
    """Return what belongs to no picture, which are found by their start, and is no padding."""
    rest, position = b"", 0
    for picture in found:
        rest += data[position : picture.start].strip(_PADDING)
        position = picture.end
    return rest + data[position:].strip(_PADDING)
