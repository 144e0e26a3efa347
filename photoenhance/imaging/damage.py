"""What decoders raise for broken files, and what a user is told of it."""

import struct
import zlib

from PIL import Image, ImageCms

from photoenhance.errors import ImageError

# What decoders raise for files that are not what they claim: they promise nothing.
DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError,
    RuntimeError, struct.error, zlib.error, ImageCms.PyCMSError, Image.DecompressionBombError,
)  # fmt: skip

# Pillow has no class of its own for sound files that it cannot read, only these words.
_UNSUPPORTED = ("unsupported", "not supported", "unknown pixel mode", "unknown data organization",
                "cannot handle", "not implemented", "too large for")  # fmt: skip
_CUT_SHORT = ("truncated", "unexpected end", "not enough image data")


class DamageError(ValueError):
    """Something is wrong with a file. The message says what, in words for the file's owner."""


def translated(error: Exception) -> ImageError:
    """Say to a user what a decoder's exception means, without Python's own words."""
    text = str(error).lower()
    if isinstance(error, DamageError):
        return ImageError(f"damaged, {error}")
    if isinstance(error, NotImplementedError) or any(words in text for words in _UNSUPPORTED):
        return ImageError(
            "not supported: a rare variant of its format",
            hint="Convert the photo to 8-bit or 16-bit RGB first.",
        )
    if isinstance(error, EOFError) or any(words in text for words in _CUT_SHORT):
        return ImageError("damaged, the file is cut short")
    return ImageError("damaged, it cannot be decoded")
