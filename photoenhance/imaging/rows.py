"""A photo's rows as a file is to hold them: its channels, its depth, its colours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoenhance.imaging import color
from photoenhance.imaging.decode import in_8_bits, strips
from photoenhance.imaging.formats import FileFormat
from photoenhance.imaging.photo import Photo

# Rec. 709's weights in 65536ths. They add up to 65536, so that grey comes out as it went in.
_RED, _GREEN, _BLUE = 13933, 46871, 4732
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class OutputRows:
    """Gives a photo's rows, a strip at a time, in the layout that a file format can hold.

    Attributes:
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        has_alpha: the last channel is alpha.
        dtype: uint8 or uint16.
        icc_profile: of what is written; None is sRGB.
    """

    def __init__(self, photo: Photo, target: FileFormat) -> None:
        self._photo = photo
        self._is_grey = photo.format.is_grey and target.has_grey
        self.has_alpha = photo.alpha is not None and target.has_alpha
        self.channels = (1 if self._is_grey else 3) + self.has_alpha
        is_deep = photo.pixels.dtype == np.uint16 and target.has_16_bits
        self.dtype = np.dtype(np.uint16 if is_deep else np.uint8)
        self._converter = None
        self.icc_profile = photo.icc_profile
        if photo.icc_profile is not None and not self._can_keep_profile(target):
            self._converter = color.converter(photo)
            self.icc_profile = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self._photo.pixels.shape[:2]
        return width, height

    def rows(self, top: int, bottom: int) -> NDArray[Any]:
        """Return the rows from `top` to before `bottom` as `(h, w, channels)` of `dtype`."""
        pixels = self._photo.pixels[top:bottom]
        if self._converter is not None:
            limit = np.iinfo(pixels.dtype).max
            pixels = np.rint(self._converter.to_srgb(pixels) * limit).astype(pixels.dtype)
        if self._photo.format.is_grey:  # a model may have tinted it
            pixels = np.repeat(_luma(pixels), 1 if self._is_grey else 3, axis=-1)
        if self.has_alpha and self._photo.alpha is not None:
            alpha = self._photo.alpha[top:bottom, :, None]
            pixels = np.concatenate([pixels, alpha], axis=-1)
        if pixels.dtype == np.uint16 and self.dtype == np.uint8:
            pixels = in_8_bits(pixels)
        return np.ascontiguousarray(pixels)

    def image(self) -> Image.Image:
        """Return an 8-bit picture for Pillow's encoders; no other whole copy is made."""
        image = Image.new(_MODES[self.channels], self.size)
        for top, bottom in strips(*self.size):
            rows = self.rows(top, bottom)
            strip = rows[..., 0] if self.channels == 1 else rows
            image.paste(Image.fromarray(strip), (0, top))
        return image

    def _can_keep_profile(self, target: FileFormat) -> bool:
        """Tell whether the pixels that are written may carry the photo's profile."""
        profile = self._photo.icc_profile or b""
        return target.has_metadata and (self._is_grey or profile[16:20] != b"GRAY")


def _luma(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return grey `(h, w, 1)`, exact where the three channels are equal."""
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    grey = (red * _RED + green * _GREEN + blue * _BLUE + 32768) >> 16
    return grey.astype(pixels.dtype)[..., None]
