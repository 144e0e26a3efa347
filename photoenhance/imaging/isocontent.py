"""What AVIF and HEIF files say of their photo's colours, and what they hold besides it."""

import struct
from collections.abc import Iterator

from photoenhance.imaging import cicp
from photoenhance.imaging.iso import IsoFile

_CODED = frozenset([b"av01", b"hvc1", b"hvc2", b"avc1", b"vvc1", b"jpeg", b"j2k1", b"unci"])
_DERIVED = frozenset([b"grid", b"iovl", b"iden"])
_GAIN_MAP = b"tmap"
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_DEPTH = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth", b"urn:mpeg:hevc:2015:auxid:2")
_APPLE_GAIN_MAP = b"urn:com:apple:photo:2020:aux:hdrgainmap"
_XMP = b"application/rdf+xml"

_MAX_NAMES = 8
_USUAL = frozenset([b"ftyp", b"styp", b"meta", b"mdat", b"free", b"skip", b"wide"])
_CREDENTIALS = b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_GAIN_MAP_NOTE = "the gain map, by which screens show the photo in HDR, was left out"
# By what is mirrored (nothing; top and bottom; left and right), then by quarters of a turn.
_ORIENTATIONS = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}
_OUTER = {
    b"mpvd": "the video of a motion photo was left out",
    b"moov": "a sequence of pictures was left out",
    _CREDENTIALS: "content credentials (C2PA), which hold for the file as it was, were left out",
}


def read_colours(file: IsoFile, icc_profile: bytes | None) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the ICC profile that counts, None for sRGB, and notes.

    An ICC profile outranks code points, which are needed all the same to turn luma and chroma into
    RGB, so that many files have both.

    Raises:
        ImageError: HDR, or another kind of colours that cannot be honoured.
    """
    code = _code(file)
    if code is not None:
        cicp.refuse_hdr(code[1])
    if icc_profile or code is None:
        return icc_profile, ()
    primaries, transfer = code
    # Encoders of photos name the family of their matrix, and pixels are sRGB's all the same:
    # browsers show AVIF so, though not PNG.
    is_video = transfer in cicp.CAMERA_CURVES
    return cicp.profile_of(primaries, cicp.SRGB if is_video else transfer)


def orientation_of(file: IsoFile) -> int:
    """Return the orientation, as EXIF counts, by which the boxes turn the picture; 1 for none.

    Source: ISO/IEC 23008-12:2022, 6.5.10 (anticlockwise turns) and 6.5.12 (then mirrored).
    """
    quarter, mirrored = 0, None
    for said in file.said_of(file.primary, b"irot"):
        quarter = said[0] & 3 if said else 0
    for said in file.said_of(file.primary, b"imir"):
        mirrored = said[0] & 1 if said else None
    return _ORIENTATIONS[mirrored][quarter]


def is_deep(file: IsoFile) -> bool:
    """Tell whether the photo has more than 8 bits, by the configuration of its AV1 codec."""
    return any(
        len(said) > 2 and said[2] & 0x40
        for number in _tree(file, file.primary)
        for said in file.said_of(number, b"av1C")
    )


def left_out(file: IsoFile) -> tuple[str, ...]:
    """Say what the file holds besides its main picture, that one's alpha and thumbnails."""
    notes = [*_of_boxes(file), *_of_pictures(file), *_of_metadata(file)]
    return tuple(dict.fromkeys(notes))


def _code(file: IsoFile) -> tuple[int, int] | None:
    """Return the code points of primaries and transfer, of the photo or of what it is made of."""
    for number in _tree(file, file.primary):
        for said in file.said_of(number, b"colr"):
            if said[:4] == b"nclx" and len(said) >= 8:
                primaries, transfer = struct.unpack_from(">HH", said, 4)
                return primaries, transfer
    return None


def _tree(file: IsoFile, number: int) -> dict[int, None]:
    """Return an item and all that it is derived from, such as the tiles of a grid, in order."""
    found, waiting = {number: None}, [number]
    while waiting:
        parts = file.references.get((b"dimg", waiting.pop()), ())
        fresh = dict.fromkeys(part for part in parts if part not in found)
        found |= fresh
        waiting += fresh
    return found


def _of_boxes(file: IsoFile) -> Iterator[str]:
    others: dict[str, None] = {}
    for box in file.outer:
        name = box[:4].decode("latin-1")
        if box in _OUTER:
            yield _OUTER[box]
        elif box not in _USUAL:
            others[name if name.isprintable() else "data of no kind"] = None
    if others:
        yield f"parts of the file were left out ({', '.join(list(others)[:_MAX_NAMES])})"


def _of_pictures(file: IsoFile) -> Iterator[str]:
    photo = _tree(file, file.primary)
    known = set(photo)
    for number, item in file.items.items():
        if item.kind == _GAIN_MAP:
            known.add(number)
            yield _GAIN_MAP_NOTE
    for (kind, number), targets in file.references.items():
        if kind in (b"auxl", b"thmb"):
            known.add(number)
        elif kind == b"dimg":
            known.update(targets)
        if kind == b"auxl" and not photo.keys().isdisjoint(targets):
            yield from _of_auxiliary(file, number)
    if any(
        item.kind in _CODED | _DERIVED and not item.is_hidden
        for number, item in file.items.items()
        if number not in known
    ):
        yield "only the main picture of the file was used"


def _of_auxiliary(file: IsoFile, number: int) -> Iterator[str]:
    names = [said[4:].split(b"\0")[0] for said in file.said_of(number, b"auxC")]
    name = names[0] if names else b""
    if name in _DEPTH:
        yield "the depth map was left out"
    elif name == _APPLE_GAIN_MAP:
        yield _GAIN_MAP_NOTE
    elif name not in _ALPHA:
        yield f"an auxiliary picture was left out ({name.decode('latin-1')})"


def _of_metadata(file: IsoFile) -> Iterator[str]:
    photo = _tree(file, file.primary)
    for number, item in file.items.items():
        described = file.references.get((b"cdsc", number), (file.primary,))
        is_of_others = photo.keys().isdisjoint(described)
        if not is_of_others and item.kind in (b"mime", b"uri ") and item.content_type != _XMP:
            kind = item.content_type.decode("latin-1") or "uri"
            yield f"metadata of another kind was left out ({kind})"
