"""Files -> photos: recognise, decode, turn upright."""

import io
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoenhance.errors import ImageError, UnsupportedError
from photoenhance.imaging import bmp, cicp, color, extras, metadata, raster
from photoenhance.imaging.damage import DAMAGE, translated
from photoenhance.imaging.decode import Decoded, in_8_bits
from photoenhance.imaging.draft import Draft
from photoenhance.imaging.formats import FORMATS, FormatName, of_suffix, readable, recognise
from photoenhance.imaging.jpeg import codec as jpeg
from photoenhance.imaging.orientation import TURNED
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.png import reader as png
from photoenhance.imaging.profile import cicp_of
from photoenhance.imaging.silence import muted, silenced
from photoenhance.imaging.tiff import reader as tiff

DEFAULT_MAX_PIXELS = 250_000_000

_OPENERS: dict[FormatName, Callable[[BinaryIO, int], Draft]] = {
    "jpeg": jpeg.read_jpeg,
    "png": png.read_png,
    "tiff": tiff.read_tiff,
    "webp": raster.read_webp,
    "avif": raster.read_avif,
    "bmp": bmp.read_bmp,
    "heif": extras.read_heif,
    "raw": extras.read_raw,
}

_TALKATIVE = ("avif", "heif", "raw")  # so is libtiff, where the reader of TIFF needs it


def read(file: Path | BinaryIO, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Photo:
    """Read a photo from a file, or from a stream such as standard input, which is read to its end.

    The content decides what the file is, not its name. Several threads may read at once. Python's
    warnings, by which codecs speak, are silenced for the whole process meanwhile.

    Args:
        file: a path, or a binary stream open for reading.
        max_pixels: a larger picture is refused by its header, before memory is taken for it.

    Raises:
        UnsupportedError: the file is an animation, or of a kind that is not supported.
        ImageError: the file is missing, broken, cut short or too large.
    """
    subject = str(file) if isinstance(file, Path) else "standard input"
    try:
        with muted():
            if isinstance(file, Path):
                with _opened(file) as opened:
                    stream = opened if opened.seekable() else io.BytesIO(opened.read())
                    return _read(stream, of_suffix(file) == FORMATS["raw"], max_pixels)
            return _read(io.BytesIO(file.read()), False, max_pixels)
    except ImageError as error:
        raise type(error)(f"{subject}: {error.message}", hint=error.hint) from error.__cause__
    except MemoryError as error:
        msg = f"{subject}: its pixels do not fit into the memory"
        raise ImageError(msg, hint="Close other programs, or lower --max-pixels.") from error
    except DAMAGE as error:
        said = translated(error)
        raise ImageError(f"{subject}: {said.message}", hint=said.hint) from error


def pixels_in(file: Path) -> int | None:
    """Tell from a file's head how many pixels reading it would give; None where that is unknown."""
    try:
        with muted(), file.open("rb") as stream:
            if recognise(stream.read(64)) == "tiff":
                return tiff.pixels_in(stream)
            stream.seek(0)
            with Image.open(stream) as image:
                return image.width * image.height
    except DAMAGE:  # `read` will say what is wrong, if anything is
        return None


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"cannot be opened, {reason}") from error


def _read(stream: BinaryIO, is_raw: bool, max_pixels: int) -> Photo:
    head = stream.read(64)
    if not head:
        raise ImageError("empty, 0 bytes")
    stream.seek(0)
    name = recognise(head)
    if is_raw or (name == "tiff" and tiff.is_camera_raw(stream)):
        name = "raw"
    if name is None:
        known = ", ".join(readable())
        raise UnsupportedError("not a photo in a supported format", hint=f"Supported are {known}.")
    with silenced() if name in _TALKATIVE else nullcontext():
        draft = _OPENERS[name](stream, max_pixels)
    return _finished(draft)


def _finished(draft: Draft) -> Photo:
    """Make a draft's metadata agree with its pixels, and leave out what cannot be used."""
    decoded, left_out = draft.decoded, draft.left_out
    height, width = decoded.pixels.shape[:2]
    exif, said, turn = draft.exif, draft.metadata, draft.turned_by()
    profile = None if decoded.is_srgb else draft.icc_profile
    if profile is not None and not color.is_usable(profile, is_grey=draft.format.is_grey):
        converted = color.brought_to_srgb(profile, decoded.pixels)
        profile = None
        if converted is None:
            left_out += ("the colour profile cannot be used and was left out: sRGB is assumed",)
        else:
            decoded = _in_srgb(decoded, converted)
    if profile is not None and (coded := cicp_of(profile)):
        cicp.refuse_hdr(coded[1])
    kept = replace(
        said,
        exif=metadata.upright_exif(exif, width, height, turn) if exif else None,
        xmp=metadata.upright_xmp(said.xmp, width, height, turn) if said.xmp else None,
    )
    if turn >= TURNED:
        dpi, density = said.dpi, said.density
        kept = replace(
            kept,
            dpi=dpi and dpi[::-1],
            density=density and (density[0], density[2], density[1]),
        )
    return Photo(
        decoded.pixels,
        decoded.alpha,
        profile,
        kept,
        draft.format,
        notes=draft.notes + decoded.notes,
        left_out=left_out + decoded.left_out,
    )


def _in_srgb(decoded: Decoded, pixels: NDArray[np.uint8]) -> Decoded:
    """Give a photo the pixels that its profile's way to sRGB made, which are 8-bit ones."""
    alpha = None if decoded.alpha is None else in_8_bits(decoded.alpha)
    notes = ("colours were converted to sRGB: the profile knows no way back", *decoded.notes)
    is_deep = decoded.pixels.dtype == np.uint16
    left_out = ("16-bit colours were converted to 8 bits",) if is_deep else ()
    return replace(
        decoded, pixels=pixels, alpha=alpha, notes=notes, left_out=left_out + decoded.left_out
    )
