"""The reader of TIFF and BigTIFF: one page and what is said of it."""

from typing import BinaryIO

import numpy as np

from photoenhance.imaging import ifd, metadata
from photoenhance.imaging.draft import Draft, check_size, sane_dpi
from photoenhance.imaging.metadata import ReadExif, xmp_orientation
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.tiffpages import HEIGHT, WIDTH, Page, pages
from photoenhance.imaging.tiffpixels import COMPRESSION, decode_page, is_premultiplied

_X_DPI, _Y_DPI, _DPI_UNIT = 0x011A, 0x011B, 0x0128
_XMP, _IPTC, _PHOTOSHOP, _ICC = 0x02BC, 0x83BB, 0x8649, 0x8773
_LAYERS, _DNG_VERSION = 0x935C, 0xC612


def is_camera_raw(stream: BinaryIO) -> bool:
    """Tell a DNG, whose first page is a preview, from a TIFF."""
    tiff = ifd.TiffFile(stream)
    found = _DNG_VERSION in tiff.directory(tiff.first).entries
    stream.seek(0)
    return found


def read_tiff(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read the photo of a TIFF or BigTIFF."""
    tiff = ifd.TiffFile(stream)
    found = pages(tiff)
    page = found.photo
    check_size(page.number(WIDTH), page.number(HEIGHT), max_pixels)
    block = metadata.exif_of_tiff(tiff, page.directory)
    xmp = page.value(_XMP)
    asked = metadata.orientation_of(tiff, page.directory)
    orientation = asked or (xmp_orientation(xmp) if xmp else None) or 1
    decoded = decode_page(page, max_pixels, orientation)
    format_ = StoredFormat(
        "tiff",
        decoded.is_grey,
        is_compressed=page.number(COMPRESSION, 1) != 1,
        is_premultiplied=is_premultiplied(page),
    )
    return Draft(
        decoded,
        format_,
        ReadExif(block, None) if block is not None else None,
        Metadata(xmp=xmp, iptc=_iptc(page), dpi=_dpi(page)),
        page.value(_ICC),
        notes=found.notes,
        left_out=found.left_out + _layers(page),
    )


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


def _iptc(page: Page) -> bytes | None:
    """Find IPTC records where they belong or, where they do not, among Photoshop's resources."""
    records = page.value(_IPTC)
    if records is not None and records.startswith(b"\x1c"):
        return records
    resources = page.value(_PHOTOSHOP)
    return metadata.iptc_of_photoshop(resources) if resources is not None else None
