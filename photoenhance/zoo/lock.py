"""Locks between processes, so that two of them do not download the same file."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from photoenhance.errors import WeightsError
from photoenhance.zoo import store


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Wait until no other process is in a block of this name, then be in it.

    The system lets go of the lock of a process that was killed.

    Raises:
        WeightsError: the cache folder cannot be written to.
    """
    folder = store.folder("cache") / "locks"
    lock = FileLock(folder / f"{name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise WeightsError(
            f"{folder}: cannot be written to: {error.strerror}", hint=store.ELSEWHERE
        ) from error
    try:
        yield
    finally:
        lock.release()
