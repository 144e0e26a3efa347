"""What a look at an installation brings to light."""

from dataclasses import dataclass
from typing import Literal

from photoenhance.errors import ExitCode, PhotoEnhanceError

Status = Literal["ok", "missing", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        group: what it belongs to, as a heading.
        name: what it is.
        status: "missing" is optional and not here; "warning" will do for now; "failed" will not.
        value: what was found, in words.
        hint: what to do about it.
        exit_code: what the command ends with, where it failed.
    """

    group: str
    name: str
    status: Status
    value: str
    hint: str | None = None
    exit_code: ExitCode = ExitCode.OK


def failure(group: str, name: str, error: PhotoEnhanceError) -> Finding:
    """Make a finding of an error."""
    return Finding(group, name, "failed", error.message, error.hint, error.exit_code)
