"""What a TIFF file says about its picture -> an EXIF block, and back."""

import io
import struct
from dataclasses import dataclass, replace

from photoenhance.imaging import ifd
from photoenhance.imaging.metadata import ORIENTATION
from photoenhance.imaging.tiff import makernote

# Tags that describe how a TIFF file holds its pixels: its writer sets them anew.
_STORAGE = frozenset(
    [
        *range(0x00FE, 0x010D),
        0x0111,
        *range(0x0115, 0x011A),
        0x011C,
        *range(0x0120, 0x0126),
        0x0129,
        0x012D,
        0x013D,
        *range(0x0140, 0x0160),
        0x0190,
        *range(0x0200, 0x020A),
        *range(0x0211, 0x0215),
        0x828D,
        0x828E,
        0x935C,
        *range(0xC612, 0xC800),
    ]
)
_APART = frozenset([ORIENTATION, 0x02BC, 0x83BB, 0x8649, 0x8773])  # Metadata holds them itself
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_RESOLUTION = frozenset([_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT])


def is_storage(tag: int) -> bool:
    """Tell a tag that says how a TIFF holds its pixels from one that says something of them."""
    return tag in _STORAGE


@dataclass(frozen=True, slots=True)
class GatheredExif:
    """What a TIFF file says about its picture as an EXIF block, and what of it could not be taken.

    Attributes:
        block: None where the file says nothing.
        left_out: as in `Photo`.
    """

    block: bytes | None
    left_out: tuple[str, ...] = ()


def exif_of_tiff(tiff: ifd.TiffFile, directory: ifd.Directory) -> GatheredExif:
    """Gather what a TIFF file says about its picture, less how it is stored."""
    movable = _movable(replace(directory, entries=kept_in_tiff(directory)))
    lost = {ifd.EXIF, ifd.GPS} & directory.entries.keys() - directory.children.keys()
    damage = ("damaged EXIF was left out",) if lost else ()
    has_more = movable.children or movable.entries.keys() - _RESOLUTION
    if not has_more and not _is_aspect(tiff, movable):
        return GatheredExif(None, damage)
    start = b"II*\0" if tiff.order == "<" else b"MM\0*"
    head = start + struct.pack(tiff.order + "I", 8)
    block = head + ifd.packed(movable, tiff.order, 8)
    before, now = _maker_note(directory), _maker_note_of(block)
    if before is None or now is None:
        return GatheredExif(block, damage)
    new, end = now.value_position, now.value_position + len(now.value)
    moved = makernote.moved(before.value, tiff.order, before.value_position, new)
    said = () if moved.is_whole else ("parts of the camera maker's note could not be moved",)
    return GatheredExif(block[:new] + moved.note + block[end:], damage + said)


def _maker_note(directory: ifd.Directory) -> ifd.Entry | None:
    exif = directory.children.get(ifd.EXIF)
    return exif.entries.get(makernote.TAG) if exif is not None else None


def _maker_note_of(block: bytes) -> ifd.Entry | None:
    tiff = ifd.TiffFile(io.BytesIO(block))
    return _maker_note(tiff.directory(tiff.first))


def kept_in_tiff(directory: ifd.Directory) -> dict[int, ifd.Entry]:
    """Return the tags of a first directory that a TIFF file may take over as they are."""
    return {
        tag: entry
        for tag, entry in directory.entries.items()
        if tag not in _STORAGE and tag not in _APART
    }


def _is_aspect(tiff: ifd.TiffFile, directory: ifd.Directory) -> bool:
    """Tell a resolution without a unit, which says how wide a pixel is for its height."""
    unit, across, down = (
        directory.entries.get(tag) for tag in (_RESOLUTION_UNIT, _X_RESOLUTION, _Y_RESOLUTION)
    )
    if unit is None or across is None or down is None:
        return False
    if unit.kind != ifd.SHORT or not unit.count:
        return False
    return tiff.integers(unit)[0] == 1 and across.value != down.value


def _movable(directory: ifd.Directory) -> ifd.Directory:
    """Return a directory without tags that point to places in the file, but for its children."""
    entries = {
        tag: entry
        for tag, entry in directory.entries.items()
        if entry.kind not in ifd.POINTERS and tag not in ifd.CHILDREN
    }
    children = {tag: _movable(child) for tag, child in directory.children.items()}
    return ifd.Directory(entries, children)
