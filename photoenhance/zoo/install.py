"""Models come here and go: downloads and imports become our format, and are known by name then."""

import time
from contextlib import suppress
from pathlib import Path

from photoenhance.errors import ImageError, WeightsError
from photoenhance.imaging.atomic import TEMPORARY_PREFIX, TEMPORARY_SUFFIX
from photoenhance.zoo import checkpoint, pins, store
from photoenhance.zoo.catalog import CATALOG, ModelCard, Published
from photoenhance.zoo.contents import Layout
from photoenhance.zoo.convert import Converted, convert
from photoenhance.zoo.lock import alone
from photoenhance.zoo.pins import Pin
from photoenhance.zoo.transfer import Patience, Progress

ABANDONED = 86_400  # seconds after which nobody writes to a part of a download any more
_LAYOUTS = {  # of published files, by their names' suffixes
    ".pth": (Layout.UEGAN_TRAINING, Layout.STATE_DICT),
    ".onnx": (Layout.ONNX,),
    ".zip": (Layout.DPE_CHECKPOINT,),
}


def ready(name: str | Path, progress: Progress | None = None) -> Path:
    """The file of weights that a model's name stands for, downloaded now if it must be.

    Args:
        name: as for `store.find`.
        progress: told how far a download is.

    Raises:
        WeightsError: no such model, or it cannot be downloaded.
    """
    card = CATALOG.get(name) if isinstance(name, str) else None
    return download(card, progress) if card and card.published else store.find(name)


def download(
    card: ModelCard, progress: Progress | None = None, patience: Patience | None = None
) -> Path:
    """Download a published model and convert it, unless it is here already.

    Two processes that want the same one download it once.

    Raises:
        WeightsError: it cannot be had, or is not what it should be; nothing of it stays.
    """
    published, file = _published(card), store.downloaded(card)
    if file.is_file():
        return file
    with alone(published.file):
        if not file.is_file():
            _sweep(store.original(published).parent)
            _write(file, _original(card, published, progress, patience))
            _tidy(published)
    return file


def import_file(path: Path, name: str | None = None, member: str | None = None) -> Path:
    """Convert a file of weights and keep it under a name.

    Args:
        path: as for `convert.convert`.
        name: one of the catalogue's for the file that it means, or a new one; the file's own if
            None.
        member: as for `convert.convert`.

    Returns:
        Where the model lies now.

    Raises:
        WeightsError: the file is refused, or not the one that the catalogue means, or there is a
            model of this name already.
    """
    name = name or path.stem.replace(" ", "-")
    card = CATALOG.get(name)
    if card is None:
        destination = store.own(name)
        _refuse_existing(name, destination)
        _write(destination, convert(path, member=member))
        return destination
    if card.published is None:
        raise WeightsError(
            f"{name}: comes with photoenhance and cannot be replaced",
            hint="Choose another name with --name.",
        )
    _refuse_existing(name, store.downloaded(card))
    with alone(card.published.file):
        converted = _accepted(card, path, member)
        if path.suffix == Path(card.published.file).suffix:  # else it is a part of the archive
            _pin(card, Pin(store.sha256(path), path.stat().st_size, str(path)))
        _write(store.downloaded(card), converted)
    return store.downloaded(card)


def remove(name: str, *, forget: bool = False) -> list[Path]:
    """Remove a downloaded or imported model.

    Args:
        name: of the catalogue, or of an imported model.
        forget: forget the hash of the download, too, so that a later one may differ.

    Returns:
        The files that were removed.

    Raises:
        WeightsError: it cannot be removed, or is not here.
    """
    card = CATALOG.get(name)
    if card and card.published is None:
        raise WeightsError(
            f"{name}: comes with photoenhance and cannot be removed",
            hint="Uninstall photoenhance, if that is what you want.",
        )
    files = [store.downloaded(card) if card else store.own(name)]
    if card and card.published:
        files.append(store.original(card.published))
        if forget:
            pins.write(card.published.file, None)
    present = [file for file in files if file.is_file()]
    if not present and not forget:
        meant = store.nearest(name, store.own_names()) if card is None else ""
        raise WeightsError(f"{name}: is not here", hint=f"{meant}See `photoenhance models list`.")
    for file in present:
        try:
            file.unlink()
        except OSError as error:
            reason = f"{file}: cannot be removed: {error.strerror}"
            raise WeightsError(reason, hint="Check the folder's permissions.") from error
    return present


