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
from photoenhance.imaging.jpeg.trailer import exchanged, of_pictures, pictures, read_trailer
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
        trailer=read_trailer(file, end, read.index) if end is not None else None,
    )
    said, left_out = _with_upright_gain_map(said, found.orientation, max_pixels)
    left_out += read.left_out
    if read.exif is not None and found.exif is None:
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
        notes + _unchanged(said),
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


def _unchanged(said: Metadata) -> tuple[str, ...]:
    """Tell what is in the file and cannot follow the picture that will be enhanced."""
    notes = []
    others = of_pictures(said.trailer) if said.trailer is not None else ()
    if others:
        notes.append(f"only the first picture is enhanced, not {' and '.join(others)}")
    if any(_CREDENTIALS in data for _, data in said.segments):
        notes.append("content credentials (C2PA) do not hold for the enhanced photo")
    return tuple(notes)


def _with_upright_gain_map(
    said: Metadata, orientation: int, max_pixels: int
) -> tuple[Metadata, tuple[str, ...]]:
    """Turn a gain map as its picture is turned, or take it out where that cannot be done.

    Source: Android's Ultra HDR Image Format 1.0: a gain map lies as the picture is stored.
    """
    trailer = said.trailer
    if trailer is None or orientation == 1:
        return said, ()
    found = next((each for each in pictures(trailer) if each.is_gain_map), None)
    if found is None:
        return said, ()
    try:
        new = _turned(trailer.data[found.start : found.end], orientation, max_pixels)
    except (*DAMAGE, ImageError):
        others = tuple(part for part in said.segments if not labels.is_of_gain_map(part))
        packet = xmp.without_gain_map(said.xmp) if said.xmp is not None else None
        trailer = exchanged(trailer, found, b"")
        left_out = ("the gain map (HDR), which is damaged, was left out",)
        return replace(said, xmp=packet, segments=others, trailer=trailer), left_out
    packet = xmp.with_gain_map_length(said.xmp, len(new)) if said.xmp is not None else None
    return replace(said, xmp=packet, trailer=exchanged(trailer, found, new)), ()


def _turned(file: bytes, orientation: int, max_pixels: int) -> bytes:
    """Return a JPEG turned by another one's orientation; its segments stay."""
    image = JpegImageFile(io.BytesIO(file))
    check_size(*image.size, max_pixels)
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
