"""Squares -> batches, each a function of the seed, the rank and the step alone."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from photoenhance.errors import ConfigError
from photoenhance.networks.histogram import QUANTITIES, SHARES, quantiles
from photoenhance.training.config import TrainConfig, network_config
from photoenhance.training.data import PhotoFolder, Pixels, Square, square
from photoenhance.training.distributed import Processes
from photoenhance.training.look import Look
from photoenhance.training.needs import NEEDS

MADE, SOURCE, TARGET = range(3)  # what a square is for: each has its own stream of random numbers


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one step sees; every image `(N, 3, size, size)` in [0, 1].

    Attributes:
        source: photos to improve; the first `len(original)` of them are made or paired.
        original: what those should become.
        target: photos with the wanted look.
        source_extent: `(N, 2)`, rows and columns of each source that are the photo's own.
        target_extent: likewise of the targets.
        source_quantiles: `(N, 8, 13)`, those of each source's histogram, of the photo's own pixels
            and not of their averages; `(0, 8, 13)` where the network has no use for them.
    """

    source: Tensor
    original: Tensor
    target: Tensor
    source_extent: Tensor
    target_extent: Tensor
    source_quantiles: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(
            self.source.to(device, non_blocking=True),
            self.original.to(device, non_blocking=True),
            self.target.to(device, non_blocking=True),
            self.source_extent.to(device),
            self.target_extent.to(device),
            self.source_quantiles.to(device),
        )

    def pinned(self) -> "Batch":
        """Return the batch in memory from which a GPU reads without waiting."""
        return Batch(
            self.source.pin_memory(),
            self.original.pin_memory(),
            self.target.pin_memory(),
            self.source_extent,
            self.target_extent,
            self.source_quantiles,
        )


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of a step's sources, over all processes, are made of targets and how many are not.

    Attributes:
        made: of target photos.
        real: photos of the source folder.
    """

    made: int
    real: int

    @property
    def whole(self) -> int:
        """How many sources a step has, and how many targets."""
        return self.made + self.real


def shares(config: TrainConfig, *, has_source: bool, processes: int = 1) -> Shares:
    """Share a batch between made and real sources, each evenly for the processes by rounding up.

    Raises:
        ConfigError: the recipe needs a source folder, or would learn nothing from the one it has.
    """
    if has_source:
        _check_use(config)
    else:
        _check_need(config)
    if config.objective == "supervised":
        made = 0
    elif has_source:
        made = min(config.made, config.batch - 1)
    else:
        made = config.batch
    return Shares(_rounded_up(made, processes), _rounded_up(config.batch - made, processes))


def _rounded_up(count: int, divisor: int) -> int:
    return -(-count // divisor) * divisor


def _check_need(config: TrainConfig) -> None:
    if config.objective == "supervised":
        raise ConfigError(
            f"recipe {config.recipe}: learns from pairs, and there is no --source",
            hint="Name the folder of the inputs, with a photo of the same name for each target.",
        )
    if not config.made:
        raise ConfigError(
            f"recipe {config.recipe}: learns from two folders, and there is no --source",
            hint="Name a folder of ordinary photos, or have sources made of the targets: --set "
            f"made={config.batch}.",
        )


def _check_use(config: TrainConfig) -> None:
    if config.made and config.batch == 1 and config.objective != "supervised":
        raise ConfigError(
            "batch: 1 has no place for a source made of a target and for one of --source",
            hint="Take --batch 2 or more, or leave out --source.",
            options=["batch"],
        )
    names = NEEDS[config.objective].of_sources
    if not any(getattr(config.losses, name) for name in names):
        weights = " and ".join(f"losses.{name}" for name in names)
        raise ConfigError(
            f"{weights}: nothing is learnt from --source where all of them are 0",
            hint=f"Give a weight, as in --set losses.{names[-1]}=0.3, or leave out --source.",
        )


class Batches:
    """Draws batches from a folder of targets and, if there is one, a folder of sources.

    Args:
        target: photos with the wanted look.
        source: photos to improve, or None: then every source is made. With pairs, the input of
            each target has the same index.
        config: sizes, seed, and how sources are made.
        processes: each draws its own share of every batch.
        look: of the targets, if made sources are to lose it.

    Attributes:
        shares: made and real sources of a step, over all processes.

    Raises:
        ConfigError: the recipe needs a source folder, or would learn nothing from the one it has.
    """

    def __init__(
        self,
        target: PhotoFolder,
        source: PhotoFolder | None,
        config: TrainConfig,
        processes: Processes,
        look: Look | None = None,
    ) -> None:
        self.target = target
        self.source = source
        self.config = config
        self.processes = processes
        self.look = look
        self.shares = shares(config, has_source=source is not None, processes=processes.count)
        self.paired = config.objective == "supervised"
        network = network_config(config)
        self.wants_quantiles = network.histogram > 0

    def notes(self) -> tuple[str, ...]:
        """Say where a step has more sources than asked for, so that processes share it evenly."""
        if self.shares.whole == self.config.batch:
            return ()
        parts = f"{self.shares.made} made of targets, {self.shares.real} of --source"
        return (
            f"batch: {self.shares.whole} instead of {self.config.batch} ({parts}), which "
            f"{self.processes.count} processes share evenly",
        )

    def at(self, step: int) -> Batch:
        """Draw this process' share of a step's batch; the same for the same folders and seed."""
        if self.paired:
            return self._pairs(step)
        sources, originals, targets = [], [], []
        for index in self._mine():
            place = None
            if index < self.shares.made:
                original, made = self._made(step, index)
                originals.append(original)
                sources.append(made)
            else:
                taken, place = self._source(step, index)
                sources.append(taken)
            targets.append(self._target(step, index, place))
        return self._batch(sources, originals, targets)

    def _mine(self) -> range:
        return range(self.processes.rank, self.shares.whole, self.processes.count)

    def _made(self, step: int, index: int) -> tuple[Square, Square]:
        random = self._random(step, MADE, index)
        _, pixels = self.target.draw(random)
        original = square(pixels, self.config.framing, self.config.crop, random)
        again = copy.deepcopy(random)  # gives the sample the same faults
        image = self.config.degradation.apply(original.image, random, self.look)
        sample = image
        if self.wants_quantiles:
            sample = self.config.degradation.apply(original.sample, again, self.look)
        return original, Square(image, sample, original.extent)

    def _source(self, step: int, index: int) -> tuple[Square, int]:
        assert self.source is not None
        random = self._random(step, SOURCE, index)
        place, pixels = self.source.draw(random)
        return square(pixels, self.config.framing, self.config.crop, random), place

    def _target(self, step: int, index: int, place: int | None) -> Square:
        random = self._random(step, TARGET, index)
        if place is None or self.config.framing.pairing == "random":
            _, pixels = self.target.draw(random)
        else:
            pixels = self.target.following(place % len(self.target.paths))
        return square(pixels, self.config.framing, self.config.crop, random)

    def _pairs(self, step: int) -> Batch:
        sources: list[Square] = []
        originals: list[Square] = []
        for index in self._mine():
            pair = self._pair(self._random(step, MADE, index))
            for pixels, squares in zip(pair, (sources, originals), strict=True):
                random = self._random(step, SOURCE, index)  # the same window and turn for both
                squares.append(square(pixels, self.config.framing, self.config.crop, random))
        return self._batch(sources, originals, originals)

    def _pair(self, random: np.random.Generator) -> tuple[Pixels, Pixels]:
        """Draw a source and its target; a pair with one unreadable side is left out for good."""
        assert self.source is not None
        while True:
            place, pixels = self.source.draw(random)
            wanted = self.target.pixels_or_none(place)
            if wanted is not None:
                return pixels, wanted
            self.source.leave_out(place)

    def _batch(
        self, sources: Sequence[Square], originals: Sequence[Square], targets: Sequence[Square]
    ) -> Batch:
        size = self.config.crop
        measured = [quantiles(each.sample) for each in sources] if self.wants_quantiles else []
        return Batch(
            _stack(sources, size),
            _stack(originals, size),
            _stack(targets, size),
            torch.tensor([each.extent for each in sources]),
            torch.tensor([each.extent for each in targets]),
            torch.from_numpy(np.array(measured, np.float32).reshape(-1, QUANTITIES, len(SHARES))),
        )

    def _random(self, step: int, role: int, index: int) -> np.random.Generator:
        return np.random.default_rng((self.config.seed, step, role, index))


def _stack(squares: Sequence[Square], size: int) -> Tensor:
    images = [each.image for each in squares]
    stacked = np.stack(images) if images else np.empty((0, size, size, 3), np.float32)
    # Seen as (N, 3, H, W), the memory is channels last, as training wants it.
    return torch.from_numpy(stacked).permute(0, 3, 1, 2)
