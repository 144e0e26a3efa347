"""The training loop; reads top to bottom."""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from photoenhance.errors import ConfigError
from photoenhance.imaging.atomic import replacing
from photoenhance.losses.perceptual import FidelityLoss
from photoenhance.networks.uegan import UEGANGenerator
from photoenhance.tensors import pixels_of
from photoenhance.training.config import TrainConfig
from photoenhance.training.data import Batches, PhotoFolder
from photoenhance.training.ema import ExponentialMovingAverage
from photoenhance.training.events import CheckpointSaved, Event, Progress, SampleSaved, Started
from photoenhance.training.features import perceptual_features
from photoenhance.training.objective import OneWayObjective
from photoenhance.training.players import players
from photoenhance.training.pool import ImagePool
from photoenhance.zoo import checkpoint

CHECKPOINT = "generator.safetensors"


@dataclass(frozen=True, slots=True)
class Run:
    """Where a run finds its photos, and where and how it works.

    Attributes:
        target: folder of photos with the wanted look.
        source: folder of photos to improve, or None: every source is made of a target.
        output: the run's folder, for the checkpoint and the samples.
        perceptual: a VGG's file for the fidelity loss, or None for the best at hand.
        start: a model to begin with, or None to begin from nothing.
        device: where to compute.
        precision: "bf16" computes the networks in bfloat16, and keeps weights in float32.
        log_every: steps between progress events.
        save_every: steps between checkpoints, each with a grid of samples.
    """

    target: Path
    source: Path | None
    output: Path
    perceptual: Path | None
    start: str | None
    device: torch.device
    precision: Literal["fp32", "bf16"]
    log_every: int = 20
    save_every: int = 500


def train(config: TrainConfig, run: Run) -> Iterator[Event]:  # noqa: PLR0915 (one walk)
    """Train a generator; what is saved is the running average of its weights.

    The checkpoint is also written when the iteration ends early, for whatever reason.

    Raises:
        ConfigError: the folders or files cannot be used.
        TrainingError: a loss is no longer a number.
    """
    target = PhotoFolder(run.target)
    source = None if run.source is None else PhotoFolder(run.source)
    batches = Batches(target, source, config)
    fidelity, features = _fidelity(config, run)
    generator, discriminator = players(config, run.device, run.start)
    objective = OneWayObjective(generator.network, discriminator.network, fidelity, config.losses)
    average = ExponentialMovingAverage(generator.network, config.average)
    pool, random = ImagePool(config.pool), torch.Generator().manual_seed(config.seed)
    _make(run.output)
    sources = None if source is None else len(source.paths)
    yield Started(len(target.paths), sources, features, str(run.device), run.precision)

    step, meter = 0, _Meter()
    try:
        with ThreadPoolExecutor(max_workers=1) as ahead:
            following = ahead.submit(batches.at, 1)
            for step in range(1, config.steps + 1):
                batch = following.result().to(run.device)
                following = ahead.submit(batches.at, step + 1)
                discriminator.set_rate((step - 1) / config.steps)
                rate = generator.set_rate((step - 1) / config.steps)

                with _arithmetic(run):
                    enhanced = generator.network(batch.source).float()
                terms: dict[str, Tensor] = {}
                if config.losses.adversarial:
                    with _arithmetic(run):
                        pooled = pool.query(enhanced, random)
                        judged = objective.discriminator_terms(batch, pooled)
                    discriminator.update(judged)
                    terms |= judged
                with _arithmetic(run):
                    wanted = objective.generator_terms(batch, enhanced)
                generator.update(wanted)
                average.update(generator.network)

                meter.add(terms | wanted)
                if step % run.log_every == 0 or step == config.steps:
                    yield meter.progress(step, rate)
                if step % run.save_every == 0 and step < config.steps:
                    yield _saved(config, run, average.module, step)
                    yield _sampled(run, batches, average.module, step)
    finally:
        if step:
            saved = _saved(config, run, average.module, step)
    yield saved
    yield _sampled(run, batches, average.module, step)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: cannot be made: {error.strerror}"
        raise ConfigError(msg, hint="Choose another --output.") from error


def _fidelity(config: TrainConfig, run: Run) -> tuple[FidelityLoss, str | None]:
    losses = config.losses
    has_originals = run.source is None and (losses.reconstruction or losses.color)
    if not losses.fidelity or has_originals:
        if run.perceptual is not None:
            msg = f"{run.perceptual}: this run compares no features, since it has no fidelity loss"
            raise ConfigError(msg, hint="Leave out --perceptual, or name a --source.")
        return FidelityLoss(nn.Identity()), None
    features, name = perceptual_features(run.perceptual, config.losses.fidelity_layers)
    return FidelityLoss(features).to(run.device), name


def _arithmetic(run: Run) -> AbstractContextManager[None]:
    return torch.autocast(run.device.type, torch.bfloat16, enabled=run.precision == "bf16")


def _saved(config: TrainConfig, run: Run, generator: nn.Module, step: int) -> CheckpointSaved:
    assert isinstance(generator, UEGANGenerator)
    shape = dataclasses.asdict(generator.config)
    origin = f"trained with photoenhance, recipe {config.recipe}, {step} of {config.steps} steps"
    path = run.output / CHECKPOINT
    header = checkpoint.Header(config.architecture, shape, origin)
    checkpoint.write(path, generator.state_dict(), header)
    return CheckpointSaved(step, path)


def _sampled(run: Run, batches: Batches, generator: nn.Module, step: int) -> SampleSaved:
    """Write the sources of the run's batch 0 above what becomes of them."""
    sources = batches.at(0).to(run.device).source
    with torch.inference_mode():
        enhanced = generator(sources)
    rows = [torch.cat(list(images), dim=2) for images in (sources, enhanced)]
    grid = pixels_of(torch.cat(rows, dim=1)[None], np.dtype(np.uint8))
    path = run.output / f"samples-{step:06d}.png"
    with replacing(path) as file:
        file.write(cv2.imencode(".png", grid[..., ::-1])[1].tobytes())
    return SampleSaved(step, path)


class _Meter:
    """Averages of the loss terms and of the time since the last look."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Count the terms of one step."""
        self._count += 1
        for name, term in terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(term.detach())

    def progress(self, step: int, rate: float) -> Progress:
        """Return the averages and begin anew."""
        seconds = (time.monotonic() - self._since) / self._count
        means = {name: total / self._count for name, total in self._sums.items()}
        self._begin()
        return Progress(step, means, rate, seconds)
