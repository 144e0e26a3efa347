"""What is to be shown -> the page and the contact sheet that were asked for."""

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from photoenhance import __version__
from photoenhance.batch.events import Event, Finished
from photoenhance.batch.plan import Job
from photoenhance.cli.contents import STANDARD, Contents, contents_of
from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.render import tell
from photoenhance.errors import ConfigError, ExitCode, ImageError
from photoenhance.imaging import atomic, formats
from photoenhance.imaging.folders import is_picture

if TYPE_CHECKING:
    from photoenhance.report.rows import Failure, Report, Row


_LINKED_PAIR_BYTES = 500_000  # beside links: for formats that no browser shows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written, and how.

    Attributes:
        page: the HTML file, if any; "-" is standard output.
        sheet: the contact sheet's first page, if any.
        link: whether the page shows the photos' own files instead of holding copies.
        side: the longer side of those copies in pixels, at most.
        max_mb: size of the page at most, in megabytes.
    """

    page: str | None = None
    sheet: Path | None = None
    link: bool = False
    side: int = 1600
    max_mb: float = 50

    def check(self, photos: set[Path], pairs: int) -> None:
        """Refuse what cannot be meant.

        Args:
            photos: files that may not be written over.
            pairs: how many there are to show.

        Raises:
            ConfigError: a name is that of a photo, of a file that somebody else has made, or of a
                format that cannot be written.
        """
        if self.page and is_picture(Path(self.page)):
            raise ConfigError(
                f"{self.page}: the report is an HTML page, not a picture",
                hint="Choose a name that ends in .html.",
            )
        if self.link and self.page == STANDARD:
            raise ConfigError(
                "--link: a page on standard output has no place to link from",
                hint="Name a file with -o.",
            )
        if self.page and self.page != STANDARD:
            check_page(Path(self.page))
        if self.sheet:
            self._check_sheet(self.sheet, photos, pairs)

    def _check_sheet(self, sheet: Path, photos: set[Path], pairs: int) -> None:
        from photoenhance.report.sheet import is_sheet, pages

        known = formats.of_suffix(sheet)
        if known is None or not known.is_writable:
            raise ConfigError(
                f"{sheet}: the contact sheet cannot be written in this format",
                hint="Choose a name that ends in .png or .jpg.",
                options=("contact_sheet",),
            )
        for file in pages(sheet, pairs):
            if file.resolve() in photos:
                wrong = "is a photo of the report"
            elif file.is_file() and not is_sheet(file):
                wrong = "exists, and is not a contact sheet of photoenhance"
            else:
                continue
            raise ConfigError(
                f"{file}: {wrong}",
                hint="Choose another name for the sheet.",
                options=("contact_sheet",),
            )


def check_page(file: Path) -> None:
    """Refuse to put a page in the place of what somebody else has made.

    Raises:
        ConfigError: such a file is there.
    """
    from photoenhance.report.markup import is_page

    if file.is_file() and not is_page(file):
        raise ConfigError(
            f"{file}: exists, and is not a report of photoenhance",
            hint="Choose another name for the report, or move that file away.",
        )


def reporting(
    events: Generator[Event], jobs: tuple[Job, ...], wanted: Wanted, *, quiet: bool = False
) -> Generator[Event]:
    """Pass a batch's events on, and write a report when it is over, if one is wanted.

    Raises:
        ConfigError: at once, where no report can be made of such jobs.
    """
    if wanted.page is None and wanted.sheet is None:
        return events
    if wanted.page == STANDARD:
        raise ConfigError(
            "--report -: standard output cannot take the page", hint="Name a file after --report."
        )
    if any(job.input is None or job.output is None for job in jobs):
        raise ConfigError(
            "a report needs files, but the photo comes from or goes to a pipe",
            hint="Leave out --report and --contact-sheet, or name files.",
        )
    if any(job.input == job.output for job in jobs):
        raise ConfigError(
            "a report needs the originals, which --in-place replaces",
            hint="Leave out --in-place, or --report and --contact-sheet.",
        )
    photos = {path.resolve() for job in jobs for path in (job.input, job.output) if path}
    wanted.check(photos, len(jobs))
    _pair_bytes(wanted, len(jobs))  # better refused now than after all the work
    return _reported(events, wanted, quiet=quiet)


def _reported(events: Generator[Event], wanted: Wanted, *, quiet: bool) -> Generator[Event]:
    seen = []
    with closing(events):
        for event in events:
            seen.append(event)
            yield event
    if isinstance(event, Finished) and event.exit_code == ExitCode.INTERRUPTED:
        if not quiet:
            tell("note: no report was made; run again to go on, and to get one of all photos")
        return
    contents = contents_of(seen)
    if contents.pairs or contents.failures:
        code = publish(contents, wanted, title=contents.title, quiet=quiet)
        if code and isinstance(event, Finished) and not event.exit_code:
            raise ImageError("the report: not all photos could be shown")
    elif not quiet:
        tell("note: nothing was enhanced, so there is nothing to report")


def publish(contents: Contents, wanted: Wanted, *, title: str, quiet: bool) -> ExitCode:
    """Look at every pair and write page and sheet.

    Args:
        contents: what there is to show.
        wanted: where and how.
        title: the headline.
        quiet: tell of failures only.

    Returns:
        A failure if a photo could not be read; it is listed on the page.

    Raises:
        ConfigError: the photos do not fit, or a file to write is a photo.
        ImageError: a file cannot be written.
    """
    with leaving_at_once():
        from photoenhance.report.comparison import Looks, compare
        from photoenhance.report.rows import Failure, Report, Row
        from photoenhance.report.sheet import Sheet

    photos = {path.resolve() for pair in contents.pairs for path in (pair.before, pair.after)}
    wanted.check(photos, len(contents.pairs))
    page = Path(wanted.page) if wanted.link and wanted.page else None
    most = _pair_bytes(wanted, len(contents.pairs))
    sheet = Sheet(wanted.sheet, title) if wanted.sheet else None
    looks = Looks(wanted.side, most, page)
    compared = compare(contents.pairs, looks, also=sheet.add if sheet else None)
    seen = list(_tracked(compared, len(contents.pairs), quiet=quiet))
    unreadable = tuple(each for each in seen if isinstance(each, Failure))
    rows = tuple(each for each in seen if isinstance(each, Row))
    if sheet:
        sheet.close()
    if wanted.page:
        failures = unreadable + contents.failures
        models = " and ".join(contents.models)
        origin = f"photoenhance {__version__} on {date.today():%Y-%m-%d}"
        _write(Report(title, rows, failures, contents.settings, models, origin), wanted.page)
    _tell_failures(unreadable)
    if not quiet:
        _tell_written(len(rows), wanted.page, sheet.files if sheet else [])
    return ExitCode.FAILED if unreadable else ExitCode.OK


def _pair_bytes(wanted: Wanted, pairs: int) -> int:
    from photoenhance.report.pictures import pair_bytes

    holds_all = wanted.page is not None and not wanted.link
    return pair_bytes(int(wanted.max_mb * 1e6), pairs) if holds_all else _LINKED_PAIR_BYTES


def _tracked(
    compared: "Iterator[Row | Failure]", total: int, *, quiet: bool
) -> "Iterator[Row | Failure]":
    console = Console(stderr=True)
    is_hidden = quiet or not console.is_terminal or console.is_dumb_terminal
    yield from track(compared, "Report", total, console=console, transient=True, disable=is_hidden)


def _write(report: "Report", page: str) -> None:
    from photoenhance.report.page import render

    if page == STANDARD:
        for piece in render(report):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with atomic.replacing(Path(page)) as file:
        for piece in render(report):
            file.write(piece)


def _tell_failures(unreadable: "tuple[Failure, ...]") -> None:
    for failure in unreadable:
        tell(f"{failure.name}: cannot be shown: {failure.reason}")


def _tell_written(photos: int, page: str | None, sheets: list[Path]) -> None:
    if page and page != STANDARD:
        count = "1 photo" if photos == 1 else f"{photos} photos"
        tell(f"{page}: {count}, {Path(page).stat().st_size / 1e6:.1f} MB")
    for sheet in sheets:
        tell(f"{sheet}: contact sheet")
