"""Keeps codecs and their Python packages from writing to the user's standard error."""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_STANDARD_ERROR = 2
_ONE_AT_A_TIME = threading.RLock()  # so that one who is silenced may read photos


class _Warnings:
    """Python's warnings, ignored from the first of several threads' blocks to the end of the last.

    `warnings.catch_warnings` of two threads that overlap would end one early, and leave warnings
    ignored for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._kept = ExitStack()

    @contextmanager
    def ignored(self) -> Iterator[None]:
        with self._lock:
            self._blocks += 1
            if self._blocks == 1:
                self._kept.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
        try:
            yield
        finally:
            with self._lock:
                self._blocks -= 1
                if not self._blocks:
                    self._kept.close()


_WARNINGS = _Warnings()


@contextmanager
def muted() -> Iterator[None]:
    """Keep Python's warnings and Pillow's log from standard error while the block runs.

    Both are the process's. Whoever has set up logging still gets the log.
    """
    logger, handler = logging.getLogger("PIL"), logging.NullHandler()
    logger.addHandler(handler)  # without any, Python writes to standard error itself
    try:
        with _WARNINGS.ignored():
            yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def silenced() -> Iterator[None]:
    """Send what any code writes to the process's standard error nowhere while the block runs.

    libtiff, dav1d and LibRaw report damage there before an error of it is raised. The file number
    belongs to the whole process, so this is kept to the calls that need it, one at a time; what
    another thread writes meanwhile is lost, unless it has a number of its own, as in our command.
    """
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:  # there is no standard error to keep clean
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            with suppress(AttributeError, ValueError, OSError):
                sys.stderr.flush()
            os.dup2(nowhere, _STANDARD_ERROR)
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(nowhere)
            os.close(kept)
