"""The steps of one photo: read, enhanced, written and entered in the journal."""

import hashlib
import io
import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from photoenhance import __version__
from photoenhance.batch.events import PhotoDone, Reason, Settings
from photoenhance.batch.journal import Journal, fingerprint
from photoenhance.batch.overlap import Room
from photoenhance.batch.plan import Job
from photoenhance.batch.results import Origin, Output, look_at, origin_by, origin_of
from photoenhance.errors import ImageError, MissingExtraError, UnsupportedError
from photoenhance.imaging import atomic, formats
from photoenhance.imaging.mark import Mark, mark_in, marked, sealed, unmarked
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import pixels_in, read
from photoenhance.imaging.write import encode, losses
from photoenhance.inference.enhancer import Enhanced

State = tuple[int, int, int]

_OF_OTHER = "replaced a result that was made from another photo, or from this one as it was before"
_REPLACES = "--on-exists overwrite replaces it, --on-exists rename keeps both."


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


@dataclass(frozen=True, slots=True)
class Files:
    """What a job's files were when its photo was read.

    Attributes:
        sha256: of the input.
        dates: of its last access and change in nanoseconds, where it is a file.
        output: the state of what stood at the output.
        replaced_sha256: of that, where it was looked at.
        is_of_other: whether that is a result of a file with other bytes.
    """

    sha256: str
    dates: tuple[int, int] | None = None
    output: State | None = None
    replaced_sha256: str | None = None
    is_of_other: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A photo that was read.

    Attributes:
        job: it is for.
        photo: the photo.
        files: as they were then.
        seconds: that reading it took.
    """

    job: Job
    photo: Photo
    files: Files
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A photo that was enhanced: what it became, and as in `Taken` what it is for."""

    job: Job
    enhanced: Enhanced
    files: Files
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

    def clear(self, jobs: Iterable[Job]) -> None:
        """Remove what killed runs may have left in the folders that results go to."""
        for folder in {job.output.parent for job in jobs if job.output}:
            atomic.remove_leftovers(folder)

    def read(self, job: Job, room: Room) -> Taken | PhotoDone:
        """Read a job's photo when there is room for it, or skip it for a reason.

        Raises:
            PhotoEnhanceError: the photo or what stands in its result's place does not permit it.
        """
        begun = time.monotonic()
        if job.is_result:
            return _skipped(job, "result")
        if job.problem:
            raise ImageError(job.problem)
        source = _Source(job, self._streams)
        files = self._looked_at(job, source)
        if isinstance(files, PhotoDone):
            return files
        hashed = time.monotonic()
        room.enter(job, source.pixels())
        entered = time.monotonic()
        try:
            photo = source.read(self.settings.max_pixels)
        except UnsupportedError as error:
            if job.is_found and source.is_no_photo(error):
                return _skipped(job, "unsupported", error)
            raise
        if source.is_changed():
            if job.output == job.input and self._is_done_meanwhile(job, files):
                return self._left_alone(job, "done")
            raise ImageError(f"{job.input}: was changed while it was read", hint="Run again.")
        self._check_output(job, photo)
        return Taken(job, photo, files, time.monotonic() - entered + hashed - begun)

    def enhance(self, taken: Taken) -> Made:
        """Enhance a photo.

        Raises:
            PhotoEnhanceError: the photo or the device does not permit it.
        """
        begun = time.monotonic()
        enhanced = self._enhancer.enhance(taken.photo)
        return Made(taken.job, enhanced, taken.files, taken.seconds + time.monotonic() - begun)

    def write(self, made: Made) -> PhotoDone:
        """Write a result and enter it in the journal.

        Raises:
            PhotoEnhanceError: the photo or the disk does not permit it.
        """
        begun = time.monotonic()
        enhanced = made.enhanced
        notes = self._write(made)
        if isinstance(notes, PhotoDone):
            return notes
        height, width = enhanced.photo.pixels.shape[:2]
        return PhotoDone(
            *made.job.names(),
            "ok",
            megapixels=height * width / 1e6,
            rendering=enhanced.rendering,
            tile=enhanced.tile,
            precision=enhanced.precision,
            seconds=made.seconds + time.monotonic() - begun,
            warnings=enhanced.photo.notes + enhanced.notes + notes,
        )

    def note_failure(self, job: Job) -> None:
        """Let the journal know that a job failed."""
        if job.output:
            self._journal.enter_failure(job.output)

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

    def _looked_at(self, job: Job, source: "_Source") -> Files | PhotoDone:
        """Look at a job's files, to see whether anything is to be done, and may be.

        Raises:
            ImageError: what stands at the output may not be replaced, or the photo is a result.
        """
        origin = None if job.again else source.origin(self._journal)
        if job.output is not None and job.output == job.input:
            if origin and origin.fingerprint == self._fingerprint:
                return self._left_alone(job, "changed" if origin.is_changed else "done")
            if origin:
                raise _is_result(job, origin)
            _check_writable(job.output)
            return Files(source.sha256, source.dates, source.state)
        if origin:
            if job.input is None or job.output is None:  # who reads on waits for a photo
                raise _is_result(job, origin)
            return _skipped(job, "result")
        if job.output is None or job.on_exists == "overwrite":
            return Files(source.sha256, source.dates)
        state = _state_or_none(job.output)
        found = look_at(job.output, Origin(self._fingerprint, source.sha256), self._journal)
        reason = _reason(job, found)
        if reason:
            return self._left_alone(job, reason)
        _check_replacing(job, found)
        return Files(source.sha256, source.dates, state, found.sha256, found.is_of_other)

    def _left_alone(self, job: Job, reason: Reason) -> PhotoDone:
        """Skip a photo of which nothing is left to be done."""
        if job.output and reason != "exists":
            self._journal.forget_failure(job.output)
        return _skipped(job, reason)

    def _write(self, made: Made) -> tuple[str, ...] | PhotoDone:
        """Put a result where it belongs and return what should be known of it, or skip it."""
        settings, streams, job, photo = self.settings, self._streams, made.job, made.enhanced.photo
        if job.output:
            _make_folder(job.output.parent)
            name = formats.writable(job.output).name
        else:
            name = streams.format or photo.format.name
        data = encode(
            self._marked(photo, name, made.files.sha256),
            name,
            quality=settings.quality,
            strip_metadata=settings.strip_metadata,
        )
        data = sealed(data)
        notes = losses(photo, name, strip_metadata=settings.strip_metadata)
        if made.files.is_of_other:
            notes += (_OF_OTHER,)
        if job.output:
            notes += _links(job) + self._unmarked(job, data)
            if self._is_done_meanwhile(job, made.files):
                return self._left_alone(job, "done")
            self._save(job.output, data, made.files)
        else:
            assert streams.output
            _put(data, streams.output)
        return notes

    def _marked(self, photo: Photo, name: formats.FormatName, sha256: str) -> Photo:
        said, settings = photo.metadata, self.settings
        if settings.no_mark:
            return replace(photo, metadata=replace(said, xmp=unmarked(said.xmp)))
        mark = Mark(
            # Where a user keeps models is nobody's business.
            model=Path(settings.model).name or Path(settings.model).resolve().name,
            weights_sha256=settings.weights_sha256 or "",
            fingerprint=self._fingerprint,
            settings=settings.words(),
            source_sha256=sha256,
            version=__version__,
        )
        return replace(photo, metadata=replace(said, xmp=marked(said.xmp, mark, name)))

    def _unmarked(self, job: Job, data: bytes) -> tuple[str, ...]:
        """Say that a photo was replaced by a result that cannot be known by itself."""
        settings = self.settings
        is_wanted = settings.no_mark or settings.strip_metadata
        if job.output != job.input or is_wanted or mark_in(data):
            return ()
        return ("the file cannot say that it is a result: only this computer's journal knows it",)

    def _is_done_meanwhile(self, job: Job, files: Files) -> bool:
        """Look at the output once more: another run may have done the same in the meantime.

        Raises:
            ImageError: somebody has put something else there.
        """
        is_in_place = job.output == job.input
        assert job.output
        if job.on_exists == "overwrite" and not is_in_place:
            return False
        if _state_or_none(job.output) == files.output:
            return False
        found = look_at(job.output, Origin(self._fingerprint, files.sha256), self._journal)
        if found.standing == "current":
            return True
        what = "changed" if files.output else "made"
        raise ImageError(
            f"{job.output}: somebody else has {what} this file since the run began",
            hint="Run again.",
        )

    def _save(self, output: Path, data: bytes, files: Files) -> None:
        made = hashlib.sha256(data).hexdigest()
        dates = files.dates if self.settings.keep_dates else None
        with atomic.replacing(output, dates=dates) as file:
            file.write(data)
            self._journal.enter_result(
                output, self._fingerprint, files.sha256, made, files.replaced_sha256
            )


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
        self.state: State | None = None
        self.dates: tuple[int, int] | None = None
        try:
            if self._file is None:
                assert streams.input
                self._data = streams.input.read()
            elif not self._file.is_file():  # a named pipe can be read only once
                _refuse_device(self._file)
                self._data = self._file.read_bytes()
            self.sha256 = self._hash()
        except OSError as error:
            raise ImageError(f"{self._file}: cannot be read: {error.strerror}") from error

    def _hash(self) -> str:
        if self._file is None or self._data is not None:
            return hashlib.sha256(self._data or b"").hexdigest()
        status = self._file.stat()
        self.state, self.dates = _state(status), (status.st_atime_ns, status.st_mtime_ns)
        with self._file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def origin(self, journal: Journal) -> Origin | None:
        """Tell what made the photo, if it is a result of ours."""
        if self._file is None or self._data is not None:
            return origin_by(mark_in(self._data or b""))
        return origin_of(self._file, self.sha256, journal)

    def is_no_photo(self, error: UnsupportedError) -> bool:
        """Whether it does not even claim to be a photo: other pictures do lie in folders."""
        if isinstance(error, MissingExtraError) or self._file is None:
            return False
        with self._file.open("rb") as stream:
            is_moving = formats.recognise(stream.read(64)) is not None
        return is_moving or formats.of_suffix(self._file) is None

    def pixels(self) -> int | None:
        """How many the photo will have; 0 for a pipe, since its bytes are here already."""
        return 0 if self._file is None or self._data is not None else pixels_in(self._file)

    def read(self, max_pixels: int | None) -> Photo:
        options = {} if max_pixels is None else {"max_pixels": max_pixels}
        if self._file is None or self._data is not None:
            return read(io.BytesIO(self._data or b""), **options)
        return read(self._file, **options)

    def is_changed(self) -> bool:
        """Whether the file is no longer what was hashed."""
        return (
            self._file is not None
            and self._data is None
            and (_state_or_none(self._file) != self.state)
        )


