"""Saves an interrupted run whose step takes longer than whoever interrupts it will wait."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from photoenhance.errors import ExitCode, PhotoEnhanceError

logger = logging.getLogger(__name__)

SLOW = 3.0  # seconds a step, from which on every state is kept in memory until the next
LATE = 6.0  # seconds from an interruption to the moment when the step is given up
POLL = 0.2  # seconds
SHOWN_CURSOR = "\x1b[?25h"


class Rescue:
    """A thread that writes the state before the current step, and ends the program.

    A step of a large network may take half a minute on a CPU, and nothing can stop it half-way:
    it is one call into torch. Docker kills 10 seconds after it has asked for the end, torchrun 30.

    Args:
        interrupted: whether somebody asks for the end; True even while a step is computed.
        write: writes the content of a state.
    """

    def __init__(
        self, interrupted: Callable[[], bool], write: Callable[[int, bytes], object]
    ) -> None:
        self._interrupted = interrupted
        self._write = write
        self._kept: tuple[int, bytes] | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch over the steps of the block."""
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stand_down()
            thread.join()

    def keep(self, step: int, content: bytes) -> None:
        """Keep the state after a step."""
        with self._lock:
            self._kept = (step, content)

    def forget(self) -> None:
        """Keep nothing: steps are quick, or what was kept is written."""
        with self._lock:
            self._kept = None

    def stand_down(self) -> None:
        """Leave the end to the run itself."""
        with self._lock:  # not while the state is being written
            self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(POLL):
            if self._interrupted() and not self._over.wait(LATE):
                self._end()

    def _end(self) -> None:
        with self._lock:
            if self._kept is None or self._over.is_set():
                return
            step, content = self._kept
            try:
                self._write(step, content)
            except PhotoEnhanceError as error:  # the run may fare better at the end of its step
                logger.warning("the state before step %d: %s", step + 1, error.message)
                self._kept = None
                return
            logger.warning(
                "Interrupted: step %d is given up; everything before it is saved, and the same "
                "command goes on from there.",
                step + 1,
            )
            if sys.stderr.isatty():
                sys.stderr.write(SHOWN_CURSOR)  # which a progress bar has hidden
                sys.stderr.flush()
            os._exit(ExitCode.INTERRUPTED)  # the main thread is deep in torch, and hears nothing
