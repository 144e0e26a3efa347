"""Commands whose options can be set by variables and files, and whose errors say where."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from photoenhance.cli import settings
from photoenhance.cli.render import tell
from photoenhance.cli.settings import Options, Setting
from photoenhance.errors import PhotoEnhanceError


class LenientCommand(TyperCommand):
    """A command whose options can be set, and which works where a file of settings is faulty."""

    is_lenient = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options."""
        with _settings_applied(ctx, without=_wrong(ctx) if self.is_lenient else ()):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        tell_unknown_variables(ctx)
        if self.is_lenient:
            for wrong in _wrong(ctx).values():
                tell(f"note: {wrong}; passed over")
        with _sources_named(ctx):
            return super().invoke(ctx)


class Command(LenientCommand):
    """A command whose options can be set, and which refuses a faulty file of settings."""

    is_lenient = False

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        refuse_faults(ctx)
        return super().invoke(ctx)


class CommandGroup(TyperGroup):
    """A command with commands below it, whose options can be set too.

    Where it is called without one of those, it has to refuse faults and unknown variables itself.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options."""
        with _settings_applied(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, or the one below it."""
        with _sources_named(ctx):
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is meant."""
        _refuse_path(ctx, args[0], self.commands)
        return super().resolve_command(ctx, args)


class Program(TyperGroup):
    """The program itself."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is meant."""
        _refuse_path(ctx, args[0], self.commands)
        return super().resolve_command(ctx, args)


@contextmanager
def about(*options: str) -> Iterator[None]:
    """Name the options that an error of the block is about, unless it names its own."""
    try:
        yield
    except PhotoEnhanceError as error:
        error.options = error.options or options
        raise


def sections(program: Any) -> dict[str, dict[str, Any]]:
    """The options of every command that can be set, by its section and their names."""
    return {
        name: _options(command) | {
            option: each
            for below in getattr(command, "commands", {}).values()
            for option, each in _options(below).items()
            if option not in _options(command)
        }
        for name, command in program.commands.items()
        if name != "config"
    }  # fmt: skip


def refuse_faults(ctx: Any) -> None:
    """Refuse a faulty file of settings, as far as a command reads it.

    Raises:
        ConfigError: what is wrong with it.
    """
    known = sections(ctx.find_root().command)
    for fault in settings.faults(_section(ctx), known, settings.files()):
        raise fault


def tell_unknown_variables(ctx: Any) -> None:
    """Say which variables have our name and set nothing."""
    for line in settings.unknown_variables(sections(ctx.find_root().command)):
        tell(line)


def _options(command: Any) -> dict[str, Any]:
    options = (each for each in command.params if each.param_type_name == "option")
    named = {settings.name_of(each): each for each in options}
    return {name: each for name, each in named.items() if name not in settings.UNSETTABLE}


def _section(ctx: Any) -> str:
    """The section of a command: the name of it, or of the one that it is below of."""
    while ctx.parent.parent is not None:
        ctx = ctx.parent
    return str(ctx.info_name)


def _found(ctx: Any) -> Mapping[str, Setting]:
    """What is set of a command's options, by the names of its parameters."""
    options: Options = _options(ctx.command)
    found = settings.found(_section(ctx), options, settings.files())
    return {options[name].name: setting for name, setting in found.items()}


def _wrong(ctx: Any) -> Mapping[str, str]:
    """What is wrong with values that files give a command's options, by their parameters."""
    options = _options(ctx.command)
    wrong = {}
    for name, setting in settings.found(_section(ctx), options, settings.files()).items():
        why = settings.wrong_with(options[name], setting) if setting.is_of_file else None
        if why:
            wrong[options[name].name] = f"{name}: {why} ({setting.source})"
    return wrong


@contextmanager
def _settings_applied(ctx: Any, without: Collection[str] = ()) -> Iterator[None]:
    ctx.default_map = {
        name: settings.typed(each.value)
        for name, each in _found(ctx).items()
        if name not in without
    }
    try:
        yield
    except typer.BadParameter as error:
        error.message = settings.reason(error)
        place = _place(ctx, error.param.name) if error.param else ""
        error.message += f" ({place})" if place else ""
        raise


@contextmanager
def _sources_named(ctx: Any) -> Iterator[None]:
    """Say in an error where an option was set, if it was not typed."""
    try:
        yield
    except PhotoEnhanceError as error:
        places = {name: _place(ctx, name) for name in error.options}
        set_elsewhere = {name: place for name, place in places.items() if place}
        for name, place in set_elsewhere.items():
            flag = f"--{name.replace('_', '-')} " if len(set_elsewhere) > 1 else ""
            error.message += f" ({flag}{place})"
        error.options = ()
        raise


def _place(ctx: Any, parameter: str) -> str:
    source = ctx.get_parameter_source(parameter)
    if source is None or source.name != "DEFAULT_MAP":
        return ""
    return _found(ctx)[parameter].source


def _refuse_path(ctx: Any, word: str, commands: Mapping[str, Any]) -> None:
    """Say what to write where a photo or a folder stands in a command's place."""
    if word in commands or word.startswith("-"):
        return
    is_path = "/" in word or "." in word
    if not is_path and (get_close_matches(word, commands) or not Path(word).exists()):
        return
    written = "train --target" if ctx.info_name == "train" else "enhance"
    ctx.fail(f"{word}: is not a command. To use it, write: photoenhance {written} {quote(word)}")
