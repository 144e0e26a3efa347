"""`photoenhance config`, and the settings that it shows."""

import difflib
import inspect
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import typer
from typer.core import TyperCommand

from photoenhance.cli.enhance import enhance
from photoenhance.cli.options import ENVIRONMENT
from photoenhance.errors import ConfigError, DeviceError, PhotoEnhanceError, WeightsError
from photoenhance.zoo import store

app = typer.Typer(help="Settings, and where they come from.", no_args_is_help=True)

PROJECT_FILE = Path("photoenhance.toml")
LISTS = ("include", "exclude", "model_option")
Value = str | int | float | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that an option has when nobody sets it by flag.

    Attributes:
        value: None where nothing sets it.
        source: where the value comes from, in words.
    """

    value: Value
    source: str


@app.callback()
def _group() -> None:
    """Settings, and where they come from."""


@app.command("show")
def show() -> None:
    """Print each setting and where it comes from.

    A flag wins over the environment, that over photoenhance.toml in the current folder, that over
    the user's own config.toml, that over the default.
    """
    settings = {name: Setting(default, "default") for name, default in _defaults().items()}
    settings |= files()
    for name in settings:
        variable = f"{ENVIRONMENT}_{name.upper()}"
        if os.environ.get(variable):
            settings[name] = Setting(os.environ[variable], f"environment, {variable}")
    for name, setting in settings.items():
        value = "unset" if setting.value is None else json.dumps(setting.value)
        typer.echo(f"{name} = {value}  # {setting.source}")


def files() -> dict[str, Setting]:
    """The settings of the user's and the project's files, by the options' names.

    Raises:
        ConfigError: a file is no TOML, or has a key that is no setting.
    """
    found: dict[str, Setting] = {}
    for file in (store.folder("config") / "config.toml", PROJECT_FILE):
        for name, value in _read(file).items():
            found[name] = Setting(_checked(name, value, file), str(file))
    return found


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be read: {error.strerror}", hint="Check the file's permissions."
        ) from error
    except ValueError as error:
        raise ConfigError(f"{file}: is no TOML: {error}", hint="Correct the file.") from error


def _checked(name: str, value: object, file: Path) -> Value:
    known = _defaults()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise ConfigError(
            f"{file}: unknown setting {name!r}",
            hint=f"Write {close[0]!r}." if close else f"Choose one of: {', '.join(known)}.",
        )
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str | int | float) for part in parts):
        raise ConfigError(
            f"{file}: {name}: expected a text, a number, true, false or a list of texts",
            hint="Correct the file.",
        )
    if isinstance(value, list) != (name in LISTS):
        expected = "a list of texts" if name in LISTS else "a single value"
        raise ConfigError(f"{file}: {name}: expected {expected}", hint="Correct the file.")
    return cast("Value", value)


def _defaults() -> dict[str, Value]:
    """Every option of `enhance`, all of which can be set, with its default."""
    parameters = inspect.signature(enhance).parameters
    return {name: each.default for name, each in parameters.items() if name != "paths"}


class SettableCommand(TyperCommand):
    """A command whose errors tell where a wrong value was set, if not by a flag."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            if error.param is not None:
                error.message += _place(ctx, error.param.name)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (ConfigError, DeviceError, WeightsError) as error:
            guilty = (name for name, value in ctx.params.items() if _is_in(error, name, value))
            places = "".join(_place(ctx, name) for name in guilty)
            raise type(error)(error.message + places, hint=error.hint) from error


def _is_in(error: PhotoEnhanceError, name: str, value: object) -> bool:
    """Whether an error is about an option, by name or, where it begins with it, by value."""
    option = f"--{name.replace('_', '-')}"
    subject = error.message.partition(": ")[0]
    named = option if value is True else f"{option} {value}"
    is_subject = isinstance(value, str | Path) and f" {subject}".endswith(f" {value}")
    return is_subject or named in error.message


def _place(ctx: Any, name: str | None) -> str:
    source = ctx.get_parameter_source(name) if name else None
    match source.name if source else None:
        case "ENVIRONMENT":
            return f" (set by {ENVIRONMENT}_{str(name).upper()})"
        case "DEFAULT_MAP":
            return f" (set in {files()[str(name)].source})"
    return ""
