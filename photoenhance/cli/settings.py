"""The values of options that nobody typed: from variables, and from TOML files."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import typer

from photoenhance.errors import ConfigError, in_words
from photoenhance.zoo import store

ENVIRONMENT = "PHOTOENHANCE"  # what the variables begin with
PROJECT_FILE = Path("photoenhance.toml")
# Variables that set no option.
OTHER_VARIABLES = ("HOME", "OFFLINE", "MODEL_MIRROR")
# What is asked for once, never for good.
UNSETTABLE = ("help", "version", "list_recipes")
# Options whose name means something else in `enhance`, whose settings hold for all commands: only
# the command's own section and variables set them.
OWN = {
    "evaluate": ("model",),
    "report": ("output",),
    "train": ("model", "output", "precision"),
    "models": ("output", "format", "name", "member", "overwrite", "forget"),
}
# What decides which photos are meant, where results go and what they replace: a file that came with
# a folder of photos may not.
USERS_ONLY = (
    *("files_from", "null", "retry_failed"),
    *("output", "in_place", "again", "on_exists", "overwrite"),
    *("log", "report", "contact_sheet", "csv"),
)

Value = str | int | float | bool | list[str] | None
Options = Mapping[str, Any]  # by name, as Typer knows them


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that an option has when nobody types it.

    Attributes:
        value: None where nothing sets it.
        source: where the value comes from, in words.
        is_of_file: whether it stands in a file.
    """

    value: Value
    source: str
    is_of_file: bool = False


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A TOML file of settings.

    Attributes:
        path: where it lies, or would.
        values: its content; empty where it is not there or cannot be read.
        fault: why it cannot be used, if so.
        note: why it is passed over, if so.
        is_project: whether it lies with the photos, rather than with the user's own files.
    """

    path: Path
    values: Mapping[str, object] = field(default_factory=dict)
    fault: ConfigError | None = None
    note: str | None = None
    is_project: bool = False


def files() -> tuple[SettingsFile, ...]:
    """The files of settings: the project's, which wins, then the user's own."""
    return _read(PROJECT_FILE, is_project=True), _users()


def found(section: str, options: Options, read: tuple[SettingsFile, ...]) -> Mapping[str, Setting]:
    """The options of a command that are set by a variable or a file.

    Args:
        section: the command's.
        options: its own.
        read: the files of settings.
    """
    settings = {name: _set(section, name, each, read) for name, each in options.items()}
    return {name: setting for name, setting in settings.items() if setting is not None}


def faults(
    section: str, sections: Mapping[str, Options], read: tuple[SettingsFile, ...]
) -> Iterator[ConfigError]:
    """What is wrong with the files of settings, as far as a command reads them.

    Args:
        section: the command's.
        sections: the options of all commands.
        read: the files of settings.
    """
    for file in read:
        if file.fault:
            yield file.fault
        for key, value in file.values.items():
            everywhere = _everywhere(sections)
            if not isinstance(value, dict) and key in sections and key not in everywhere:
                yield ConfigError(
                    f"{file.path}: {key}: is a section", hint=f"Write [{key}] above its settings."
                )
            elif not isinstance(value, dict):
                yield from _faults_of_value(file, key, value, everywhere)
            elif key not in sections:
                yield _unknown(file, key, (*everywhere, *sections))
            elif key == section:
                for name, each in value.items():
                    yield from _faults_of_value(file, name, each, sections[key], f"{key}.")


def wrong_values(
    section: str, options: Options, read: tuple[SettingsFile, ...]
) -> Iterator[ConfigError]:
    """What a command's options cannot be set to, though files of settings do so.

    A command that uses such an option finds that out by itself.

    Args:
        section: the command's.
        options: its own.
        read: the files of settings.
    """
    for file in read:
        for name, setting in found(section, options, (file,)).items():
            wrong = wrong_with(options[name], setting) if setting.is_of_file else None
            if wrong:
                yield ConfigError(f"{file.path}: {name}: {wrong}", hint="Correct the file.")


def wrong_with(option: Any, setting: Setting) -> str | None:
    """Why an option cannot have a value, if so."""
    try:
        option.process_value(None, typed(setting.value))
    except typer.BadParameter as error:
        return reason(error)
    return None


def reason(error: typer.BadParameter) -> str:
    """What is wrong with a value, in our words."""
    details: list[Any] = getattr(error.__cause__, "errors", list)()
    return in_words(details[0]) if details else error.message


def typed(value: Value) -> Value:
    """Write numbers as they would be typed: an option may take them as a text."""
    return value if isinstance(value, bool | str | list) or value is None else str(value)


def unknown_variables(sections: Mapping[str, Options]) -> Iterator[str]:
    """What to say of each variable that begins with our name and sets nothing."""
    known = {_variable(name) for name in (*OTHER_VARIABLES, *_everywhere(sections))}
    known |= {_variable(section, name) for section, names in sections.items() for name in names}
    for variable in sorted(os.environ):
        if variable.startswith(f"{ENVIRONMENT}_") and variable not in known:
            close = difflib.get_close_matches(variable, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield f"note: the variable {variable} sets nothing{hint}"


def name_of(option: Any) -> str:
    """The name of an option in files and variables: the flag's, without dashes."""
    flag = next((each for each in option.opts if each.startswith("--")), option.name)
    return str(flag).removeprefix("--").replace("-", "_")


