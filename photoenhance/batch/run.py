"""Jobs -> results: reads, enhances and writes each photo; one bad photo never stops the rest."""

import hashlib
import io
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from photoenhance.batch.events import Event, Finished, PhotoDone, Settings, Started, Status
from photoenhance.batch.journal import Journal, fingerprint
from photoenhance.batch.plan import Job
from photoenhance.errors import ConfigError, ExitCode, ImageError, PhotoEnhanceError
from photoenhance.imaging import atomic, formats
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses
from photoenhance.inference.enhancer import Enhanced

logger = logging.getLogger(__name__)

LEFTOVER_AGE = 600  # seconds; no living run writes for so long to one temporary file


class Enhancer(Protocol):
    """What a batch needs of `photoenhance.inference.enhancer.Enhancer`."""

    def enhance(self, photo: Photo) -> Enhanced:
        """Enhance one photo."""


@dataclass(frozen=True, slots=True)
class Streams:
    """What stands for a job's None.

    Attributes:
        input: standard input.
        output: standard output.
        format: that is written there; None is the photo's own.
    """

    input: BinaryIO
    output: BinaryIO
    format: formats.FormatName | None = None


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all photos of a batch share.

    Attributes:
        enhancer: enhances each photo.
        settings: that it and the writer work with.
        journal: knows what is done already.
        streams: standard input and output, for jobs that name them.
    """

    enhancer: Enhancer
    settings: Settings
    journal: Journal
    streams: Streams | None = None


def run(
    jobs: tuple[Job, ...],
    workshop: Workshop,
    *,
    fail_fast: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Do the jobs one after the other and tell of each.

    Args:
        jobs: of a plan.
        workshop: what does them.
        fail_fast: whether to end at the first failure.
        should_stop: asked before each photo; True ends the batch as interrupted.

    Yields:
        `Started`, one `PhotoDone` a job until the batch ends, `Finished`.
    """
    bench = _Bench(workshop)
    yield from _reported(jobs, workshop.settings, bench.deal_with, fail_fast, should_stop)


def rehearse(jobs: tuple[Job, ...], settings: Settings) -> Iterator[Event]:
    """Tell what `run` would do with each job, as far as the plan shows it; touch nothing."""
    yield from _reported(jobs, settings, _foreseen, fail_fast=False, should_stop=lambda: False)


def _reported(
    jobs: tuple[Job, ...],
    settings: Settings,
    deal_with: Callable[[Job], PhotoDone],
    fail_fast: bool,
    should_stop: Callable[[], bool],
) -> Iterator[Event]:
    begun = time.monotonic()
    yield Started(len(jobs), settings)
    tally: Counter[Status] = Counter()
    failures: set[ExitCode] = set()
    for job in jobs:
        if should_stop():
            break
        done = deal_with(job)
        tally[done.status] += 1
        if done.status == "failed":
            failures.add(done.exit_code)
        yield done
        if failures and fail_fast:
            break
    yield Finished(
        ok=tally["ok"] + tally["dry-run"],
        skipped=tally["skipped"],
        failed=tally["failed"],
        not_started=len(jobs) - tally.total(),
        seconds=time.monotonic() - begun,
        exit_code=ExitCode.INTERRUPTED if should_stop() else _exit_code(failures),
    )


def _exit_code(failures: set[ExitCode]) -> ExitCode:
    if not failures:
        return ExitCode.OK
    return next(iter(failures)) if len(failures) == 1 else ExitCode.FAILED


def _foreseen(job: Job) -> PhotoDone:
    if job.problem:
        return _failed(job, ImageError(job.problem))
    if job.skip:
        return PhotoDone(*_names(job), "skipped", reason="the output exists")
    return PhotoDone(*_names(job), "dry-run")


