"""Whether a run is worth its time: what its folders hold, how they look, what to do about it."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from photoenhance.errors import TrainingError
from photoenhance.training import advice, pace, setup
from photoenhance.training.advice import Advice
from photoenhance.training.census import MEASURES, Census, Overlap, distance, overlap, take
from photoenhance.training.config import TrainConfig
from photoenhance.training.loop import Run
from photoenhance.training.pace import Pace

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Preflight:
    """What was found before a run.

    Attributes:
        target: photos with the wanted look.
        source: photos to improve, or None.
        shared: of the sources, those that are among the targets; None without sources.
        distances: of sources and targets in each measure, in deviations; empty without sources.
        pace: how fast the run would go; None where it would be pointless.
        advice: what to know or do.
    """

    target: Census
    source: Census | None
    shared: Overlap | None
    distances: dict[str, float]
    pace: Pace | None
    advice: tuple[Advice, ...]

    @property
    def is_pointless(self) -> bool:
        """Whether the run is not worth its time as it is."""
        return any(each.is_grave for each in self.advice)


def listed(config: TrainConfig, run: Run) -> dict[str, tuple[Path, list[Path]]]:
    """List the photos of a run's folders: by "target" and, if they are given, "source", "pairs".

    Raises:
        ConfigError: a folder is missing or holds no photos, or does not suit the recipe; or
            partners are missing.
    """
    listings = setup.list_photos(config, run)
    found = {role: (each.folder, list(each.photos)) for role, each in listings.items()}
    if run.pairs is not None:
        inputs, references = setup.list_pairs(run.pairs, run.output)
        listings |= {"input": inputs, "reference": references}
        found["pairs"] = run.pairs, [*inputs.photos, *references.photos]
    for listing in listings.values():
        for note in listing.notes():
            logger.warning("%s", note)
    return found


def check(
    config: TrainConfig,
    run: Run,
    photos: dict[str, tuple[Path, list[Path]]],
    *,
    seen: Callable[[], object] = lambda: None,
) -> Preflight:
    """Look at every photo once, then take a few steps; nothing stays on disk.

    Args:
        config: the run.
        run: its folders; the output folder is left alone.
        photos: those that were `listed`.
        seen: called after each photo.

    Raises:
        ConfigError: the run could not begin.
    """
    workers = os.cpu_count() or 1
    taken = {
        role: take(folder, paths, workers=workers, seen=seen)
        for role, (folder, paths) in photos.items()
    }
    target, source = taken["target"], taken.get("source")
    shared, distances = None, {}
    if source is not None and not source.is_empty and not target.is_empty:
        shared = overlap(source, target)
        distances = {measure: distance(source, target, measure) for measure in MEASURES}
    found = Preflight(target, source, shared, distances, None, ())
    found = replace(found, advice=tuple(_on_photos(found, taken.get("pairs"), config, run)))
    return found if found.is_pointless else _timed(found, config, run)


def _on_photos(
    found: Preflight, pairs: Census | None, config: TrainConfig, run: Run
) -> Iterator[Advice]:
    target, source = found.target, found.source
    folders = {"target": target} if source is None else {"target": target, "source": source}
    for role, census in folders.items():
        yield from advice.on_folder(census, config, role)
    yield from advice.on_colour(target, source, config)
    if found.shared is not None and source is not None:
        yield from advice.on_both(target, source, found.shared, found.distances, config)
    if config.degradation.wants_look and not any(each.is_empty for each in folders.values()):
        look = setup.find_look(config, setup.find_photos(config, run))
        assert look is not None
        named = "plain photos" if source is None else "the source photos"
        yield from advice.on_look(look, target.count, named)
    if pairs is not None:
        for role, census in folders.items():
            yield from advice.on_judging(overlap(census, pairs), role)
    yield from advice.on_memory(list(folders.values()), run.cache_bytes)


def _timed(found: Preflight, config: TrainConfig, run: Run) -> Preflight:
    try:
        measured = pace.measure(config, run)
    except TrainingError as error:
        fatal = Advice(f"the first steps fail: {error.message}", error.hint or "", is_grave=True)
        return replace(found, advice=(*found.advice, fatal))
    more = advice.on_time(measured)
    return replace(found, pace=measured, advice=(*found.advice, *more))
