"""Two folders, or two photos -> which result belongs to which original."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from photoenhance.cli.contents import Contents, contents_by_marks
from photoenhance.errors import ConfigError
from photoenhance.imaging.folders import SUFFIX, Filter, photos_in

if TYPE_CHECKING:
    from photoenhance.report.rows import Pair


def contents_between(before: Path, after: Path | None, *, recursive: bool) -> Contents:
    """Find the results that belong to originals.

    Args:
        before: a photo or a folder.
        after: its result, or the folder of the results; None is where `enhance` puts them.
        recursive: whether to look into subfolders.

    Raises:
        ConfigError: one of them does not exist, or they do not go together.
    """
    from photoenhance.report.rows import Failure, Pair

    if not before.exists():
        raise ConfigError(
            f"{before}: no such file or folder", hint="Check the spelling of the path."
        )
    named = before if before.name not in ("", "..") else before.resolve()
    after = after or named.with_name(f"{named.stem}{SUFFIX}{named.suffix}")
    if not after.exists():
        raise ConfigError(
            f"{after}: no such file or folder",
            hint="Name the enhanced photos after the originals, or enhance them first.",
        )
    if before.is_file():
        after = after / before.name if after.is_dir() else after
        shown = contents_by_marks((Pair(before.name, before, after),))
        return replace(shown, title=before.name)
    if after.is_file():
        raise ConfigError(
            f"{after}: is one file, but {before} is a folder", hint="Name two folders."
        )
    pairs, alone = _matched(before, after, Filter(recursive))
    if alone and not pairs:
        raise ConfigError(
            f"{after}: has no result of any photo in {before}",
            hint="Name the folder of the originals first, then that of their results.",
        )
    reason = f"has no result in {after}"
    failures = tuple(Failure(str(name), reason) for name in alone)
    title = named.resolve().name or str(before)
    return replace(contents_by_marks(pairs), title=title, failures=failures)


def _matched(before: Path, after: Path, filter: Filter) -> "tuple[tuple[Pair, ...], list[Path]]":
    """Match by the path below the folder, whatever format the result has."""
    from photoenhance.report.rows import Pair

    is_one_folder = before.samefile(after)
    results = {} if is_one_folder else {path: path for path in _photos(after, filter, before)}
    named = {path.with_suffix(""): path for path in _photos(after, filter, before)}
    pairs, alone = [], []
    for path in _photos(before, filter, after):
        stem = path.with_suffix("")
        beside = named.get(stem.with_name(f"{stem.name}{SUFFIX}"))
        if is_one_folder:
            found = beside
        else:
            # A raw's result is IMG_1.CR3.tif, whose stem is the whole old name.
            found = results.get(path) or named.get(path) or named.get(stem) or beside
        if found:
            pairs.append(Pair(str(path), before / path, after / found))
        elif not (is_one_folder and stem.name.endswith(SUFFIX)):
            alone.append(path)
    return tuple(pairs), alone


def _photos(folder: Path, filter: Filter, without: Path) -> list[Path]:
    found = photos_in(folder, filter, without=without)
    return [path for path in found if isinstance(path, Path)]
