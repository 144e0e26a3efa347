"""Events -> progress bar, lines, summary, JSON."""

import json
import logging
import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from photoenhance.batch.events import Event, Finished, PhotoDone, Reason, Settings, Started
from photoenhance.errors import ConfigError, MissingExtraError
from photoenhance.imaging.folders import is_picture

SCHEMA = 1
ON_SMALL_COPIES = ("guided", "tone", "blend")  # renderings that the summary counts
WIDE = 240  # columns, where neither a terminal nor the user says how many there are

_SKIPPED: dict[Reason, str] = {
    "done": "done before with these settings",
    "changed": "done before, and changed since; --on-exists overwrite replaces them",
    "exists": "with an output that others made; --on-exists overwrite replaces them",
    "result": "left out as results of photoenhance; --again enhances them too",
    "unsupported": "left out as no photos that can be read; -v names them",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Where events are shown.

    Attributes:
        json: as JSON lines on standard output.
        log: as JSON lines at the end of this file.
        quiet: nothing but failures on standard error.
        verbose: every photo there, and what the libraries log.
        progress: a bar there, if it is a terminal.
    """

    json: bool = False
    log: Path | None = None
    quiet: bool = False
    verbose: bool = False
    progress: bool = True


class Reporter:
    """Shows events everywhere they should be shown.

    Args:
        lines: for a person.
        records: for programs.
    """

    def __init__(self, lines: "Lines", records: "list[JsonLines]") -> None:
        self._lines = lines
        self._records = records

    def show(self, event: Event) -> None:
        """Show one event."""
        self._lines.show(event)
        for each in self._records:
            each.show(event)

    @property
    def is_complete(self) -> bool:
        """Whether all records could be written."""
        return not any(each.is_broken for each in self._records)


@contextmanager
def reporter(shown: Shown) -> Iterator[Reporter]:
    """Give what shows events.

    Raises:
        ConfigError: the log cannot be opened.
    """
    console = Console(stderr=True, highlight=False)
    bar = shown.progress and console.is_terminal and not console.is_dumb_terminal
    with ExitStack() as stack:
        stack.enter_context(logged(logging.DEBUG if shown.verbose else logging.WARNING))
        lines = Lines(console, bar=bar, quiet=shown.quiet, verbose=shown.verbose)
        stack.callback(lines.close)
        records = []
        if shown.json:
            records.append(JsonLines(sys.stdout.buffer, "standard output"))
        if shown.log:
            records.append(JsonLines(stack.enter_context(_opened(shown.log)), str(shown.log)))
        yield Reporter(lines, records)


def check_records(file: Path, start: bytes, what: str, option: str) -> None:
    """Refuse to write records into a picture, or into what somebody else has made.

    Devices and pipes are nobody's.

    Args:
        file: what was named for them.
        start: what such a file begins with.
        what: such a file is called.
        option: the name of the option that it was named with.

    Raises:
        ConfigError: it is such a file.
        OSError: it cannot be looked into.
    """
    if is_picture(file):
        wrong = f"is no name for a {what}, but for a picture"
    elif file.is_file() and not _begins(file, start):
        wrong = f"exists, and is no {what} of photoenhance"
    else:
        return
    raise ConfigError(
        f"{file}: {wrong}", hint=f"Name another file after --{option}.", options=(option,)
    )


def _begins(file: Path, start: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(start)) in (b"", start)


def _opened(log: Path) -> BinaryIO:
    try:
        with suppress(PermissionError):  # it may still be written to
            check_records(log, b"{", "log", "log")
        is_cut = log.is_file() and not _ends_a_line(log)
        # Without a buffer, a full disk is met at the record that does not fit.
        file = cast("BinaryIO", log.open("ab", buffering=0))
        if is_cut:  # by a kill: what is written now shall stand on lines of its own
            file.write(b"\n")
    except OSError as error:
        raise ConfigError(
            f"{log}: the log cannot be written: {error.strerror}",
            hint="Name another file after --log.",
            options=("log",),
        ) from error
    return file


def _ends_a_line(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            if stream.seek(0, os.SEEK_END) == 0:
                return True
            stream.seek(-1, os.SEEK_END)
            return stream.read() == b"\n"
    except PermissionError:  # it may still be written to
        return True


@contextmanager
def logged(level: int) -> Iterator[None]:
    """Write what our own code logs to standard error."""
    logger, handler = logging.getLogger("photoenhance"), _Told(level)
    before = logger.level
    logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Told(logging.Handler):
    """Goes through `tell`, which keeps clear of a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            tell(line)


def terminal() -> Console:
    """Standard output, as wide as it is; a file takes lines as long as they are."""
    console = Console(highlight=False)
    has_width = console.is_terminal or os.environ.get("COLUMNS", "").isdecimal()
    return console if has_width else Console(highlight=False, width=WIDE)


def tell(line: str) -> None:
    """Write one line to standard error, whatever it holds."""
    if sys.stderr:  # None where it was closed from outside
        sys.stderr.write(printable(line) + "\n")
        sys.stderr.flush()


def printable(text: str) -> str:
    """Text that stays on its line: control characters and bytes that are no UTF-8 are escaped."""
    return "".join(
        character.encode("unicode_escape").decode() if _ends_line(character) else character
        for character in valid(text)
    )


def _ends_line(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")


class JsonLines:
    """One JSON object a line, ASCII only.

    A path that is no UTF-8 has its odd bytes as backslash escapes, since JSON has no bytes.

    Args:
        file: where they go.
        name: of the file.

    Attributes:
        is_broken: whether a record could not be written; the others are not tried then.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._settings: Settings | None = None
        self.is_broken = False

    def show(self, event: Event) -> None:
        """Write one line and flush it."""
        if isinstance(event, Started):
            self._settings = event.settings
        if self.is_broken:
            return
        try:
            self._file.write(json.dumps(_record(event, self._settings)).encode("ascii") + b"\n")
            self._file.flush()
        except BrokenPipeError:  # nobody reads any more
            raise
        except OSError as error:
            self.is_broken = True
            tell(
                f"{self._name}: the records cannot be written: {error.strerror}; the photos go "
                "on without"
            )


def _record(event: Event, settings: Settings | None) -> dict[str, Any]:
    match event:
        case Started(photos=photos, settings=settings):
            kind, values = "start", {"photos": photos, **asdict(settings)}
        case PhotoDone():
            assert settings is not None
            kind = "file"
            values = asdict(event) | {
                "model": settings.model,
                "weights_sha256": settings.weights_sha256,
                "device": settings.device,
            }
        case Finished():
            kind, values = "summary", asdict(event)
    texts = {key: valid(value) for key, value in values.items() if isinstance(value, str)}
    return {"schema": SCHEMA, "record": kind, **values, **texts}


def valid(text: str) -> str:
    """Text that can be encoded: bytes of a path that are no UTF-8 become backslash escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


class Lines:
    """What a person reads on standard error: a bar or a line a photo, then a summary.

    Args:
        console: of standard error.
        bar: whether to draw a progress bar instead of a line for every photo.
        quiet: whether to tell of failures only.
        verbose: whether to write a line for every photo even beside a bar.
    """

    def __init__(
        self, console: Console, *, bar: bool = False, quiet: bool = False, verbose: bool = False
    ) -> None:
        self._console = console
        self._quiet = quiet
        self._is_verbose = verbose
        self._lists_all = verbose or not (bar or quiet)
        self._progress = _progress(console) if bar and not quiet else None
        self._photos = 0
        self._done = 0
        self._megapixels = 0.0
        self._on_small_copies: Counter[str] = Counter()
        self._failures: list[PhotoDone] = []
        self._skipped: Counter[Reason] = Counter()
        self._has_told_extra = False
        self._folders: set[Path] = set()

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Started():
                self._start(event)
            case PhotoDone():
                self._show_photo(event)
            case Finished():
                self._finish(event)

    def close(self) -> None:
        """Take the bar away, whatever ended the batch."""
        if self._progress:
            self._progress.stop()

    def _start(self, event: Started) -> None:
        self._photos = event.photos
        settings = event.settings
        if settings.weights_sha256:
            self._say(f"{settings.model} on {settings.device}, {settings.precision}")
        if event.photos == 1 and not self._quiet:
            self._progress, self._lists_all, self._is_verbose = None, True, True
        if self._progress:
            self._progress.add_task("", total=event.photos, speed="")
            self._progress.start()

    def _show_photo(self, done: PhotoDone) -> None:
        self._done += 1
        self._megapixels += done.megapixels or 0
        if done.rendering in ON_SMALL_COPIES:
            self._on_small_copies[done.rendering] += 1
        if done.status == "failed":
            self._failures.append(done)
        if done.reason:
            self._skipped[done.reason] += 1
        if done.status == "ok" and done.output != "-":
            self._folders.add(Path(done.output).parent)
        if self._has_line(done):
            self._line(f"[{self._done}/{self._photos}] {_told(done)}")
        if not self._quiet:
            for warning in done.warnings:
                self._line(f"{done.input}: note: {warning}")
        if self._progress:
            task = self._progress.tasks[0]
            speed = self._megapixels / task.elapsed if task.elapsed else 0
            self._progress.update(task.id, advance=1, speed=f"{speed:.2f} MP/s")

    def _has_line(self, done: PhotoDone) -> bool:
        """Whether a photo is told of by itself: what a whole folder shares is told of once."""
        if self._is_verbose:
            return True
        # The list at the end, which a quiet run has not, names them all.
        if done.error_class == MissingExtraError.__name__ and not self._quiet:
            has_told, self._has_told_extra = self._has_told_extra, True
            return not has_told
        return done.status == "failed" or (self._lists_all and done.status != "skipped")

    def _finish(self, event: Finished) -> None:
        self.close()
        ways = [f"{count} {name}" for name, count in self._on_small_copies.items()]
        way = f" ({', '.join(ways)})" if ways else ""
        counts = {
            f"enhanced{way}": event.ok,
            "would be enhanced": event.planned,
            "skipped": event.skipped,
            "failed": event.failed,
            "not started": event.not_started,
        }
        parts = [f"{count} {word}" for word, count in counts.items() if count]
        speed = f", {self._megapixels / event.seconds:.2f} MP/s" if self._megapixels else ""
        self._say(
            f"{', '.join(parts) or '0 enhanced'} in {event.seconds:.1f} s{speed}{self._place()}"
        )
        if self._skipped and not (self._quiet or self._is_verbose):
            told = (f"{self._skipped[reason]} {_SKIPPED[reason]}" for reason in self._skipped)
            self._line(f"Skipped: {'. '.join(told)}.")
        if self._quiet:
            for hint in dict.fromkeys(failure.hint for failure in self._failures if failure.hint):
                self._line(f"Hint: {hint}")
        elif self._failures:
            self._list_failures()

    def _list_failures(self) -> None:
        """Name each failure; a hint that several have stands once below them."""
        times = Counter(failure.hint or "" for failure in self._failures)
        self._line("Failed:")
        for failure in self._failures:
            hint = f" {failure.hint}" if failure.hint and times[failure.hint] == 1 else ""
            self._line(f"  {failure.input}: {failure.message}.{hint}")
        for hint, count in times.items():
            if hint and count > 1:
                self._line(f"For {count} of them: {hint}")

    def _place(self) -> str:
        if not self._folders or self._photos == 1:
            return ""
        folder, *others = self._folders
        return f", into {len(self._folders)} folders" if others else f", into {folder}/"

    def _say(self, line: str) -> None:
        if not self._quiet:
            self._line(line)

    def _line(self, line: str) -> None:
        # Wrapping would cut names in two.
        self._console.print(Text(printable(line)), soft_wrap=True)


def _told(done: PhotoDone) -> str:
    match done.status:
        case "ok":
            return f"{done.input} -> {done.output} ({done.seconds:.1f} s)"
        case "dry-run":
            return f"{done.input} -> {done.output}{f' ({done.message})' if done.message else ''}"
        case _:
            return f"{done.input}: {done.status}: {done.message}"


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("photos"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
    )
