"""Jobs -> results: reads, enhances and writes each photo; one bad photo never stops the rest."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from photoenhance.batch.bench import Bench
from photoenhance.batch.events import Event, Finished, PhotoDone, Settings, Started, Status
from photoenhance.batch.plan import Job
from photoenhance.errors import ExitCode, ImageError, PhotoEnhanceError

logger = logging.getLogger(__name__)


def run(
    jobs: tuple[Job, ...],
    bench: Bench,
    *,
    fail_fast: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Do the jobs one after the other and tell of each.

    Args:
        jobs: of a plan.
        bench: where they are done.
        fail_fast: whether to end at the first failure.
        should_stop: asked before each photo; True ends the batch as interrupted.

    Yields:
        `Started`, one `PhotoDone` a job until the batch ends, `Finished`.
    """
    deal_with = partial(_dealt_with, bench)
    yield from _reported(jobs, bench.settings, deal_with, fail_fast, should_stop)


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
        ok=tally["ok"],
        planned=tally["dry-run"],
        skipped=tally["skipped"],
        failed=tally["failed"],
        not_started=len(jobs) - tally.total(),
        seconds=time.monotonic() - begun,
        exit_code=ExitCode.INTERRUPTED if should_stop() else _exit_code(failures),
    )


def _exit_code(failures: set[ExitCode]) -> ExitCode:
    if not failures:
        return ExitCode.OK
    return ExitCode.DEVICE if failures == {ExitCode.DEVICE} else ExitCode.FAILED


def _foreseen(job: Job) -> PhotoDone:
    if job.problem:
        return _failed(job, ImageError(job.problem))
    if job.skip:
        return PhotoDone(*job.names(), "skipped", message="the output exists")
    return PhotoDone(*job.names(), "dry-run")


def _dealt_with(bench: Bench, job: Job) -> PhotoDone:
    try:
        return bench.enhance(job)
    except BrokenPipeError:  # nobody reads the results any more
        raise
    except Exception as error:
        if not isinstance(error, PhotoEnhanceError):
            logger.debug("%s: a mistake of photoenhance", job.input, exc_info=True)
        bench.note_failure(job)
        return _failed(job, error)


def _failed(job: Job, error: Exception) -> PhotoDone:
    # The photo is named beside the reason anyway, so the message need not begin with it.
    name, output = job.names()
    if isinstance(error, PhotoEnhanceError):
        message = error.message.removeprefix(f"{name}: ").removeprefix("standard input: ")
        hint, code = error.hint, error.exit_code
    else:
        message = f"unexpected {type(error).__name__}: {error}"
        hint, code = "Report this, with the photo if it may be shown.", ExitCode.FAILED
    return PhotoDone(
        name,
        output,
        "failed",
        message=message,
        error_class=type(error).__name__,
        hint=hint,
        exit_code=code,
    )
