"""The file formats that we know, by name, by a path's suffix, and by a file's first bytes."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from photoenhance.errors import ImageError

FormatName = Literal["jpeg", "png", "tiff", "webp", "avif", "bmp", "heif", "raw"]


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What one file format can hold, as far as we read and write it.

    Attributes:
        name: our name of it, as `--format` takes it.
        suffixes: lower case, with the dot; the first one is the usual one.
        is_writable: False for camera raw, which nobody but a camera writes.
        has_alpha: an alpha channel survives in it.
        has_16_bits: 16-bit channels survive in it.
        has_grey: one-channel pictures survive in it.
        has_metadata: EXIF, XMP and ICC profiles survive in it.
        max_side: the longest side that it can hold, in pixels.
    """

    name: FormatName
    suffixes: tuple[str, ...]
    is_writable: bool = True
    has_alpha: bool = False
    has_16_bits: bool = False
    has_grey: bool = False
    has_metadata: bool = True
    max_side: int = 2**31 - 1


FORMATS: dict[FormatName, FileFormat] = {
    "jpeg": FileFormat(
        "jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), has_grey=True, max_side=65500
    ),
    "png": FileFormat("png", (".png",), has_alpha=True, has_16_bits=True, has_grey=True),
    "tiff": FileFormat("tiff", (".tif", ".tiff"), has_alpha=True, has_16_bits=True, has_grey=True),
    "webp": FileFormat("webp", (".webp",), has_alpha=True, max_side=16383),
    "avif": FileFormat("avif", (".avif",), has_alpha=True, max_side=65535),
    "bmp": FileFormat("bmp", (".bmp", ".dib"), has_grey=True, has_metadata=False),
    "heif": FileFormat(
        "heif", (".heic", ".heif", ".hif"), has_alpha=True, has_16_bits=True, max_side=16383
    ),
    "raw": FileFormat(
        "raw",
        (
            ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".sr2", ".srf", ".orf",
            ".rw2", ".raf", ".pef", ".srw", ".3fr", ".iiq", ".mrw", ".x3f", ".raw",
        ),
        is_writable=False,
    ),
}  # fmt: skip

EXTRAS: dict[FormatName, str] = {"heif": "pillow_heif", "raw": "rawpy"}
"""The packages that read formats which a plain install does not."""

_SIGNATURES: dict[bytes, FormatName] = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"II*\0": "tiff", b"MM\0*": "tiff", b"II+\0": "tiff", b"MM\0+": "tiff",
    b"BM": "bmp",
}  # fmt: skip

_ISO_BRANDS: dict[bytes, FormatName] = {
    b"avif": "avif", b"avis": "avif",
    b"heic": "heif", b"heix": "heif", b"heim": "heif", b"heis": "heif",
    b"hevc": "heif", b"hevx": "heif", b"mif1": "heif", b"msf1": "heif",
    b"crx ": "raw",
}  # fmt: skip


def of_suffix(path: Path) -> FileFormat | None:
    """Return the format that a path's suffix names, or None."""
    suffix = path.suffix.lower()
    return next((known for known in FORMATS.values() if suffix in known.suffixes), None)


def readable() -> tuple[FormatName, ...]:
    """Return the formats that this installation reads."""
    return tuple(name for name in FORMATS if name not in EXTRAS or find_spec(EXTRAS[name]))


def writable(path: Path) -> FileFormat:
    """Return the format to write `path` in.

    Raises:
        ImageError: the suffix names no format, or one that cannot be written.
    """
    found = of_suffix(path)
    if found is not None and found.is_writable:
        return found
    known = ", ".join(each.suffixes[0] for each in FORMATS.values() if each.is_writable)
    wrong = f"{path.suffix!r} cannot be written" if path.suffix else "a name without a suffix"
    raise ImageError(f"{path}: {wrong}", hint=f"Choose a name that ends in one of {known}.")


def recognise(head: bytes) -> FormatName | None:
    """Tell a format from the first 32 bytes or more of a file, whatever its name says."""
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((name for start, name in _SIGNATURES.items() if head.startswith(start)), None)


def _of_brands(head: bytes) -> FormatName | None:
    """Recognise the family of ISO base media files by its brands; `mif1` alone says HEIF."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[start : start + 4] for start in range(16, size - 3, 4))]
    names = [_ISO_BRANDS[brand] for brand in brands if brand in _ISO_BRANDS]
    return "avif" if "avif" in names else next(iter(names), None)
