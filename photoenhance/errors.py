"""Every failure that a user can cause or cure, and the exit codes."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the command's end says to the shell."""

    OK = 0
    FAILED = 1
    USAGE = 2
    WEIGHTS = 3
    DEVICE = 4
    INTERNAL = 70  # a mistake of ours; the number is BSD's EX_SOFTWARE
    INTERRUPTED = 130


class PhotoEnhanceError(Exception):
    """The root of all failures that are the user's to act on.

    Args:
        message: `subject: what is wrong`, with expected and found where both exist.
        hint: what to do about it, as an imperative.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ImageError(PhotoEnhanceError):
    """Look at this photo."""


class UnsupportedError(ImageError):
    """Leave this file out, or install what reads it: nothing is wrong with it.

    It is an animation, no picture in a format that we know, or one that only an extra reads.
    """


class MissingExtraError(UnsupportedError):
    """Install the package that reads this format."""


class TrainingError(PhotoEnhanceError):
    """Look at this run."""


class ConfigError(PhotoEnhanceError):
    """Correct an option or a configuration value."""

    exit_code = ExitCode.USAGE


class WeightsError(PhotoEnhanceError):
    """Download, repair or choose another model."""

    exit_code = ExitCode.WEIGHTS


class DeviceError(PhotoEnhanceError):
    """Choose another device, or less memory."""

    exit_code = ExitCode.DEVICE
