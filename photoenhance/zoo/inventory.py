"""Which models there are, what is known of each, and whether it is whole. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from photoenhance.errors import WeightsError
from photoenhance.zoo import checkpoint, pins, store
from photoenhance.zoo.catalog import CATALOG, DEFAULT_MODEL, ModelCard, Published

State = Literal["bundled", "downloaded", "available", "imported", "file"]


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that can be had by name.

    Attributes:
        name: what `--model` takes.
        state: "bundled" with photoenhance, "downloaded", "available" for download, or "imported"
            by the user; "file" for one that has no name.
        architecture: None where its file is damaged.
        summary: one line.
        is_default: whether `enhance` takes it where none is named.
    """

    name: str
    state: State
    architecture: str | None
    summary: str
    is_default: bool = False


def listed() -> list[Listed]:
    """Every model of the catalogue, then those that the user has imported."""
    models = [
        Listed(name, _state(card), card.architecture, card.summary, name == DEFAULT_MODEL)
        for name, card in CATALOG.items()
    ]
    return models + [_own(name) for name in store.own_names() if name not in CATALOG]


def facts(name: str) -> dict[str, object]:
    """What is known of one model, whether it is here or not; what is unknown is None.

    Args:
        name: as for `store.find`.

    Raises:
        WeightsError: no such model, or its file is damaged.
    """
    card = CATALOG.get(name)
    state: State = _state(card) if card else "file"
    if not card and store.NAME.fullmatch(name) and store.has_own(name):
        state = "imported"
    known: dict[str, object] = {"name": name, "state": state}
    known |= _of_card(card) if card else {}
    return known if state == "available" else known | _of_file(store.find(name))


def problems(name: str) -> list[str]:
    """What is damaged of a model that is here, in words; nothing if it is whole.

    Args:
        name: as for `store.find`.

    Raises:
        WeightsError: it is not here, or so damaged that nothing can be said of it.
    """
    card, file = CATALOG.get(name), store.find(name)
    if card and card.sha256:
        found = store.sha256(file)
        return [] if found == card.sha256 else [_differs(file, found, card.sha256)]
    is_intact = checkpoint.is_intact(file)
    if not is_intact:
        why = "was changed since it was written" if is_intact is False else "is too old to tell"
        return [f"{file}: {why}"]
    return _problems_of_original(card.published, file) if card and card.published else []


def _state(card: ModelCard) -> State:
    if not card.published:
        return "bundled"
    return "downloaded" if store.has_downloaded(card) else "available"


def _own(name: str) -> Listed:
    try:
        header = checkpoint.read_header(store.own(name))
    except WeightsError:
        return Listed(name, "imported", None, "Its file is damaged.")
    return Listed(name, "imported", header.architecture, header.origin)


def _of_card(card: ModelCard) -> dict[str, object]:
    known: dict[str, object] = {
        "summary": card.summary,
        "architecture": card.architecture,
        "licence": card.licence,
        "source": card.source,
        "training_data": card.training_data,
        "citation": card.citation,
        "value_range": card.value_range,
        "alignment": card.alignment,
    }
    if card.published:
        published, pin = card.published, pins.read().get(card.published.file)
        known |= {
            "original": published.file,
            "original_addresses": list(published.addresses),
            "original_size": published.size or (pin.size if pin else None),
            "original_sha256": published.sha256 or (pin.sha256 if pin else None),
            "original_sha256_known_from": _whence(published.sha256, pin),
            "original_proofs": list(published.proofs),
        }
    return known


def _whence(sha256: str | None, pin: pins.Pin | None) -> str | None:
    if sha256:
        return "its publisher"
    return f"the first download, kept in {pins.path()}" if pin else None


def _of_file(file: Path) -> dict[str, object]:
    header = checkpoint.read_header(file)
    return {
        "architecture": header.architecture,
        "config": dict(header.config),
        "origin": header.origin,
        "imported_sha256": header.original_sha256,
        "parameters": store.parameters(file),
        "size": file.stat().st_size,
        "sha256": store.sha256(file),
        "file": str(file),
    }


def _problems_of_original(published: Published, file: Path) -> list[str]:
    """Compare what a downloaded model was made from, and that if it is here, with the pin."""
    pin, original = pins.read().get(published.file), store.original(published)
    expected = published.sha256 or (pin.sha256 if pin else None)
    found = []
    if expected and original.is_file() and store.sha256(original) != expected:
        found.append(_differs(original, store.sha256(original), expected))
    made_from = checkpoint.read_header(file).original_sha256
    # A part of an archive, imported by hand, has another hash; its own checksums were compared.
    if expected and made_from != expected and not published.proofs:
        found.append(f"{file}: made from another file than {original.name}, {expected}")
    return found


def _differs(file: Path, found: str, expected: str) -> str:
    return f"{file}: has the SHA-256 {found}, not {expected}"
