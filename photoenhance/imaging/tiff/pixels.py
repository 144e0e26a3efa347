"""The pixels of a TIFF's page -> upright RGB."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from photoenhance.imaging.damage import DamageError
from photoenhance.imaging.decode import Decoded, colour_managed, decode, strips
from photoenhance.imaging.metadata import ORIENTATION, orientation_of
from photoenhance.imaging.orientation import stored_view, upright_size
from photoenhance.imaging.silence import silenced
from photoenhance.imaging.tiff import segments
from photoenhance.imaging.tiff.layout import (
    CMYK,
    GREY,
    INDEXED,
    LAB,
    MODELS,
    RGB,
    WHITE_IS_0,
    YCBCR,
    Samples,
    check,
    is_known_to_pillow,
    layout_of,
)
from photoenhance.imaging.tiff.pages import Page
from photoenhance.imaging.tiff.segments import Layout

_PALETTE, _ICC = 0x0140, 0x8773


def decode_page(page: Page, samples: Samples, max_pixels: int, orientation: int) -> Decoded:
    """Decode a page into upright arrays.

    Raises:
        DamageError: the page contradicts itself or is cut short.
        ImageError: its pixels are of a kind that is not supported.
    """
    if samples.codec not in segments.CODECS or samples.model == YCBCR:
        return _by_pillow(page, samples, orientation)
    check(page, samples)
    layout = layout_of(page, samples, max_pixels)
    if layout.codec in segments.OF_LIBTIFF:
        with silenced():
            return _decoded(page, samples, layout, orientation)
    return _decoded(page, samples, layout, orientation)


def _decoded(page: Page, samples: Samples, layout: Layout, orientation: int) -> Decoded:
    """Put segments together, and make RGB or grey of their samples."""
    width, height = upright_size(layout.width, layout.height, orientation)
    is_deep = layout.bits > 8 and samples.model in (WHITE_IS_0, GREY, RGB)
    dtype = np.dtype(np.uint16 if is_deep else np.uint8)
    stored = np.empty((height, width, samples.colours), dtype)
    alpha = np.empty((height, width), dtype) if samples.alpha is not None else None
    _place(page, samples, layout, stored_view(stored, orientation),
           stored_view(alpha, orientation) if alpha is not None else None)  # fmt: skip
    pixels = stored
    if samples.colours == 1 or samples.model in (CMYK, LAB):
        pixels = _in_rgb(page, samples, stored)
    if alpha is not None and samples.is_premultiplied:
        _divide_by_alpha(pixels, alpha)
    return Decoded(
        pixels,
        alpha,
        is_grey=samples.model in (WHITE_IS_0, GREY),
        is_srgb=samples.model in (CMYK, LAB),
        notes=_notes(samples),
        left_out=_left_out(samples),
    )


def _place(page: Page, samples: Samples, layout: Layout, stored: NDArray[Any], alpha: Any) -> None:
    """Copy all blocks to where they belong, each sample over the full range of its bits."""
    depth = 8 * stored.itemsize
    for block in segments.blocks(page.tiff, layout):
        rows = slice(block.top, block.top + block.samples.shape[0])
        columns = slice(block.left, block.left + block.samples.shape[1])
        for index in range(block.samples.shape[2]):
            channel, values = block.first_channel + index, block.samples[..., index]
            if channel < samples.colours:
                if samples.model != INDEXED:
                    values = _rescaled(values, layout.bits, depth)
                if samples.model == WHITE_IS_0:
                    values = np.iinfo(stored.dtype).max - values
                stored[rows, columns, channel] = values
            elif channel == samples.alpha and alpha is not None:
                alpha[rows, columns] = _rescaled(values, layout.bits, depth)


def _rescaled(values: NDArray[Any], bits: int, depth: int) -> NDArray[Any]:
    """Spread samples of some bits over all of 8 or 16 bits."""
    if bits == depth:
        return values
    top, new_top = 2**bits - 1, 2**depth - 1
    return ((values.astype(np.uint32) * new_top + top // 2) // top).astype(f"u{depth // 8}")


def _in_rgb(page: Page, samples: Samples, stored: NDArray[Any]) -> NDArray[Any]:
    """Convert upright samples to RGB, a strip at a time."""
    height, width = stored.shape[:2]
    pixels = np.empty((height, width, 3), stored.dtype)
    convert = _converter(page, samples)
    for top, bottom in strips(width, height):
        pixels[top:bottom] = convert(stored[top:bottom])
    return pixels


def _converter(page: Page, samples: Samples) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what makes `(h, w, 3)` of a strip of `(h, w, colours)`."""
    if samples.model == INDEXED:
        count = 2 ** samples.bits[0]
        numbers = page.numbers(_PALETTE)
        if len(numbers) != 3 * count:
            raise DamageError("its palette is missing or cut short")
        palette = np.array(numbers, np.uint16).reshape(3, count).T
        palette = (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
        return lambda strip: palette[strip[..., 0]]
    if samples.model in (CMYK, LAB):
        mode = "CMYK" if samples.model == CMYK else "LAB"
        to_rgb = colour_managed(mode, page.value(_ICC))
        return lambda strip: to_rgb(Image.frombytes(mode, strip.shape[1::-1], strip.tobytes()))
    return lambda strip: strip


def _notes(samples: Samples) -> tuple[str, ...]:
    """Say what was converted and is no loss."""
    bits = samples.bits[0]
    if samples.model == INDEXED:
        return ("palette colours were converted to RGB",)
    if samples.model in (CMYK, LAB):
        return (f"{MODELS[samples.model]} was converted to RGB",)
    if bits == 1:
        return ("1-bit grey was converted to 8 bits",)
    return () if bits in (8, 16) else (f"{bits} bits were widened to {8 if bits < 8 else 16}",)


def _left_out(samples: Samples) -> tuple[str, ...]:
    """Say what the file holds and the photo does not."""
    left_out = []
    count = samples.channels - samples.colours - (samples.alpha is not None)
    if count:
        what = "1 channel that is" if count == 1 else f"{count} channels that are"
        left_out.append(f"{what} neither colour nor alpha: left out")
    if samples.model == CMYK and samples.bits[0] == 16:
        left_out.append("16-bit CMYK was converted to 8-bit RGB")
    return tuple(left_out)


def _by_pillow(page: Page, samples: Samples, orientation: int) -> Decoded:
    """Decode what only libtiff unpacks into pixels: JPEG, fax codes, YCbCr."""
    if not is_known_to_pillow(page, samples):
        raise samples.refusal()
    with silenced():
        image = TiffImageFile(page.tiff.starting_at(page.offset))
        if orientation_of(page.tiff, page.directory) is None:
            image.getexif()[ORIENTATION] = 1  # or Pillow would turn it as XMP says, and we again
        else:
            orientation = 1  # Pillow turns it
        return decode(image, orientation)


def _divide_by_alpha(pixels: NDArray[Any], alpha: NDArray[Any]) -> None:
    """Take alpha out of colours into which it was multiplied; row by row, in place."""
    top = np.iinfo(pixels.dtype).max
    for row, opacity in zip(pixels, alpha, strict=True):
        factor = top / np.maximum(opacity, 1).astype(np.float64)
        row[:] = np.minimum(np.rint(row * factor[:, None]), top).astype(pixels.dtype)
