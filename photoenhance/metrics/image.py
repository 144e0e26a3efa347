"""Photos as metrics see them."""

import numpy as np
from numpy.typing import NDArray

from photoenhance.imaging.color import converter
from photoenhance.imaging.photo import Photo

Image = NDArray[np.float64]  # (H, W, 3), sRGB in [0, 1]; as scikit-image has it

# Of red, green and blue. Source: ITU-R BT.709-6, item 3.2.
LUMA = (0.2126, 0.7152, 0.0722)


def image_of(photo: Photo) -> Image:
    """Return a photo's pixels as `(H, W, 3)` float64, sRGB in [0, 1]."""
    own = converter(photo)
    if own is None:
        return photo.pixels / float(np.iinfo(photo.pixels.dtype).max)
    return own.to_srgb(photo.pixels).astype(np.float64)


def luma(image: Image) -> NDArray[np.float64]:
    """Return the weighted sum `(H, W)` in [0, 1] of an image's coded values."""
    return image @ np.array(LUMA)
