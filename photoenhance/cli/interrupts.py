"""What Ctrl-C does."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from photoenhance.errors import ExitCode

TORCHRUN_ECHO = 2.0  # seconds within which a second signal is the first one, passed on


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
def saving_first(rank: int, processes: int) -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C or SIGTERM end a run after its current step, and a second at once.

    What is yielded says whether there was one even while the main thread is in a long call.

    Args:
        rank: of this process; the first one reports for all.
        processes: that share the run. torchrun passes on what a terminal has sent to all of them
            anyway, so that each hears of one Ctrl-C twice.
    """
    message = "" if rank else "Interrupted: saving after this step. Once more stops at once."
    echo = TORCHRUN_ECHO if processes > 1 else 0.0
    signals = (signal.SIGINT, signal.SIGTERM)
    with _asking(message, *signals, echo=echo) as is_asked, _heard(signals) as was_heard:
        yield lambda: is_asked() or was_heard()


@contextmanager
def _heard(signals: tuple[signal.Signals, ...]) -> Iterator[Callable[[], bool]]:
    """Hear signals as soon as the system sends them; Python's handlers wait for the main thread."""
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)

    def was_heard() -> bool:
        with suppress(BlockingIOError):  # nothing yet
            return any(number in signals for number in receiver.recv(64, socket.MSG_PEEK))
        return False

    try:
        yield was_heard
    finally:
        signal.set_wakeup_fd(before)
        receiver.close()
        sender.close()


@contextmanager
def _asking(
    message: str, *signals: signal.Signals, echo: float = 0.0
) -> Iterator[Callable[[], bool]]:
    from photoenhance.cli.render import tell

    count, first = 0, 0.0

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        del signal_number, frame
        nonlocal count, first
        if count and time.monotonic() - first < echo:
            return
        count, first = count + 1, time.monotonic()
        if count > 1:
            raise KeyboardInterrupt
        if message:
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