def _refuse_device(file: Path) -> None:
    mode = file.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise ImageError(f"{file}: is a device, not a photo")


def _reason(job: Job, found: Output) -> Reason | None:
    """Say why nothing is to be done where an output stands as it does, if so."""
    if found.standing == "current":
        return "done"
    if job.on_exists in ("update", "skip") and found.standing == "changed":
        return "changed"
    if job.on_exists == "skip" and not job.is_new and os.path.lexists(job.output or ""):
        return "exists"
    return None


def _check_replacing(job: Job, found: Output) -> None:
    """Refuse to replace what is no result of ours, or has become one since the plan was made."""
    if found.standing == "absent" or (found.standing == "outdated" and not job.is_new):
        return
    if job.is_new:
        raise ImageError(
            f"{job.output}: somebody else has made this file since the run began",
            hint="Run again.",
        )
    if found.was_ours:
        raise ImageError(f"{job.output}: was changed since photoenhance made it", hint=_REPLACES)
    raise ImageError(f"{job.output}: exists and is not a result of photoenhance", hint=_REPLACES)


def _is_result(job: Job, origin: Origin) -> ImageError:
    by = f" ({origin.words})" if origin.words else ""
    return ImageError(
        f"{job.names()[0]}: is a result of photoenhance already{by}",
        hint="Enhance the original instead, or this once more with --again.",
    )


