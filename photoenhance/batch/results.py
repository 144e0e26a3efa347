"""Whose a file is: what these settings made, an older result of ours, or somebody else's."""

import hashlib
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from photoenhance.batch.journal import Journal
from photoenhance.imaging.mark import Mark, is_untouched, read_mark

Standing = Literal["absent", "current", "changed", "outdated", "foreign"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a result was made from and with.

    Attributes:
        fingerprint: of the settings.
        source_sha256: of the photo.
        words: model and settings for people, where the file itself tells them.
        is_changed: whether somebody has changed the file since.
    """

    fingerprint: str
    source_sha256: str
    words: str = ""
    is_changed: bool = False

    def is_same(self, other: "Origin") -> bool:
        """Whether both have made the same of the same."""
        return (self.fingerprint, self.source_sha256) == (other.fingerprint, other.source_sha256)


@dataclass(frozen=True, slots=True)
class Output:
    """What stands where a result is to go.

    Attributes:
        standing: "absent", also where the file is empty; "current" is what these settings make of
            this photo; "changed" was that until somebody edited it; "outdated" is of ours, but
            of other settings or of another photo; "foreign" is anything else.
        sha256: of the file, where one may be replaced.
        was_ours: whether a foreign file is a result that was changed since.
        is_of_other: whether an outdated one was made from a file with other bytes.
    """

    standing: Standing
    sha256: str | None = None
    was_ours: bool = False
    is_of_other: bool = False


def is_result(file: Path, journal: Journal) -> bool:
    """Whether a file is a result of ours, as the journal or its own mark says."""
    if read_mark(file) is not None:
        return True
    entry = journal.entry(file)
    return bool(entry and entry.output_sha256 and entry.output_sha256 == _sha256_or_none(file))


def origin_of(file: Path, sha256: str, journal: Journal) -> Origin | None:
    """Return what a file was made from and with if it is a result of ours, in place or not.

    Args:
        file: the file.
        sha256: of its bytes.
        journal: knows results whose files do not say it.
    """
    mark = read_mark(file)
    entry = journal.entry(file)
    if entry and entry.output_sha256 == sha256:
        words = mark.words() if mark else ""
        return Origin(entry.settings or "", entry.input_sha256 or "", words)
    origin = origin_by(mark)
    return replace(origin, is_changed=not is_untouched(file)) if origin else None


def origin_by(mark: Mark | None) -> Origin | None:
    """Return what a mark tells."""
    return Origin(mark.fingerprint, mark.source_sha256, mark.words()) if mark else None


def look_at(output: Path, wanted: Origin, journal: Journal) -> Output:
    """Say what stands at an output.

    What the journal knows counts more than a mark, which programs that edit photos may leave in.

    Args:
        output: where a result is to go.
        wanted: what the result would be made from and with.
        journal: knows what was made there.
    """
    try:
        status = output.stat()
    except OSError:
        return Output("foreign" if output.is_symlink() else "absent")
    if not stat.S_ISREG(status.st_mode):
        return Output("foreign")
    if status.st_size == 0:  # as of mktemp
        return Output("absent", hashlib.sha256().hexdigest())
    return _look_at_file(output, wanted, journal)


def _look_at_file(output: Path, wanted: Origin, journal: Journal) -> Output:
    sha256, entry = _sha256_or_none(output), journal.entry(output)
    if entry is None or entry.output_sha256 is None or sha256 is None:
        origin = origin_by(read_mark(output))
        if origin is None:
            return Output("foreign", sha256)
        if not is_untouched(output):
            return Output("changed" if origin.is_same(wanted) else "foreign", sha256, was_ours=True)
        return _ours(origin, wanted, sha256)
    made = Origin(entry.settings or "", entry.input_sha256 or "")
    if sha256 == entry.output_sha256:
        return _ours(made, wanted, sha256)
    if sha256 == entry.replaced_sha256:  # a kill came before the new file had taken its name
        return Output("outdated", sha256)
    origin = origin_by(read_mark(output))
    is_current = made.is_same(wanted) or (origin is not None and origin.is_same(wanted))
    return Output("changed" if is_current else "foreign", sha256, was_ours=True)


def _ours(made: Origin, wanted: Origin, sha256: str | None) -> Output:
    if made.is_same(wanted):
        return Output("current", sha256)
    return Output("outdated", sha256, is_of_other=made.source_sha256 != wanted.source_sha256)


def _sha256_or_none(file: Path) -> str | None:
    try:
        if not file.is_file():  # a named pipe could keep us for ever
            return None
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
