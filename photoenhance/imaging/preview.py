"""Small copies of photos for screens and paper."""

import cv2
import numpy as np

from photoenhance.imaging.color import converter
from photoenhance.imaging.decode import in_8_bits
from photoenhance.imaging.photo import Photo, Pixels


def preview(photo: Photo, side: int) -> Photo:
    """Make a copy that any viewer shows alike: 8 bits, sRGB, without metadata.

    Args:
        photo: of any size and in any colours.
        side: the copy's longer side in pixels at most; a smaller photo keeps its size.
    """
    height, width = photo.pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Made small first: the way through the colour spaces is long for every pixel.
    pixels = _resized(photo.pixels, size)
    space = converter(photo)
    if space:
        pixels = np.rint(space.to_srgb(pixels) * 255).astype(np.uint8)
    alpha = None if photo.alpha is None else in_8_bits(_resized(photo.alpha, size))
    return Photo(in_8_bits(pixels), alpha)


def _resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if pixels.shape[1::-1] == size:
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
