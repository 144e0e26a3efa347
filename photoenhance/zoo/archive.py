"""Zip archives of unknown origin: read in bounded memory, unpacked nowhere."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from photoenhance.errors import WeightsError

MOST_MEMBERS = 20_000
START = b"PK\x03\x04"


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose names are harmless.

    Raises:
        WeightsError: it is damaged, encrypted, has far too many members, or one with a name that
            would lead out of a folder.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise refused(path, f"it is a damaged archive ({error})") from error
    with archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise refused(path, f"{len(members)} members are far too many for weights")
        for member in members:
            if _leads_out(member.filename):
                raise refused(path, f"its member {member.filename!r} leads out of its folder")
            if member.flag_bits & 1:
                raise refused(path, f"its member {member.filename!r} is encrypted")
        yield archive


def read(archive: zipfile.ZipFile, name: str, *, most: int) -> bytes:
    """Read a member, but not more than `most` bytes, whatever the archive says of its size.

    Raises:
        WeightsError: it is larger, or damaged.
    """
    path = Path(archive.filename or "")
    try:
        with archive.open(name) as stream:
            content = stream.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise refused(path, f"its member {name!r} is damaged ({error})") from error
    if len(content) > most:
        raise refused(path, f"its member {name!r} unpacks to more than {most:,} bytes")
    return content


def refused(path: Path, reason: str) -> WeightsError:
    """The error of a file that cannot be or must not be read."""
    return WeightsError(
        f"{path}: refused: {reason}", hint="Get the file again from its publisher, or another one."
    )


def _leads_out(name: str) -> bool:
    windows = PureWindowsPath(name)
    is_absolute = name.startswith(("/", "\\")) or bool(windows.drive)
    return is_absolute or ".." in PurePosixPath(name).parts or ".." in windows.parts
