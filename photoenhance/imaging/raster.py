"""The readers of JPEG, WebP and AVIF, over Pillow's decoders.

Pillow's classes are called one by one: `Image.open` would try dozens of formats that are no
photos, and has a limit of pixels of its own, for the whole process.
"""

import io
import struct
from typing import BinaryIO

from PIL import JpegImagePlugin
from PIL.AvifImagePlugin import AvifImageFile
from PIL.WebPImagePlugin import WebPImageFile

from photoenhance.imaging import iso, isocontent
from photoenhance.imaging.decode import decode
from photoenhance.imaging.draft import Draft, check_size, label, refuse_animation, sane_dpi
from photoenhance.imaging.photo import Metadata, StoredFormat

_MAX_CHUNKS = 256
_WEBP_CHUNKS = frozenset(
    [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "]
)
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"


def read_jpeg(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a JPEG, or the first picture of an MPO."""
    image = JpegImagePlugin.JpegImageFile(stream)
    check_size(*image.size, max_pixels)
    found = label(image.info.get("exif"), image.info.get("xmp"))
    more = ("only the first picture of the file was used (MPO)",) if "mp" in image.info else ()
    format_ = _jpeg_format(image)
    said = Metadata(
        xmp=found.xmp,
        extended_xmp=tuple(s for _, s in image.applist if s.startswith(_EXTENDED_XMP)),
        iptc=image.info.get("photoshop", {}).get(0x0404),
        dpi=sane_dpi(image.info.get("dpi")) if image.info.get("jfif_unit") else None,
        comment=image.info.get("comment"),
    )
    profile = image.info.get("icc_profile")
    decoded = decode(image, found.orientation)
    return Draft(decoded, format_, found.exif, said, profile, found.notes, left_out=more)


def read_webp(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a WebP that does not move."""
    chunks, left_out = _riff_chunks(stream)
    stream.seek(0)
    image = WebPImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    found = label(image.info.get("exif"), image.info.get("xmp"))
    return Draft(
        decode(image, found.orientation),
        StoredFormat("webp", is_lossless=b"VP8L" in chunks),
        found.exif,
        Metadata(xmp=found.xmp),
        image.info.get("icc_profile"),
        found.notes,
        left_out,
    )


def read_avif(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read an AVIF that does not move."""
    file = iso.parse(stream)
    stream.seek(0)
    image = AvifImageFile(stream)
    check_size(*image.size, max_pixels)
    refuse_animation(image, image.n_frames)
    profile, notes = isocontent.read_colours(file, image.info.get("icc_profile"))
    found = label(image.info.get("exif"), image.info.get("xmp"))
    depth = ("colours of more than 8 bits were read as 8 bits",) if isocontent.is_deep(file) else ()
    return Draft(
        decode(image, found.orientation),
        StoredFormat("avif"),
        found.exif,
        Metadata(xmp=found.xmp),
        profile,
        notes=found.notes + notes,
        left_out=depth + isocontent.left_out(file),
    )


def _jpeg_format(image: JpegImagePlugin.JpegImageFile) -> StoredFormat:
    """Note what a writer needs to compress as the file did."""
    is_grey, is_progressive = image.mode == "L", "progressive" in image.info
    kept = image.mode in ("L", "RGB") and image.info.get("adobe_transform") != 0
    components = [image.quantization.get(layer[3]) for layer in image.layer]
    if not kept or None in components or not components:
        return StoredFormat("jpeg", is_grey, is_progressive=is_progressive)
    tables = [tuple(int(n) for n in table) for table in components if table is not None]
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    sampling = JpegImagePlugin.get_sampling(image)
    return StoredFormat(
        "jpeg",
        is_grey,
        jpeg_tables=tuple(tables),
        jpeg_subsampling=sampling if sampling in (0, 1, 2) else None,
        is_progressive=is_progressive,
    )


def _riff_chunks(stream: BinaryIO) -> tuple[set[bytes], tuple[str, ...]]:
    """Name the chunks of a WebP, and say which of them, and what behind them, will be lost."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(4)
    end = min(8 + int.from_bytes(stream.read(4), "little"), size)
    names: set[bytes] = set()
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > end:
            break
        stream.seek(position)
        name, length = struct.unpack("<4sI", stream.read(8))
        names.add(name)
        position += 8 + length + length % 2
    unknown = ", ".join(sorted(repr(name)[2:-1].strip() for name in names - _WEBP_CHUNKS))
    notes = [f"parts of the WebP were left out ({unknown})"] if unknown else []
    stream.seek(end)
    if stream.read(1 << 16).strip(b"\0\t\n\r "):
        notes.append(f"{size - end:,} bytes behind the WebP's end were left out")
    return names, tuple(notes)
