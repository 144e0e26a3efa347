"""The photos of a folder, and which of them are results by their names."""

import fnmatch
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photoenhance.imaging import formats

SUFFIX = "-enhanced"  # after the names of photos and folders whose results go beside them
# Pictures that no reader of ours knows: reported with the reason rather than passed over.
OTHER_PICTURES = frozenset((".gif", ".ico", ".jp2", ".jxl", ".pgm", ".pnm", ".ppm"))
# Of network stores, file managers and archivers: bins, thumbnails, file systems' own.
LEFT_OUT = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "@__thumb", "#recycle", "#snapshot"),
        *("$recycle.bin", "recycler", "system volume information", "thumbs.db", "desktop.ini"),
        *("__macosx", "lost+found"),
    )
)
_NUMBER = re.compile(r"-\d+$")  # that `--on-exists rename` adds


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files of a folder count. Patterns are the shell's and ignore case.

    Attributes:
        recursive: whether to look into subfolders.
        include: if any, names or relative paths must match one; they need no photo's suffix then.
        exclude: what matches one of these is left out, folders too.
    """

    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder that could not be looked into."""

    folder: Path
    relative: Path
    reason: str


def is_picture(path: Path) -> bool:
    """Whether a name's suffix is that of a picture, known to our readers or not."""
    return formats.of_suffix(path) is not None or path.suffix.lower() in OTHER_PICTURES


def photos_in(root: Path, filter: Filter, *, without: Path) -> Iterator[Path | Unreadable]:
    """Yield the photos of a folder as paths relative to it, sorted by name in each folder.

    Links to folders are followed last and each real folder is visited once, so loops end.

    Args:
        root: the folder.
        filter: which of its files count.
        without: a folder inside that is passed over, since the results go there.
    """
    seen = {_identity(without)} - {_identity(root), None}
    waiting = [Path()]
    links: list[Path] = []
    while waiting or links:
        relative = waiting.pop() if waiting else links.pop(0)
        identity = _identity(root / relative)
        if identity in seen:
            continue
        seen.add(identity)
        try:
            with os.scandir(root / relative) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"{root / relative}: cannot be looked into: {error.strerror}"
            yield Unreadable(root / relative, relative, reason)
            continue
        folders: list[Path] = []
        for entry in entries:
            path = relative / entry.name
            if _is_left_out(path, filter):
                continue
            mode = _mode(root / path)
            if not stat.S_ISDIR(mode):
                if stat.S_ISREG(mode) and _is_photo(path, filter):
                    yield path
            elif filter.recursive:
                (links if entry.is_symlink() else folders).append(path)
        waiting.extend(reversed(folders))


class ResultNames:
    """Tells results by their names: a photo `a-enhanced.jpg` beside one called `a`.

    Each folder is listed once.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, set[str]] = {}

    def is_result(self, photo: Path) -> bool:
        """Whether the folder of a photo holds another one that it is named after."""
        if SUFFIX not in photo.name:
            return False
        if photo.parent not in self._folders:
            self._folders[photo.parent] = _names_in(photo.parent)
        stem, _, rest = photo.name.rpartition(SUFFIX)
        # The suffix of a raw, IMG_1.CR3, stays before the new one.
        return (
            stem + _NUMBER.sub("", rest.removesuffix(photo.suffix)) in self._folders[photo.parent]
        )


def _names_in(folder: Path) -> set[str]:
    """Name the pictures of a folder, with their suffixes and without."""
    try:
        pictures = [path for path in folder.iterdir() if is_picture(path)]
    except OSError:
        return set()
    return {path.name for path in pictures} | {path.stem for path in pictures}


def _mode(path: Path) -> int:
    """Tell files from folders, and from pipes and devices, which a folder is not searched for."""
    try:
        return path.stat().st_mode
    except OSError:  # such as a dangling link, which is reported when it is to be read
        return stat.S_IFREG


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_left_out(path: Path, filter: Filter) -> bool:
    name = path.name
    return name.startswith(".") or name.lower() in LEFT_OUT or _matches(path, filter.exclude)


def _is_photo(path: Path, filter: Filter) -> bool:
    if filter.include:
        return _matches(path, filter.include)
    return is_picture(path)


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    candidates = (path.name.lower(), path.as_posix().lower())
    return any(
        fnmatch.fnmatchcase(candidate, pattern.lower())
        for pattern in patterns
        for candidate in candidates
    )
