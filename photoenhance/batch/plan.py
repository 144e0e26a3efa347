"""Inputs -> jobs: every input and its output, settled before anything is read or written."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from photoenhance.errors import ConfigError
from photoenhance.imaging import formats
from photoenhance.imaging.folders import (
    SUFFIX,
    Filter,
    ResultNames,
    Unreadable,
    is_picture,
    photos_in,
)
from photoenhance.imaging.mark import read_mark

OnExists = Literal["update", "skip", "overwrite", "rename", "error"]
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
        is_folder: whether `output` can only be a folder, as a slash at its end says.
        in_place: whether the results take the inputs' places.
        again: whether results among the inputs are enhanced like all others.
        on_exists: what to do where an output exists already.
        filter: which files of the folders count.
    """

    paths: tuple[Path, ...] = ()
    listed: tuple[Path, ...] = ()
    output: Path | None = None
    suffix: str | None = None
    is_folder: bool = False
    in_place: bool = False
    again: bool = False
    on_exists: OnExists = "update"
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Job:
    """One photo to enhance.

    Attributes:
        input: the photo; None is standard input.
        output: where the result goes; None is standard output.
        is_new: whether nothing was at `output` when the plan was made.
        on_exists: what to do if something is there.
        again: whether the photo is enhanced even if it is a result of ours.
        is_found: whether it was found in a folder rather than named.
        is_result: whether its name says that it is a result of ours, to be left alone.
        problem: why the photo cannot be enhanced, where the plan already shows it.
    """

    input: Path | None
    output: Path | None
    is_new: bool = True
    on_exists: OnExists = "update"
    again: bool = False
    is_found: bool = field(default=False, compare=False)
    is_result: bool = False
    problem: str | None = None

    def names(self) -> tuple[str, str]:
        """Input and output as the user knows them."""
        return str(self.input or "-"), str(self.output or "-")


def _has_mark(path: Path) -> bool:
    return read_mark(path) is not None


def plan(request: Request, is_result: Callable[[Path], bool] = _has_mark) -> tuple[Job, ...]:
    """Find every photo and settle where its result goes; write nothing.

    Args:
        request: what was asked for.
        is_result: tells whether a file is a result of ours; slow, so that it is asked only about
            photos that another photo would replace.

    Returns:
        Jobs in the order of the inputs, folders sorted by name; no two that are to be done have
        one output.

    Raises:
        ConfigError: an input does not exist, the output does not suit the inputs, two inputs have
            one output, or an output is an input and no result.
    """
    _check_output(request)
    entries = _Entries()
    pairs = list(_named(_once(_pairs(request), entries), request))
    if not request.in_place and not request.again:
        pairs = _without_results(pairs, request, entries, is_result)
    entries.promised.update(
        entries.of(job.output) for job in pairs if job.output and not job.is_result
    )
    jobs = [job if job.is_result else _settle(job, entries) for job in pairs]
    _check_places(jobs, request, entries)
    return tuple(jobs)


def plan_pipe(input: Path | None, output: Path | None, request: Request) -> Job:
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
    job = Job(input, output, on_exists=request.on_exists, again=request.again)
    return _settle(job, _Entries())


def _once(jobs: Iterable[Job], entries: "_Entries") -> Iterator[Job]:
    """Leave out jobs for a photo and an output that are there already, under whatever names."""
    seen: set[tuple[Path | None, Path | None]] = set()
    for job in jobs:
        places = (
            entries.of(job.input) if job.input else None,
            entries.of(job.output) if job.output else None,
        )
        if places not in seen:
            seen.add(places)
            yield job


def _named(jobs: Iterable[Job], request: Request) -> Iterator[Job]:
    """Note which photos are results by their names."""
    names = ResultNames()
    for job in jobs:
        asked = None if request.again or job.problem else job.input
        is_result = asked is not None and names.is_result(asked)
        yield replace(job, on_exists=request.on_exists, again=request.again, is_result=is_result)


def _without_results(
    jobs: list[Job], request: Request, entries: "_Entries", is_result: Callable[[Path], bool]
) -> list[Job]:
    """Leave out the inputs that are outputs, if they are results of ours.

    Raises:
        ConfigError: one is none.
    """
    inputs = {entries.of(job.input): job for job in jobs if job.input}
    results: set[Path] = set()
    for job in jobs:
        taken = inputs.get(entries.of(job.output)) if job.output and not job.is_result else None
        if taken is None or taken.input is None:
            continue
        # A name proves nothing where the file would be lost.
        is_sure = taken.is_result and request.on_exists != "overwrite"
        if is_sure or is_result(taken.input):
            results.add(taken.input)
        elif request.on_exists != "rename":
            raise _is_input(job)
    return [replace(job, is_result=True) if job.input in results else job for job in jobs]


def _check_places(jobs: list[Job], request: Request, entries: "_Entries") -> None:
    todo = [job for job in jobs if not job.is_result]
    inputs = {entries.of(job.input) for job in todo if job.input}
    takers: dict[Path, Path] = {}
    for job in todo:
        if job.input is None or job.output is None:
            continue
        entry = entries.of(job.output)
        if entry in takers:
            raise ConfigError(
                f"{job.output}: would be the output of both {takers[entry]} and {job.input}",
                hint="Enhance them in separate runs, each with its own -o.",
            )
        if entry in inputs and not request.in_place:
            raise _is_input(job)
        takers[entry] = job.input


def _is_input(job: Job) -> ConfigError:
    return ConfigError(
        f"{job.output}: is the output of {job.input}, but is itself an input",
        hint="Choose another output with -o, or replace the inputs with --in-place.",
    )


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
    if output.is_dir():
        return
    if is_one_photo:
        if output.suffix and not is_picture(output) and not request.is_folder:
            raise ConfigError(
                f"{output}: {output.suffix} is the suffix of no picture that we know",
                hint="Name a file such as photo.jpg, or a folder with a slash at its end.",
            )
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
            job = _pair(path / found, _resuffixed(root / found, request), request)
            yield replace(job, is_found=True)


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
        return _resuffixed(path.with_name(_short(path.stem, SUFFIX, path.suffix)), request)
    is_file = is_picture(request.output) and not request.output.is_dir()
    if is_file and not request.is_folder and len(request.paths + request.listed) == 1:
        return request.output
    return _resuffixed(request.output / below, request)


def _beside_folder(folder: Path) -> Path:
    # "." and "photos/.." have no name of their own to add to.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    if not named.name:
        raise ConfigError(f"{folder}: has no place beside it", hint="Name an output with -o.")
    return named.with_name(_short(named.name, SUFFIX, ""))


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


def _settle(job: Job, entries: _Entries) -> Job:
    """Apply `--on-exists` to one job, as far as that depends on names alone."""
    if job.output == job.input:
        return replace(job, is_new=False)
    if job.output is None or job.problem or not os.path.lexists(job.output):
        return job
    if job.output.is_dir():
        return replace(job, problem=f"{job.output}: the output is a folder")
    if job.on_exists == "rename":
        return replace(job, output=_free_name(job.output, entries))
    if job.on_exists == "error":
        return replace(job, is_new=False, problem=f"{job.output}: exists already")
    return replace(job, is_new=False)


def _free_name(output: Path, entries: _Entries) -> Path:
    number = 1
    while True:
        candidate = output.with_name(_short(output.stem, f"-{number}", output.suffix))
        entry = entries.of(candidate)
        if entry not in entries.promised and not os.path.lexists(candidate):
            entries.promised.add(entry)
            return candidate
        number += 1
