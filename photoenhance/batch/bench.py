"""The steps of one photo: read, enhanced, written and entered in the journal."""

import hashlib
import io
import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from photoenhance.batch.events import PhotoDone, Settings
from photoenhance.batch.journal import Journal, fingerprint
from photoenhance.batch.overlap import Room
from photoenhance.batch.plan import Job
from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging import atomic, formats
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import pixels_in, read
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

    input: BinaryIO | None = None
    output: BinaryIO | None = None
    format: formats.FormatName | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A photo that was read.

    Attributes:
        job: it is for.
        photo: the photo.
        sha256: of its file.
        seconds: that reading it took.
    """

    job: Job
    photo: Photo
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A photo that was enhanced: what it became, and as in `Taken` what it is for."""

    job: Job
    enhanced: Enhanced
    sha256: str
    seconds: float


class Bench:
    """Where photos are read, enhanced and written, each step by a thread of its own if need be.

    Args:
        enhancer: enhances each photo.
        settings: that it and the writer work with.
        journal: knows what is done already.
        streams: standard input and output, for jobs that name them.
    """

    def __init__(
        self,
        enhancer: Enhancer,
        settings: Settings,
        journal: Journal,
        streams: Streams,
    ) -> None:
        self.settings = settings
        self._enhancer = enhancer
        self._journal = journal
        self._streams = streams
        self._fingerprint = fingerprint(settings)
        self._prepared: set[Path] = set()

    def read(self, job: Job, room: Room) -> Taken | PhotoDone:
        """Read a job's photo when there is room for it, or skip it for a reason.

        Raises:
            PhotoEnhanceError: the photo or the journal does not permit it.
        """
        begun = time.monotonic()
        if job.problem:
            raise ImageError(job.problem)
        source = _Source(job, self._streams)
        skipped = self._skipped(job, source.sha256)
        if skipped:
            return skipped
        hashed = time.monotonic()
        room.enter(job, source.pixels())
        entered = time.monotonic()
        photo = source.read(self.settings.max_pixels)
        self._check_output(job, photo)
        return Taken(job, photo, source.sha256, time.monotonic() - entered + hashed - begun)

    def enhance(self, taken: Taken) -> Made:
        """Enhance a photo.

        Raises:
            PhotoEnhanceError: the photo or the device does not permit it.
        """
        begun = time.monotonic()
        enhanced = self._enhancer.enhance(taken.photo)
        return Made(taken.job, enhanced, taken.sha256, taken.seconds + time.monotonic() - begun)

    def write(self, made: Made) -> PhotoDone:
        """Write a result and enter it in the journal.

        Raises:
            PhotoEnhanceError: the photo or the disk does not permit it.
        """
        begun = time.monotonic()
        enhanced = made.enhanced
        lost = self._write(made.job, enhanced.photo, made.sha256)
        height, width = enhanced.photo.pixels.shape[:2]
        return PhotoDone(
            *made.job.names(),
            "ok",
            megapixels=height * width / 1e6,
            rendering=enhanced.rendering,
            tile=enhanced.tile,
            precision=enhanced.precision,
            seconds=made.seconds + time.monotonic() - begun,
            warnings=enhanced.photo.notes + enhanced.notes + lost,
        )

    def note_failure(self, job: Job) -> None:
        """Let the journal know that a job failed, if it can."""
        try:
            if job.output:
                self._journal.enter_failure(job.output)
        except ConfigError as error:  # such as a full disk, which the photo's line tells too
            logger.warning("%s", error)

    def _check_output(self, job: Job, photo: Photo) -> None:
        """Refuse now what would be refused after all the work."""
        if job.output is None:
            return
        name = formats.writable(job.output).name
        lost = losses(photo, name, strip_metadata=self.settings.strip_metadata)
        if job.output == job.input and lost:
            raise ImageError(
                f"{job.input}: would lose something if it were replaced: {'; '.join(lost)}",
                hint="Write the result elsewhere, with -o.",
            )

    def _skipped(self, job: Job, input_sha256: str) -> PhotoDone | None:
        is_in_place = job.output == job.input
        if job.output is None or not (job.skip or is_in_place):
            return None
        if self._journal.has_result(job.output, self._fingerprint, input_sha256):
            return PhotoDone(*job.names(), "skipped", message="done before with these settings")
        if is_in_place:
            return None
        reason = "its output exists, but is not what these settings make of this photo"
        warning = f"{reason}; --on-exists overwrite replaces it"
        return PhotoDone(*job.names(), "skipped", message=reason, warnings=(warning,))

    def _write(self, job: Job, photo: Photo, input_sha256: str) -> tuple[str, ...]:
        """Put a result where it belongs and return what could not go there with it."""
        settings, streams = self.settings, self._streams
        if job.output:
            self._prepare(job.output.parent)
            name = formats.writable(job.output).name
        else:
            name = streams.format or photo.format.name
        data = encode(photo, name, quality=settings.quality, strip_metadata=settings.strip_metadata)
        if job.output:
            self._save(job.output, data, input_sha256, is_new=job.is_new)
        else:
            assert streams.output
            _put(data, streams.output)
        return losses(photo, name, strip_metadata=settings.strip_metadata)

    def _save(self, output: Path, data: bytes, input_sha256: str, *, is_new: bool) -> None:
        if is_new and os.path.lexists(output):
            raise ImageError(
                f"{output}: somebody else has made this file since the run began",
                hint="Run again.",
            )
        output_sha256 = hashlib.sha256(data).hexdigest()
        with atomic.replacing(output) as file:
            file.write(data)
            self._journal.enter_result(output, self._fingerprint, input_sha256, output_sha256)

    def _prepare(self, folder: Path) -> None:
        """Make a folder, and clear it of what a killed run may have left there."""
        if folder in self._prepared:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageError(
                f"{folder}: cannot be used as an output folder: {error.strerror}",
                hint="Choose another folder with -o.",
            ) from error
        for leftover in folder.glob(f"{atomic.TEMPORARY_PREFIX}*{atomic.TEMPORARY_SUFFIX}"):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                    leftover.unlink()
        self._prepared.add(folder)


def _put(data: bytes, stream: BinaryIO) -> None:
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:  # nobody reads any more
        raise
    except OSError as error:
        raise ImageError(
            f"standard output: cannot be written: {error.strerror}", hint="Free some space."
        ) from error


class _Source:
    """A job's input, held to the bytes that were hashed."""

    def __init__(self, job: Job, streams: Streams) -> None:
        self._file = job.input
        self._data: bytes | None = None
        try:
            if self._file is None:
                assert streams.input
                self._data = streams.input.read()
            elif not self._file.is_file():  # a named pipe can be read only once
                self._data = self._file.read_bytes()
            self.sha256 = self._hash()
        except OSError as error:
            raise ImageError(f"{self._file}: cannot be read: {error.strerror}") from error

    def _hash(self) -> str:
        if self._file is None or self._data is not None:
            return hashlib.sha256(self._data or b"").hexdigest()
        self._state = _state(self._file)
        with self._file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def pixels(self) -> int | None:
        """How many the photo will have; 0 for a pipe, since its bytes are here already."""
        return 0 if self._file is None or self._data is not None else pixels_in(self._file)

    def read(self, max_pixels: int | None) -> Photo:
        options = {} if max_pixels is None else {"max_pixels": max_pixels}
        if self._file is None or self._data is not None:
            return read(io.BytesIO(self._data or b""), **options)
        photo = read(self._file, **options)
        if _state(self._file) != self._state:
            raise ImageError(f"{self._file}: was changed while it was read", hint="Run again.")
        return photo


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
