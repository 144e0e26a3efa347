"""The reader and the writer of JPEG: pixels by Pillow, what stands around them by ourselves."""

import io
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, BinaryIO

from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from photoenhance.errors import ImageError
from photoenhance.imaging import xmp
from photoenhance.imaging.damage import DAMAGE
from photoenhance.imaging.decode import Decoded, decode
from photoenhance.imaging.draft import Draft, check_size, label, sane_dpi
from photoenhance.imaging.formats import FORMATS
from photoenhance.imaging.jpeg import labels, markers, mpf
from photoenhance.imaging.jpeg.completeness import END, completed
from photoenhance.imaging.jpeg.trailer import Behind, Picture, exchanged, of_pictures, read_behind
from photoenhance.imaging.metadata import read_exif, upright_exif
from photoenhance.imaging.orientation import upright_size
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat, Trailer
from photoenhance.imaging.rows import OutputRows
from photoenhance.imaging.silence import silenced

_QUALITY = 95
_MAX_BYTES = 2 << 30
_BASELINE_LIMIT = 255  # of the numbers in quantisation tables
_SOI = b"\xff\xd8"
_CREDENTIALS = b"c2pa"


def read_jpeg(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a JPEG, or the first picture of a file that holds several."""
    image = JpegImageFile(stream)
    check_size(*image.size, max_pixels)
    file = _whole(stream)
    end = markers.end_of(file)
    read = labels.read_labels(markers.before_pixels(file))
    found = label(read.exif, read.metadata.xmp)
    image.info["icc_profile"] = read.icc_profile
    decoded, notes = _decoded(image, file, end, found.orientation)
    said = replace(
        read.metadata,
        dpi=sane_dpi(found.exif.dpi if found.exif else None) or sane_dpi(read.metadata.dpi),
    )
    behind = read_behind(file, end, read.index) if end is not None else Behind()
    said, behind, left_out = _upright_behind(said, behind, found.orientation, max_pixels)
    said = replace(said, trailer=behind.trailer)
    left_out += read.left_out
    if read.exif is not None and found.left_out:
        if found.orientation == 1:
            # What we do not understand, others may; the picture is as they knew it.
            said = replace(said, segments=(*labels.exif_segments(read.exif), *said.segments))
            notes += ("damaged EXIF was kept as it is",)
        else:
            left_out += found.left_out
    return Draft(
        decoded,
        _stored_format(image),
        found.exif,
        said,
        read.icc_profile,
        notes + behind.notes + _unchanged(said, behind),
        left_out,
    )


def write_jpeg(
    rows: OutputRows, said: Metadata, sink: BinaryIO, stored: StoredFormat, quality: int | None
) -> None:
    """Write a JPEG with all that its metadata say, and what lay behind the picture behind it.

    Args:
        rows: of the picture.
        said: what fits into a JPEG.
        sink: the file.
        stored: how to compress, where no quality is asked for.
        quality: 1 to 100, or None.
    """
    options: dict[str, Any] = {"subsampling": stored.jpeg_subsampling or 0}
    if quality is None and stored.jpeg_tables is not None:
        count = 1 if rows.channels == 1 else len(stored.jpeg_tables)
        options["qtables"] = [list(table) for table in stored.jpeg_tables[:count]]
    else:
        options["quality"] = quality or _QUALITY
    options |= {"progressive": stored.is_progressive, "icc_profile": rows.icc_profile}
    buffer = io.BytesIO()
    is_coarse = any(max(table) > _BASELINE_LIMIT for table in options.get("qtables", ()))
    with silenced() if is_coarse else nullcontext():  # libjpeg warns of such tables
        rows.image().save(buffer, "JPEG", **options)
    picture = buffer.getbuffer()
    jfif = 4 + int.from_bytes(picture[4:6], "big")  # ours stands for this one
    head = _SOI + labels.packed_labels(said)
    trailer = said.trailer or Trailer(b"")
    if trailer.index is not None:
        head += _packed_index(trailer.index, len(head), len(picture) - jfif)
    for part in (head, picture[jfif:], trailer.data):
        sink.write(part)


def _packed_index(index: bytes, position: int, behind: int) -> bytes:
    """Return the segment that lists the pictures behind the first one.

    Args:
        index: of a `Trailer`.
        position: of the segment in the file.
        behind: how many bytes of the first picture follow the segment.
    """
    size = len(markers.packed(markers.APP2, mpf.SIGNATURE + index))
    own_start = position + size - len(index)
    end = position + size + behind
    return markers.packed(markers.APP2, mpf.SIGNATURE + mpf.moved(index, end, end - own_start))


def _whole(stream: BinaryIO) -> bytes:
    size = stream.seek(0, io.SEEK_END)
    if size > _MAX_BYTES:
        raise ImageError(
            f"too large: a JPEG of {size:,} bytes, and the limit is {_MAX_BYTES:,}",
            hint="Cut off what follows the picture in the file.",
        )
    stream.seek(0)
    return stream.read()


def _decoded(
    image: JpegImageFile, file: bytes, end: int | None, orientation: int
) -> tuple[Decoded, tuple[str, ...]]:
    """Decode a picture, though its end marker may be missing where all pixels are there.

    Args:
        image: the picture.
        file: that holds it, with what follows.
        end: of the picture, None where it has none.
        orientation: of the picture, 1 to 8.
    """
    try:
        return decode(image, orientation), ()
    except OSError:
        whole = None if file.endswith(END, 0, end) else completed(file[:end])
        if whole is None:
            raise
    note = "the end marker is missing; all pixels are there"
    complete = JpegImageFile(io.BytesIO(whole))
    complete.info["icc_profile"] = image.info["icc_profile"]
    return decode(complete, orientation), (note,)


def _unchanged(said: Metadata, behind: Behind) -> tuple[str, ...]:
    """Tell what is in the file and cannot follow the picture that will be enhanced."""
    notes = []
    if others := of_pictures(behind.pictures):
        notes.append(f"only the first picture is enhanced, not {' and '.join(others)}")
    if any(_CREDENTIALS in data for _, data in said.segments):
        notes.append("content credentials (C2PA) do not hold for the enhanced photo")
    return tuple(notes)


def _upright_behind(
    said: Metadata, behind: Behind, orientation: int, max_pixels: int
) -> tuple[Metadata, Behind, tuple[str, ...]]:
    """Turn gain maps as their picture is turned, or take them out where that cannot be done.

    Source: Android's Ultra HDR Image Format 1.0: a gain map lies as the picture is stored. So do
    depth, mattes and the like, unless they say themselves how they lie.

    Returns:
        Metadata and what lies behind, both changed; and what `Photo` says was left out.
    """
    trailer = behind.trailer
    if trailer is None or orientation == 1:
        return said, behind, ()
    data = trailer.data
    left_out: tuple[str, ...] = ()
    maps = [each for each in behind.pictures if each.is_gain_map]
    others = (each for each in behind.pictures if not each.is_gain_map and not each.is_preview)
    if any(_own_orientation(data, each) is None for each in others):
        left_out += ("further pictures were not turned with the photo",)
    if not maps:
        return said, behind, left_out
    packet = said.xmp
    try:
        new = _turned_maps(data, maps, orientation, max_pixels)
    except (*DAMAGE, ImageError):
        segments = tuple(part for part in said.segments if not labels.is_of_gain_map(part))
        packet = xmp.without_gain_map(packet) if packet is not None else None
        left_out += ("the gain map (HDR), which is damaged, was left out",)
        said = replace(said, xmp=packet, segments=segments)
        return said, exchanged(behind, dict.fromkeys(maps, b"")), left_out
    if packet is not None:
        lengths = ((each, b'"%d"' % (each.end - each.start)) for each in maps)
        listed = next((each for each, length in lengths if length in packet), maps[0])
        packet = xmp.with_gain_map_length(packet, len(new[listed]))
    return replace(said, xmp=packet), exchanged(behind, new), left_out


def _own_orientation(data: bytes, picture: Picture) -> int | None:
    """Return the orientation that the EXIF of a picture in a trailer asks for."""
    read = labels.read_labels(markers.before_pixels(data, picture.start, picture.end))
    exif = read_exif(read.exif) if read.exif is not None else None
    return exif.orientation if exif is not None else None


def _turned_maps(
    data: bytes, maps: list[Picture], orientation: int, max_pixels: int
) -> dict[Picture, bytes]:
    """Return the gain maps of a trailer turned; `max_pixels` counts for all of them together."""
    new = {}
    for each in maps:
        file = data[each.start : each.end]
        width, height = JpegImageFile(io.BytesIO(file)).size
        check_size(width, height, max_pixels)
        max_pixels -= width * height
        new[each] = _turned(file, orientation)
    return new


def _turned(file: bytes, orientation: int) -> bytes:
    """Return a JPEG turned by another one's orientation; its segments stay."""
    image = JpegImageFile(io.BytesIO(file))
    read = labels.read_labels(markers.before_pixels(file))
    decoded = decode(image, orientation)
    exif = read_exif(read.exif) if read.exif is not None else None
    size = upright_size(*image.size, orientation)
    said = replace(read.metadata, exif=upright_exif(exif, *size, orientation) if exif else None)
    stored = _stored_format(image)
    photo = Photo(decoded.pixels, None, read.icc_profile, said, stored)
    sink = io.BytesIO()
    write_jpeg(OutputRows(photo, FORMATS["jpeg"]), said, sink, stored, None)
    return sink.getvalue()


def _stored_format(image: JpegImageFile) -> StoredFormat:
    """Note what a writer needs to compress as the file did."""
    is_grey, is_progressive = image.mode == "L", "progressive" in image.info
    kept = image.mode in ("L", "RGB") and image.info.get("adobe_transform") != 0
    components = [image.quantization.get(layer[3]) for layer in image.layer]
    if not kept or None in components or not components:
        return StoredFormat("jpeg", is_grey, is_progressive=is_progressive)
    tables = [tuple(int(n) for n in table) for table in components if table is not None]
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    sampling = get_sampling(image)
    return StoredFormat(
        "jpeg",
        is_grey,
        jpeg_tables=tuple(tables),
        jpeg_subsampling=sampling if sampling in (0, 1, 2) else None,
        is_progressive=is_progressive,
    )
