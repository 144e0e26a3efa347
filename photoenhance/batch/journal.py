"""What was made of what, with which settings: what a later run need not do again."""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from photoenhance.batch.events import Settings
from photoenhance.errors import ConfigError

_TABLE = """
CREATE TABLE IF NOT EXISTS results (
    output BLOB PRIMARY KEY,
    has_failed INTEGER NOT NULL,
    settings TEXT,
    input_sha256 TEXT,
    output_sha256 TEXT
) WITHOUT ROWID
"""


class Journal:
    """Remembers, for each output, what it was made from; on disk, for all runs of one user.

    Several threads may use it.

    A result is entered just before it takes its final name. An entry thus proves nothing until
    the output's own bytes are compared with it, and a kill between the two leaves no finished
    photo that the journal does not know.
    """

    def __init__(self, file: Path | None) -> None:
        """Open the journal, making it if need be.

        Args:
            file: None for a journal that ends with the program.

        Raises:
            ConfigError: the file cannot be made or is no journal.
        """
        self._file = file
        self._one_at_a_time = threading.Lock()
        with self._translated():
            if file:
                file.parent.mkdir(parents=True, exist_ok=True)
            name = file or ":memory:"
            self._database = sqlite3.connect(
                name, timeout=30, isolation_level=None, check_same_thread=False
            )
            self._database.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._one_at_a_time:
            self._database.close()

    def enter_result(
        self, output: Path, settings: str, input_sha256: str, output_sha256: str
    ) -> None:
        """Note what an output is about to be.

        Raises:
            ConfigError: the journal cannot be written, as by the other methods here.
        """
        with self._translated():
            self._database.execute(
                "INSERT OR REPLACE INTO results VALUES (?, FALSE, ?, ?, ?)",
                (_key(output), settings, input_sha256, output_sha256),
            )

    def enter_failure(self, output: Path) -> None:
        """Note that an output could not be made; what is known of an older one stays."""
        with self._translated():
            self._database.execute(
                "INSERT INTO results (output, has_failed) VALUES (?, TRUE) "
                "ON CONFLICT (output) DO UPDATE SET has_failed = TRUE",
                (_key(output),),
            )

    def has_failure(self, output: Path) -> bool:
        """Whether the last attempt at this output failed."""
        row = self._row(output)
        return row is not None and bool(row[0])

    def has_result(self, output: Path, settings: str, input_sha256: str) -> bool:
        """Whether the file at `output` is what these settings make of that input.

        Where a photo was enhanced in place, the input is by now the result itself.
        """
        row = self._row(output)
        if row is None or row[1] != settings:
            return False
        made = _sha256_or_none(output)
        return made == row[3] and input_sha256 in (row[2], made)

    def _row(self, output: Path) -> tuple[int, str | None, str | None, str | None] | None:
        with self._translated():
            found = self._database.execute(
                "SELECT has_failed, settings, input_sha256, output_sha256 FROM results "
                "WHERE output = ?",
                (_key(output),),
            )
            row: tuple[int, str | None, str | None, str | None] | None = found.fetchone()
            return row

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with self._one_at_a_time:
                yield
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"{self._file}: the journal of finished photos cannot be used: {error}",
                hint="Repair or remove this file, or point PHOTOENHANCE_HOME to another folder.",
            ) from error


def fingerprint(settings: Settings) -> str:
    """One hash of the model and of every setting that changes a result.

    Device and tiles are left out, and all exact renderings are one: by contract they change it by
    rounding alone, and somebody who resumes with smaller tiles wants to go on, not to begin again.
    """
    is_exact = settings.rendering not in ("auto", "guided")
    parts = (
        settings.weights_sha256,
        settings.precision,
        settings.strength,
        settings.quality,
        settings.strip_metadata,
        settings.model_options,
        None if is_exact else (settings.rendering, settings.work_size),
    )
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _key(output: Path) -> bytes:
    # The folder is resolved, not the name: the output itself may be a link that gets replaced.
    return os.fsencode(Path(os.path.realpath(output.parent)) / output.name)


def _sha256_or_none(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
