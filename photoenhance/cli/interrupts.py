"""What Ctrl-C does."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from photoenhance.errors import ExitCode


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Let Ctrl-C end the program without a word while the block imports libraries.

    An exception in the midst of an import would show as a traceback; in torch's it aborts.
    """
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def finishing_first() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C end the batch after the current photo, and the second one at once."""
    message = "Interrupted: finishing this photo. Press Ctrl-C again to stop at once."
    with _asking(message, signal.SIGINT) as is_asked:
        yield is_asked


@contextmanager
def saving_first() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C or SIGTERM end a run after its current step, and a second at once."""
    message = "Interrupted: saving after this step. Once more stops at once."
    with _asking(message, signal.SIGINT, signal.SIGTERM) as is_asked:
        yield is_asked


@contextmanager
def _asking(message: str, *signals: signal.Signals) -> Iterator[Callable[[], bool]]:
    from photoenhance.cli.render import tell

    count = 0

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        del signal_number, frame
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt
        tell(message)

    before = {each: signal.signal(each, interrupt) for each in signals}
    try:
        yield lambda: count > 0
    finally:
        for each, handler in before.items():
            # Who has interrupted may well go on pressing while the program shuts down.
            signal.signal(each, signal.SIG_IGN if count else handler)


def _leave(signal_number: int, frame: FrameType | None) -> None:
    del signal_number, frame
    os._exit(ExitCode.INTERRUPTED)