def _users() -> SettingsFile:
    try:
        return _read(store.folder("config") / "config.toml")
    except ConfigError as error:  # no home, no file
        return SettingsFile(Path("config.toml"), note=error.message)


def _read(path: Path, *, is_project: bool = False) -> SettingsFile:
    try:
        if not path.exists():
            return SettingsFile(path, is_project=is_project)
    except OSError as error:  # as in the home of somebody else, or on a disk that went away
        note = f"cannot be looked at ({error.strerror}), so that it is passed over"
        return SettingsFile(path, note=note, is_project=is_project)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        fault = ConfigError(
            f"{path}: cannot be read: {error.strerror}", hint="Check the file's permissions."
        )
    except ValueError as error:
        fault = ConfigError(f"{path}: is not valid TOML: {error}", hint="Correct the file.")
    else:
        return SettingsFile(path, values, is_project=is_project)
    return SettingsFile(path, fault=fault, is_project=is_project)


def _set(section: str, name: str, option: Any, read: tuple[SettingsFile, ...]) -> Setting | None:
    is_shared = name not in OWN.get(section, ())
    variables = [_variable(section, name), *([_variable(name)] if is_shared else [])]
    for variable in variables:
        text = os.environ.get(variable)
        if text:
            return Setting(text.split() if option.multiple else text, f"set by {variable}")
    for file in read:
        if file.is_project and name in USERS_ONLY:
            continue
        own = file.values.get(section)
        places = [own if isinstance(own, dict) else {}, file.values if is_shared else {}]
        for place in places:
            value = place.get(name)
            if value is not None and _is_of_kind(value, option):
                return Setting(cast("Value", value), f"set in {file.path}", is_of_file=True)
    return None


def _everywhere(sections: Mapping[str, Options]) -> dict[str, Any]:
    """The options that can be set outside of sections."""
    return {
        name: option
        for section, options in sections.items()
        for name, option in options.items()
        if name not in OWN.get(section, ())
    }


def _faults_of_value(
    file: SettingsFile, name: str, value: object, known: Options, section: str = ""
) -> Iterator[ConfigError]:
    key = f"{section}{name}"
    if name not in known:
        yield _unknown(file, key, known, section)
    elif file.is_project and name in USERS_ONLY:
        yield ConfigError(
            f"{file.path}: {key}: may not be set by a file in the current folder",
            hint="Type it, or set it in your own config.toml; `photoenhance config show` says "
            "where that is.",
        )
    else:
        yield from _faults_of_kind(file, key, value, known[name])


def _faults_of_kind(
    file: SettingsFile, key: str, value: object, option: Any
) -> Iterator[ConfigError]:
    if _is_of_kind(value, option):
        return
    expected = "a single value: a text, a number, true, false"
    if option.multiple:
        expected = "a list of texts"
    elif isinstance(value, bool):
        is_number = option.type_descriptor.annotation in (int, float)
        expected = "a number" if is_number else "a text or a number"
    yield ConfigError(f"{file.path}: {key}: expected {expected}", hint="Correct the file.")


def _is_of_kind(value: object, option: Any) -> bool:
    if option.multiple:
        return isinstance(value, list) and all(isinstance(part, str) for part in value)
    if isinstance(value, bool):  # a number to Python
        return bool(option.is_flag)
    return isinstance(value, str | int | float)


def _unknown(
    file: SettingsFile, key: str, known: Mapping[str, Any] | tuple[str, ...], section: str = ""
) -> ConfigError:
    names = [f"{section}{name}" for name in known]
    close = difflib.get_close_matches(key, names, n=1)
    return ConfigError(
        f"{file.path}: unknown setting {key!r}",
        hint=f"Write {close[0]!r}." if close else f"Choose one of: {', '.join(names)}.",
    )


def _variable(*names: str) -> str:
    return "_".join((ENVIRONMENT, *names)).upper()
