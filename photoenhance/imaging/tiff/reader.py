"""The reader of TIFF and BigTIFF: one page and what is said of it."""

from dataclasses import replace
from typing import BinaryIO

import numpy as np

from photoenhance.imaging import ifd, metadata
from photoenhance.imaging.decode import Decoded
from photoenhance.imaging.draft import Draft, check_size, sane_dpi
from photoenhance.imaging.metadata import ReadExif, xmp_orientation
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.photoshop import split_resources
from photoenhance.imaging.tiff import tags
from photoenhance.imaging.tiff.layout import Samples
from photoenhance.imaging.tiff.pages import HEIGHT, WIDTH, Page, pages
from photoenhance.imaging.tiff.pixels import decode_page

_X_DPI, _Y_DPI, _DPI_UNIT = 0x011A, 0x011B, 0x0128
_XMP, _IPTC, _PHOTOSHOP, _ICC = 0x02BC, 0x83BB, 0x8649, 0x8773
_COLOUR_SPACE = (0x013E, 0x013F)  # white point and primaries
_LAYERS, _DNG_VERSION = 0x935C, 0xC612


def is_camera_raw(stream: BinaryIO) -> bool:
    """Tell a DNG, whose first page is a preview, from a TIFF."""
    tiff = ifd.TiffFile(stream)
    found = _DNG_VERSION in tiff.directory(tiff.first).entries
    stream.seek(0)
    return found


def pixels_in(stream: BinaryIO) -> int:
    """Count the pixels of the photo."""
    page = pages(ifd.TiffFile(stream)).photo
    return page.number(WIDTH) * page.number(HEIGHT)


def read_tiff(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read the photo of a TIFF or BigTIFF."""
    tiff = ifd.TiffFile(stream)
    found = pages(tiff)
    page = found.photo
    check_size(page.number(WIDTH), page.number(HEIGHT), max_pixels)
    xmp = page.value(_XMP)
    asked = metadata.orientation_of(tiff, page.directory)
    orientation = asked or (xmp_orientation(xmp) if xmp else None) or 1
    samples = Samples.of(page)
    decoded = decode_page(page, samples, max_pixels, orientation)
    exif = tags.exif_of_tiff(tiff, _as_decoded(page.directory, decoded))
    format_ = StoredFormat(
        "tiff",
        decoded.is_grey,
        is_compressed=samples.codec != 1,
        is_premultiplied=samples.is_premultiplied,
    )
    iptc, photoshop = _iptc_and_photoshop(page)
    return Draft(
        decoded,
        format_,
        ReadExif(exif.block, None) if exif.block is not None else None,
        Metadata(xmp=xmp, iptc=iptc, photoshop=photoshop, dpi=_dpi(page)),
        page.value(_ICC),
        notes=found.notes,
        left_out=found.left_out + exif.left_out + _layers(page),
        orientation=orientation,
    )


def _as_decoded(directory: ifd.Directory, decoded: Decoded) -> ifd.Directory:
    """Leave out what a directory says of colours that were converted to sRGB."""
    if not decoded.is_srgb:
        return directory
    said = {tag: e for tag, e in directory.entries.items() if tag not in _COLOUR_SPACE}
    return replace(directory, entries=said)


def _layers(page: Page) -> tuple[str, ...]:
    """Say that Photoshop's layers are left out, where a file has some."""
    return ("the layers of Photoshop were left out",) if page.value(_LAYERS) else ()


def _dpi(page: Page) -> tuple[float, float] | None:
    unit = {2: 1.0, 3: 2.54}.get(page.number(_DPI_UNIT, 2))
    found = [page.directory.entries.get(tag) for tag in (_X_DPI, _Y_DPI)]
    sides = []
    for entry in found:
        if unit is None or entry is None or entry.kind != ifd.RATIONAL or entry.count != 1:
            return None
        above, below = np.frombuffer(entry.value, page.tiff.order + "u4").tolist()
        sides.append(above / below * unit if below else 0.0)
    return sane_dpi(sides)


def _iptc_and_photoshop(page: Page) -> tuple[bytes | None, bytes | None]:
    """Return IPTC records and Photoshop's other resources; in either tag there may be IPTC."""
    iptc, photoshop = split_resources(page.value(_PHOTOSHOP) or b"")
    records = page.value(_IPTC)
    return (records if records is not None and records.startswith(b"\x1c") else iptc), photoshop
