"""A photo halfway out of its file, and the checks that every format shares."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from PIL import Image

from photoenhance.errors import ImageError, UnsupportedError
from photoenhance.imaging.decode import Decoded
from photoenhance.imaging.metadata import ReadExif, is_empty_exif, read_exif, xmp_orientation
from photoenhance.imaging.photo import Metadata, StoredFormat


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Upright pixels, and metadata that still speaks of the picture as it was stored.

    `orientation` is that by which the pixels were turned; None where EXIF or else XMP asks for it.
    """

    decoded: Decoded
    format: StoredFormat
    exif: ReadExif | None = None
    metadata: Metadata = field(default_factory=Metadata)
    icc_profile: bytes | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()  # as in `Photo`
    orientation: int | None = None

    def turned_by(self) -> int:
        """Return the orientation by which the pixels were turned, 1 to 8."""
        if self.orientation is not None:
            return self.orientation
        return asked_orientation(self.exif, self.metadata.xmp)


@dataclass(frozen=True, slots=True)
class Label:
    """EXIF, XMP and the orientation that they ask for, EXIF first; `left_out` as in `Photo`."""

    exif: ReadExif | None
    xmp: bytes | None
    orientation: int
    left_out: tuple[str, ...]


def label(exif: bytes | None, xmp: bytes | str | None) -> Label:
    """Understand EXIF and XMP as a codec found them; damaged EXIF is left out."""
    read = read_exif(exif) if exif else None
    packet = xmp.encode() if isinstance(xmp, str) else xmp
    is_damaged = bool(exif) and read is None and not is_empty_exif(exif or b"")
    left_out = ("damaged EXIF was left out",) if is_damaged else ()
    return Label(read, packet or None, asked_orientation(read, packet), left_out)


def asked_orientation(exif: ReadExif | None, xmp: bytes | None) -> int:
    """Return the orientation that EXIF asks for, or else XMP, or else 1."""
    asked = exif.orientation if exif is not None else None
    if asked is None and xmp:
        asked = xmp_orientation(xmp)
    return asked or 1


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
