"""What was downloaded once, written down so that it can never change unnoticed.

Where nobody has published a hash, the first valid download's is kept; later ones must match it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from photoenhance.errors import ConfigError, ImageError, WeightsError
from photoenhance.imaging.atomic import replacing
from photoenhance.zoo import store
from photoenhance.zoo.lock import alone

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Pin:
    """A published file as it was when it first came here.

    Attributes:
        sha256: of its bytes, in hexadecimal.
        size: in bytes.
        origin: the address or the file that it came from.
    """

    sha256: str
    size: int
    origin: str


def path() -> Path:
    """The file that they are written in."""
    return store.folder("cache") / "pins.json"


def read() -> dict[str, Pin]:
    """Every pin, by the published file's name.

    Raises:
        WeightsError: the file of pins is damaged.
    """
    try:
        content = json.loads(path().read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise _damaged(f"schema {content['schema']!r} is not known here")
        return {name: Pin(**pin) for name, pin in content["files"].items()}
    except (ConfigError, FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _damaged(error.strerror or "cannot be read") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged("it is damaged") from error


def write(name: str, pin: Pin | None) -> None:
    """Remember a pin, or forget it.

    Raises:
        WeightsError: the file of pins is damaged or cannot be written.
    """
    with alone("pins"):
        pins = read()
        pins.pop(name, None)
        _write(pins | {name: pin} if pin else pins)


def _write(pins: Mapping[str, Pin]) -> None:
    content = {"schema": SCHEMA, "files": {name: asdict(pin) for name, pin in pins.items()}}
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        with replacing(path()) as file:
            file.write(json.dumps(content, indent=2, sort_keys=True).encode() + b"\n")
    except ImageError as error:
        raise WeightsError(error.message, hint=store.ELSEWHERE) from error
    except OSError as error:
        raise WeightsError(f"{path()}: {error.strerror}", hint=store.ELSEWHERE) from error


def _damaged(reason: str) -> WeightsError:
    return WeightsError(
        f"{path()}: {reason}",
        hint="Restore it; or remove it, and the next downloads are trusted as they come.",
    )
