"""Pictures that Pillow decodes -> arrays, a strip of rows at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photoenhance.errors import ImageError
from photoenhance.imaging.orientation import stored_view, upright_size

_STRIP_PIXELS = 1 << 20

Rows = Callable[[int, int], NDArray[Any]]
Convert = Callable[[Image.Image], NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What became of a picture's pixels.

    Attributes:
        pixels: `(H, W, 3)`, upright.
        alpha: `(H, W)` or None.
        is_grey: the three channels are one.
        is_srgb: the conversion ended in sRGB, so the file's profile holds no longer.
        notes: what was converted.
        left_out: what was not decoded, such as further channels, as in `Photo`.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None
    is_grey: bool = False
    is_srgb: bool = False
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def decode(image: Image.Image, orientation: int) -> Decoded:
    """Decode an opened picture into upright RGB.

    Raises:
        ImageError: a colour mode that is no photo's.
    """
    image.load()
    mode = image.mode
    if mode in ("L", "RGB", "I;16", "LA", "RGBA"):
        planes = _converted(image, orientation, np.asarray, len(image.getbands()))
        return Decoded(*planes, is_grey=mode in ("L", "I;16", "LA"))
    if mode == "1":
        planes = _converted(image, orientation, _to("L"), 1)
        return Decoded(*planes, is_grey=True, notes=("1-bit grey was converted to 8 bits",))
    if mode in ("P", "PA"):
        target = "RGBA" if "transparency" in image.info or mode == "PA" else "RGB"
        planes = _converted(image, orientation, _to(target), len(target))
        return Decoded(*planes, notes=("palette colours were converted to RGB",))
    if mode in ("CMYK", "LAB", "YCbCr"):
        convert = colour_managed(mode, image.info.get("icc_profile"))
        planes = _converted(image, orientation, convert, 3)
        name = {"LAB": "Lab"}.get(mode, mode)
        return Decoded(*planes, is_srgb=True, notes=(f"{name} was converted to RGB",))
    raise ImageError(f"colour mode {mode} is not supported", hint="Convert the photo to RGB first.")


def fill(
    size: tuple[int, int], rows: Rows, orientation: int, *, channels: int, dtype: Any
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Copy a picture into upright arrays: pixels `(H, W, 3)`, and alpha `(H, W)` or None.

    Codecs give their pixels away through a copy, and turning or converting makes more. Strip by
    strip, no copy but the result is ever whole.

    Args:
        size: width and height as stored.
        rows: gives the stored rows from the first to before the second as `(h, w[, channels])`.
        orientation: 1 to 8.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        dtype: of the result.
    """
    width, height = upright_size(*size, orientation)
    pixels = np.empty((height, width, 3), dtype)
    alpha = np.empty((height, width), dtype) if channels in (2, 4) else None
    into_pixels = stored_view(pixels, orientation)
    into_alpha = stored_view(alpha, orientation) if alpha is not None else None
    for top, bottom in strips(*size):
        strip = rows(top, bottom).reshape(bottom - top, size[0], channels)
        into_pixels[top:bottom] = strip[..., : 1 if channels < 3 else 3]
        if into_alpha is not None:
            into_alpha[top:bottom] = strip[..., -1]
    return pixels, alpha


def rows_of(image: Image.Image, convert: Convert = np.asarray) -> Rows:
    """Make the `rows` of a decoded Pillow image, each strip converted on its way."""
    return lambda top, bottom: convert(image.crop((0, top, image.width, bottom)))


def in_8_bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return uint8 as it is, and uint16 rounded to it."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def strips(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Cut a picture into strips of whole rows with about a megapixel each: first and last row."""
    rows = max(1, _STRIP_PIXELS // max(1, width))
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def _converted(
    image: Image.Image, orientation: int, convert: Convert, channels: int
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    dtype = np.uint16 if image.mode == "I;16" else np.uint8
    rows = rows_of(image, convert)
    return fill(image.size, rows, orientation, channels=channels, dtype=dtype)


def _to(mode: str) -> Convert:
    return lambda strip: np.asarray(strip.convert(mode))


def colour_managed(mode: str, profile: bytes | None) -> Convert:
    """Return what converts a strip of CMYK, Lab or YCbCr to sRGB, through a profile of that model.

    Args:
        mode: the colour model, as Pillow names it.
        profile: the file's, if it has one.
    """
    source: Any = None
    if mode == "LAB":
        source = ImageCms.createProfile("LAB")
    elif mode == "CMYK" and profile is not None and profile[16:20] == b"CMYK":
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
    if source is None:
        return _to("RGB")
    transform = ImageCms.buildTransform(
        source, ImageCms.createProfile("sRGB"), mode, "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip
    return lambda strip: np.asarray(ImageCms.applyTransform(strip, transform))
