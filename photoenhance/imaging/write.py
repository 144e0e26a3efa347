"""Photos -> files: the format by the name's suffix, and never half a file."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from photoenhance.errors import ImageError
from photoenhance.imaging import xmp
from photoenhance.imaging.atomic import replacing
from photoenhance.imaging.color import converter
from photoenhance.imaging.extras import write_heif
from photoenhance.imaging.formats import FORMATS, FileFormat, FormatName, writable
from photoenhance.imaging.jpeg.codec import write_jpeg
from photoenhance.imaging.jpeg.labels import fits, is_of_gain_map, names
from photoenhance.imaging.metadata import without_orientation
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat
from photoenhance.imaging.png.writer import only_in_png, write_png
from photoenhance.imaging.rows import OutputRows
from photoenhance.imaging.tiff.writer import write_tiff

_QUALITY = 95
_AVIF_QUALITY = 90


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
    said = _held(Metadata() if strip_metadata else photo.metadata, target.name)
    job = _Job(photo.format, OutputRows(photo, target), said, quality)
    buffer = io.BytesIO()
    try:
        _ENCODERS[target.name](job, buffer)
    except (OSError, ValueError, SystemError, RuntimeError, AttributeError, struct.error) as error:
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
    exif_fits, xmp_fits = fits(said)
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
        f"{format_name} is written without a colour profile: colours were converted to sRGB": (
            not target.has_metadata and converter(photo) is not None
        ),
        "EXIF is too long for JPEG and was left out": format_name == "jpeg" and not exif_fits,
        "XMP is too long for JPEG and was left out": format_name == "jpeg" and not xmp_fits,
    }
    notes = tuple(note for note, is_lost in lost.items() if is_lost)
    return photo.left_out + notes + _unheld(said, target) + _trailer_lost(photo, said, target)


def _unheld(said: Metadata, target: FileFormat) -> tuple[str, ...]:
    """Name the metadata that a format has no place for."""
    others = tuple(part for part in said.segments if not is_of_gain_map(part))
    kinds: tuple[tuple[str, Any, tuple[FormatName, ...]], ...] = (
        ("IPTC", said.iptc, ("jpeg", "png", "tiff")),
        ("extended XMP", said.extended_xmp, ("jpeg",)),
        ("resources of Photoshop", said.photoshop, ("jpeg", "png", "tiff")),
        ("comments", said.comments, ("jpeg",)),
        (f"application segments ({names(others)})", others, ("jpeg",)),
        ("pixel aspect", said.shape, ("jpeg",)),
        ("texts", said.text, ("png",)),
        (f"chunks of PNG ({only_in_png(said)})", only_in_png(said), ("png",)),
    )
    unheld = [kind for kind, found, holders in kinds if found and target.name not in holders]
    if not target.has_metadata and (unheld or said.exif or said.xmp):
        return (f"{target.name} holds no metadata: it was left out",)
    return tuple(f"{target.name} holds no {kind}: left out" for kind in unheld)


def _trailer_lost(photo: Photo, said: Metadata, target: FileFormat) -> tuple[str, ...]:
    """Name what lies behind the photo's picture: pictures and videos, which are no metadata."""
    trailer = photo.metadata.trailer
    if trailer is None or (target.name == "jpeg" and said.trailer is not None):
        return ()
    return tuple(f"not kept: {what}" for what in trailer.holds)


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
    write_jpeg(job.rows, job.said, sink, job.stored, job.quality)


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


def _held(said: Metadata, format_name: FormatName) -> Metadata:
    """Return the metadata that a format holds; none speaks of what is not in the file."""
    if format_name != "jpeg":
        said = replace(said, extended_xmp=(), comments=(), segments=(), trailer=None)
    packet = said.xmp
    if packet is not None and not said.extended_xmp:
        packet = xmp.without_extension(packet)
    if packet is not None and said.trailer is None:
        packet = xmp.without_trailer(packet)
    said = replace(said, xmp=packet)
    if format_name != "jpeg":
        return said
    exif_fits, xmp_fits = fits(said)
    return replace(said, exif=said.exif if exif_fits else None, xmp=packet if xmp_fits else None)
