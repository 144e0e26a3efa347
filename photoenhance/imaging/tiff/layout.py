"""What the samples of a TIFF's page mean and how they lie, and which kinds of them are read.

Only layouts are read that another reader than ours and Pillow's confirms in a test. All others are
refused in words.
"""

from dataclasses import dataclass

from photoenhance.errors import ImageError
from photoenhance.imaging.draft import check_size
from photoenhance.imaging.tiff import segments
from photoenhance.imaging.tiff.pages import HEIGHT, WIDTH, Page
from photoenhance.imaging.tiff.segments import Layout

_COMPRESSION = 0x0103
_BITS, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _CHANNELS = 0x0102, 0x0106, 0x010A, 0x0111, 0x0115
_STRIP_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR = 0x0116, 0x0117, 0x011C, 0x013D
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 0x0142, 0x0143, 0x0144, 0x0145
_INKS, _EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING = 0x014C, 0x0152, 0x0153, 0x0212

WHITE_IS_0, GREY, RGB, INDEXED, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
_COLOURS = {WHITE_IS_0: 1, GREY: 1, RGB: 3, INDEXED: 1, CMYK: 4, YCBCR: 3, LAB: 3}
_DEPTHS = {
    WHITE_IS_0: (1, 2, 4, 8, 16), GREY: range(1, 17), RGB: range(1, 17),
    INDEXED: (1, 2, 4, 8), CMYK: (8, 16), LAB: (8,),
}  # fmt: skip
MODELS = {
    -1: "unnamed colours", WHITE_IS_0: "grey", GREY: "grey", RGB: "RGB",
    INDEXED: "a palette", 4: "a mask", CMYK: "CMYK", YCBCR: "YCbCr",
    LAB: "Lab", 9: "ICC Lab", 10: "ITU Lab",
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


@dataclass(frozen=True, slots=True)
class Samples:
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
    def of(cls, page: Page) -> "Samples":
        """Read a page's tags; nothing is checked yet."""
        model, channels = page.number(_PHOTOMETRIC, -1), page.number(_CHANNELS, 1)
        colours = _COLOURS.get(model, channels)
        is_plain = model in (WHITE_IS_0, GREY, RGB)
        implied = _UNASSOCIATED if is_plain and channels == colours + 1 else 0
        extra = page.numbers(_EXTRA, implied)[: max(0, channels - colours)]
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
            codec=page.number(_COMPRESSION, 1),
        )

    @property
    def is_premultiplied(self) -> bool:
        """Tell colours that are multiplied by alpha."""
        return self.alpha_kind == _ASSOCIATED

    def refusal(self, why: str = "") -> ImageError:
        """Say in words what is not supported."""
        bits = "/".join(str(bits) for bits in self.bits)
        numbers = "".join(_NUMBERS.get(kind, "unknown ") for kind in self.numbers)
        model = MODELS.get(self.model, f"colour model {self.model}")
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


def check(page: Page, samples: Samples) -> None:
    """Refuse what no other reader has confirmed that we decode rightly."""
    if samples.model not in _DEPTHS or not set(samples.numbers) <= {1, 4}:
        raise samples.refusal()
    if not samples.colours <= samples.channels <= _MAX_CHANNELS:
        raise samples.refusal()
    if len(samples.bits) > 1 or samples.bits[0] not in _DEPTHS[samples.model]:
        raise samples.refusal()
    if samples.model == CMYK and page.number(_INKS, 1) != 1:
        raise samples.refusal(", of inks that are not CMYK")
    if samples.model in (CMYK, INDEXED, LAB) and samples.is_premultiplied:
        raise samples.refusal(", multiplied by alpha")
    predictor = page.number(_PREDICTOR, 1) if samples.codec in segments.PREDICTING else 1
    if predictor not in (1, 2) or (predictor == 2 and samples.bits[0] not in (8, 16)):
        raise samples.refusal(f", packed with predictor {predictor}")


def layout_of(page: Page, samples: Samples, max_pixels: int) -> Layout:
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


def is_known_to_pillow(page: Page, samples: Samples) -> bool:
    """Tell the layouts that Pillow is known to decode as another reader does."""
    entries, codec, model = page.directory.entries, samples.codec, samples.model
    if samples.is_planar or (_TILE_WIDTH in entries and _TILES not in entries):
        return False
    if page.number(_FILL_ORDER, 1) != 1 and codec not in _FAX:
        return False
    if samples.bits == (8,) and samples.channels == samples.colours:
        if codec == _JPEG:
            return model in (GREY, RGB, CMYK, YCBCR)
        if model == YCBCR:
            is_whole = page.numbers(_SUBSAMPLING, 2, 2) == (1, 1)
            return codec == _OLD_JPEG or (codec in segments.CODECS and
                                          (codec != segments.NONE or is_whole))  # fmt: skip
    is_one_bit = samples.bits == (1,) and samples.channels == 1
    return is_one_bit and codec in _FAX and model in (WHITE_IS_0, GREY)
