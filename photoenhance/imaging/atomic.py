"""Files that appear whole or not at all."""

import errno
import io
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from photoenhance.errors import ImageError

if sys.platform != "win32":
    import fcntl

TEMPORARY_PREFIX = ".photoenhance-"
TEMPORARY_SUFFIX = ".part"

_ABANDONED = 600  # seconds; no living run writes for so long to one temporary file
# What fsync says on file systems that have no such thing: the file is as safe there as it gets.
_NO_FSYNC = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP))
# What the kernel itself keeps of a file's content; copied, it would call the new one forged.
_OF_CONTENT = frozenset(("security.ima", "security.evm"))

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
def replacing(path: Path, *, dates: tuple[int, int] | None = None) -> Iterator[BinaryIO]:
    """Open a file to write that takes the name `path` only when the block ends well.

    It is written under a short temporary name in the same folder, flushed to the disk, and
    renamed. At any moment `path` is the whole old file, the whole new one, or absent. When the
    block fails the temporary file is removed; only a kill can leave one behind, which
    `remove_leftovers` then knows by its missing lock.

    The new file has the owner, permissions and extended attributes of the one that it replaces, as
    far as the system lets us give them.

    Args:
        path: the name.
        dates: of the last access and change in nanoseconds; None is now.

    Raises:
        ImageError: the system refused to make, fill or rename the file.
    """
    temporary = None
    try:
        temporary, file = _created(path.parent)
        with _locked_until_the_end(file):
            with file:
                _keep_attributes(path, file)
                yield file
                file.flush()
                if dates:
                    os.utime(temporary, ns=dates)
                _sync(file.fileno())
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _remove(temporary)
        raise _translated(path, error) from error
    except BaseException:
        _remove(temporary)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs have left in a folder, and nothing that a living one still writes."""
    with suppress(OSError):
        for leftover in folder.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
            with suppress(OSError):
                if stat.S_ISREG(leftover.lstat().st_mode):
                    _remove_if_dead(leftover)


def _remove_if_dead(leftover: Path) -> None:
    if sys.platform == "win32":  # where what is open cannot be removed
        leftover.unlink()
        return
    descriptor = os.open(leftover, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _is_dead(descriptor):
            leftover.unlink()
    finally:
        os.close(descriptor)


def _is_dead(descriptor: int) -> bool:
    """Whether nobody writes to an open leftover any more; takes its lock if so."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks on this file system, so that only its age tells
        return time.time() - os.fstat(descriptor).st_mtime > _ABANDONED
    return True


def _remove(path: Path | None) -> None:
    """Remove a file if it is there; what made us do so matters more than a failure here."""
    if path:
        with suppress(OSError):
            path.unlink()


def _created(folder: Path) -> tuple[Path, io.BufferedWriter]:
    """Make a new file, locked, with the permissions that a new file gets here."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        path = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        descriptor = os.open(path, flags, 0o666)
        if _is_ours(descriptor):
            return path, os.fdopen(descriptor, "wb")
        os.close(descriptor)  # between making and locking it another run has taken it for dead


def _is_ours(descriptor: int) -> bool:
    """Lock a new file; False where another run is about to remove it, or has done so."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks on this file system, where nobody removes what is young
        return True
    return os.fstat(descriptor).st_nlink > 0


@contextmanager
def _locked_until_the_end(file: BinaryIO) -> Iterator[None]:
    """Keep a file's lock beyond its closing, until it has its final name."""
    if sys.platform == "win32":  # where what is open cannot be renamed
        yield
        return
    descriptor = os.dup(file.fileno())
    try:
        yield
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise


def _keep_attributes(path: Path, file: BinaryIO) -> None:
    """Give the new file owner, mode and extended attributes of the one that it replaces, if any."""
    if sys.platform == "win32":
        return
    try:
        old = path.stat()
    except OSError:
        return
    descriptor = file.fileno()
    with suppress(OSError):  # only root gives files away
        os.fchown(descriptor, old.st_uid, -1)
    with suppress(OSError):
        os.fchown(descriptor, -1, old.st_gid)
    with suppress(OSError):
        os.fchmod(descriptor, old.st_mode & 0o777)
    if sys.platform == "linux":
        for name in _attributes(path):  # after the mode, which access lists go beyond
            with suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(path, name))


def _attributes(path: Path) -> list[str]:
    if sys.platform != "linux":
        return []
    try:
        return [name for name in os.listxattr(path) if name not in _OF_CONTENT]
    except OSError:
        return []


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
