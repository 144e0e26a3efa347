"""What a user may change in how a model's weights are used."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from photoenhance.errors import ConfigError
from photoenhance.networks import ARCHITECTURES
from photoenhance.zoo.catalog import ConfigValue
from photoenhance.zoo.checkpoint import Header

BOOLEANS = {"true": True, "false": False}


def with_options(header: Header, assignments: Sequence[str]) -> Header:
    """Return a model's header with some values of its config replaced.

    Args:
        header: of the model's file; of an architecture that is known.
        assignments: `key=value` each, such as "context=native" or "align_corners=false".

    Raises:
        ConfigError: the model has no such option, or the option no such value.
    """
    if not assignments:
        return header
    architecture = ARCHITECTURES[header.architecture]
    known = asdict(architecture.config(**header.config))
    changes: dict[str, ConfigValue] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or key not in architecture.options:
            options = ", ".join(architecture.options) or "none"
            raise ConfigError(
                f"model option {assignment!r}: {header.architecture} has no such option",
                hint=f"Write KEY=VALUE; its options are: {options}.",
            )
        changes[key] = _value(assignment, value) if isinstance(known[key], bool) else value
    try:
        architecture.config(**{**header.config, **changes})
    except ValueError as error:
        raise ConfigError(f"model option {error}", hint="Choose another value.") from error
    return replace(header, config={**header.config, **changes})


def _value(assignment: str, value: str) -> bool:
    if value not in BOOLEANS:
        raise ConfigError(
            f"model option {assignment!r}: neither true nor false", hint="Choose one."
        )
    return BOOLEANS[value]
