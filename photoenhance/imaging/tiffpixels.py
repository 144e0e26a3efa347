"""The pixels of a TIFF's page -> upright RGB.

Only layouts are read that another reader than ours and Pillow's confirms in a test; what Pillow
is trusted with is listed in `_by_pillow`. All others are refused in words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from photoenhance.errors import ImageError
from photoenhance.imaging import segments
from photoenhance.imaging.damage import DamageError
from photoenhance.imaging.decode import Decoded, colour_managed, decode, strips
from photoenhance.imaging.draft import check_size
from photoenhance.imaging.metadata import ORIENTATION, orientation_of
from photoenhance.imaging.orientation import stored_view, upright_size
from photoenhance.imaging.segments import Layout
from photoenhance.imaging.silence import silenced
from photoenhance.imaging.tiffpages import HEIGHT, WIDTH, Page

COMPRESSION = 0x0103
_BITS, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _CHANNELS = 0x0102, 0x0106, 0x010A, 0x0111, 0x0115
_STRIP_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR, _PALETTE = 0x0116, 0x0117, 0x011C, 0x013D, 0x0140
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 0x0142, 0x0143, 0x0144, 0x0145
_INKS, _EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING, _ICC = 0x014C, 0x0152, 0x0153, 0x0212, 0x8773

_WHITE_IS_0, _GREY, _RGB, _INDEXED, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_COLOURS = {_WHITE_IS_0: 1, _GREY: 1, _RGB: 3, _INDEXED: 1, _CMYK: 4, _YCBCR: 3, _LAB: 3}
_DEPTHS = {
    _WHITE_IS_0: (1, 2, 4, 8, 16), _GREY: range(1, 17), _RGB: range(1, 17),
    _INDEXED: (1, 2, 4, 8), _CMYK: (8, 16), _LAB: (8,),
}  # fmt: skip
_MODELS = {
    -1: "unnamed colours", _WHITE_IS_0: "grey", _GREY: "grey", _RGB: "RGB",
    _INDEXED: "a palette", 4: "a mask", _CMYK: "CMYK", _YCBCR: "YCbCr",
    _LAB: "Lab", 9: "ICC Lab", 10: "ITU Lab",
    32803: "a camera's raw pixels", 32844: "LogL", 32845: "LogLuv", 34892: "a camera's raw pixels",
}  # fmt: skip
_NUMBERS = {1: "", 2: "signed ", 3: "floating-point ", 4: "", 5: "complex ", 6: "complex "}
_JPEG, _OLD_JPEG, _FAX = 7, 6, (2, 3, 4)
_NAMES = {
    _OLD_JPEG: "old JPEG", _JPEG: "JPEG", 32766: "NeXT", 32809: "ThunderScan", 34661: "JBIG",
    34676: "SGI LogLuv", 34677: "SGI LogLuv", 34712: "JPEG 2000", 34887: "LERC", 50001: "WebP",
    50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
_MAX_CHANNELS = 8
_ASSOCIATED, _UNASSOCIATED = 1, 2  # alpha that is, and is not, multiplied into the colours


def decode_page(page: Page, max_pixels: int, orientation: int) -> Decoded:
    """Decode a page into upright arrays.

    Raises:
        DamageError: the page contradicts itself or is cut short.
        ImageError: its pixels are of a kind that is not supported.
    """
    samples = _Samples.of(page)
    if samples.codec not in segments.CODECS or samples.model == _YCBCR:
        return _by_pillow(page, samples, orientation)
    _check(page, samples)
    layout = _layout(page, samples, max_pixels)
    if layout.codec in segments.OF_LIBTIFF:
        with silenced():
            return _decoded(page, samples, layout, orientation)
    return _decoded(page, samples, layout, orientation)


def is_premultiplied(page: Page) -> bool:
    """Tell whether the colours of a page that could be decoded are multiplied by its alpha."""
    return _Samples.of(page).alpha_kind == _ASSOCIATED


@dataclass(frozen=True, slots=True)
class _Samples:
    """What the samples of a page mean.

    Attributes:
        model: a photometric interpretation as TIFF numbers them.
        colours: how many channels, from the first on, are colour.
        alpha: which channel is alpha, None for none.
        alpha_kind: as TIFF numbers them in ExtraSamples, 0 for none.
    """

    model: int
    bits: tuple[int, ...]
    channels: int
    colours: int
    alpha: int | None
    alpha_kind: int
    numbers: tuple[int, ...]
    is_planar: bool
    codec: int

    @classmethod
    def of(cls, page: Page) -> "_Samples":
        """Read a page's tags; nothing is checked yet."""
        model, channels = page.number(_PHOTOMETRIC, -1), page.number(_CHANNELS, 1)
        colours = _COLOURS.get(model, channels)
        implied = (_UNASSOCIATED,) if channels == colours + 1 and model in (_GREY, _RGB) else (0,)
        extra = page.numbers(_EXTRA, *implied)[: max(0, channels - colours)]
        kinds = [kind for kind in extra if kind in (_ASSOCIATED, _UNASSOCIATED)][:1]
        return cls(
            model=model,
            bits=tuple(sorted(set(page.numbers(_BITS, 1)))),
            channels=channels,
            colours=colours,
            alpha=colours + extra.index(kinds[0]) if kinds else None,
            alpha_kind=kinds[0] if kinds else 0,
            numbers=tuple(sorted(set(page.numbers(_SAMPLE_FORMAT, 1)))),
            is_planar=page.number(_PLANAR, 1) == 2,
            codec=page.number(COMPRESSION, 1),
        )

    def refusal(self, why: str = "") -> ImageError:
        """Say in words what is not supported."""
        bits = "/".join(str(bits) for bits in self.bits)
        numbers = "".join(_NUMBERS.get(kind, "unknown ") for kind in self.numbers)
        model = _MODELS.get(self.model, f"colour model {self.model}")
        many = f"{self.channels} channels" if self.channels > 1 else "1 channel"
        packed = _NAMES.get(self.codec, f"compression {self.codec}")
        if self.codec not in segments.CODECS:
            why += f", packed as {packed}"
        if self.is_planar and self.channels > 1:
            why += ", in separate planes"
        return ImageError(
            f"not supported: {model} in {many} of {bits}-bit {numbers}numbers{why}",
            hint="Convert the photo to RGB or grey of 8 or 16 bits first.",
        )


