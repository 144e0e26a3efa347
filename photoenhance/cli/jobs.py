"""Paths, lists and pipes as they were typed -> jobs."""

import codecs
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from photoenhance.batch.events import Rendering
from photoenhance.batch.plan import Job, Request, plan, plan_pipe
from photoenhance.errors import ConfigError
from photoenhance.imaging import formats

STANDARD = "-"  # standard input or output, where a path could stand
MOST_NAMED = 3  # folders, in a message
SMALLEST_TILE = 64  # pixels; below, margins that are thrown away would be nearly all of the work


def jobs_of(
    paths: list[str],
    output: str | None,
    request: Request,
    is_result: Callable[[Path], bool],
    *,
    has_list: bool,
) -> tuple[Job, ...]:
    """Settle what is to be enhanced and where the results go.

    Args:
        paths: as typed, so that "-" can be told from a file of that name, "./-".
        output: as typed, or None.
        request: all else.
        is_result: tells whether a file is a result of ours.
        has_list: whether there was a list, which may have been empty.

    Raises:
        ConfigError: the paths do not exist, do not go together, or name nothing.
    """
    if not paths and not has_list:
        raise ConfigError(
            "no photo or folder was named",
            hint="Name at least one, as in `photoenhance enhance photos/`.",
        )
    if "" in (*paths, output):
        raise ConfigError(
            "an empty path was given", hint="Check the variables that the command is made of."
        )
    place = None if output in (None, STANDARD) else Path(str(output))
    if place and request.suffix:
        _check_format(place, request.suffix)
    if STANDARD in (*paths, output):
        return (_piped(paths, output, request),)
    is_folder = output is not None and output.endswith(("/", os.sep))
    named = tuple(map(Path, paths))
    return plan(replace(request, paths=named, output=place, is_folder=is_folder), is_result)


def has_work(jobs: tuple[Job, ...], is_result: Callable[[Path], bool]) -> bool:
    """Whether something else than results of ours was named; asks until it knows.

    Args:
        jobs: of a plan; those of folders are left to the run.
        is_result: tells whether a file is a result of ours.
    """
    for job in jobs:
        if job.is_result:
            continue
        is_named = job.input is not None and not job.is_found and not job.again
        if not is_named or job.input == job.output or not is_result(job.input or Path()):
            return True
    return False


def nothing_found(paths: list[str], request: Request) -> ConfigError:
    """Say that no photos were found, and what was there instead."""
    folders = [path for path in map(Path, paths) if path.is_dir()]
    wanted = "wanted" if request.filter.include or request.filter.exclude else "a photo"
    inside = {folder: _contents(folder, wanted) for folder in folders[:MOST_NAMED]}
    found = [f"{folder}: no photos were found ({each})" for folder, each in inside.items()]
    looks_deeper = any("folder" in each for each in inside.values()) and (
        not request.filter.recursive
    )
    hint = "Look into subfolders with --recursive" if looks_deeper else "Name other folders"
    return ConfigError(
        "; ".join(found) or "no photos were found",
        hint=f"{hint}, or allow this with --allow-empty.",
    )


def check_streams(
    paths: list[str], output: str | None, *, files_from: str | None, json: bool
) -> None:
    """Refuse a closed stream, two uses of one, and a picture on a terminal.

    Raises:
        ConfigError: one of these was asked for.
    """
    reads, writes = STANDARD in (*paths, files_from), json or output == STANDARD
    for name, stream, is_used in (("input", sys.stdin, reads), ("output", sys.stdout, writes)):
        if is_used and stream is None:
            raise ConfigError(
                f"standard {name}: is closed",
                hint="Name a file instead.",
                options=("files_from",) if name == "input" else ("output", "json"),
            )
    if STANDARD in paths and files_from == STANDARD:
        raise ConfigError(
            "standard input: cannot be both a photo and a list of paths",
            hint="Name the photo, or put the list into a file.",
            options=("files_from",),
        )
    if output != STANDARD:
        return
    if json:
        raise ConfigError(
            "standard output: cannot take both a photo and --json",
            hint="Write the records to a file with --log FILE.",
            options=("output", "json"),
        )
    if sys.stdout.isatty():
        raise ConfigError(
            "standard output: is a terminal, which cannot show a photo",
            hint="Name a file with -o FILE, or redirect the output.",
            options=("output",),
        )


