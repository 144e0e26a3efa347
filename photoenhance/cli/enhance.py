"""`photoenhance enhance`."""

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import typer

from photoenhance.batch.events import Event, Finished, Settings
from photoenhance.batch.plan import Job, Request
from photoenhance.batch.scan import Filter
from photoenhance.cli import options
from photoenhance.cli.command import about
from photoenhance.cli.downloads import shown_download
from photoenhance.cli.interrupts import finishing_first, leaving_at_once
from photoenhance.cli.jobs import check_streams, jobs_of, read_list, tile_of
from photoenhance.cli.publication import Wanted, reporting
from photoenhance.cli.render import Shown, reporter, tell
from photoenhance.errors import ConfigError, ExitCode
from photoenhance.imaging.formats import FORMATS, FormatName
from photoenhance.zoo import store
from photoenhance.zoo.catalog import DEFAULT_MODEL

if TYPE_CHECKING:
    from photoenhance.batch.bench import Bench
    from photoenhance.batch.journal import Journal


def enhance(  # noqa: PLR0913 (Typer reads the options from the signature)
    paths: options.Paths = None,
    *,
    output: options.Output = None,
    model: options.Model = DEFAULT_MODEL,
    model_option: options.ModelOption = None,
    strength: options.Strength = 1.0,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    rendering: options.Rendering = "auto",
    tile: options.Tile = "auto",
    work_size: options.WorkSize = None,
    max_pixels: options.MaxPixels = None,
    fail_fast: options.FailFast = False,
    recursive: options.Recursive = False,
    include: options.Include = None,
    exclude: options.Exclude = None,
    files_from: options.FilesFrom = None,
    null: options.Null = False,
    retry_failed: options.RetryFailed = False,
    allow_empty: options.AllowEmpty = False,
    in_place: options.InPlace = False,
    on_exists: options.OnExists = "skip",
    format: options.Format = None,
    quality: options.Quality = None,
    strip_metadata: options.StripMetadata = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
    log: options.Log = None,
    report: options.Report = None,
    contact_sheet: options.ContactSheet = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    progress: options.Progress = True,
) -> None:
    """Enhance photos: light, colour and contrast; everything else stays as it was.

    Each option can also be set as PHOTOENHANCE_<OPTION> in the environment, or in
    photoenhance.toml: see `photoenhance config`.
    """
    name = _format(format)
    check_streams(paths or [], output, files_from=files_from, json=json)
    request = Request(
        listed=read_list(files_from, null=null) if files_from else (),
        suffix=FORMATS[name].suffixes[0] if name else None,
        in_place=in_place,
        on_exists=on_exists,
        filter=Filter(recursive, tuple(include or ()), tuple(exclude or ())),
    )
    jobs = jobs_of(paths or [], output, request, has_list=files_from is not None)
    tile_side, rendering = tile_of(tile, rendering)
    settings = Settings(
        model=model,
        model_options=tuple(model_option or ()),
        weights_sha256=None,
        device=device,
        precision="fp32" if precision == "auto" else precision,
        rendering=rendering,
        tile=tile_side,
        work_size=work_size,
        strength=strength,
        quality=quality,
        strip_metadata=strip_metadata,
        max_pixels=max_pixels,
    )
    with _journal(
        is_kept=retry_failed or not dry_run, is_needed=retry_failed or in_place
    ) as journal:
        if retry_failed:
            jobs = tuple(job for job in jobs if job.output and journal.has_failure(job.output))
        if not jobs and not allow_empty:
            raise _nothing_to_do(is_recursive=recursive, retries=retry_failed)
        if dry_run or not jobs:
            events = _rehearsed(jobs, settings)
        else:
            bench = _bench(settings, journal, name, quiet=quiet)
            events = _enhanced(jobs, bench, fail_fast=fail_fast)
        with about("report"):
            events = reporting(events, jobs, Wanted(report, contact_sheet), quiet=quiet)
        has_bar = progress and not dry_run
        shown = Shown(json, log, quiet, verbose, has_bar)
        # Closed before the journal, which photos on their way still need.
        with reporter(shown) as reported, closing(events):
            for event in events:
                reported.show(event)
    assert isinstance(event, Finished)  # always the last one
    raise typer.Exit(event.exit_code or (0 if reported.is_complete else ExitCode.FAILED))


def _format(asked: str | None) -> FormatName | None:
    return None if asked is None else options.FORMATS.get(asked, cast("FormatName", asked))


@contextmanager
def _journal(*, is_kept: bool, is_needed: bool) -> "Iterator[Journal]":
    """Open the user's journal; a run that can do without one goes on, and says so."""
    from photoenhance.batch.journal import Journal

    try:
        journal = Journal(store.folder("state") / "journal.sqlite3" if is_kept else None)
    except ConfigError as error:
        if is_needed:
            raise
        tell(f"note: {error.message}; this run will not be resumable")
        journal = Journal(None)
    with journal:
        yield journal


def _bench(
    settings: Settings, journal: "Journal", format: FormatName | None, *, quiet: bool
) -> "Bench":
    # Photos of many sizes would fill oneDNN's own cache of 1,024 compiled kernels: 60 MB.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")
    with leaving_at_once():
        from photoenhance.batch.bench import Bench, Streams
        from photoenhance.inference.device import choose
        from photoenhance.inference.enhancer import Enhancer
        from photoenhance.zoo.load import load_generator

    with about("device"):
        device = choose(settings.device)
    with about("model", "model_option"), shown_download(settings.model, quiet=quiet) as progress:
        model = load_generator(settings.model, progress, settings.model_options)
    enhancer = Enhancer(
        model.generator,
        device,
        precision=settings.precision,
        rendering=settings.rendering,
        tile=settings.tile,
        work_size=settings.work_size,
        strength=settings.strength,
    )
    return Bench(
        enhancer,
        replace(
            settings,
            weights_sha256=model.sha256,
            device=str(device),
            work_size=enhancer.work_size,
        ),
        journal,
        # Both are None where they were closed from outside.
        Streams(
            sys.stdin.buffer if sys.stdin else None,
            sys.stdout.buffer if sys.stdout else None,
            format,
        ),
    )


def _rehearsed(jobs: tuple[Job, ...], settings: Settings) -> Generator[Event]:
    from photoenhance.batch.run import rehearse

    return rehearse(jobs, settings)


def _enhanced(jobs: tuple[Job, ...], bench: "Bench", *, fail_fast: bool) -> Generator[Event]:
    from photoenhance.batch.run import run

    with finishing_first() as were_asked_for:
        yield from run(jobs, bench, fail_fast=fail_fast, should_stop=were_asked_for)


def _nothing_to_do(*, is_recursive: bool, retries: bool) -> ConfigError:
    if retries:
        return ConfigError(
            "nothing to retry: none of these photos failed the last time",
            hint="Leave out --retry-failed, or allow this with --allow-empty.",
        )
    hint = "Name other folders" if is_recursive else "Look into subfolders with --recursive"
    return ConfigError("no photos were found", hint=f"{hint}, or allow this with --allow-empty.")