def _check(page: Page, samples: _Samples) -> None:
    """Refuse what no other reader has confirmed that we decode rightly."""
    if samples.model not in _DEPTHS or not set(samples.numbers) <= {1, 4}:
        raise samples.refusal()
    if not samples.colours <= samples.channels <= _MAX_CHANNELS:
        raise samples.refusal()
    if len(samples.bits) > 1 or samples.bits[0] not in _DEPTHS[samples.model]:
        raise samples.refusal()
    if samples.model == _CMYK and page.number(_INKS, 1) != 1:
        raise samples.refusal(", of inks that are not CMYK")
    if samples.model in (_CMYK, _INDEXED, _LAB) and samples.alpha_kind == _ASSOCIATED:
        raise samples.refusal(", multiplied by alpha")
    predictor = page.number(_PREDICTOR, 1) if samples.codec in segments.PREDICTING else 1
    if predictor not in (1, 2) or (predictor == 2 and samples.bits[0] not in (8, 16)):
        raise samples.refusal(f", packed with predictor {predictor}")


def _layout(page: Page, samples: _Samples, max_pixels: int) -> Layout:
    """Describe how the samples lie in the file."""
    width, height = page.number(WIDTH), page.number(HEIGHT)
    entries, is_tiled = page.directory.entries, _TILE_WIDTH in page.directory.entries
    size = width, min(page.number(_STRIP_ROWS, height), height)
    if is_tiled:
        size = page.number(_TILE_WIDTH), page.number(_TILE_HEIGHT)
    check_size(*size, max_pixels)
    # Old writers of tiles put their places where those of strips belong; libtiff reads both.
    offsets = page.numbers(_TILES if is_tiled and _TILES in entries else _STRIPS, 0)
    lengths = page.numbers(_TILE_BYTES if is_tiled and _TILE_BYTES in entries else _STRIP_BYTES, 0)
    if lengths == (0,):
        lengths = _guessed_lengths(page, samples.codec, offsets)
    return Layout(
        width=width,
        height=height,
        segment_width=size[0],
        segment_height=size[1],
        is_tiled=is_tiled,
        channels=samples.channels,
        bits=samples.bits[0],
        is_planar=samples.is_planar,
        codec=samples.codec,
        has_predictor=samples.codec in segments.PREDICTING and page.number(_PREDICTOR, 1) == 2,
        is_bit_reversed=page.number(_FILL_ORDER, 1) == 2,
        offsets=offsets,
        lengths=lengths,
    )


