"""Photos as they are judged -> progress, then tables, or JSON lines."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from photoenhance.cli.render import tell, terminal
from photoenhance.cli.scores import Scores, file_record, start_record, summary_record
from photoenhance.cli.scoretable import print_scores
from photoenhance.metrics.evaluate import INPUTS, Broken, Judged

Event = Judged | Broken


@contextmanager
def showing(
    scores: Scores, *, json: bool, quiet: bool, progress: bool
) -> Iterator[Callable[[Event], None]]:
    """Give a function that takes in a result and shows it; show the sums when the block ends well.

    Args:
        scores: where the results go.
        json: JSON lines on standard output in place of tables.
        quiet: nothing but failures on standard error.
        progress: a bar there, if it is a terminal.
    """
    begun = time.monotonic()
    if json:
        _write(start_record(scores.setting))
    with _bar(scores, is_wanted=progress and not quiet) as bar:

        def show(event: Event) -> None:
            scores.add(event)
            is_all = isinstance(event, Broken) and event.candidate is None
            bar.advance(bar.task_ids[0], len(scores.setting.candidates) if is_all else 1)
            if json:
                _write(file_record(event))
            if isinstance(event, Broken):
                tell(_failure(event))
            elif bar.disable and not quiet:
                tell(f"{event.pair.input}{_as(event.candidate)} ({event.seconds:.1f} s)")

        yield show
    if json:
        _write(summary_record(scores))
    else:
        print_scores(scores, terminal())
    if not quiet:
        tell(_counts(scores, time.monotonic() - begun))


def _bar(scores: Scores, *, is_wanted: bool) -> Progress:
    console = Console(stderr=True, highlight=False)
    is_possible = console.is_terminal and not console.is_dumb_terminal
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("judged"),
        TimeRemainingColumn(),
        console=console,
        disable=not (is_wanted and is_possible),
        transient=True,
        redirect_stdout=False,
    )
    bar.add_task("", total=len(scores.setting.pairs) * len(scores.setting.candidates))
    return bar


def _failure(event: Broken) -> str:
    photo = f"{event.pair.input}"
    hint = f". {event.error.hint}" if event.error.hint else ""
    message = event.error.message.removeprefix(f"{photo}: ")
    return f"{photo}{_as(event.candidate)}: failed: {message}{hint}"


def _as(candidate: str | None) -> str:
    return "" if candidate in (None, INPUTS) else f" by {candidate}"


def _counts(scores: Scores, seconds: float) -> str:
    photos = len({each.pair.name for each in scores.judged})
    failed = f", {len(scores.broken)} failed" if scores.broken else ""
    return f"{photos} photos judged{failed} in {seconds:.1f} s"


def _write(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()
