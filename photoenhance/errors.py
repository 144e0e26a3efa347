"""Every failure that a user can cause or cure, and the exit codes."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, ClassVar


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
        options: names of the options that are wrong, for who knows where each was set.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(
        self, message: str, *, hint: str | None = None, options: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.options = tuple(options)


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


# What is wrong with a value, by pydantic's name for it.
_WORDS = {
    "greater_than_equal": "{value} is too small; at least {ge}",
    "greater_than": "{value} is too small; more than {gt}",
    "less_than_equal": "{value} is too large; at most {le}",
    "less_than": "{value} is too large; less than {lt}",
    "multiple_of": "{value} is not a multiple of {multiple_of}",
    "int_parsing": "{value} is not a whole number",
    "int_type": "{value} is not a whole number",
    "int_from_float": "{value} is not a whole number",
    "float_parsing": "{value} is not a number",
    "float_type": "{value} is not a number",
    "finite_number": "{value} is not a finite number",
    "bool_parsing": "{value} is neither true nor false",
    "bool_type": "{value} is neither true nor false",
    "string_type": "{value} is not a text",
    "tuple_type": "{value} is not a list",
    "model_type": "{value} is not a section of its own",
    "literal_error": "{value} is not one of {expected}",
    "value_error": "{error}",
    "extra_forbidden": "there is no such value",
    "unexpected_keyword_argument": "there is no such value",
    "missing": "is missing",
}


def in_words(details: Mapping[str, Any]) -> str:
    """Say in everybody's words what is wrong with a value.

    Args:
        details: one of the errors of pydantic's `ValidationError`.
    """
    template = _WORDS.get(details["type"], "{value} cannot be used here")
    return template.format(value=details["input"], **details.get("ctx", {}))
