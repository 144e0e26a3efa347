"""Folders and metrics as they were typed -> what is judged by what."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from photoenhance.cli.render import tell
from photoenhance.errors import ConfigError, WeightsError
from photoenhance.imaging.folders import Filter, Unreadable, photos_in
from photoenhance.metrics.catalog import METRICS, MetricCard
from photoenhance.metrics.pairs import Pair, pair
from photoenhance.zoo import store


def pairs_of(inputs: Path, references: Path | None, *, is_recursive: bool) -> tuple[Pair, ...]:
    """Find the photos to judge and their references.

    Raises:
        ConfigError: a folder does not exist or has no photos, or the two do not go together.
    """
    found = inputs, _photos(inputs, "--inputs", is_recursive=is_recursive)
    if references is None:
        return pair(found)
    wanted = references, _photos(references, "--references", is_recursive=is_recursive)
    return pair(found, wanted)


def maker_of(pairs: Sequence[Pair]) -> str | None:
    """Name what made the inputs, where all say that they are results of one model and setting."""
    from photoenhance.imaging.mark import read_mark

    makers = set()
    for each in pairs:
        mark = read_mark(each.input)
        makers.add(mark.words() if mark else None)
        if makers == {None} or len(makers) > 1:
            return None
    return next(iter(makers), None)


def files_of(named: Mapping[str, Path | None]) -> dict[str, Path]:
    """Find the files that metrics need: as named, or among the user's own data.

    Args:
        named: by metric; None where the option was not given.
    """
    given = {name: file for name, file in named.items() if file}
    kept = (name for name in named if name not in given and is_kept(METRICS[name]))
    return given | {name: kept_file(METRICS[name]) for name in kept}


def is_kept(card: MetricCard) -> bool:
    """Whether a metric's file lies where it is looked for if no option names it."""
    return store.is_here(lambda: kept_file(card))


def kept_file(card: MetricCard) -> Path:
    """Where a metric's file lies if no option names it; nothing may be there.

    Raises:
        ConfigError: there is no home for it to lie in.
    """
    assert card.file
    return store.folder("data") / "metrics" / card.file.name


def metrics_of(
    asked: str | None, files: Mapping[str, Path], *, has_references: bool, has_models: bool
) -> tuple[MetricCard, ...]:
    """Choose the metrics: those that were asked for, or all that can be had.

    Args:
        asked: names with commas between them, or None.
        files: by metric, those that are there.
        has_references: whether every photo has one.
        has_models: whether there are enhanced photos beside their sources.

    Raises:
        ConfigError: a name is unknown, or lacks what it compares with.
        WeightsError: a metric that was asked for lacks its file.
    """
    lacks = {"reference": not has_references, "source": not has_models, "nothing": False}
    if asked is None:
        usable = [card for card in METRICS.values() if not lacks[card.needs]]
        return tuple(card for card in usable if not card.file or card.name in files)
    chosen = [_card(name.strip()) for name in dict.fromkeys(asked.split(","))]
    for card in chosen:
        if lacks[card.needs]:
            raise _lacking(card)
        if card.file and card.name not in files:
            raise WeightsError(
                f"{card.name}: needs {card.file.origin}",
                hint=f"Name the file with {card.file.option}, or keep it as {kept_file(card)}.",
            )
    return tuple(chosen)


def sums_of(cards: Sequence[MetricCard], files: Mapping[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of each metric's file.

    Raises:
        WeightsError: a file cannot be read.
    """
    return {card.name: store.sha256(files[card.name]) for card in cards if card.file}


def tell_choice(
    asked: str | None,
    cards: Sequence[MetricCard],
    files: Mapping[str, Path],
    sums: Mapping[str, str],
) -> None:
    """Tell of metrics that cannot be had, and of files that are not the published ones.

    This comes once the work begins: whoever must mend something first reads that alone.
    """
    chosen = {card.name for card in cards}
    needs = {card.needs for card in cards}
    left_out = [
        card.name
        for card in METRICS.values()
        if card.file and card.name not in chosen and card.needs in needs
    ]
    if asked is None and left_out:
        tell(f"note: without {', '.join(left_out)}: see --metrics {left_out[0]}")
    for card in cards:
        known = card.file.sha256 if card.file else None
        if known and sums[card.name] != known:
            tell(f"note: {files[card.name]}: is not {card.name}'s published file; compare its")
            tell("values with each other only")


def _photos(folder: Path, option: str, *, is_recursive: bool) -> list[Path]:
    if not folder.is_dir():
        wrong = "is no folder" if folder.exists() else "no such folder"
        raise ConfigError(
            f"{folder}: {wrong}",
            hint=f"Name a folder of photos with {option}.",
            options=(option.removeprefix("--"),),
        )
    photos = []
    for found in photos_in(folder, Filter(recursive=is_recursive), without=folder):
        if isinstance(found, Unreadable):
            raise ConfigError(found.reason, hint="Check the folder's permissions.")
        photos.append(found)
    if not photos:
        hint = "Name another folder" if is_recursive else "Look into subfolders with --recursive"
        raise ConfigError(f"{folder}: no photos were found", hint=f"{hint}.")
    return photos


def _card(name: str) -> MetricCard:
    if name not in METRICS:
        raise ConfigError(
            f"metric {name}: there is none of this name", hint=f"Choose of: {', '.join(METRICS)}."
        )
    return METRICS[name]


def _lacking(card: MetricCard) -> ConfigError:
    if card.needs == "reference":
        return ConfigError(
            f"metric {card.name}: compares with references, but there are none",
            hint="Name their folder with --references.",
        )
    return ConfigError(
        f"metric {card.name}: compares enhanced photos with the inputs, but there is no model",
        hint="Name one with --model.",
    )
