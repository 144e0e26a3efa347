"""Where weights and the program's own files lie."""

import difflib
import hashlib
import math
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import platformdirs
from safetensors import SafetensorError, safe_open

from photoenhance.errors import ConfigError, WeightsError
from photoenhance.zoo.catalog import CATALOG, ModelCard, Published

PACKAGE = Path(__file__).parents[1]
RUN_FILE = "generator.safetensors"  # where a training run keeps its finished generator
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # of models; a file's name everywhere
SUFFIX = ".safetensors"
FolderKind = Literal["cache", "data", "config", "state"]
ELSEWHERE = "Free some space, or set PHOTOENHANCE_HOME to a folder that can be written to."


def folder(kind: FolderKind) -> Path:
    """The user's folder of one kind, which may not exist yet.

    `PHOTOENHANCE_HOME` moves all of them; otherwise the operating system's customs decide.

    Raises:
        ConfigError: there is no home for it to lie in, as in some containers.
    """
    home = os.environ.get("PHOTOENHANCE_HOME")
    if home:
        return _named(home) / kind
    own = platformdirs.PlatformDirs("photoenhance", appauthor=False)
    try:
        match kind:
            case "cache":
                return own.user_cache_path
            case "data":
                return own.user_data_path
            case "config":
                return own.user_config_path
            case "state":
                return own.user_state_path
    except RuntimeError as error:  # neither HOME nor the list of users names one
        raise ConfigError(
            "there is no home folder",
            hint="Set HOME, or PHOTOENHANCE_HOME to a folder that can be written to.",
        ) from error


def _named(home: str) -> Path:
    try:
        return Path(home).expanduser()
    except RuntimeError as error:  # ~somebody, whom nobody knows
        raise ConfigError(
            f"PHOTOENHANCE_HOME: {home}: there is no such home folder",
            hint="Set PHOTOENHANCE_HOME to a folder that can be written to.",
        ) from error


def path(card: ModelCard) -> Path:
    """The file with a card's weights.

    Raises:
        WeightsError: the file is not there.
    """
    if card.published:
        if has_downloaded(card):
            return downloaded(card)
        raise WeightsError(
            f"{card.name}: is not here yet",
            hint=f"Get it with `photoenhance models download {card.name}`.",
        )
    # A wheel carries the weights inside the package, a checkout beside it.
    for candidate in (PACKAGE / "weights" / card.file, PACKAGE.parent / "weights" / card.file):
        if candidate.is_file():
            return candidate
    raise WeightsError(
        f"{card.name}: its weights, {card.file}, are missing from this installation",
        hint="Install photoenhance again, or name a file of weights with --model FILE.",
    )


def downloaded(card: ModelCard) -> Path:
    """Where a published model lies in our format once it is downloaded."""
    return folder("cache") / "models" / card.file


def original(published: Published) -> Path:
    """Where a published file lies as it was downloaded."""
    return folder("cache") / "originals" / published.file


def own(name: str) -> Path:
    """Where a model lies that the user has imported under this name.

    Raises:
        WeightsError: no model can have such a name.
    """
    if not NAME.fullmatch(name):
        raise WeightsError(
            f"{name}: no name for a model",
            hint="Take letters and digits; after the first also points, dashes and underscores.",
        )
    return folder("data") / "models" / f"{name}{SUFFIX}"


def has_downloaded(card: ModelCard) -> bool:
    """Whether a published model is here in our format."""
    return is_here(lambda: downloaded(card))


def has_own(name: str) -> bool:
    """Whether the user has imported a model under this name.

    Raises:
        WeightsError: no model can have such a name.
    """
    return is_here(lambda: own(name))


def is_here(place: Callable[[], Path]) -> bool:
    """Whether a file of the user's is there: where nobody can look, as without a home, none is."""
    try:
        return place().is_file()
    except (ConfigError, OSError):
        return False


def own_names() -> list[str]:
    """The names of the models that the user has imported."""
    try:
        files = list((folder("data") / "models").glob(f"*{SUFFIX}"))
    except (ConfigError, OSError):
        return []
    return sorted(file.name.removesuffix(SUFFIX) for file in files if NAME.match(file.name))


def find(name: str | Path) -> Path:
    """The file of weights that a model's name stands for.

    Args:
        name: a name of the catalogue or of an imported model, a `.safetensors` file, or a training
            run's folder. A model's name wins over a folder of that name; `./uegan` is always the
            folder.

    Raises:
        WeightsError: no such model, saying which exist; or one that is not downloaded.
    """
    if isinstance(name, str) and name in CATALOG:
        return path(CATALOG[name])
    if isinstance(name, str) and NAME.fullmatch(name) and has_own(name):
        return own(name)
    file = Path(name)
    if file.is_file():
        return file
    if not file.is_dir():
        known = (*CATALOG, *own_names())
        raise WeightsError(
            f"{name}: no model, file or training run of this name",
            hint=f"{nearest(str(name), known)}Choose one of: {', '.join(known)}; or name a "
            ".safetensors file or a run.",
        )
    if not (file / RUN_FILE).is_file():
        raise WeightsError(
            f"{name}: this folder has no {RUN_FILE}, so it is no training run, or none that saved",
            hint="Name the output folder of `photoenhance train`, or a .safetensors file.",
        )
    return file / RUN_FILE


def nearest(name: str, known: Iterable[str]) -> str:
    """Ask whether a mistyped name is meant for one that is known, as a hint's first sentence."""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"Did you mean {close[0]}? " if close else ""


def sha256(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        WeightsError: the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"{file}: cannot be read: {error.strerror}", hint="Check the file and its permissions."
        ) from error


def git_blob(content: bytes) -> str:
    """The id that Git gives a file of this content."""
    start = f"blob {len(content)}\0".encode()
    return hashlib.sha1(start + content, usedforsecurity=False).hexdigest()


def parameters(file: Path) -> int:
    """How many numbers a safetensors file holds.

    Raises:
        WeightsError: it is no safetensors file.
    """
    try:
        with safe_open(file, framework="np") as tensors:
            shapes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(
            f"{file}: damaged: {error}", hint="Copy or download the file again."
        ) from error
    return sum(math.prod(shape) for shape in shapes)
