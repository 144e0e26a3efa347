"""Folders -> photos to learn from: without results, without runs, without what cannot be read."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging import formats
from photoenhance.imaging.folders import SUFFIX, Filter, ResultNames, Unreadable, photos_in
from photoenhance.imaging.mark import is_contact_sheet, read_mark
from photoenhance.imaging.read import read
from photoenhance.imaging.silence import muted
from photoenhance.imaging.soundness import seems_whole
from photoenhance.training import state
from photoenhance.zoo.store import RUN_FILE

OF_A_RUN = ("events.jsonl", state.PATTERN, RUN_FILE)  # a folder with one of them is a run's
SAMPLES = "samples-*.png"  # grids that a run writes into its folder
Answer = TypeVar("Answer")
NAMED = 5  # unreadable photos that are named one by one


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder and of its subfolders, sorted out by what they are.

    Attributes:
        folder: that was searched.
        photos: to learn from, sorted.
        own: how many pictures are photoenhance's: results, samples of runs, contact sheets.
        others: how many files are in no format that is read, by suffix.
        problems: why photos and folders that cannot be read are left out.
    """

    folder: Path
    photos: tuple[Path, ...]
    own: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def notes(self) -> tuple[str, ...]:
        """Say in a few lines what is not learnt from."""
        lines = [f"left out: {problem}" for problem in self.problems[:NAMED]]
        if len(self.problems) > NAMED:
            lines.append(f"left out: {len(self.problems) - NAMED} more that cannot be read")
        if self.own:
            pictures = f"{self.own} picture{'s' * (self.own != 1)}"
            lines.append(f"{self.folder}: not learnt from {pictures} that photoenhance has made")
        if self.others:
            counts = ", ".join(f"{count} {name}" for name, count in sorted(self.others.items()))
            lines.append(f"{self.folder}: passed over, as no photos in a known format: {counts}")
        return tuple(lines)


def hint() -> str:
    """Say what a folder to learn from holds."""
    return f"Choose a folder of photos: {', '.join(formats.readable())}."


