"""A photo halfway out of its file, and the checks that every format shares."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from PIL import Image

from photoenhance.errors import ImageError, UnsupportedError
from photoenhance.imaging.decode import Decoded
from photoenhance.imaging.metadata import ReadExif, read_exif, xmp_orientation
from photoenhance.imaging.photo import Metadata, StoredFormat


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Upright pixels, and metadata that still speaks of the picture as it was stored."""

    decoded: Decoded
    format: StoredFormat
    exif: ReadExif | None = None
    metadata: Metadata = field(default_factory=Metadata)
    icc_profile: bytes | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # as in `Photo`


@dataclass(frozen=True, slots=True)
class Label:
    """EXIF, XMP and the orientation that they ask for, EXIF first."""

    exif: ReadExif | None
    xmp: bytes | None
    orientation: int
    notes: tuple[str, ...]


def label(exif: bytes | None, xmp: bytes | str | None) -> Label:
    """Understand EXIF and XMP as a codec found them; damaged EXIF is left out with a note."""
    read = read_exif(exif) if exif else None
    packet = xmp.encode() if isinstance(xmp, str) else xmp
    asked = read.orientation if read else None
    if asked is None and packet:
        asked = xmp_orientation(packet)
    notes = ("damaged EXIF was left out",) if exif and read is None else ()
    return Label(read, packet or None, asked or 1, notes)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse an empty picture, and one with more pixels than allowed.

    Raises:
        ImageError: with the limit, and the option that raises it.
    """
    if width < 1 or height < 1:
        raise ImageError(f"damaged, a picture of {width}x{height} pixels")
    if width * height > max_pixels:
        raise ImageError(
            f"{width}x{height} is {width * height:,} pixels, and the limit is {max_pixels:,}",
            hint="If you trust the photo, raise the limit with --max-pixels.",
        )


def refuse_animation(image: Image.Image, frames: int) -> None:
    """Refuse a moving picture.

    Raises:
        UnsupportedError: there is more than one frame.
    """
    if frames > 1:
        raise UnsupportedError(
            f"an animation of {frames} frames, not a photo",
            hint=f"Save the frame that you want as a {image.format} of its own.",
        )


def sane_dpi(dpi: object) -> tuple[float, float] | None:
    """Return a resolution that can be true, or None."""
    if not isinstance(dpi, Iterable):
        return None
    numbers = [float(number) for number in dpi]
    if len(numbers) == 2 and all(math.isfinite(n) and 0.5 <= n < 65536 for n in numbers):
        return numbers[0], numbers[1]
    return None
