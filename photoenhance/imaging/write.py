"""Photos -> files: the format by the name's suffix, and never half a file."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from photoenhance.errors import ImageError
from photoenhance.imaging.atomic import replacing
from photoenhance.imaging.color import converter
from photoenhance.imaging.extras import write_heif
from photoenhance.imaging.formats import FORMATS, FileFormat, FormatName, writable
from photoenhance.imaging.metadata import photoshop_of_iptc, without_orientation
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat
from photoenhance.imaging.pngwriter import only_in_png, write_png
from photoenhance.imaging.rows import OutputRows
from photoenhance.imaging.tiffwriter import write_tiff

_QUALITY = 95
_AVIF_QUALITY = 90
_MAX_SEGMENT = 65533  # what a JPEG segment holds besides its length
_XMP_OVERHEAD = len(b"http://ns.adobe.com/xap/1.0/\0")


def write(
    photo: Photo, path: Path, *, quality: int | None = None, strip_metadata: bool = False
) -> None:
    """Write a photo in the format that the path's suffix names.

    The file appears whole or not at all; an existing one is replaced.

    Args:
        photo: what to write; its format says how, where the new format is the same.
        path: the new file.
        quality: 1 to 100 for JPEG, WebP and AVIF. None keeps a JPEG's own quantisation, else 95
            (AVIF: 90).
        strip_metadata: leave out everything but the ICC profile, which the colours need.

    Raises:
        ImageError: no such format, the photo does not fit into it, or the disk refused.
    """
    target = writable(path)
    try:
        data = encode(photo, target.name, quality=quality, strip_metadata=strip_metadata)
    except ImageError as error:
        raise ImageError(f"{path}: {error.message}", hint=error.hint) from error.__cause__
    with replacing(path) as file:
        file.write(data)


def encode(
    photo: Photo,
    format_name: FormatName,
    *,
    quality: int | None = None,
    strip_metadata: bool = False,
) -> bytes:
    """Return a photo as the bytes of a file; the arguments are those of `write`.

    Raises:
        ImageError: the format cannot be written, or the photo does not fit into it.
    """
    target = FORMATS[format_name]
    if not target.is_writable:
        raise ImageError(f"{format_name} cannot be written", hint="Add --format tiff or png.")
    _check(photo, target, quality)
    said = Metadata() if strip_metadata else photo.metadata
    job = _Job(photo.format, OutputRows(photo, target), said, quality)
    buffer = io.BytesIO()
    try:
        _ENCODERS[target.name](job, buffer)
    except (OSError, ValueError, SystemError, RuntimeError) as error:
        raise ImageError(f"cannot be encoded as {target.name}, {error}") from error
    return buffer.getvalue()


def losses(
    photo: Photo, format_name: FormatName, *, strip_metadata: bool = False
) -> tuple[str, ...]:
    """Say what a file of this format will lack of the file that the photo was read from.

    Args:
        photo: to be written.
        format_name: the format to write it in.
        strip_metadata: whether metadata are left out on purpose, which is no loss then.
    """
    target = FORMATS[format_name]
    said = Metadata() if strip_metadata else photo.metadata
    lost = {
        f"{format_name} holds no transparency: it was left out": (
            photo.alpha is not None and not target.has_alpha
        ),
        f"{format_name} is written in 8 bits, the photo has 16": (
            photo.pixels.dtype == np.uint16 and not target.has_16_bits
        ),
        "heif is written in 10 bits, the photo has 16": (
            photo.pixels.dtype == np.uint16 and format_name == "heif"
        ),
        f"{format_name} holds no metadata: it was left out": (
            not target.has_metadata and bool(said.exif or said.xmp or said.iptc)
        ),
        f"{format_name} is written without a colour profile: colours were converted to sRGB": (
            not target.has_metadata and converter(photo) is not None
        ),
        f"{format_name} holds no IPTC: it was left out": (
            said.iptc is not None and format_name in ("webp", "avif", "heif")
        ),
        f"{format_name} has no place for chunks of PNG ({only_in_png(said)}): they were left out": (
            format_name != "png" and only_in_png(said) != ""
        ),
        "EXIF or XMP is too long for JPEG and was left out": (
            format_name == "jpeg" and _fitting(said) != (said.exif, said.xmp)
        ),
    }
    return photo.left_out + tuple(note for note, is_lost in lost.items() if is_lost)


def _check(photo: Photo, target: FileFormat, quality: int | None) -> None:
    height, width = photo.pixels.shape[:2]
    if max(width, height) > target.max_side:
        raise ImageError(
            f"{width}x{height} is too large for {target.name}, which ends at {target.max_side}",
            hint="Write TIFF or PNG.",
        )
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality {quality} is not in 1..100")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What an encoder works from."""

    stored: StoredFormat
    rows: OutputRows
    said: Metadata
    quality: int | None

    def labels(self) -> dict[str, bytes]:
        """Return EXIF, XMP and profile as Pillow's writers of WebP and AVIF take them."""
        return {
            "exif": self.said.exif or b"",
            "xmp": self.said.xmp or b"",
            "icc_profile": self.rows.icc_profile or b"",
        }