def _skipped(job: Job, reason: Reason, error: ImageError | None = None) -> PhotoDone:
    name, output = job.names()
    message = error.message.removeprefix(f"{name}: ") if error else _MESSAGES[reason]
    hint = error.hint if error else _HINTS.get(reason)
    return PhotoDone(name, output, "skipped", message=message, reason=reason, hint=hint)


_MESSAGES: dict[Reason, str] = {
    "done": "done before with these settings",
    "changed": "done before with these settings, and changed since",
    "exists": "its output exists, but is not what these settings make of this photo",
    "result": "is itself a result of photoenhance",
}
_HINTS: dict[Reason, str] = {
    "changed": "--on-exists overwrite replaces it.",
    "exists": "--on-exists overwrite replaces it.",
    "result": "--again enhances it too.",
}


def _links(job: Job) -> tuple[str, ...]:
    """Tell of further names that a file has, which will not be those of the result."""
    if job.output is None or job.output != job.input:
        return ()
    others = job.output.stat().st_nlink - 1
    if others < 1:
        return ()
    names = "one more name" if others == 1 else f"{others} more names"
    return (f"the file has {names} (hard links), which keep the old picture",)


def _check_writable(file: Path) -> None:
    """Refuse to replace what its owner has protected; the folder's owner could do it all the same.

    Raises:
        ImageError: nobody may write to the file.
    """
    if not file.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise ImageError(
            f"{file}: is write-protected", hint="Make it writable, or write elsewhere with -o."
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(
            f"{folder}: cannot be used as an output folder: {error.strerror}",
            hint="Choose another folder with -o.",
        ) from error


def _state_or_none(path: Path) -> State | None:
    try:
        return _state(path.stat())
    except OSError:
        return None


def _state(status: os.stat_result) -> State:
    return status.st_ino, status.st_size, status.st_mtime_ns
