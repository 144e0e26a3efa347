"""Recipes and what is changed of them, as plain values: nothing here knows what they mean."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeGuard

from photoenhance.errors import ConfigError

WORD = re.compile(r"(?!(?:true|false|inf|nan)$)[A-Za-z][\w-]*")  # what is no value of TOML


def summaries() -> dict[str, str]:
    """Name the recipes, sorted, each with the comment in its first line."""
    files = resources.files("photoenhance.training").joinpath("recipes").iterdir()
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    return {
        name.removesuffix(".toml"): text.splitlines()[0].lstrip("# ")
        for name, text in sorted(texts.items())
        if name.endswith(".toml")
    }


def values_of(
    recipe: str | Path, overrides: Mapping[str, Any], assignments: Sequence[str]
) -> dict[str, Any]:
    """Read a recipe and replace some of its values.

    Args:
        recipe: a name of `summaries()`, or a TOML file. A file may begin with `base = "NAME"` or
            `base = "FILE"`, and then holds only what differs from that recipe.
        overrides: keys of a config and their values; None leaves the recipe's.
        assignments: `key=value`, such as "losses.identity=0.2", with values as TOML writes them.

    Raises:
        ConfigError: there is no such recipe, it is its own base, or an assignment is none.
    """
    changes = {key: value for key, value in overrides.items() if value is not None}
    for assignment in assignments:
        _merge(changes, _assigned(assignment))
    return _changed(_read(recipe, ()), changes)


def _read(recipe: str | Path, above: tuple[str | Path, ...]) -> dict[str, Any]:
    """Return all values of a recipe; those `above` name it, or what it is based on, as a base."""
    if recipe in above:
        chain = " -> ".join(str(each) for each in (*above, recipe))
        raise ConfigError(
            f"recipe {recipe}: is its own base: {chain}", hint="Name another base in one of them."
        )
    values = _file(recipe) if isinstance(recipe, Path) else _named(recipe)
    base = values.pop("base", None)
    if base is None:
        return values
    if not isinstance(base, str):
        raise ConfigError(
            f"recipe {recipe}: base: {base} is not a text", hint='Write base = "NAME" or "FILE".'
        )
    # A file stands beside the one that names it.
    is_file = isinstance(recipe, Path) and base.endswith(".toml")
    below = Path(recipe).resolve().parent.joinpath(base).resolve() if is_file else base
    named = recipe.resolve() if isinstance(recipe, Path) else recipe
    return _changed(_read(below, (*above, named)), values)


def _file(file: Path) -> dict[str, Any]:
    hint = "Name a recipe (--list-recipes), or a TOML file like those."
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"recipe {file}: cannot be read: {error}", hint=hint) from error


def _named(name: str) -> dict[str, Any]:
    names = summaries()
    if name not in names:
        close = get_close_matches(name, names, n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        raise ConfigError(
            f"recipe {name}: there is none",
            hint=f"{meant}Choose one of: {', '.join(names)}.",
            options=["recipe"],
        )
    file = resources.files("photoenhance.training").joinpath("recipes", f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _assigned(assignment: str) -> dict[str, Any]:
    key, _, value = assignment.partition("=")
    # A word needs no quotes of its own: the shell would take them away.
    written = f'{key}="{value.strip()}"' if WORD.fullmatch(value.strip()) else assignment
    try:
        return tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"--set {assignment}: is not KEY=VALUE",
            hint="Write, for example, --set losses.identity=0.2 or --set framing.kind=square.",
            options=["set"],
        ) from error


def _changed(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change some of a recipe's values.

    An epoch is meant as a part of the run: where the steps change and the epoch does not, it is
    made as much longer or shorter as the run.
    """
    before = values.get("steps")
    _merge(values, changes)
    now, optimiser = values.get("steps"), values.get("optimiser", {})
    own = changes.get("optimiser", {})
    if not isinstance(optimiser, dict) or not isinstance(own, dict) or "epoch" in own:
        return values
    if _is_count(before) and _is_count(now) and _is_count(optimiser.get("epoch")):
        optimiser["epoch"] = max((optimiser["epoch"] * now + before // 2) // before, 1)
    return values


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and value > 0


def _merge(values: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, change in changes.items():
        if isinstance(change, dict) and isinstance(values.get(key), dict):
            _merge(values[key], change)
        else:
            values[key] = change
