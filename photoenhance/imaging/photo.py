"""A photo in memory: pixels, and all that must survive until it is a file again."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoenhance.imaging.formats import FormatName

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """What a file said about its picture, in the bytes in which it said so.

    A photo is upright, so its metadata is too: the orientation in EXIF and XMP says 1, sizes are
    those of the upright picture, thumbnails are gone.

    Attributes:
        exif: a TIFF block, without the `Exif` prefix that JPEG puts before it.
        xmp: an XML packet.
        extended_xmp: the JPEG segments that hold what did not fit into the first packet.
        iptc: IIM records.
        photoshop: Photoshop's image resources but IPTC and thumbnails, one behind the other, such
            as the copyright flag and the URL.
        dpi: pixels per inch, horizontal and vertical.
        comment: the comment of a JPEG.
        text: keywords and texts of a PNG.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    extended_xmp: tuple[bytes, ...] = ()
    iptc: bytes | None = None
    photoshop: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    text: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFormat:
    """How a file held its pixels, for a writer that wants to hold them likewise.

    Attributes:
        name: the file format.
        is_grey: one channel, which `Photo.pixels` holds three times.
        jpeg_tables: quantisation tables of 64 numbers each, in Pillow's order.
        jpeg_subsampling: as Pillow counts: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0.
        is_progressive: a JPEG in several scans.
        is_lossless: a WebP without loss.
        is_compressed: False for a TIFF that holds its pixels as they are.
        is_premultiplied: a TIFF whose colours are multiplied by alpha, as `Photo.pixels` are not.
    """

    name: FormatName
    is_grey: bool = False
    jpeg_tables: tuple[tuple[int, ...], ...] | None = None
    jpeg_subsampling: int | None = None
    is_progressive: bool = False
    is_lossless: bool = False
    is_compressed: bool = True
    is_premultiplied: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo, upright and in RGB.

    Attributes:
        pixels: `(H, W, 3)` uint8 or uint16 over their full range, in the space of `icc_profile`.
        alpha: `(H, W)`, same dtype, not multiplied into the pixels; or None.
        icc_profile: None is sRGB. May be a profile for grey if `format.is_grey`.
        metadata: what the file said about the picture.
        format: how the file held it.
        notes: what a user should know about how it was read, as sentences without a full stop.
        left_out: what the file holds and the photo does not, such as further pages: sentences like
            those of `notes`. A photo that has some is never replaced in place.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    icc_profile: bytes | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: StoredFormat = field(default_factory=lambda: StoredFormat("png"))
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
