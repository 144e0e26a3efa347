"""Folders and networks of a run, from its config."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from photoenhance.errors import ConfigError, DeviceError, WeightsError
from photoenhance.inference.budget import available_bytes
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.generator import Generator
from photoenhance.training import examples
from photoenhance.training.config import TrainConfig, network_config
from photoenhance.training.data import PhotoFolder, held_out
from photoenhance.training.distributed import Processes, share_weights
from photoenhance.training.dpe import OneWayDPEObjective, SupervisedObjective, TwoWayDPEObjective
from photoenhance.training.enlightengan import EnlightenGANObjective
from photoenhance.training.features import bundled_encoder, perceptual_features
from photoenhance.training.look import Look, look_of
from photoenhance.training.needs import NEEDS, ObjectiveName
from photoenhance.training.objective import Objective, Workplace
from photoenhance.training.oneway import OneWayObjective
from photoenhance.training.tones import plain, sampled, tones_of
from photoenhance.training.validation import (
    LEAST_TARGETS,
    OriginalValidator,
    ReferenceValidator,
    UnpairedValidator,
    Validator,
)
from photoenhance.zoo.load import load_generator

if TYPE_CHECKING:
    from photoenhance.training.loop import Run

COPIES = 5  # of each weight: itself, its gradient, two moments of Adam, its running average

OBJECTIVES: dict[ObjectiveName, type[Objective]] = {
    "one-way": OneWayObjective,
    "enlightengan": EnlightenGANObjective,
    "dpe-one-way": OneWayDPEObjective,
    "dpe-two-way": TwoWayDPEObjective,
    "supervised": SupervisedObjective,
}


@dataclass(frozen=True, slots=True)
class Photos:
    """The folders of a run, each split into photos to learn from and photos to judge by.

    Attributes:
        target: to learn from.
        source: to learn from; None if every source is made of a target.
        held_target: to judge by; may be empty.
        held_source: to judge by; may be empty.
        fingerprint: of all files' names and sizes.
    """

    target: PhotoFolder
    source: PhotoFolder | None
    held_target: PhotoFolder
    held_source: PhotoFolder
    fingerprint: str


def find_photos(config: TrainConfig, run: "Run") -> Photos:
    """Find and split the photos of a run.

    Raises:
        ConfigError: a folder is missing or holds no photos.
    """
    share = run.cache_bytes // (1 if run.source is None else 2)
    most_targets, most_sources = _most_held_out(config, run)
    everything = PhotoFolder(run.target)
    learnt, judged = held_out(everything.paths, most_targets)
    target = PhotoFolder(run.target, learnt, cache_bytes=share)
    held_target = PhotoFolder(run.target, judged, cache_bytes=0)
    source, held_source = None, PhotoFolder(run.target, [], cache_bytes=0)
    files = list(everything.paths)
    if run.source is not None:
        everything = PhotoFolder(run.source)
        files += everything.paths
        # Pairs stay together, since both folders have the same names.
        learnt, judged = held_out(everything.paths, most_sources)
        source = PhotoFolder(run.source, learnt, cache_bytes=share)
        held_source = PhotoFolder(run.source, judged, cache_bytes=0)
    return Photos(target, source, held_target, held_source, _fingerprint(files))


def _most_held_out(config: TrainConfig, run: "Run") -> tuple[int, int]:
    """Return how many targets and sources are held out at most: none that judge nothing."""
    if not config.validation.every or run.pairs is not None:
        return 0, 0
    most = config.validation.photos
    return most, most if _are_sources_judged(config) else 0


def _are_sources_judged(config: TrainConfig) -> bool:
    """Whether real sources judge, if there are any: made ones do better, since they are known."""
    return not config.made or config.objective == "supervised"


def find_look(config: TrainConfig, photos: Photos) -> Look | None:
    """Find the look of the targets, against the sources or plain photos; None if none is wanted.

    Raises:
        ConfigError: not one photo of a folder can be read.
    """
    if not config.degradation.wants_look:
        return None
    source = photos.source
    reference = plain() if source is None else tones_of(sampled(source.paths))
    return look_of(sampled(photos.target.paths), reference)


def _fingerprint(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\n".encode())
    return digest.hexdigest()


def untrained(config: TrainConfig) -> Generator:
    """Build the network of a run.

    Raises:
        ConfigError: a value does not fit the network.
    """
    return ARCHITECTURES[config.architecture].generator(network_config(config))


def check_memory(config: TrainConfig, device: torch.device) -> None:
    """Refuse a network that cannot be learnt in the memory that is free, before it takes any.

    Raises:
        DeviceError: there is too little for its weights alone, without a single image.
    """
    with torch.device("meta"):
        weights = sum(each.numel() for each in untrained(config).parameters())
    needed, free = COPIES * weights * torch.float32.itemsize, available_bytes(device)
    if needed > free:
        raise DeviceError(
            f"width: {config.width} needs {needed / 2**30:.1f} GB for weights alone; "
            f"{free / 2**30:.1f} GB are free on device {device}",
            hint="Take a smaller --width.",
            options=["width"],
        )


def build_generator(config: TrainConfig, start: str | None) -> Generator:
    """Build the generator of a run, initialised from its seed.

    Args:
        config: the run.
        start: a model to begin with, or None.

    Raises:
        ConfigError: that model has another architecture or width.
        WeightsError: there is no such model.
    """
    torch.manual_seed(config.seed)
    generator = untrained(config)
    if config.initial == "paper":
        generator.initialise_as_published()
    else:
        generator.initialise(gain=config.gain, last=config.last)
    if start is not None:
        loaded = load_generator(start).generator
        try:
            if type(loaded) is not type(generator):
                raise ConfigError(f"{start}: is no {config.architecture}", hint="Choose another.")
            generator.load_state_dict(loaded.state_dict())
        except RuntimeError as error:
            raise ConfigError(
                f"{start}: cannot begin a network of {generator.config}",
                hint="Choose another --init, or its --width.",
            ) from error
    return generator


def build_objective(
    config: TrainConfig, run: "Run", processes: Processes
) -> tuple[Objective, str | None]:
    """Build the networks and losses of a run; also name the features that it compares in.

    Raises:
        ConfigError: a model to begin with, or a file of features, does not fit.
        DeviceError: the memory does not suffice for the network.
        WeightsError: there is no such model.
    """
    check_memory(config, run.device)
    generator = build_generator(config, run.start)
    features, name = _features(config, run)
    workplace = Workplace(run.device, processes, generator, features)
    objective = OBJECTIVES[config.objective](config, workplace)
    share_weights([player.network for player in objective.players().values()], processes)
    return objective, name


def _features(config: TrainConfig, run: "Run") -> tuple[nn.Module | None, str | None]:
    losses = config.losses
    held = run.source is None and losses.know_originals
    if not losses.fidelity or (config.objective == "one-way" and held):
        if run.perceptual is not None:
            msg = f"{run.perceptual}: this run compares no features, since it has no fidelity loss"
            raise ConfigError(msg, hint="Leave out --perceptual, or name a --source.")
        return None, None
    features, name = perceptual_features(
        run.perceptual,
        losses.fidelity_layers,
        NEEDS[config.objective].vgg,
    )
    return features.to(run.device), name


def build_validator(
    config: TrainConfig, run: "Run", photos: Photos, look: Look | None
) -> Validator | None:
    """Build what finds the best checkpoint, or None where nothing can be judged.

    By pairs where some were given, or where the objective learns from pairs. Else by held-out
    targets made worse if the recipe makes sources of targets, and by the held-out photos of both
    folders if it only has real sources.

    Raises:
        ConfigError: the pairs are not complete.
    """
    if not config.validation.every:
        return None
    device = run.device
    if run.pairs is not None:
        return ReferenceValidator(*examples.pairs(run.pairs), device)
    if photos.source is None or not _are_sources_judged(config):
        originals = examples.readable(photos.held_target)
        if not originals:
            return None
        pairs = examples.made_worse(originals, config.degradation, look, config.seed)
        return OriginalValidator(*pairs, device)
    return _by_sources(config, photos, device)


def _by_sources(config: TrainConfig, photos: Photos, device: torch.device) -> Validator | None:
    """Build what judges by the held-out photos of both folders."""
    if config.objective == "supervised":
        pairs = examples.partners(photos.held_source, photos.held_target)
        return ReferenceValidator(*pairs, device) if pairs[0] else None
    sources, targets = map(examples.readable, (photos.held_source, photos.held_target))
    if not sources or len(targets) < LEAST_TARGETS:
        return None
    return UnpairedValidator(sources, targets, _encoder(device), device)


def _encoder(device: torch.device) -> nn.Module | None:
    try:
        return bundled_encoder().to(device)
    except WeightsError:
        return None
