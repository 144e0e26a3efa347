"""The reader of PNG, in 8 bits and, beyond what Pillow can hold, in 16."""

import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from photoenhance.imaging.decode import Decoded, decode, fill, rows_of, strips
from photoenhance.imaging.draft import Draft, check_size, label, refuse_animation, sane_dpi
from photoenhance.imaging.photo import Metadata, StoredFormat
from photoenhance.imaging.png import colors, texts
from photoenhance.imaging.png.chunks import Chunk, PngFile, scan

_INCH = 0.0254
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_HALVES = {_RGB: ("RGB;16B", "RGB;16L"), _RGBA: ("RGBA;16B", "RGBA;16L")}

# What is understood here, or by the modules of texts and colours, and written anew.
_UNDERSTOOD = frozenset([b"eXIf", b"iCCP", b"tEXt", b"zTXt", b"iTXt"])
# What tells of pixels, or of a file, that are no more.
_STALE = frozenset([b"sBIT", b"hIST", b"sPLT", b"tIME", b"iDOT", b"mDCV", b"cLLI"])
# What holds for any picture of the same size that stands upright as this one did.
_PLACED = frozenset([b"oFFs", b"sCAL", b"sTER", b"vpAg", b"caNv"])
_CREDENTIALS = b"caBX"


def read_png(stream: BinaryIO, max_pixels: int) -> Draft:
    """Read a PNG that does not move."""
    file = scan(stream)
    image = PngImageFile(file.picture)
    check_size(*image.size, max_pixels)
    refuse_animation(image, file.frames)
    is_grey = file.kind in (_GREY, _GREY_ALPHA)
    embedded = texts.embedded(file.chunks)
    colours = colors.read_colours(file.chunks, embedded.icc_profile, is_grey=is_grey)
    found = label(embedded.exif, embedded.xmp)
    decoded = _decoded(file, image, found.orientation)
    chunks, left_out = _kept(file, found.orientation, has_profile=colours.profile is not None)
    notes = embedded.notes + colours.notes
    if embedded.exif and found.left_out and found.orientation == 1:
        # What we do not understand, others may; the picture is as they knew it.
        chunks += ((b"eXIf", embedded.exif),)
        notes += ("damaged EXIF was kept as it is",)
    else:
        left_out += found.left_out
    said = Metadata(
        xmp=found.xmp,
        iptc=embedded.iptc,
        photoshop=embedded.photoshop,
        dpi=_dpi(file.chunks),
        text=embedded.text,
        chunks=chunks + embedded.unread,
    )
    return Draft(
        decoded,
        StoredFormat("png", decoded.is_grey),
        found.exif,
        said,
        colours.profile,
        notes=file.notes + notes,
        left_out=file.left_out + embedded.left_out + left_out,
    )


def _decoded(file: PngFile, image: PngImageFile, orientation: int) -> Decoded:
    is_deep = file.bits == 16 and file.kind in (_RGB, _GREY_ALPHA, _RGBA)
    if is_deep:
        _decode_as(image, "RGBA" if file.kind == _GREY_ALPHA else _HALVES[file.kind][0])
    image.load()
    key = image.info.get("transparency") if image.mode in ("1", "L", "RGB", "I;16") else None
    decoded = _deep(file, image, orientation) if is_deep else decode(image, orientation)
    if key is None:
        return decoded
    alpha = _keyed_alpha(decoded.pixels, key, file.bits)
    return Decoded(decoded.pixels, alpha, decoded.is_grey, notes=decoded.notes)


def _decode_as(image: PngImageFile, rawmode: str) -> None:
    """Have an opened picture decoded as pixels of another layout."""
    image.tile = [tile._replace(args=rawmode) for tile in image.tile]


def _deep(file: PngFile, image: PngImageFile, orientation: int) -> Decoded:
    """Decode 16-bit channels.

    Pillow keeps one byte of each channel, and which one can be chosen: two passes give both.
    Grey with alpha has four bytes a pixel, as 8-bit RGBA has, and passes for it.
    """
    if file.kind == _GREY_ALPHA:
        pairs = rows_of(image, lambda strip: np.ascontiguousarray(strip).view(">u2"))
        planes = fill(image.size, pairs, orientation, channels=2, dtype=np.uint16)
        return Decoded(*planes, is_grey=True)
    file.picture.seek(0)
    second = PngImageFile(file.picture)
    _decode_as(second, _HALVES[file.kind][1])
    second.load()
    high, low = rows_of(image), rows_of(second)

    def rows(top: int, bottom: int) -> NDArray[Any]:
        return (high(top, bottom).astype(np.uint16) << 8) | low(top, bottom)

    channels = len(second.getbands())
    return Decoded(*fill(image.size, rows, orientation, channels=channels, dtype=np.uint16))


def _keyed_alpha(pixels: NDArray[Any], key: Any, bits: int) -> NDArray[Any]:
    """Return the alpha of pixels of which one colour, in the file's own bits, is transparent."""
    opaque = np.iinfo(pixels.dtype).max
    wanted = np.asarray(key, dtype=np.int64) * (opaque // (2**bits - 1))
    alpha = np.empty(pixels.shape[:2], pixels.dtype)
    for top, bottom in strips(pixels.shape[1], pixels.shape[0]):
        alpha[top:bottom] = np.where((pixels[top:bottom] == wanted).all(axis=-1), 0, opaque)
    return alpha


def _dpi(chunks: tuple[Chunk, ...]) -> tuple[float, float] | None:
    """Return the resolution, where the file says it per metre and not as a mere aspect."""
    for name, data in chunks:
        if name == b"pHYs" and len(data) == 9 and data[8] == 1:
            across, down = struct.unpack(">II", data[:8])
            return sane_dpi((across * _INCH, down * _INCH))
    return None


def _kept(
    file: PngFile, orientation: int, *, has_profile: bool
) -> tuple[tuple[Chunk, ...], tuple[str, ...]]:
    """Choose the chunks that a writer can take over as they are, and tell of those that are lost.

    Of chunks that we do not know, PNG's own rule decides: a name with a small fourth letter is
    that of a chunk which may be copied to a file with other pixels.
    """
    kept, lost = [], []
    for name, data in file.chunks:
        if name in _UNDERSTOOD or name in _STALE or (name == b"sRGB" and has_profile):
            continue
        if name == b"bKGD" and (file.kind == _PALETTE or file.bits < 8):
            continue
        if name == b"pHYs":
            kept += _aspect(data, orientation)
        elif _still_holds(name, orientation):
            kept.append((name, data))
        else:
            lost.append(name)
    return tuple(kept), _left_out(lost)


def _still_holds(name: bytes, orientation: int) -> bool:
    if name in _PLACED:
        return orientation == 1
    return name in colors.CHUNKS or name == b"bKGD" or name[3:].islower()


def _aspect(data: bytes, orientation: int) -> list[Chunk]:
    """Return a chunk that tells the pixels' shape but no size, which `Metadata.dpi` cannot hold."""
    if len(data) != 9 or data[8] != 0:
        return []
    turned = data[4:8] + data[:4] + data[8:]
    return [(b"pHYs", turned if orientation >= 5 else data)]


def _left_out(names: list[bytes]) -> tuple[str, ...]:
    notes = []
    if _CREDENTIALS in names:
        notes.append("content credentials (C2PA), which hold for the file as it was, were left out")
    others = ", ".join(sorted({name.decode() for name in names if name != _CREDENTIALS}))
    if others:
        notes.append(f"unknown parts of the PNG were left out ({others})")
    return tuple(notes)
