"""What was made of what, with which settings: what a later run need not do again."""

import hashlib
import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from photoenhance.batch.events import Settings
from photoenhance.errors import ConfigError

logger = logging.getLogger(__name__)

_TABLE = """
CREATE TABLE IF NOT EXISTS results (
    output BLOB PRIMARY KEY,
    has_failed INTEGER NOT NULL,
    settings TEXT,
    input_sha256 TEXT,
    output_sha256 TEXT
) WITHOUT ROWID
"""
_PATIENCE = 5  # seconds that other runs may take to write their entries
_HINT = "Repair or remove this file, or point PHOTOENHANCE_HOME to another folder."


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of an output; all hashes are in hexadecimal.

    Attributes:
        has_failed: whether the last attempt at it failed.
        settings: the fingerprint of the settings that made it; None if it was never made.
        input_sha256: of the photo that it was made from.
        output_sha256: of the file that was made.
        replaced_sha256: of the file that stood in its place until then, if one did.
    """

    has_failed: bool = False
    settings: str | None = None
    input_sha256: str | None = None
    output_sha256: str | None = None
    replaced_sha256: str | None = None


class Journal:
    """Remembers, for each output, what it was made from; on disk, for all runs of one user.

    Several threads may use it.

    A result is entered just before it takes its final name. An entry thus proves nothing until
    the output's own bytes are compared with it, and a kill between the two leaves no finished
    photo that the journal does not know.

    Where the file cannot be read or written, the journal lasts as long as the program: photos are
    worth more than notes about them.
    """

    def __init__(
        self, file: Path | None, on_trouble: Callable[[str], None] = logger.warning
    ) -> None:
        """Prepare a journal; its file is opened when it is needed, and made when it is written.

        Args:
            file: None for a journal that ends with the program.
            on_trouble: is called once, with the reason, when the file cannot be used.
        """
        self._file = file
        self._on_trouble = on_trouble
        self._database: sqlite3.Connection | None = None
        self._is_readable = self._is_writable = file is not None
        self._has_told = False
        self._own: dict[bytes, Entry] = {}  # of this run, where the file does not take them
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._one_at_a_time:
            if self._database:
                self._database.close()
            self._database, self._is_readable, self._is_writable = None, False, False

    def check(self) -> None:
        """Make sure that what earlier runs entered can be read.

        Raises:
            ConfigError: it cannot.
        """
        self.entry(Path())
        if self._file and not self._is_readable:
            raise ConfigError(
                f"{self._file}: the journal of finished photos cannot be used", hint=_HINT
            )

    def enter_result(
        self,
        output: Path,
        settings: str,
        input_sha256: str,
        output_sha256: str,
        replaced_sha256: str | None = None,
    ) -> None:
        """Note what an output is about to be."""
        self._enter(output, Entry(False, settings, input_sha256, output_sha256, replaced_sha256))

    def enter_failure(self, output: Path) -> None:
        """Note that an output could not be made; what is known of an older one stays."""
        self._enter(output, replace(self.entry(output) or Entry(), has_failed=True))

    def forget_failure(self, output: Path) -> None:
        """Note that nothing is left to be done about an output that once failed."""
        entry = self.entry(output)
        if entry and entry.has_failed:
            self._enter(output, replace(entry, has_failed=False))

    def has_failure(self, output: Path) -> bool:
        """Whether the last attempt at this output failed."""
        entry = self.entry(output)
        return entry is not None and entry.has_failed

    def entry(self, output: Path) -> Entry | None:
        """Return what is known of an output."""
        key = _key(output)
        with self._one_at_a_time:
            if key in self._own or not self._is_readable:
                return self._own.get(key)
            try:
                return self._read(key)
            except (OSError, sqlite3.Error) as error:
                self._is_readable = self._is_writable = False
                trouble = error
        self._tell(trouble)
        return None

    def _enter(self, output: Path, entry: Entry) -> None:
        key, trouble = _key(output), None
        with self._one_at_a_time:
            if self._is_writable:
                try:
                    self._write(key, entry)
                except (OSError, sqlite3.Error) as error:
                    self._is_writable = False
                    trouble = error
            if not self._is_writable:
                self._own[key] = entry
        if trouble:
            self._tell(trouble)

    def _tell(self, error: Exception) -> None:
        """Tell of the first trouble; what follows has the same cause."""
        if not self._has_told:
            self._has_told = True
            self._on_trouble(
                f"{self._file}: the journal of finished photos cannot be used: {error}"
            )

    def _read(self, key: bytes) -> Entry | None:
        assert self._file
        if self._database is None and not self._is_there():
            return None
        query = (
            "SELECT has_failed, settings, input_sha256, output_sha256 FROM results WHERE output = ?"
        )
        row = self._opened().execute(query, (key,)).fetchone()
        if row is None:
            return None
        replaced = self._opened().execute(query, (_replaced(key),)).fetchone()
        has_failed, settings, made_from, made = row
        return Entry(bool(has_failed), settings, made_from, made, replaced[3] if replaced else None)

    def _is_there(self) -> bool:
        assert self._file
        try:
            self._file.stat()
        except FileNotFoundError:
            return False
        return True

    def _write(self, key: bytes, entry: Entry) -> None:
        rows = [
            (key, entry.has_failed, entry.settings, entry.input_sha256, entry.output_sha256),
            (_replaced(key), False, None, None, entry.replaced_sha256),
        ]
        database = self._opened()
        with database:
            database.execute("BEGIN IMMEDIATE")
            for row in rows if entry.replaced_sha256 else rows[:1]:
                database.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", row)
            if not entry.replaced_sha256:
                database.execute("DELETE FROM results WHERE output = ?", (rows[1][0],))

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            assert self._file
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                self._file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._database.execute(_TABLE)
        return self._database


def fingerprint(settings: Settings) -> str:
    """One hash of the model and of every setting that changes a result.

    Device and tiles are left out, and all exact renderings are one: by contract they change it by
    rounding alone, and somebody who resumes with smaller tiles wants to go on, not to begin again.
    """
    is_exact = settings.rendering not in ("auto", "guided", "tone")
    parts = (
        settings.weights_sha256,
        settings.precision,
        settings.strength,
        settings.quality,
        settings.strip_metadata,
        settings.model_options,
        None if is_exact else (settings.rendering, settings.work_size),
        # Alone where it is asked for: the rest is as in journals that knew of no mark.
        *(("no_mark",) if settings.no_mark and not settings.strip_metadata else ()),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _key(output: Path) -> bytes:
    # The folder is resolved, not the name: the output itself may be a link that gets replaced.
    return os.fsencode(Path(os.path.realpath(output.parent)) / output.name)


def _replaced(key: bytes) -> bytes:
    """The key of the row that tells what an output replaces; no path holds a null byte."""
    return key + b"\0replaced"
