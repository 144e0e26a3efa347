"""Whether a run is worth its time: what its folders hold, how they look, what to do about it."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from photoenhance.errors import TrainingError
from photoenhance.networks.dpe_layers import BatchNorm
from photoenhance.training import advice, pace, setup
from photoenhance.training.advice import Advice
from photoenhance.training.census import MEASURES, Census, Overlap, distance, overlap, take
from photoenhance.training.config import TrainConfig
from photoenhance.training.look import look_of
from photoenhance.training.loop import Run
from photoenhance.training.pace import Pace
from photoenhance.training.tones import plain, sampled, tones_of

SAMPLE = 200  # photos of a folder that a quick look takes: a few seconds

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
    folders = _looked_at(photos, seen)
    pairs = folders.pop("pairs", None)
    found = _compared(folders)
    memory = advice.on_memory(list(folders.values()), run.cache_bytes)
    found = replace(found, advice=(*_on_photos(found, pairs, config), *memory))
    return found if found.is_pointless else _timed(found, config, run)


def quick_advice(config: TrainConfig, run: Run) -> tuple[Advice, ...]:
    """Look at a sample of a run's photos, for a few seconds, and advise on them; take no step.

    Raises:
        ConfigError: a folder is missing or holds no photos, or does not suit the recipe.
    """
    photos = {
        role: (listing.folder, _sample(listing.photos))
        for role, listing in setup.list_photos(config, run).items()
    }
    folders = _looked_at(photos, seen=lambda: None)
    if any(census.is_empty for census in folders.values()):
        return ()  # the run itself names what it cannot read, and ends
    folders = {role: replace(census, broken=[]) for role, census in folders.items()}
    return tuple(_on_photos(_compared(folders), None, config))


def _sample(paths: Sequence[Path]) -> list[Path]:
    """Choose photos evenly from the first to the last."""
    places = np.linspace(0, len(paths) - 1, min(len(paths), SAMPLE)).round().astype(int)
    return [paths[place] for place in places]


def _looked_at(
    photos: dict[str, tuple[Path, list[Path]]], seen: Callable[[], object]
) -> dict[str, Census]:
    workers = os.cpu_count() or 1
    return {
        role: take(folder, paths, workers=workers, seen=seen)
        for role, (folder, paths) in photos.items()
    }


def _compared(folders: dict[str, Census]) -> Preflight:
    target, source = folders["target"], folders.get("source")
    shared, distances = None, {}
    if source is not None and not source.is_empty and not target.is_empty:
        shared = overlap(source, target)
        distances = {measure: distance(source, target, measure) for measure in MEASURES}
    return Preflight(target, source, shared, distances, None, ())


def _on_photos(found: Preflight, pairs: Census | None, config: TrainConfig) -> Iterator[Advice]:
    target, source = found.target, found.source
    folders = {"target": target} if source is None else {"target": target, "source": source}
    for role, census in folders.items():
        yield from advice.on_folder(census, config, role)
    yield from advice.on_colour(target, source, config)
    if found.shared is not None and source is not None:
        yield from advice.on_both(target, source, found.shared, found.distances, config)
    if config.degradation.wants_look and not any(each.is_empty for each in folders.values()):
        reference = plain() if source is None else tones_of(sampled(source.paths))
        look = look_of(sampled(target.paths), reference)
        named = "plain photos" if source is None else "the source photos"
        yield from advice.on_look(look, target.count, named)
    if pairs is not None:
        for role, census in folders.items():
            yield from advice.on_judging(overlap(census, pairs), role)
    with torch.device("meta"):  # whose networks take no memory
        network = setup.untrained(config)
    if any(isinstance(module, nn.BatchNorm2d | BatchNorm) for module in network.modules()):
        yield from advice.on_norms(config)


def _timed(found: Preflight, config: TrainConfig, run: Run) -> Preflight:
    try:
        measured = pace.measure(config, run)
    except TrainingError as error:
        fatal = Advice(f"the first steps fail: {error.message}", error.hint or "", is_grave=True)
        return replace(found, advice=(*found.advice, fatal))
    more = advice.on_time(measured)
    return replace(found, pace=measured, advice=(*found.advice, *more))
