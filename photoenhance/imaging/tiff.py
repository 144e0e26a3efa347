"""The reader of TIFF: grey and RGB in 8 and 16 bits by itself, whatever else Pillow understands."""

from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import TiffImageFile

from photoenhance.errors import ImageError
from photoenhance.imaging import ifd, metadata
from photoenhance.imaging.decode import Decoded, decode, fill, rows_of
from photoenhance.imaging.draft import Draft, check_size, sane_dpi
from photoenhance.imaging.metadata import ReadExif, xmp_orientation
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.segments import ASSOCIATED, CODECS, OF_LIBTIFF, Layout, decode_segments
from photoenhance.imaging.silence import silenced

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 0x0100, 0x0101, 0x0102, 0x0103, 0x0106
_FILL_ORDER, _STRIPS, _STRIP_ROWS, _STRIP_BYTES = 0x010A, 0x0111, 0x0116, 0x0117
_CHANNELS, _X_DPI, _Y_DPI, _PLANAR, _DPI_UNIT = 0x0115, 0x011A, 0x011B, 0x011C, 0x0128
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT = 0x013D, 0x0142, 0x0143
_TILES, _TILE_BYTES, _EXTRA, _SAMPLE_FORMAT = 0x0144, 0x0145, 0x0152, 0x0153
_XMP, _IPTC, _PHOTOSHOP, _ICC, _DNG_VERSION = 0x02BC, 0x83BB, 0x8649, 0x8773, 0xC612
_MAX_PAGES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Page:
    """The first directory of a file, its numbers at hand."""

    tiff: ifd.TiffFile
    directory: ifd.Directory

    def numbers(self, tag: int, *default: int) -> tuple[int, ...]:
        """Return the whole numbers of a tag, or the default where there is no such tag."""
        entry = self.directory.entries.get(tag)
        return self.tiff.integers(entry) if entry is not None else default

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first number of a tag."""
        return self.numbers(tag, default)[0]

    def value(self, tag: int) -> bytes | None:
        """Return the bytes of a tag, None where there are none."""
        entry = self.directory.entries.get(tag)
        return entry.value if entry is not None and entry.value else None


def is_camera_raw(stream: BinaryIO) -> bool:
    """Tell a DNG, whose first page is a preview, from a TIFF."""
    tiff = ifd.TiffFile(stream)
    found = _DNG_VERSION in tiff.directory(tiff.first).entries
    stream.seek(0)
    return found


def read_tiff(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read the first page of a TIFF or BigTIFF."""
    tiff = ifd.TiffFile(stream)
    page = _Page(tiff, tiff.directory(tiff.first))
    check_size(page.number(_WIDTH), page.number(_HEIGHT), max_pixels)
    block = metadata.exif_of_tiff(tiff, page.directory)
    xmp = page.value(_XMP)
    asked = metadata.orientation_of(tiff, page.directory)
    orientation = asked or (xmp_orientation(xmp) if xmp else None) or 1
    layout = _layout(page, max_pixels)
    if layout is not None and layout.codec not in OF_LIBTIFF:
        decoded = decode_segments(tiff, layout, orientation)
    else:
        with silenced():
            if layout is not None:
                decoded = decode_segments(tiff, layout, orientation)
            else:
                decoded = _by_pillow(stream, page, orientation if asked is None else 1)
    said = Metadata(xmp=xmp, iptc=_iptc(page), dpi=_dpi(page))
    format_ = StoredFormat(
        "tiff",
        decoded.is_grey,
        is_compressed=page.number(_COMPRESSION, 1) != 1,
        is_premultiplied=layout is not None and layout.alpha == ASSOCIATED,
    )
    exif = ReadExif(block, None) if block is not None else None
    profile, more = page.value(_ICC), _other_pages(page)
    return Draft(decoded, format_, exif, said, profile, left_out=more, orientation=orientation)