class _Bench:
    """Where one photo after the other is dealt with."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._fingerprint = fingerprint(workshop.settings)
        self._prepared: set[Path] = set()

    def deal_with(self, job: Job) -> PhotoDone:
        """Enhance one photo, or tell why not."""
        try:
            return self._enhance(job)
        except BrokenPipeError:  # nobody reads the results any more
            raise
        except Exception as error:
            logger.debug("the job failed: %s", job, exc_info=True)
            if job.output:
                self._note_failure(job.output)
            return _failed(job, error)

    def _note_failure(self, output: Path) -> None:
        try:
            self._workshop.journal.enter_failure(output)
        except ConfigError as error:  # such as a full disk, which the photo's line tells too
            logger.warning("%s", error)

    def _enhance(self, job: Job) -> PhotoDone:
        begun = time.monotonic()
        if job.problem:
            raise ImageError(job.problem)
        if job.output:
            formats.writable(job.output)
        source = _Source(job, self._workshop.streams)
        skipped = self._skipped(job, source.sha256)
        if skipped:
            return skipped
        photo = source.read(self._workshop.settings.max_pixels)
        enhanced = self._workshop.enhancer.enhance(photo)
        lost = self._write(job, enhanced.photo, source.sha256)
        height, width = photo.pixels.shape[:2]
        return PhotoDone(
            *_names(job),
            "ok",
            megapixels=height * width / 1e6,
            rendering=enhanced.rendering,
            tile=enhanced.tile,
            precision=enhanced.precision,
            seconds=time.monotonic() - begun,
            warnings=photo.notes + enhanced.notes + lost,
        )

    def _skipped(self, job: Job, input_sha256: str) -> PhotoDone | None:
        is_in_place = job.output == job.input
        if job.output is None or not (job.skip or is_in_place):
            return None
        if self._workshop.journal.has_result(job.output, self._fingerprint, input_sha256):
            return PhotoDone(*_names(job), "skipped", reason="done before with these settings")
        if is_in_place:
            return None
        reason = "its output exists, but is not what these settings make of this photo"
        warning = f"{reason}; --on-exists overwrite replaces it"
        return PhotoDone(*_names(job), "skipped", reason=reason, warnings=(warning,))

    def _write(self, job: Job, photo: Photo, input_sha256: str) -> tuple[str, ...]:
        """Put a result where it belongs and return what could not go there with it."""
        settings, streams = self._workshop.settings, self._workshop.streams
        if job.output:
            self._prepare(job.output.parent)
            name = formats.writable(job.output).name
        else:
            assert streams is not None
            name = streams.format or photo.format.name
        data = encode(photo, name, quality=settings.quality, strip_metadata=settings.strip_metadata)
        if job.output:
            self._save(job.output, data, input_sha256, is_new=job.is_new)
        elif streams:
            streams.output.write(data)
            streams.output.flush()
        return () if settings.strip_metadata else losses(photo, name)

    def _save(self, output: Path, data: bytes, input_sha256: str, *, is_new: bool) -> None:
        if is_new and os.path.lexists(output):
            raise ImageError(
                f"{output}: somebody else has made this file since the run began",
                hint="Run again.",
            )
        output_sha256 = hashlib.sha256(data).hexdigest()
        with atomic.replacing(output) as file:
            file.write(data)
            self._workshop.journal.enter_result(
                output, self._fingerprint, input_sha256, output_sha256
            )

    def _prepare(self, folder: Path) -> None:
        """Make a folder, and clear it of what a killed run may have left there."""
        if folder in self._prepared:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"{atomic.TEMPORARY_PREFIX}*{atomic.TEMPORARY_SUFFIX}"):
                if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                    leftover.unlink(missing_ok=True)
        except OSError as error:
            raise ImageError(
                f"{folder}: cannot be used as an output folder: {error.strerror}",
                hint="Choose another folder with -o.",
            ) from error
        self._prepared.add(folder)


class _Source:
    """A job's input, held to the bytes that were hashed."""

    def __init__(self, job: Job, streams: Streams | None) -> None:
        self._path = job.input
        self._data = b""
        if self._path is None:
            assert streams is not None
            self._data = streams.input.read()
            self.sha256 = hashlib.sha256(self._data).hexdigest()
            return
        try:
            self._state = _state(self._path)
            with self._path.open("rb") as file:
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ImageError(f"{self._path}: cannot be read: {error.strerror}") from error

    def read(self, max_pixels: int | None) -> Photo:
        file = io.BytesIO(self._data) if self._path is None else self._path
        photo = read(file) if max_pixels is None else read(file, max_pixels=max_pixels)
        if self._path is not None and _state(self._path) != self._state:
            raise ImageError(f"{self._path}: was changed while it was read", hint="Run again.")
        return photo


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _names(job: Job) -> tuple[str, str]:
    return str(job.input or "-"), str(job.output or "-")


def _failed(job: Job, error: Exception) -> PhotoDone:
    # The photo is named beside the reason anyway, so the message need not begin with it.
    name, output = _names(job)
    if isinstance(error, PhotoEnhanceError):
        subject = "standard input" if job.input is None else name
        reason = error.message.removeprefix(f"{subject}: ")
        hint, code = error.hint, error.exit_code
    else:
        reason = f"unexpected {type(error).__name__}: {error}"
        hint, code = "Report this, with the photo if it may be shown.", ExitCode.FAILED
    return PhotoDone(
        name,
        output,
        "failed",
        reason=reason,
        error_class=type(error).__name__,
        hint=hint,
        exit_code=code,
    )