def _jpeg(job: _Job, sink: BinaryIO) -> None:
    stored, said = job.stored, job.said
    options: dict[str, Any] = {"subsampling": stored.jpeg_subsampling or 0}
    if job.quality is None and stored.jpeg_tables is not None:
        count = 1 if job.rows.channels == 1 else len(stored.jpeg_tables)
        options["qtables"] = [list(table) for table in stored.jpeg_tables[:count]]
    else:
        options["quality"] = job.quality or _QUALITY
    extra = b"".join(_segment(0xE1, part) for part in said.extended_xmp)
    if said.iptc is not None:
        extra += _segment(0xED, b"Photoshop 3.0\0" + photoshop_of_iptc(said.iptc))
    exif, xmp = _fitting(said)
    if exif is not None:
        options["exif"] = b"Exif\0\0" + exif
    if said.dpi is not None:
        options["dpi"] = said.dpi
    if said.comment is not None:
        options["comment"] = said.comment
    job.rows.image().save(
        sink, "JPEG", progressive=stored.is_progressive, icc_profile=job.rows.icc_profile,
        xmp=xmp, extra=extra, **options,
    )  # fmt: skip


def _webp(job: _Job, sink: BinaryIO) -> None:
    is_lossless = job.stored.is_lossless and job.quality is None
    quality = job.quality or _QUALITY
    job.rows.image().save(
        sink, "WEBP", lossless=is_lossless, exact=True, quality=quality, **job.labels()
    )


def _avif(job: _Job, sink: BinaryIO) -> None:
    quality, labels = job.quality or _AVIF_QUALITY, job.labels()
    if labels["exif"]:
        # Pillow would take the orientation out itself and change the types of other tags by that.
        labels["exif"] = without_orientation(labels["exif"])
    job.rows.image().save(sink, "AVIF", subsampling="4:4:4", quality=quality, **labels)


def _heif(job: _Job, sink: BinaryIO) -> None:
    quality = job.quality or _AVIF_QUALITY
    rows = job.rows.rows(0, job.rows.size[1])
    write_heif(rows, sink, quality=quality, labels=job.labels())


def _bmp(job: _Job, sink: BinaryIO) -> None:
    options = {"dpi": job.said.dpi} if job.said.dpi is not None else {}
    job.rows.image().save(sink, "BMP", **options)


def _png(job: _Job, sink: BinaryIO) -> None:
    write_png(job.rows, job.said, sink)


def _tiff(job: _Job, sink: BinaryIO) -> None:
    write_tiff(job.rows, job.said, sink, job.stored)


_ENCODERS: dict[FormatName, Callable[[_Job, BinaryIO], None]] = {
    "jpeg": _jpeg,
    "png": _png,
    "tiff": _tiff,
    "webp": _webp,
    "avif": _avif,
    "heif": _heif,
    "bmp": _bmp,
}


def _segment(marker: int, data: bytes) -> bytes:
    """Return a JPEG segment, or nothing where it would be too long for one."""
    if len(data) > _MAX_SEGMENT:
        return b""
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


def _fitting(said: Metadata) -> tuple[bytes | None, bytes | None]:
    """Return EXIF and XMP as far as a JPEG segment each can hold them."""
    exif = said.exif if said.exif and len(said.exif) + 6 <= _MAX_SEGMENT else None
    xmp = said.xmp if said.xmp and len(said.xmp) + _XMP_OVERHEAD <= _MAX_SEGMENT else None
    return exif, xmp
