"""Files -> photos: recognise, decode, turn upright."""

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms

from photoenhance.errors import ImageError, UnsupportedError
from photoenhance.imaging import color, extras, metadata, png, raster, tiff
from photoenhance.imaging.draft import Draft
from photoenhance.imaging.formats import FORMATS, FormatName, of_suffix, readable, recognise
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.silence import silenced

DEFAULT_MAX_PIXELS = 250_000_000

# What decoders raise for files that are not what they claim: they promise nothing.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
    RuntimeError, struct.error, zlib.error, ImageCms.PyCMSError, Image.DecompressionBombError,
)  # fmt: skip

_OPENERS: dict[FormatName, Callable[[BinaryIO, int], Draft]] = {
    "jpeg": raster.read_jpeg,
    "png": png.read_png,
    "tiff": tiff.read_tiff,
    "webp": raster.read_webp,
    "avif": raster.read_avif,
    "bmp": raster.read_bmp,
    "heif": extras.read_heif,
    "raw": extras.read_raw,
}

_TALKATIVE = ("avif", "heif", "raw")  # so is libtiff, where the reader of TIFF needs it


def read(file: Path | BinaryIO, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Photo:
    """Read a photo from a file, or from a stream such as standard input, which is read to its end.

    The content decides what the file is, not its name. Python's warnings, by which codecs speak,
    are silenced for the whole process meanwhile; of two threads that read, one may end that early.

    Args:
        file: a path, or a binary stream open for reading.
        max_pixels: a larger picture is refused by its header, before memory is taken for it.

    Raises:
        UnsupportedError: the file is an animation, or of a kind that is not supported.
        ImageError: the file is missing, broken, cut short or too large.
    """
    subject = str(file) if isinstance(file, Path) else "standard input"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
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
        reason = str(error).strip() or type(error).__name__
        raise ImageError(f"{subject}: damaged, {reason}") from error


def pixels_in(file: Path) -> int | None:
    """Tell from a file's head how many pixels reading it would give; None where that is unknown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
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
    decoded, notes = draft.decoded, [*draft.notes, *draft.decoded.notes]
    height, width = decoded.pixels.shape[:2]
    exif, xmp = draft.exif, draft.metadata.xmp
    profile = None if decoded.is_srgb else draft.icc_profile
    if profile is not None and not color.is_usable(profile, is_grey=draft.format.is_grey):
        profile = None
        notes.append("the colour profile cannot be used and was left out: sRGB is assumed")
    kept = replace(
        draft.metadata,
        exif=metadata.upright_exif(exif, width, height) if exif else None,
        xmp=metadata.upright_xmp(xmp, width, height) if xmp else None,
    )
    return Photo(
        decoded.pixels,
        decoded.alpha,
        profile,
        kept,
        draft.format,
        notes=tuple(notes),
        left_out=draft.left_out + decoded.left_out,
    )