def _guessed_lengths(page: Page, codec: int, offsets: tuple[int, ...]) -> tuple[int, ...]:
    """Return lengths of segments that the file does not give, as libtiff would."""
    if codec == segments.NONE:  # these follow from the size of the picture
        return (0,) * len(offsets)
    return tuple(max(0, page.tiff.size - offset) for offset in offsets) if len(offsets) == 1 else ()


def _decoded(page: Page, samples: _Samples, layout: Layout, orientation: int) -> Decoded:
    """Put segments together, and make RGB or grey of their samples."""
    width, height = upright_size(layout.width, layout.height, orientation)
    is_deep = layout.bits > 8 and samples.model in (_WHITE_IS_0, _GREY, _RGB)
    dtype = np.dtype(np.uint16 if is_deep else np.uint8)
    stored = np.empty((height, width, samples.colours), dtype)
    alpha = np.empty((height, width), dtype) if samples.alpha is not None else None
    _place(page, samples, layout, stored_view(stored, orientation),
           stored_view(alpha, orientation) if alpha is not None else None)  # fmt: skip
    pixels = stored
    if samples.colours == 1 or samples.model in (_CMYK, _LAB):
        pixels = _in_rgb(page, samples, stored)
    if alpha is not None and samples.alpha_kind == _ASSOCIATED:
        _divide_by_alpha(pixels, alpha)
    return Decoded(
        pixels,
        alpha,
        is_grey=samples.model in (_WHITE_IS_0, _GREY),
        is_srgb=samples.model in (_CMYK, _LAB),
        notes=_notes(samples),
        left_out=_left_out(samples),
    )


def _place(page: Page, samples: _Samples, layout: Layout, stored: NDArray[Any], alpha: Any) -> None:
    """Copy all blocks to where they belong, each sample over the full range of its bits."""
    depth = 8 * stored.itemsize
    for block in segments.blocks(page.tiff, layout):
        rows = slice(block.top, block.top + block.samples.shape[0])
        columns = slice(block.left, block.left + block.samples.shape[1])
        for index in range(block.samples.shape[2]):
            channel, values = block.first_channel + index, block.samples[..., index]
            if channel < samples.colours:
                if samples.model != _INDEXED:
                    values = _rescaled(values, layout.bits, depth)
                if samples.model == _WHITE_IS_0:
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


def _in_rgb(page: Page, samples: _Samples, stored: NDArray[Any]) -> NDArray[Any]:
    """Convert upright samples to RGB, a strip at a time."""
    height, width = stored.shape[:2]
    pixels = np.empty((height, width, 3), stored.dtype)
    convert = _converter(page, samples)
    for top, bottom in strips(width, height):
        pixels[top:bottom] = convert(stored[top:bottom])
    return pixels