def photos_below(folder: Path, *, output: Path | None = None) -> Listing:
    """List the photos of a folder and its subfolders by their names and marks.

    Left out are hidden files, what photoenhance has made itself, and the folders of training runs.

    Args:
        folder: to be searched.
        output: folder of the run, which may lie inside.

    Raises:
        ConfigError: there is no such folder, or no photo in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder", hint="Name a folder of photos.")
    own = _OwnFolders(folder, output)
    photos, others, problems = [], Counter[str](), []
    for found in photos_in(folder, Filter(recursive=True, include=("*",)), without=folder):
        if isinstance(found, Unreadable):
            problems.append(found.reason)
        elif formats.of_suffix(found) is not None:
            photos.append(folder / found)
        elif not own.hold(folder / found):
            others[found.suffix.lower() or "without a suffix"] += 1
    theirs = _without_results([photo for photo in sorted(photos) if not own.hold(photo)])
    listing = Listing(folder, tuple(theirs), len(photos) - len(theirs), others, tuple(problems))
    if not theirs:
        raise _nothing_in(listing)
    return listing


def readable(listing: Listing) -> Listing:
    """Leave out the photos that cannot be read, as far as their heads and lengths show it.

    Only photos whose files do not seem to be whole are decoded, so that thousands take seconds.

    Raises:
        ConfigError: not one photo is left.
    """
    errors = dict(zip(listing.photos, _in_threads(_error_in, listing.photos), strict=True))
    photos = tuple(photo for photo, error in errors.items() if error is None)
    found = [error for error in errors.values() if error is not None]
    if not photos:
        raise ConfigError(
            f"{listing.folder}: not one of {len(errors)} photos can be read: {found[0].message}",
            hint=found[0].hint or hint(),
        )
    problems = tuple(error.message for error in found)
    return replace(listing, photos=photos, problems=listing.problems + problems)


def paired(source: Listing, target: Listing) -> tuple[Listing, Listing]:
    """Put two folders' photos of the same names at the same places.

    Raises:
        ConfigError: a photo has no partner, or two.
    """
    sources, targets = _by_stem(source), _by_stem(target)
    alone = sorted(sources.keys() ^ targets.keys())
    if alone:
        own = source.own + target.own
        left_out = f"; {own} that photoenhance has made are left out" if own else ""
        raise ConfigError(
            f"{alone[0]}: a photo without its partner ({len(alone)} in all{left_out})",
            hint="Give each photo of one folder a partner of the same name in the other.",
        )
    partners = tuple(targets[stem] for stem in sources)
    return replace(source, photos=tuple(sources.values())), replace(target, photos=partners)


def readable_pairs(source: Listing, target: Listing) -> tuple[Listing, Listing]:
    """Leave out the pairs of which one side cannot be read.

    Raises:
        ConfigError: not one pair is left.
    """
    sides = readable(source), readable(target)
    left = [set(side.photos) for side in sides]
    pairs = [
        pair
        for pair in zip(source.photos, target.photos, strict=True)
        if pair[0] in left[0] and pair[1] in left[1]
    ]
    if not pairs:
        raise ConfigError(
            f"{source.folder}: there is not one pair of which both photos can be read", hint=hint()
        )
    sources, targets = zip(*pairs, strict=True)
    return replace(sides[0], photos=sources), replace(sides[1], photos=targets)


def _by_stem(listing: Listing) -> dict[Path, Path]:
    found: dict[Path, Path] = {}
    for photo in listing.photos:
        stem = photo.relative_to(listing.folder).with_suffix("")
        if stem in found:
            raise ConfigError(
                f"{photo}: has the same name as {found[stem].name}, so that its partner is unclear",
                hint="Keep one of the two in the folder.",
            )
        found[stem] = photo
    return found


def _nothing_in(listing: Listing) -> ConfigError:
    if listing.own:
        return ConfigError(
            f"{listing.folder}: no photos but {listing.own} that photoenhance has made itself",
            hint="Name a folder of photos that look as they should without it.",
        )
    known = ", ".join(formats.readable())
    return ConfigError(
        f"{listing.folder}: no photos (looked for {known}, subfolders included)",
        hint="Name a folder that holds photos.",
    )


def _without_results(photos: Sequence[Path]) -> list[Path]:
    """Leave out what is a result by its name, or by what the file itself says."""
    names = ResultNames()
    rest = [photo for photo in photos if not names.is_result(photo)]
    marked = _in_threads(_is_marked, rest)
    return [photo for photo, is_own in zip(rest, marked, strict=True) if not is_own]


class _OwnFolders:
    """Knows the folders that photoenhance has written: runs', and results' beside the photos'."""

    def __init__(self, root: Path, output: Path | None) -> None:
        self._root = root
        self._output = output
        self._known = {root: False}
        self._is_run = _is_of_run(root) or self._is_output(root)

    def hold(self, photo: Path) -> bool:
        """Whether a photo lies in one of them, or is a sample in a root that is a run's itself."""
        if photo.parent == self._root:
            return self._is_run and photo.match(SAMPLES)
        return self._is_own(photo.parent)

    def _is_own(self, folder: Path) -> bool:
        if folder not in self._known:
            self._known[folder] = (
                self._is_own(folder.parent)
                or _is_of_run(folder)
                or _is_of_results(folder)
                or self._is_output(folder)
            )
        return self._known[folder]

    def _is_output(self, folder: Path) -> bool:
        return self._output is not None and self._output.exists() and folder.samefile(self._output)


def _is_of_run(folder: Path) -> bool:
    return any(True for pattern in OF_A_RUN for _ in folder.glob(pattern))


def _is_of_results(folder: Path) -> bool:
    original = folder.name.removesuffix(SUFFIX)
    return original not in ("", folder.name) and folder.with_name(original).is_dir()


def _is_marked(photo: Path) -> bool:
    return read_mark(photo) is not None or is_contact_sheet(photo)


def _error_in(photo: Path) -> ImageError | None:
    """Say why a photo cannot be read; None where it can be."""
    if seems_whole(photo):
        return None
    try:
        read(photo)
    except ImageError as error:
        return error
    return None


def _in_threads(ask: Callable[[Path], Answer], photos: Sequence[Path]) -> list[Answer]:
    with muted(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(ask, photos))
