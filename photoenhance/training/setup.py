"""Folders and networks of a run, from its config."""

import dataclasses
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from photoenhance.errors import ConfigError, DeviceError, WeightsError
from photoenhance.inference.budget import available_bytes
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.generator import Generator
from photoenhance.training import examples
from photoenhance.training.batches import shares
from photoenhance.training.config import TrainConfig, network_config
from photoenhance.training.data import PhotoFolder, held_out
from photoenhance.training.distributed import Processes, share_weights
from photoenhance.training.dpe import OneWayDPEObjective, SupervisedObjective, TwoWayDPEObjective
from photoenhance.training.enlightengan import EnlightenGANObjective
from photoenhance.training.features import bundled_encoder, perceptual_features
from photoenhance.training.folders import (
    Listing,
    paired,
    photos_below,
    readable,
    readable_pairs,
)
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

HOW_USED = ("work_size", "margin", "local")  # of a config; they shape no weights
COPIES = 5  # of each weight: itself, its gradient, two moments of Adam, its running average

logger = logging.getLogger(__name__)

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
        notes: lines that say what of the folders is left out.
    """

    target: PhotoFolder
    source: PhotoFolder | None
    held_target: PhotoFolder
    held_source: PhotoFolder
    fingerprint: str
    notes: tuple[str, ...] = ()


def list_photos(config: TrainConfig, run: "Run") -> dict[str, Listing]:
    """List the photos of a run's folders, by "target" and, if there is one, "source".

    With pairs, a source has the same place as its target.

    Raises:
        ConfigError: a folder is missing or holds no photos, or does not suit the recipe.
    """
    shares(config, has_source=run.source is not None)
    target = photos_below(run.target, output=run.output)
    if run.source is None:
        return {"target": target}
    source = photos_below(run.source, output=run.output)
    if config.objective == "supervised":
        source, target = paired(source, target)
    return {"target": target, "source": source}


def list_pairs(folder: Path, output: Path) -> tuple[Listing, Listing]:
    """List the inputs and the references of a folder to judge by, in the same order.

    Raises:
        ConfigError: there are none, or some photo has no partner.
    """
    inputs, references = (
        photos_below(folder / name, output=output) for name in ("input", "reference")
    )
    return paired(inputs, references)


def find_photos(config: TrainConfig, run: "Run") -> Photos:
    """Find and split the photos of a run.

    Raises:
        ConfigError: a folder is missing, or holds no photos that can be read.
    """
    listed = list_photos(config, run)
    if config.objective == "supervised":
        source, target = readable_pairs(listed["source"], listed["target"])
        listed = {"target": target, "source": source}
    else:
        listed = {role: readable(listing) for role, listing in listed.items()}
    share = run.cache_bytes // len(listed)
    most = _most_held_out(config, run)
    # Pairs stay together, since both folders have them at the same places.
    splits = {role: held_out(listing.photos, most[role]) for role, listing in listed.items()}
    learnt, held = (
        {
            role: PhotoFolder(listing.folder, splits[role][part], cache_bytes=share)
            for role, listing in listed.items()
        }
        for part in (0, 1)
    )
    held = _readable_ones(held, are_pairs=config.objective == "supervised")
    files = [photo for listing in listed.values() for photo in listing.photos]
    return Photos(
        learnt["target"],
        learnt.get("source"),
        held["target"],
        held.get("source", PhotoFolder(run.target, [])),
        _fingerprint(files),
        tuple(note for listing in listed.values() for note in listing.notes()),
    )


def _readable_ones(
    folders: Mapping[str, PhotoFolder], *, are_pairs: bool
) -> dict[str, PhotoFolder]:
    """Decode the few photos to judge by, and leave out those that turn out to be damaged."""
    broken = {
        role: {index for index in range(len(folder.paths)) if not folder.is_readable(index)}
        for role, folder in folders.items()
    }
    if are_pairs:
        broken = dict.fromkeys(broken, set().union(*broken.values()))
    return {role: folder.without(broken[role]) for role, folder in folders.items()}


def _most_held_out(config: TrainConfig, run: "Run") -> dict[str, int]:
    """Return how many targets and sources are held out at most: none that judge nothing."""
    is_judging = config.validation.every and run.pairs is None
    most = config.validation.photos if is_judging else 0
    return {"target": most, "source": most if _are_sources_judged(config) else 0}


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


def build_generator(config: TrainConfig) -> Generator:
    """Build the generator of a run, with the weights of `init` or initialised from its seed.

    Raises:
        ConfigError: a value does not fit the network, or the network does not fit `init`.
        WeightsError: there is no model `init`.
    """
    torch.manual_seed(config.seed)
    generator = untrained(config)
    if config.initial == "paper":
        generator.initialise_as_published()
    else:
        generator.initialise(gain=config.gain, last=config.last)
    if config.init:
        loaded = load_generator(config.init)
        if loaded.header.architecture != config.architecture:
            raise ConfigError(
                f"init: {config.init} is of the architecture {loaded.header.architecture}, and "
                f"this run trains {config.architecture}",
                hint="Choose another --init, or another --model.",
                options=["init"],
            )
        try:
            generator.load_state_dict(loaded.generator.state_dict())
        except RuntimeError as error:
            raise _of_other_shape(config.init, loaded.generator, generator) from error
    return generator


def _of_other_shape(name: str, loaded: Generator, wanted: Generator) -> ConfigError:
    """Say in which values of their configs two networks differ."""
    configs: list[Any] = [loaded.config, wanted.config]
    has, asked = map(dataclasses.asdict, configs)
    differing = [key for key in has if key not in HOW_USED and has[key] != asked.get(key)]
    there = ", ".join(f"{key} {has[key]}" for key in differing)
    here = ", ".join(f"{key} {asked.get(key)}" for key in differing)
    return ConfigError(
        f"init: {name} has {there}, and the network of this run {here}",
        hint=f"Keep what {name} has, name another --init, or train a network of any width from "
        "nothing with --recipe photo.",
        options=["init", *differing],
    )


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
    generator = build_generator(config)
    features, name = _features(config, run)
    workplace = Workplace(run.device, processes, generator, features)
    if run.source is None and config.losses.judged == "sources":
        losses = config.losses.model_copy(update={"adversarial": 0.0})
        config = config.model_copy(update={"losses": losses})
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
        return ReferenceValidator(*_pairs(run.pairs, run.output), device)
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


def _pairs(folder: Path, output: Path) -> examples.Pairs:
    listed = readable_pairs(*list_pairs(folder, output))
    for note in (note for listing in listed for note in listing.notes()):
        logger.warning("%s", note)
    inputs, references = (PhotoFolder(each.folder, each.photos) for each in listed)
    return examples.partners(inputs, references)