def _layout(page: _Page, max_pixels: int) -> Layout | None:
    """Describe how the pixels lie in the file, or return None where that is left to Pillow."""
    bits, channels = set(page.numbers(_BITS, 1)), page.number(_CHANNELS, 1)
    photometric, codec = page.number(_PHOTOMETRIC, -1), page.number(_COMPRESSION, 1)
    colours = {0: 1, 1: 1, 2: 3}.get(photometric, 0)
    plain = (
        bits in ({8}, {16})
        and set(page.numbers(_SAMPLE_FORMAT, 1)) == {1}
        and colours <= channels <= 8
        and codec in CODECS
        and page.number(_PREDICTOR, 1) in (1, 2)
        and page.number(_FILL_ORDER, 1) == 1
    )
    if not plain or colours == 0:
        return None
    width, height = page.number(_WIDTH), page.number(_HEIGHT)
    is_tiled = _TILES in page.directory.entries
    if is_tiled:
        size = page.number(_TILE_WIDTH), page.number(_TILE_HEIGHT)
    else:
        size = width, min(page.number(_STRIP_ROWS, height), height)
    check_size(*size, max_pixels)
    extra = page.numbers(_EXTRA, 2 if channels == colours + 1 else 0)[0]
    return Layout(
        width=width,
        height=height,
        segment_width=size[0],
        segment_height=size[1],
        is_tiled=is_tiled,
        channels=channels,
        colours=colours,
        alpha=extra if channels > colours else 0,
        bytes_per_sample=max(bits) // 8,
        is_planar=page.number(_PLANAR, 1) == 2,
        is_inverted=photometric == 0,
        codec=codec,
        has_predictor=page.number(_PREDICTOR, 1) == 2,
        offsets=page.numbers(_TILES if is_tiled else _STRIPS),
        lengths=page.numbers(_TILE_BYTES if is_tiled else _STRIP_BYTES),
    )


def _by_pillow(stream: BinaryIO, page: _Page, orientation: int) -> Decoded:
    """Decode what we do not: palettes, CMYK, Lab, YCbCr, JPEG inside, odd bit depths.

    Pillow turns such pictures by their tag, so `orientation` is what only XMP asks for.
    """
    stream.seek(0)
    image = TiffImageFile(stream)
    bits = page.number(_BITS, 1)
    if image.mode != "I;16":
        return decode(image, orientation)
    if not 8 < bits < 16:
        raise ImageError(f"{bits} bits in this layout are not supported")
    image.load()
    top = 2**bits - 1

    def widened(strip: Any) -> NDArray[Any]:
        values = np.asarray(strip).astype(np.uint32)
        return ((values * 65535 + top // 2) // top).astype(np.uint16)

    rows = rows_of(image, widened)
    planes = fill(image.size, rows, orientation, channels=1, dtype=np.uint16)
    return Decoded(*planes, is_grey=True, notes=(f"{bits} bits were widened to 16",))


def _other_pages(page: _Page) -> tuple[str, ...]:
    """Count the pages that are left out."""
    seen: set[int] = set()
    following = page.directory.following
    while following and following not in seen and len(seen) < _MAX_PAGES:
        seen.add(following)
        try:
            following = page.tiff.directory(following).following
        except ValueError:
            break
    return (f"only the first of {len(seen) + 1} pages was used",) if seen else ()


def _dpi(page: _Page) -> tuple[float, float] | None:
    unit = {2: 1.0, 3: 2.54}.get(page.number(_DPI_UNIT, 2))
    found = [page.directory.entries.get(tag) for tag in (_X_DPI, _Y_DPI)]
    sides = []
    for entry in found:
        if unit is None or entry is None or entry.kind != ifd.RATIONAL or entry.count != 1:
            return None
        above, below = np.frombuffer(entry.value, page.tiff.order + "u4").tolist()
        sides.append(above / below * unit if below else 0.0)
    return sane_dpi(sides)


def _iptc(page: _Page) -> bytes | None:
    """Find IPTC records where they belong or, where they do not, among Photoshop's resources."""
    records = page.value(_IPTC)
    if records is not None and records.startswith(b"\x1c"):
        return records
    resources = page.value(_PHOTOSHOP)
    return metadata.iptc_of_photoshop(resources) if resources is not None else None
