"""Inputs -> jobs: every input and its output, settled before anything is read or written."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from photoenhance.batch.scan import Filter, Unreadable, is_picture, photos_in
from photoenhance.errors import ConfigError
from photoenhance.imaging import formats

OnExists = Literal["skip", "overwrite", "rename", "error"]
LONGEST_NAME = 255  # bytes; the limit of practically every file system


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for.

    Attributes:
        paths: photos and folders.
        listed: photos and folders of a list; the part of a relative path before its name is
            kept below `output`.
        output: a folder, or a file if there is one photo; None for names beside the inputs.
        suffix: of every output, such as ".png"; None keeps the inputs'.
        in_place: whether the results take the inputs' places.
        on_exists: what to do where an output exists already.
        filter: which files of the folders count.
    """

    paths: tuple[Path, ...] = ()
    listed: tuple[Path, ...] = ()
    output: Path | None = None
    suffix: str | None = None
    in_place: bool = False
    on_exists: OnExists = "skip"
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Job:
    """One photo to enhance.

    Attributes:
        input: the photo; None is standard input.
        output: where the result goes; None is standard output.
        is_new: whether nothing was at `output` when the plan was made.
        skip: whether the photo is to be left alone because its output exists.
        problem: why the photo cannot be enhanced, where the plan already shows it.
    """

    input: Path | None
    output: Path | None
    is_new: bool = True
    skip: bool = False
    problem: str | None = None

    def names(self) -> tuple[str, str]:
        """Input and output as the user knows them."""
        return str(self.input or "-"), str(self.output or "-")


def plan(request: Request) -> tuple[Job, ...]:
    """Find every photo and settle where its result goes; write nothing.

    Returns:
        Jobs in the order of the inputs, folders sorted by name; no two have one output.

    Raises:
        ConfigError: an input does not exist, the output does not suit the inputs, two inputs have
            one output, or an output is an input.
    """
    _check_output(request)
    pairs = dict.fromkeys(_pairs(request))  # an input that is named twice is one job
    entries = _Entries()
    entries.promised.update(entries.of(job.output) for job in pairs if job.output)
    jobs = [_settle(job, request.on_exists, entries) for job in pairs]
    inputs = {entries.of(job.input): job.input for job in jobs if job.input}
    takers: dict[Path, Path] = {}
    for job in jobs:
        if job.input is None or job.output is None:
            continue
        entry = entries.of(job.output)
        if entry in takers:
            raise ConfigError(
                f"{job.output}: would be the output of both {takers[entry]} and {job.input}",
                hint="Enhance them in separate runs, each with its own -o.",
            )
        if entry in inputs and not request.in_place:
            raise ConfigError(
                f"{job.output}: is the output of {job.input}, but is itself an input",
                hint="Choose another output with -o, or replace the inputs with --in-place.",
            )
        takers[entry] = job.input
    return tuple(jobs)


def plan_pipe(input: Path | None, output: Path | None, on_exists: OnExists) -> Job:
    """Settle one job from standard input or to standard output, either of which is None.

    Raises:
        ConfigError: the input is not one photo, or the output is a folder.
    """
    if input and not input.exists():
        raise ConfigError(f"{input}: no such file", hint="Check the spelling of the path.")
    if input and input.is_dir():
        raise ConfigError(
            f"{input}: is a folder, but standard output takes one photo",
            hint="Name a folder with -o.",
        )
    if output and output.is_dir():
        raise ConfigError(
            f"{output}: is a folder, but a photo from standard input has no name",
            hint="Name a file with -o.",
            options=("output",),
        )
    return _settle(Job(input, output), on_exists, _Entries())


class _Entries:
    """Tells whether two paths are one place in the file system, links on the way included."""

    def __init__(self) -> None:
        self._folders: dict[Path, Path] = {}
        self.promised: set[Path] = set()  # to some job

    def of(self, path: Path) -> Path:
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = Path(os.path.realpath(folder))
        return self._folders[folder] / os.path.normcase(path.name)


