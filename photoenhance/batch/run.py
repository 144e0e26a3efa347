"""Jobs -> results: reads, enhances and writes each photo; one bad photo never stops the rest."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from typing import TypeVar

from photoenhance.batch.bench import Bench, Made, Taken
from photoenhance.batch.events import Event, Finished, PhotoDone, Settings, Started, Status
from photoenhance.batch.overlap import Room
from photoenhance.batch.plan import Job
from photoenhance.errors import ExitCode, ImageError, PhotoEnhanceError
from photoenhance.inference.device import is_out_of_memory

logger = logging.getLogger(__name__)

AHEAD = 2  # photos that are read, or being read, beyond the one that is enhanced

Given = TypeVar("Given")
Result = TypeVar("Result")


def run(
    jobs: tuple[Job, ...],
    bench: Bench,
    *,
    fail_fast: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    keep_trace: Callable[[Exception], str] = lambda _: "not kept",
) -> Generator[Event]:
    """Do the jobs in their order and tell of each.

    While a photo is enhanced, the one before it is written and the ones after it are read, as far
    as the memory has room for them.

    Args:
        jobs: of a plan.
        bench: where they are done.
        fail_fast: whether to end at the first failure; nothing after it is written.
        should_stop: asked before each photo; True ends the batch as interrupted, when what is
            being enhanced then is written.
        keep_trace: takes an error that nobody has foreseen, and says where its trace is.

    Yields:
        `Started`, one `PhotoDone` a job until the batch ends, `Finished`.
    """
    bench.clear(jobs)
    done = _Line(bench, keep_trace).done(jobs, should_stop)
    yield from _reported(jobs, bench.settings, done, fail_fast, should_stop)


def rehearse(jobs: tuple[Job, ...], settings: Settings) -> Generator[Event]:
    """Tell what `run` would do with each job, as far as the plan shows it; touch nothing."""
    foreseen = (_foreseen(job) for job in jobs)
    yield from _reported(jobs, settings, foreseen, fail_fast=False, should_stop=lambda: False)


def _reported(
    jobs: tuple[Job, ...],
    settings: Settings,
    dones: Generator[PhotoDone],
    fail_fast: bool,
    should_stop: Callable[[], bool],
) -> Generator[Event]:
    begun = time.monotonic()
    yield Started(len(jobs), settings)
    tally: Counter[Status] = Counter()
    failures: set[ExitCode] = set()
    with closing(dones):
        for done in dones:
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


class _Line:
    """Three places that a photo passes, and who works there: a reader, the caller, a writer."""

    def __init__(self, bench: Bench, keep_trace: Callable[[Exception], str]) -> None:
        self._bench = bench
        self._keep_trace = keep_trace
        self._room = Room()

    def done(self, jobs: tuple[Job, ...], should_stop: Callable[[], bool]) -> Generator[PhotoDone]:
        """Yield what became of each job, in their order."""
        reader = ThreadPoolExecutor(1, "reader")
        writer = ThreadPoolExecutor(1, "writer")
        try:
            yield from self._passed(jobs, should_stop, reader, writer)
        finally:
            self._room.close()
            for executor in (reader, writer):
                executor.shutdown(wait=False, cancel_futures=True)
            # What has begun ends well: a decoder cannot be stopped, a half-written file be left.
            for executor in (reader, writer):
                executor.shutdown()

    def _passed(
        self,
        jobs: tuple[Job, ...],
        should_stop: Callable[[], bool],
        reader: Executor,
        writer: Executor,
    ) -> Iterator[PhotoDone]:
        coming = (self._reading(job, reader) for job in jobs)
        ahead = deque(islice(coming, AHEAD))
        writing: Future[PhotoDone] | None = None
        for job in jobs:
            step: Taken | Made | PhotoDone = ahead.popleft()()
            ahead.extend(islice(coming, 1))
            if writing and writing.done():
                yield writing.result()
                writing = None
            if should_stop():
                break
            if isinstance(step, Taken):
                step = self._tried(job, self._bench.enhance, step)
            if writing:
                yield writing.result()
                writing = None
            if isinstance(step, Made):
                writing = writer.submit(self._tried, job, self._bench.write, step)
            else:
                yield step
            del step  # a photo, which would stay until the next one has been read
        if writing:
            yield writing.result()

    def _reading(self, job: Job, reader: Executor) -> Callable[[], Taken | PhotoDone]:
        """Begin to read a file; return what gives the photo."""
        if job.input and job.input.is_file():
            return reader.submit(self._read, job).result
        # A pipe can make its reader wait for ever; Ctrl-C reaches the caller alone.
        return partial(self._read, job)

    def _read(self, job: Job) -> Taken | PhotoDone:
        return self._tried(job, partial(self._bench.read, room=self._room), job)

    def _tried(self, job: Job, step: Callable[[Given], Result], given: Given) -> Result | PhotoDone:
        """Take one step; where it fails, or nothing follows, the photo has left the memory."""
        result: Result | PhotoDone
        try:
            result = step(given)
        except BrokenPipeError:  # nobody reads the results any more
            raise
        except Exception as error:
            if not isinstance(error, PhotoEnhanceError):
                logger.debug("%s: a mistake of photoenhance", job.input, exc_info=True)
            self._bench.note_failure(job)
            result = _failed(job, error, self._keep_trace)
        if isinstance(result, PhotoDone):
            self._room.leave(job)
        return result


def _exit_code(failures: set[ExitCode]) -> ExitCode:
    if not failures:
        return ExitCode.OK
    if ExitCode.INTERNAL in failures:
        return ExitCode.INTERNAL
    return ExitCode.DEVICE if failures == {ExitCode.DEVICE} else ExitCode.FAILED


def _foreseen(job: Job) -> PhotoDone:
    if job.problem:
        return _failed(job, ImageError(job.problem))
    names = job.names()
    if job.is_result:
        return PhotoDone(*names, "skipped", message="is a result of photoenhance", reason="result")
    if job.is_new or job.input == job.output or job.on_exists == "overwrite":
        return PhotoDone(*names, "dry-run")
    if job.on_exists == "skip":
        return PhotoDone(*names, "skipped", message="the output exists", reason="exists")
    message = "exists; made anew if settings or photo have changed"
    return PhotoDone(*names, "dry-run", message=message)


def _failed(
    job: Job, error: Exception, keep_trace: Callable[[Exception], str] = lambda _: "not kept"
) -> PhotoDone:
    # The photo is named beside the reason anyway, so the message need not begin with it.
    name, output = job.names()
    if isinstance(error, PhotoEnhanceError):
        message = error.message.removeprefix(f"{name}: ").removeprefix("standard input: ")
        hint, code = error.hint, error.exit_code
    elif is_out_of_memory(error):
        message, code = "there is not enough memory for it", ExitCode.DEVICE
        hint = "Close other programs, or choose --render guided or tone."
    else:
        message = f"unexpected {type(error).__name__}: {error}"
        hint = f"This is a mistake of ours: report it. The full trace is {keep_trace(error)}."
        code = ExitCode.INTERNAL
    return PhotoDone(
        name,
        output,
        "failed",
        message=message,
        error_class=type(error).__name__,
        hint=hint,
        exit_code=code,
    )