def _published(card: ModelCard) -> Published:
    if card.published is None:
        raise ValueError(f"{card.name} comes with photoenhance")
    return card.published


def _original(
    card: ModelCard, published: Published, progress: Progress | None, patience: Patience | None
) -> Converted:
    """Give a card's weights from the download that is here, or from a new one."""
    from photoenhance.zoo import download  # noqa: PLC0415 (requests are slow to import)

    file, known = store.original(published), pins.read().get(published.file)
    if file.is_file() and known and store.sha256(file) == known.sha256:
        return _accepted(card, file)
    accepted: list[Converted] = []
    pin = download.fetch(
        card,
        lambda path: accepted.append(_accepted(card, path)),
        expected=known,
        progress=progress,
        patience=patience,
    )
    if known is None:
        pins.write(published.file, pin)
    return accepted[-1]


def _accepted(card: ModelCard, path: Path, member: str | None = None) -> Converted:
    """Convert the file that a card means; refuse any other."""
    published = _published(card)
    is_archive = path.suffix == ".zip"
    converted = convert(
        path,
        member=member or (published.member if is_archive else None),
        defaults={card.architecture: card.config},
    )
    difference = _difference(card, published, converted)
    if difference:
        raise WeightsError(
            f"{path}: is not {card.name}: {difference}",
            hint="Import it under another name with --name, or get the right file.",
        )
    return converted


def _difference(card: ModelCard, published: Published, converted: Converted) -> str | None:
    """Say in what a file differs from the one that a card means, as far as can be told."""
    architecture, config = converted.header.architecture, converted.header.config
    if architecture != card.architecture:
        return f"a model of {architecture}, expected {card.architecture}"
    for name, expected in published.shape.items():
        if config[name] != expected:
            return f"{name} {config[name]}, expected {expected}"
    if converted.layout not in _LAYOUTS[Path(published.file).suffix]:
        return f"{converted.layout}, expected {published.file} as it was published"
    if published.proofs and not converted.proofs & set(published.proofs):
        return "its tensors' checksums differ"
    return None


def _pin(card: ModelCard, pin: Pin) -> None:
    published = _published(card)
    known = pins.read().get(published.file)
    expected = published.sha256 or (known.sha256 if known else None)
    if expected not in (None, pin.sha256):
        raise WeightsError(
            f"{pin.origin}: has the SHA-256 {pin.sha256}, but {card.name} should have {expected}",
            hint="Get the right file, import it under another name, or forget the old one with "
            f"`photoenhance models remove {card.name} --forget`.",
        )
    if known is None:
        pins.write(published.file, pin)


def _refuse_existing(name: str, file: Path) -> None:
    if file.exists():
        raise WeightsError(
            f"{name}: there is a model of this name already",
            hint=f"Choose another with --name, or `photoenhance models remove {name}` first.",
        )


def _write(file: Path, converted: Converted) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.write(file, converted.tensors, converted.header)
    except ImageError as error:
        raise WeightsError(error.message, hint=store.ELSEWHERE) from error
    except OSError as error:
        raise WeightsError(f"{file}: {error.strerror}", hint=store.ELSEWHERE) from error


def _sweep(folder: Path) -> None:
    """Remove what killed downloads have left; those under way are younger."""
    for file in folder.glob(f"{TEMPORARY_PREFIX}*{TEMPORARY_SUFFIX}"):
        with suppress(OSError):
            if time.time() - file.stat().st_mtime > ABANDONED:
                file.unlink()


def _tidy(published: Published) -> None:
    """Remove an original that no other model can be taken from."""
    if published.member is None:
        store.original(published).unlink(missing_ok=True)
