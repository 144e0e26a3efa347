"""One attempt at a download: what arrives, how long it is waited for, and why it failed."""

import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from photoenhance.zoo.checkpoint import MOST_BYTES

HEAD_BYTES = 1 << 13  # kept to tell a web page and its title
PAGES = (b"<!doctype", b"<html", b"<head", b"<script")
Progress = Callable[[int, int | None], None]  # bytes so far, and of the whole where known


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download is waited for.

    Attributes:
        attempts: at each address.
        pause: seconds before the second attempt, doubled before each further one.
        silence: seconds without any byte after which an attempt ends.
        window: seconds in each of which `least` bytes must come.
        least: those bytes.
    """

    attempts: int = 3
    pause: float = 1.0
    silence: float = 30.0
    window: float = 60.0
    least: int = 1 << 17


class AttemptError(Exception):
    """Why one attempt failed.

    Args:
        reason: in words that follow a server's name.
        is_passing: whether another attempt may succeed.
    """

    def __init__(self, reason: str, *, is_passing: bool = False) -> None:
        super().__init__(reason)
        self.is_passing = is_passing


class Body:
    """What arrives: measured, hashed and passed on to a file.

    Pooch's downloader takes it both for the file and for the progress bar.

    Args:
        stream: where it goes.
        size: its bytes, if they are known.
    """

    def __init__(self, stream: BinaryIO, size: int | None = None) -> None:
        self._stream = stream
        self._most = size or MOST_BYTES
        self._head = b""
        self._sha256 = hashlib.sha256()
        self.total = 0  # bytes that the server announced; 0 where it did not
        self.size = 0
        self._is_abandoned = False
        self._lock = threading.Lock()

    @property
    def sha256(self) -> str:
        """Of what has arrived, in hexadecimal."""
        return self._sha256.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            AttemptError: they are too many, or nobody waits for them any more.
        """
        with self._lock:
            if self._is_abandoned:
                raise AttemptError("was given up on")
            self.size += len(chunk)
            if self.size > self._most:
                raise AttemptError(f"sent more than {self._most:,} bytes")
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            self._sha256.update(chunk)
            self._stream.write(chunk)

    def abandon(self) -> None:
        """Take nothing more: the stream may be closed after this."""
        with self._lock:
            self._is_abandoned = True

    def finish(self) -> None:
        """Make sure that a whole file has come, and no web page.

        Raises:
            AttemptError: it has not.
        """
        if self._head.lstrip().lower().startswith(PAGES):
            raise AttemptError(_what_page_says(self._head.decode("utf-8", "replace")))
        if not self.size:
            raise AttemptError("sent nothing", is_passing=True)
        if self.size < self.total:
            reason = f"ended after {self.size:,} of {self.total:,} bytes"
            raise AttemptError(reason, is_passing=True)

    def flush(self) -> None:
        """Leave that to the end."""

    def update(self, size: int) -> None:
        """Be told a progress that `write` knows already."""

    def reset(self) -> None:
        """Be told of the end."""

    def close(self) -> None:
        """Be told of the end."""


def _what_page_says(page: str) -> str:
    match = re.search(r"<title>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    title = f" (titled {' '.join(match[1].split())[:80]!r})" if match else ""
    page = page.lower()
    if "quota" in page or "too many users" in page:
        what = "its download quota is used up for now"
    elif "virus scan" in page or "confirm" in page:
        what = "it wants a confirmation by hand"
    elif "sign in" in page or "accounts.google.com" in page:
        what = "it wants somebody to sign in"
    else:
        what = "it does not say why"
    return f"sent a web page instead of the file: {what}{title}"


def watch(receive: Callable[[], None], body: Body, progress: Progress, patience: Patience) -> None:
    """Receive in a thread, so that a server that dribbles can be given up on.

    Args:
        receive: fills the body; raises `AttemptError`, or `OSError` where the disk refuses it.
        body: what it fills.
        progress: told how far it is, many times a second.
        patience: when to give up.

    Raises:
        AttemptError: receiving failed, or is too slow.
        OSError: the disk refuses what came.
    """
    outcome: list[AttemptError | OSError | None] = []

    def run() -> None:
        try:
            receive()
        except (AttemptError, OSError) as error:
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=run, daemon=True, name="download")
    thread.start()
    try:
        _wait(thread, body, progress, patience)
    finally:
        body.abandon()
    assert outcome, "receiving ended without success or a known failure"
    if outcome[0]:
        raise outcome[0]


def _wait(thread: threading.Thread, body: Body, progress: Progress, patience: Patience) -> None:
    end, before = time.monotonic() + patience.window, 0
    while thread.is_alive():
        thread.join(0.05)
        progress(body.size, body.total or None)
        if time.monotonic() > end and thread.is_alive():
            if body.size - before < patience.least:
                raise AttemptError(f"is too slow: {body.size:,} bytes in {patience.window:.0f} s")
            end, before = time.monotonic() + patience.window, body.size
    progress(body.size, body.total or None)  # what came at once has not been told