def _check_output(request: Request) -> None:
    inputs = request.paths + request.listed
    output = request.output
    if output is None:
        return
    if request.in_place:
        raise ConfigError(
            f"{output}: an output makes no sense with --in-place",
            hint="Leave one of them out.",
            options=("output", "in_place"),
        )
    is_one_photo = len(inputs) == 1 and not inputs[0].is_dir()
    if is_one_photo or output.is_dir():
        return
    if output.exists() or is_picture(output):
        raise ConfigError(
            f"{output}: is one file, but there may be many results",
            hint="Name a folder with -o.",
            options=("output",),
        )


def _pairs(request: Request) -> Iterator[Job]:
    for path in request.paths:
        if not path.exists() and not path.is_symlink():
            raise ConfigError(
                f"{path}: no such file or folder", hint="Check the spelling of the path."
            )
        yield from _pairs_of(path, Path(path.name), request)
    for path in request.listed:
        is_below = not path.is_absolute() and ".." not in path.parts
        yield from _pairs_of(path, path if is_below else Path(path.name), request)


def _pairs_of(path: Path, below: Path, request: Request) -> Iterator[Job]:
    if not path.is_dir():
        yield _pair(path, _output_of_photo(path, below, request), request)
        return
    root = request.output or _beside_folder(path)
    if request.output and path in request.listed:
        root = request.output / below
    for found in photos_in(path, request.filter, without=root):
        if isinstance(found, Unreadable):
            yield Job(found.folder, root / found.relative, problem=found.reason)
        else:
            yield _pair(path / found, _resuffixed(root / found, request), request)


def _pair(path: Path, output: Path, request: Request) -> Job:
    if not request.in_place:
        return Job(path, output)
    # A link stays one: what it points to is replaced.
    place = Path(os.path.realpath(path)) if path.is_symlink() else path
    if _resuffixed(place, request) != place:
        return Job(place, place, problem=f"{path}: cannot be replaced by a file of another format")
    return Job(place, place)


def _output_of_photo(path: Path, below: Path, request: Request) -> Path:
    if request.output is None:
        return _resuffixed(path.with_name(_short(path.stem, "-enhanced", path.suffix)), request)
    is_file = is_picture(request.output) and not request.output.is_dir()
    if is_file and len(request.paths + request.listed) == 1:
        return request.output
    return _resuffixed(request.output / below, request)


def _beside_folder(folder: Path) -> Path:
    # "." and "photos/.." have no name of their own to add to.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    if not named.name:
        raise ConfigError(f"{folder}: has no place beside it", hint="Name an output with -o.")
    return named.with_name(_short(named.name, "-enhanced", ""))


def _resuffixed(output: Path, request: Request) -> Path:
    if request.suffix:
        return output.with_name(_short(output.stem, "", request.suffix))
    known = formats.of_suffix(output)
    if not is_picture(output) or (known and known.is_writable):
        return output
    # The old suffix stays, so that a camera's IMG_1.CR3 and IMG_1.JPG keep two names.
    return output.with_name(_short(output.name, "", ".tif" if known else ".png"))


def _short(stem: str, addition: str, suffix: str) -> str:
    """Put a name together, cutting the stem where the file system would refuse the whole."""
    while len(os.fsencode(stem + addition + suffix)) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + addition + suffix


def _settle(job: Job, on_exists: OnExists, entries: _Entries) -> Job:
    """Apply `--on-exists` to one job."""
    if job.output == job.input:
        return replace(job, is_new=False)
    if job.output is None or job.problem or not os.path.lexists(job.output):
        return job
    if job.output.is_dir():
        return replace(job, problem=f"{job.output}: the output is a folder")
    if on_exists == "rename":
        return replace(job, output=_free_name(job.output, entries))
    if on_exists == "error":
        return replace(job, is_new=False, problem=f"{job.output}: exists already")
    return replace(job, is_new=False, skip=on_exists == "skip")


def _free_name(output: Path, entries: _Entries) -> Path:
    number = 1
    while True:
        candidate = output.with_name(_short(output.stem, f"-{number}", output.suffix))
        entry = entries.of(candidate)
        if entry not in entries.promised and not os.path.lexists(candidate):
            entries.promised.add(entry)
            return candidate
        number += 1
