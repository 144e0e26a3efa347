"""HEIF and camera raw, by packages that are not part of a plain install."""

from io import BytesIO
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from photoenhance.errors import ImageError, MissingExtraError
from photoenhance.imaging import ifd, iso, isocontent
from photoenhance.imaging.decode import Decoded, fill
from photoenhance.imaging.draft import Draft, check_size, label
from photoenhance.imaging.metadata import ReadExif
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.tiff import tags

_SRGB_CURVE = (2.4, 12.92)  # as LibRaw takes it: power, and slope at black


def read_heif(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read the main picture of a HEIF file.

    Raises:
        MissingExtraError: pillow-heif is not installed.
        ImageError: the picture is too large.
    """
    heif = _pillow_heif()
    content = iso.parse(stream)
    stream.seek(0)
    file = heif.open_heif(stream, convert_hdr_to_8bit=False)
    image = file[file.primary_index]
    width, height = image.size
    check_size(width, height, max_pixels)
    profile, notes = isocontent.read_colours(content, image.info.get("icc_profile"))
    found = label(image.info.get("exif"), image.info.get("xmp"))
    return Draft(
        _decoded_heif(image),
        StoredFormat("heif"),
        found.exif,
        Metadata(xmp=found.xmp),
        profile,
        notes=notes,
        left_out=found.left_out + isocontent.left_out(content),
        orientation=isocontent.orientation_of(content),
    )


def write_heif(
    rows: NDArray[Any], sink: BinaryIO, *, quality: int, labels: dict[str, bytes]
) -> None:
    """Write `(H, W, 3 or 4)` uint8, or uint16 of which 10 bits are kept, as HEIF.

    Raises:
        MissingExtraError: pillow-heif is not installed.
    """
    heif = _pillow_heif()
    height, width, channels = rows.shape
    mode = ("RGB" if channels == 3 else "RGBA") + (";16" if rows.dtype == np.uint16 else "")
    buffer = BytesIO()
    options = {name: value for name, value in labels.items() if value}
    heif.encode(mode, (width, height), rows.tobytes(), buffer, quality=quality, **options)
    sink.write(buffer.getbuffer())


def read_raw(stream: BinaryIO, max_pixels: int) -> Draft:
    """Develop a camera raw file into 16-bit sRGB, with the camera's white balance.

    Raises:
        MissingExtraError: rawpy is not installed.
        ImageError: the picture is too large.
    """
    try:
        import rawpy  # noqa: PLC0415
    except ImportError as error:
        raise _missing("camera raw", "raw") from error
    exif = _exif_of_raw(stream)
    stream.seek(0)
    try:
        with rawpy.imread(stream) as raw:
            check_size(raw.sizes.width, raw.sizes.height, max_pixels)
            pixels = raw.postprocess(
                output_bps=16, use_camera_wb=True, no_auto_bright=True, gamma=_SRGB_CURVE
            )
    except rawpy.LibRawFileUnsupportedError as error:
        raise ImageError("no camera raw that LibRaw knows, or a damaged one") from error
    except rawpy.LibRawError as error:
        raise ImageError("damaged, it cannot be developed") from error
    decoded = Decoded(pixels, None, notes=("camera raw was developed",))
    return Draft(decoded, StoredFormat("raw"), exif)


def opens_as_raw(stream: BinaryIO) -> bool:
    """Whether LibRaw knows a camera raw file by its head, and rawpy is there to ask it."""
    try:
        import rawpy  # noqa: PLC0415
    except ImportError:
        return False
    try:
        with rawpy.imread(stream) as raw:
            return bool(raw.sizes.width and raw.sizes.height)
    except rawpy.LibRawError:
        return False


def _decoded_heif(image: Any) -> Decoded:
    """Copy a picture that libheif has turned upright already."""
    stored = np.asarray(image)
    channels = stored.shape[2] if stored.ndim == 3 else 1
    bits = int(image.info.get("bit_depth", 16))

    def rows(top: int, bottom: int) -> NDArray[Any]:
        strip = stored[top:bottom]
        # pillow-heif leaves the low bits empty: white would not be white.
        return strip | (strip >> bits) if strip.dtype == np.uint16 else strip

    planes = fill(image.size, rows, 1, channels=channels, dtype=stored.dtype)
    return Decoded(*planes, is_grey=channels < 3)


def _exif_of_raw(stream: BinaryIO) -> ReadExif | None:
    """Gather EXIF from the raw formats that are TIFF files, which most are."""
    try:
        tiff = ifd.TiffFile(stream)
        block = tags.exif_of_tiff(tiff, tiff.directory(tiff.first)).block
    except ValueError:
        return None
    return ReadExif(block, None) if block is not None else None


def _pillow_heif() -> ModuleType:
    try:
        import pillow_heif  # noqa: PLC0415
    except ImportError as error:
        raise _missing("HEIF", "heif") from error
    return pillow_heif


def _missing(name: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"{name} is not supported by this installation",
        hint=f"pip install 'photoenhance[{extra}]'",
    )
