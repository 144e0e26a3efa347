"""Everything that a run needs to go on as if it had never stopped."""

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from photoenhance.errors import TrainingError
from photoenhance.imaging.atomic import replacing

PATTERN = "state-*.pt"
FORMAT = 2


class Stateful(Protocol):
    """Something that changes during a run, and must be as it was when the run is resumed."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state on."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A run after a step.

    Attributes:
        step: steps done.
        settings: the whole config, as plain values.
        photos: a fingerprint of the folders' file names and sizes.
        processes: how many worked on it.
        parts: the state of each network, optimiser and so on, by name.
        own_memories: what differs between processes, by rank.
    """

    step: int
    settings: Mapping[str, Any]
    photos: str
    processes: int
    parts: Mapping[str, Any]
    own_memories: list[Mapping[str, Any]]


def path_of(folder: Path, step: int) -> Path:
    """Where a run keeps its state after a step."""
    return folder / f"state-{step:07d}.pt"


def step_of(path: Path) -> int:
    """After which step a state was written, by its name."""
    return int(path.stem.removeprefix("state-"))


def latest(folder: Path) -> Path | None:
    """The newest state of a run's folder, or None."""
    return max(_states(folder), key=step_of, default=None)


def _states(folder: Path) -> list[Path]:
    """All states of a folder, and no files that are only called alike."""
    found = folder.glob(PATTERN)
    return [path for path in found if path.stem.removeprefix("state-").isdecimal()]


def encoded(state: State) -> bytes:
    """Return the content of a state's file."""
    fields = {name: getattr(state, name) for name in State.__dataclass_fields__}
    content = io.BytesIO()
    torch.save({"format": FORMAT, **fields}, content)
    return content.getvalue()


def write(folder: Path, step: int, content: bytes, *, keep: int) -> Path:
    """Write the state after a step, whole or not at all; clear away all but the newest `keep`.

    Raises:
        ImageError: the system refused to write the file; what was there before is left.
    """
    path = path_of(folder, step)
    with replacing(path) as file:
        file.write(content)
    for old in sorted(_states(folder), key=step_of)[:-keep]:
        old.unlink()
    return path


def read(path: Path) -> State:
    """Read a state; nothing in the file is ever run.

    Raises:
        TrainingError: the file is damaged or of another version.
    """
    hint = "Delete it to go on from the state before, if there is one, or begin a new run."
    try:
        fields = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise TrainingError(f"{path}: damaged: {error}", hint=hint) from error
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise TrainingError(f"{path}: of another version of photoenhance", hint=hint)
    return State(**fields)


def differences(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[str]:
    """List what differs between two configs, as `key: before -> now`."""
    found = []
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key}: {old} -> {new}")
    return found