def _converter(page: Page, samples: _Samples) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what makes `(h, w, 3)` of a strip of `(h, w, colours)`."""
    if samples.model == _INDEXED:
        count = 2 ** samples.bits[0]
        numbers = page.numbers(_PALETTE)
        if len(numbers) != 3 * count:
            raise DamageError("its palette is missing or cut short")
        palette = np.array(numbers, np.uint16).reshape(3, count).T
        palette = (palette >> 8 if palette.max() > 255 else palette).astype(np.uint8)
        return lambda strip: palette[strip[..., 0]]
    if samples.model in (_CMYK, _LAB):
        mode = "CMYK" if samples.model == _CMYK else "LAB"
        to_rgb = colour_managed(mode, page.value(_ICC))
        return lambda strip: to_rgb(Image.frombytes(mode, strip.shape[1::-1], strip.tobytes()))
    return lambda strip: strip


def _notes(samples: _Samples) -> tuple[str, ...]:
    """Say what was converted and is no loss."""
    bits = samples.bits[0]
    if samples.model == _INDEXED:
        return ("palette colours were converted to RGB",)
    if samples.model in (_CMYK, _LAB):
        return (f"{_MODELS[samples.model]} was converted to RGB",)
    if bits == 1:
        return ("1-bit grey was converted to 8 bits",)
    return () if bits in (8, 16) else (f"{bits} bits were widened to {8 if bits < 8 else 16}",)


def _left_out(samples: _Samples) -> tuple[str, ...]:
    """Say what the file holds and the photo does not."""
    left_out = []
    count = samples.channels - samples.colours - (samples.alpha is not None)
    if count:
        what = "1 channel that is" if count == 1 else f"{count} channels that are"
        left_out.append(f"{what} neither colour nor alpha: left out")
    if samples.model == _CMYK and samples.bits[0] == 16:
        left_out.append("16-bit CMYK was converted to 8-bit RGB")
    return tuple(left_out)


def _by_pillow(page: Page, samples: _Samples, orientation: int) -> Decoded:
    """Decode what only libtiff unpacks into pixels: JPEG, fax codes, YCbCr."""
    if not _is_known_to_pillow(page, samples):
        raise samples.refusal()
    with silenced():
        image = TiffImageFile(page.tiff.starting_at(page.offset))
        if orientation_of(page.tiff, page.directory) is None:
            image.getexif()[ORIENTATION] = 1  # or Pillow would turn it as XMP says, and we again
        else:
            orientation = 1  # Pillow turns it
        return decode(image, orientation)


def _is_known_to_pillow(page: Page, samples: _Samples) -> bool:
    """Tell the layouts that Pillow is known to decode as another reader does."""
    entries, codec, model = page.directory.entries, samples.codec, samples.model
    if samples.is_planar or (_TILE_WIDTH in entries and _TILES not in entries):
        return False
    if page.number(_FILL_ORDER, 1) != 1 and codec not in _FAX:
        return False
    if samples.bits == (8,) and samples.channels == samples.colours:
        if codec == _JPEG:
            return model in (_GREY, _RGB, _CMYK, _YCBCR)
        if model == _YCBCR:
            is_whole = page.numbers(_SUBSAMPLING, 2, 2) == (1, 1)
            return codec == _OLD_JPEG or (codec in segments.CODECS and
                                          (codec != segments.NONE or is_whole))  # fmt: skip
    is_one_bit = samples.bits == (1,) and samples.channels == 1
    return is_one_bit and codec in _FAX and model in (_WHITE_IS_0, _GREY)


def _divide_by_alpha(pixels: NDArray[Any], alpha: NDArray[Any]) -> None:
    """Take alpha out of colours into which it was multiplied; row by row, in place."""
    top = np.iinfo(pixels.dtype).max
    for row, opacity in zip(pixels, alpha, strict=True):
        factor = top / np.maximum(opacity, 1).astype(np.float64)
        row[:] = np.minimum(np.rint(row * factor[:, None]), top).astype(pixels.dtype)
