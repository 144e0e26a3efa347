"""Where weights and the program's own files lie."""

import hashlib
import math
import os
from pathlib import Path
from typing import Literal

import platformdirs
from safetensors import SafetensorError, safe_open

from photoenhance.errors import WeightsError
from photoenhance.zoo.catalog import CATALOG, ModelCard

PACKAGE = Path(__file__).parents[1]
RUN_FILE = "generator.safetensors"  # where a training run keeps its finished generator
FolderKind = Literal["cache", "data", "config", "state"]


def folder(kind: FolderKind) -> Path:
    """The user's folder of one kind, which may not exist yet.

    `PHOTOENHANCE_HOME` moves all of them; otherwise the operating system's customs decide.
    """
    home = os.environ.get("PHOTOENHANCE_HOME")
    if home:
        return Path(home).expanduser() / kind
    own = platformdirs.PlatformDirs("photoenhance", appauthor=False)
    folders: dict[FolderKind, Path] = {
        "cache": own.user_cache_path,
        "data": own.user_data_path,
        "config": own.user_config_path,
        "state": own.user_state_path,
    }
    return folders[kind]


def path(card: ModelCard) -> Path:
    """The file with a card's weights.

    Raises:
        WeightsError: the file is not there.
    """
    # A wheel carries the weights inside the package, a checkout beside it.
    for candidate in (PACKAGE / "weights" / card.file, PACKAGE.parent / "weights" / card.file):
        if candidate.is_file():
            return candidate
    raise WeightsError(
        f"{card.name}: its weights, {card.file}, are missing from this installation",
        hint="Install photoenhance again, or name a file of weights with --model FILE.",
    )


def find(name: str | Path) -> Path:
    """The file of weights that a model's name stands for.

    Args:
        name: a name of the catalogue, a `.safetensors` file, or a training run's folder. A
            catalogue's name wins over a folder of that name; `./uegan` is always the folder.

    Raises:
        WeightsError: no such model, saying which exist.
    """
    if isinstance(name, str) and name in CATALOG:
        return path(CATALOG[name])
    file = Path(name)
    if file.is_file():
        return file
    if not file.is_dir():
        raise WeightsError(
            f"{name}: no model, file or training run of this name",
            hint=f"Choose one of: {', '.join(CATALOG)}; or name a .safetensors file or a run.",
        )
    if not (file / RUN_FILE).is_file():
        raise WeightsError(
            f"{name}: this folder has no {RUN_FILE}, so it is no training run, or none that saved",
            hint="Name the output folder of `photoenhance train`, or a .safetensors file.",
        )
    return file / RUN_FILE


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
