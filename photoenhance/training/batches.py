"""Squares -> batches, each a function of the seed, the rank and the step alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from photoenhance.errors import ConfigError
from photoenhance.training.config import TrainConfig
from photoenhance.training.data import PhotoFolder, Square, square
from photoenhance.training.distributed import Processes
from photoenhance.training.look import Look

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
    """

    source: Tensor
    original: Tensor
    target: Tensor
    source_extent: Tensor
    target_extent: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(
            self.source.to(device, non_blocking=True),
            self.original.to(device, non_blocking=True),
            self.target.to(device, non_blocking=True),
            self.source_extent.to(device),
            self.target_extent.to(device),
        )

    def pinned(self) -> "Batch":
        """Return the batch in memory from which a GPU reads without waiting."""
        return Batch(
            self.source.pin_memory(),
            self.original.pin_memory(),
            self.target.pin_memory(),
            self.source_extent,
            self.target_extent,
        )


class Batches:
    """Draws batches from a folder of targets and, if there is one, a folder of sources.

    Args:
        target: photos with the wanted look.
        source: photos to improve, or None: then every source is made.
        config: sizes, seed, and how sources are made.
        processes: each draws its own share of every batch.
        look: of the targets, if made sources are to lose it.

    Raises:
        ConfigError: the batch cannot be shared evenly; or pairs are wanted and names differ.
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
        self.made = config.batch if source is None else min(config.made, config.batch)
        self.paired = source is not None and config.objective == "supervised"
        if self.paired:
            assert source is not None
            check_pairs(source, target)
        if config.batch % processes.count or self.made % processes.count:
            msg = f"batch {config.batch}, of which {self.made} made: not even for {processes.count}"
            raise ConfigError(msg, hint="Choose a batch and made that the processes can share.")

    def at(self, step: int) -> Batch:
        """Draw this process' share of a step's batch; the same for the same folders and seed."""
        if self.paired:
            return self._pairs(step)
        mine = range(self.processes.rank, self.config.batch, self.processes.count)
        sources, originals, targets = [], [], []
        for index in mine:
            place = None
            if index < self.made:
                original, made = self._made(step, index)
                originals.append(original)
                sources.append(made)
            else:
                taken, place = self._source(step, index)
                sources.append(taken)
            targets.append(self._target(step, index, place))
        return _batch(sources, originals, targets, self.config.crop)

    def _made(self, step: int, index: int) -> tuple[Square, Square]:
        random = self._random(step, MADE, index)
        pixels = self.target.pixels(self.target.draw(random))
        original = square(pixels, self.config.framing, self.config.crop, random)
        made = self.config.degradation.apply(original.image, random, self.look)
        return original, Square(made, original.extent)

    def _source(self, step: int, index: int) -> tuple[Square, int]:
        assert self.source is not None
        random = self._random(step, SOURCE, index)
        place = self.source.draw(random)
        pixels = self.source.pixels(place)
        return square(pixels, self.config.framing, self.config.crop, random), place

    def _target(self, step: int, index: int, place: int | None) -> Square:
        random = self._random(step, TARGET, index)
        if place is None or self.config.framing.pairing == "random":
            drawn = self.target.draw(random)
        else:
            drawn = self.target.following(place % len(self.target.paths))
        return square(self.target.pixels(drawn), self.config.framing, self.config.crop, random)

    def _pairs(self, step: int) -> Batch:
        assert self.source is not None
        sources: list[Square] = []
        originals: list[Square] = []
        for index in range(self.processes.rank, self.config.batch, self.processes.count):
            random = self._random(step, MADE, index)
            place = self.source.draw(random)
            while not self.target.is_readable(place):
                place = self.source.draw(random)
            for folder, squares in ((self.source, sources), (self.target, originals)):
                random = self._random(step, SOURCE, index)  # the same window and turn for both
                pixels = folder.pixels(place)
                squares.append(square(pixels, self.config.framing, self.config.crop, random))
        return _batch(sources, originals, originals, self.config.crop)

    def _random(self, step: int, role: int, index: int) -> np.random.Generator:
        return np.random.default_rng((self.config.seed, step, role, index))


def check_pairs(source: PhotoFolder, target: PhotoFolder) -> None:
    """Check that two folders hold photos of the same names.

    Raises:
        ConfigError: some photo has no partner.
    """

    def stems(folder: PhotoFolder) -> list[Path]:
        return [path.relative_to(folder.folder).with_suffix("") for path in folder.paths]

    sources, targets = stems(source), stems(target)
    alone = sorted(set(sources) ^ set(targets))
    if alone:
        raise ConfigError(
            f"{alone[0]}: a photo without its partner ({len(alone)} in all)",
            hint="Give each photo of one folder a partner of the same name in the other.",
        )


def _batch(
    sources: Sequence[Square], originals: Sequence[Square], targets: Sequence[Square], size: int
) -> Batch:
    return Batch(
        _stack(sources, size),
        _stack(originals, size),
        _stack(targets, size),
        torch.tensor([each.extent for each in sources]),
        torch.tensor([each.extent for each in targets]),
    )


def _stack(squares: Sequence[Square], size: int) -> Tensor:
    images = [each.image for each in squares]
    stacked = np.stack(images) if images else np.empty((0, size, size, 3), np.float32)
    # Seen as (N, 3, H, W), the memory is channels last, as training wants it.
    return torch.from_numpy(stacked).permute(0, 3, 1, 2)
