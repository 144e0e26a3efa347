"""Files that appear whole or not at all."""

import errno
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from photoenhance.errors import ImageError

TEMPORARY_PREFIX = ".photoenhance-"
TEMPORARY_SUFFIX = ".part"

_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", "Free some space, or choose another output folder."),
    errno.EDQUOT: ("your disk quota is used up", "Free some space, or choose another folder."),
    errno.EFBIG: ("the file would be too large for this disk", "Choose another output folder."),
    errno.EACCES: ("its folder may not be written to", "Choose another output folder."),
    errno.EPERM: ("its folder may not be written to", "Choose another output folder."),
    errno.EROFS: ("its disk is read-only", "Choose another output folder."),
    errno.ENOENT: ("its folder does not exist", "Make the folder first."),
    errno.ENOTDIR: ("its folder is a file", "Choose another output folder."),
    errno.EISDIR: ("it is a folder", "Choose another name."),
    errno.ENAMETOOLONG: ("its name is too long for this disk", "Choose a shorter name."),
}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write that takes the name `path` only when the block ends well.

    It is written under a short temporary name in the same folder, flushed to the disk, and
    renamed. At any moment `path` is the whole old file, the whole new one, or absent. When the
    block fails the temporary file is removed; only a kill can leave one behind.

    Raises:
        ImageError: the system refused to make, fill or rename the file.
    """
    temporary = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
    try:
        with _created(temporary) as file:
            _keep_permissions(path, file)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        raise _translated(path, error) from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    """Remove a file if it is there; what made us do so matters more than a failure here."""
    with suppress(OSError):
        path.unlink()


def _created(path: Path) -> io.BufferedWriter:
    """Make a new file with the permissions that a new file gets here."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def _keep_permissions(path: Path, file: BinaryIO) -> None:
    """Give the new file the mode of the one that it replaces, if there is one."""
    if os.name == "posix":
        with suppress(OSError):
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can do that."""
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _translated(path: Path, error: OSError) -> ImageError:
    reason, hint = _REASONS.get(error.errno or 0, (error.strerror or str(error), None))
    return ImageError(f"{path}: cannot be written, {reason}", hint=hint)
