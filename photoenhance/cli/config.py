"""`photoenhance config`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from photoenhance.cli import command, settings
from photoenhance.cli.render import printable
from photoenhance.cli.settings import Options, Setting, SettingsFile

app = typer.Typer(help="Settings, and where they come from.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Settings, and where they come from."""


@app.command("show")
def show(context: typer.Context) -> None:
    """Print each setting of each command and where it comes from.

    A flag wins over the environment, that over photoenhance.toml in the current folder, that over
    the user's own config.toml, that over the default. What stands in a file outside of its
    sections, such as [train], and PHOTOENHANCE_<OPTION> hold for every command that has the
    option; PHOTOENHANCE_TRAIN_<OPTION> and the like for one. Options that mean something of their
    own in a command, as --model and --output of train, are set only by the latter ways there.
    """
    sections = command.sections(context.find_root().command)
    read = settings.files()
    for line in (*_about_files(read), *_faults(sections, read)):
        typer.echo(printable(line))
    for section, options in sections.items():
        typer.echo(f"\n[{section}]")
        found = settings.found(section, options, read)
        for name, option in options.items():
            setting = found.get(name, Setting(option.default, "default"))
            typer.echo(printable(f"{name} = {_written(setting)}  # {setting.source}"))


def _about_files(read: tuple[SettingsFile, ...]) -> Iterator[str]:
    for file in read:
        state = "is read" if file.values else file.note or "is not there or empty"
        yield f"# {file.path}: {'is faulty, see below' if file.fault else state}"


def _faults(sections: Mapping[str, Options], read: tuple[SettingsFile, ...]) -> Iterator[str]:
    """Name each fault once, though several commands may read it."""
    faults = (
        fault
        for name, options in sections.items()
        for fault in (
            *settings.faults(name, sections, read),
            *settings.wrong_values(name, options, read),
        )
    )
    for message, hint in dict.fromkeys((fault.message, fault.hint) for fault in faults):
        yield f"# fault: {message}. {hint}"


def _written(setting: Setting) -> str:
    value: Any = setting.value
    if value is None:
        return "unset"
    return json.dumps(str(value) if isinstance(value, Path) else value)
