"""Photos seen small and quickly, where many are to be looked at and none is to be kept."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin

from photoenhance.errors import ImageError
from photoenhance.imaging import color
from photoenhance.imaging.damage import DAMAGE
from photoenhance.imaging.decode import decode
from photoenhance.imaging.draft import check_size, label
from photoenhance.imaging.photo import Photo, StoredFormat
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import DEFAULT_MAX_PIXELS, read

_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """A photo as it looks from afar.

    Attributes:
        size: height and width of the photo itself, upright.
        pixels: a small copy, `(h, w, 3)` uint8, sRGB.
    """

    size: tuple[int, int]
    pixels: NDArray[np.uint8]


def glance(file: Path, side: int) -> Glance:
    """Look at a photo of any format.

    Args:
        file: the photo.
        side: longer side of the copy in pixels, at most.

    Raises:
        ImageError: the photo cannot be read.
    """
    photo = read(file)
    height, width = photo.pixels.shape[:2]
    return Glance((height, width), np.asarray(preview(photo, side).pixels, np.uint8))


def quick_glance(file: Path, side: int) -> Glance | None:
    """Look at a JPEG by its coarse waves alone, in a tenth of the time.

    Returns:
        None where only `glance` can tell: for other formats, and for JPEGs that make trouble.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(3) != _JPEG:
                return None
            stream.seek(0)
            image = JpegImagePlugin.JpegImageFile(stream)
            check_size(*image.size, DEFAULT_MAX_PIXELS)
            width, height = image.size
            found = label(image.info.get("exif"), image.info.get("xmp"))
            image.draft(None, (side, side))
            decoded = decode(image, found.orientation)
    except (*DAMAGE, ImageError, MemoryError):
        return None
    profile = None if decoded.is_srgb else image.info.get("icc_profile")
    if profile is not None and not color.is_usable(profile, is_grey=decoded.is_grey):
        profile = None
    stored = StoredFormat("jpeg", is_grey=decoded.is_grey)
    small = preview(Photo(decoded.pixels, None, profile, format=stored), side)
    is_turned = found.orientation >= 5  # EXIF: 5 to 8 change rows and columns
    size = (width, height) if is_turned else (height, width)
    return Glance(size, np.asarray(small.pixels, np.uint8))
