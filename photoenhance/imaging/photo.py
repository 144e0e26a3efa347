"""A photo in memory: pixels, and all that must survive until it is a file again."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoenhance.imaging.formats import FormatName

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a PNG; several may have one keyword.

    Attributes:
        keyword: such as `Author`, in Latin-1.
        text: may have several lines.
        language: a tag such as `de-CH`, or empty where the file names none.
        translated: the keyword in that language, or empty.
        is_packed: the file holds it compressed.
    """

    keyword: str
    text: str
    language: str = ""
    translated: str = ""
    is_packed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Trailer:
    """What lies behind the picture of a JPEG, such as a motion photo's video or a gain map.

    Attributes:
        data: from the picture's end to the file's.
        index: lists the pictures in it (CIPA's MPF), with places that count from its own start;
            None where there is no such list.
        holds: what there is, as nouns for messages.
    """

    data: bytes
    index: bytes | None = None
    holds: tuple[str, ...] = ()


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
        density: what a JPEG itself says of that: unit (0 none, then only the pixels' shape counts;
            1 inch, 2 centimetre), horizontal and vertical pixels in one.
        comments: of a JPEG.
        segments: a JPEG's application segments that nobody here understands, such as a thermal
            camera's: the byte of the marker, and the data.
        trailer: what lies behind the picture of a JPEG.
        text: the texts of a PNG, in its order.
        chunks: further chunks of a PNG, name and data, that hold for any picture in its place.
    """

    exif: bytes | None = None
    xmp: bytes | None = None
    extended_xmp: tuple[bytes, ...] = ()
    iptc: bytes | None = None
    photoshop: bytes | None = None
    dpi: tuple[float, float] | None = None
    density: tuple[int, int, int] | None = None
    comments: tuple[bytes, ...] = ()
    segments: tuple[tuple[int, bytes], ...] = ()
    trailer: Trailer | None = None
    text: tuple[Text, ...] = ()
    chunks: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def shape(self) -> tuple[int, int] | None:
        """How many pixels lie side by side where as many lie one below the other, if not as many.

        None where the pixels are square, or `dpi` tells it.
        """
        if self.density is None or self.density[0] != 0 or self.density[1] == self.density[2]:
            return None
        return self.density[1:]


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