def read_list(source: str, *, null: bool) -> tuple[Path, ...]:
    """Read a list of paths.

    Args:
        source: a file; "-" is standard input.
        null: whether paths end with a null byte rather than a line end.

    Raises:
        ConfigError: the list cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if source == STANDARD else Path(source).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{source}: the list of paths cannot be read: {error.strerror}",
            hint="Check the path after --files-from.",
            options=("files_from",),
        ) from error
    data = _plain(data, source)
    if b"\0" in data and not null:
        raise ConfigError(
            f"{source}: the list of paths holds null bytes",
            hint="Add --null if paths end with them, as those of find -print0 do.",
        )
    lines = data.split(b"\0") if null else data.splitlines()
    return tuple(Path(os.fsdecode(line)) for line in lines if line)


def tile_of(text: str, rendering: Rendering) -> tuple[int | None, Rendering]:
    """Read `--tile` together with `--rendering`, which it may decide: what has tiles is exact.

    Raises:
        ConfigError: it is no size, or contradicts the rendering.
    """
    if text == "auto":
        return None, rendering
    if text != "off" and (not text.isdecimal() or int(text) < SMALLEST_TILE):
        raise ConfigError(
            f"--tile {text}: expected auto, off, or a number of pixels from {SMALLEST_TILE}",
            hint="Correct it, as in --tile 512.",
            options=("tile",),
        )
    others = ("whole",) if text == "off" else ("strips", "tiles")
    if rendering not in ("auto", "exact", *others):
        raise ConfigError(
            f"--tile {text}: contradicts --rendering {rendering}",
            hint="Leave one of them out.",
            options=("tile", "rendering"),
        )
    if text == "off":
        return None, "whole"
    return int(text), "exact" if rendering == "auto" else rendering


def _plain(data: bytes, source: str) -> bytes:
    """Take away what editors on Windows put before a text, and undo UTF-16, which says so there."""
    if data.startswith(codecs.BOM_UTF8):
        return data.removeprefix(codecs.BOM_UTF8)
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        return os.fsencode(data.decode("utf-16"))
    except UnicodeError as error:
        raise ConfigError(
            f"{source}: the list of paths is no sound UTF-16", hint="Save it as UTF-8."
        ) from error


def _check_format(output: Path, suffix: str) -> None:
    named, asked = formats.of_suffix(output), formats.of_suffix(Path(f"photo{suffix}"))
    if named and asked and named != asked and not output.is_dir():
        raise ConfigError(
            f"{output}: contradicts --format {asked.name}",
            hint="Leave one of them out.",
            options=("output", "format"),
        )


def _piped(paths: list[str], output: str | None, request: Request) -> Job:
    if len(paths) != 1 or request.listed or request.in_place:
        raise ConfigError(
            "a pipe takes one photo at a time",
            hint="Name one photo or -, and leave out --files-from and --in-place.",
            options=("output", "files_from", "in_place"),
        )
    if output is None:
        raise ConfigError(
            "standard input: no place for the result was named",
            hint="Add -o FILE, or -o - for standard output.",
        )
    return plan_pipe(
        None if paths[0] == STANDARD else Path(paths[0]),
        None if output == STANDARD else Path(output),
        request,
    )


def _contents(folder: Path, wanted: str) -> str:
    try:
        found = list(folder.iterdir())
    except OSError as error:
        return error.strerror or "it cannot be looked into"
    folders = sum(path.is_dir() for path in found)
    files = len(found) - folders
    parts = []
    if files:
        parts.append(
            f"1 file, not {wanted}" if files == 1 else f"{files} files, none of them {wanted}"
        )
    if folders:
        parts.append("1 folder" if folders == 1 else f"{folders} folders")
    return "; ".join(parts) or "it is empty"
