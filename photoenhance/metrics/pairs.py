"""Which reference belongs to which input: that of the same name."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from photoenhance.errors import ConfigError

TOLD = 3  # names in a message


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo to judge.

    Attributes:
        name: path below its folder, without suffix unless that alone tells two photos apart.
        input: the photo.
        reference: how it should look, if that is known.
    """

    name: str
    input: Path
    reference: Path | None = None


def pair(
    inputs: tuple[Path, Iterable[Path]], references: tuple[Path, Iterable[Path]] | None = None
) -> tuple[Pair, ...]:
    """Pair photos by name; suffixes do not count, folders below the two do.

    Args:
        inputs: a folder, and the photos as paths relative to it.
        references: the same for the references, if there are any.

    Raises:
        ConfigError: there are references, and two photos of a folder have one name, or a photo of
            one folder has none of its name in the other.
    """
    if references is None:
        return _alone(*inputs)
    found = _named(*inputs)
    wanted = _named(*references)
    missing = [name for name in found if name not in wanted]
    if missing:
        raise ConfigError(
            f"{references[0]}: has no reference for {_told(missing)} of {inputs[0]}",
            hint="Give each reference the name of its input; suffixes may differ.",
        )
    extra = [name for name in wanted if name not in found]
    if extra:
        raise ConfigError(
            f"{references[0]}: has references without an input in {inputs[0]}: {_told(extra)}",
            hint="Name the folder with all inputs, or move the other references away.",
        )
    return tuple(Pair(name, path, wanted[name]) for name, path in found.items())


def _alone(folder: Path, photos: Iterable[Path]) -> tuple[Pair, ...]:
    names = {photo: _name(photo) for photo in photos}
    uses = Counter(names.values())
    return tuple(
        Pair(name if uses[name] == 1 else photo.as_posix(), folder / photo)
        for photo, name in names.items()
    )


def _named(folder: Path, photos: Iterable[Path]) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for photo in photos:
        name = _name(photo)
        if name in named:
            raise ConfigError(
                f"{folder}: both {named[name].name} and {photo.name} are called {name}",
                hint="Keep one of them there: photos are told apart by name without suffix.",
            )
        named[name] = folder / photo
    return named


def _name(photo: Path) -> str:
    # File systems differ in whether they take accented letters apart.
    return unicodedata.normalize("NFC", photo.with_suffix("").as_posix())


def _told(names: list[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more
