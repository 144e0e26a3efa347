"""What a recipe minimises: the turns of one step, each one network's loss as named terms."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from photoenhance.networks.generator import Generator
from photoenhance.training.batches import Batch
from photoenhance.training.config import TrainConfig
from photoenhance.training.distributed import Processes
from photoenhance.training.players import Player, player
from photoenhance.training.state import Stateful


@dataclass(frozen=True, slots=True)
class Turn:
    """One network's move in a step.

    Attributes:
        player: whose move it is.
        terms: of its loss, each weighted; the player goes down their sum.
    """

    player: Player
    terms: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where and with what a run's objective works.

    Attributes:
        device: where the networks are.
        processes: those of the run.
        generator: initialised; what the run trains.
        features: maps images to a list of feature maps, or None where no loss needs them.
    """

    device: torch.device
    processes: Processes
    generator: Generator
    features: nn.Module | None


class Objective(ABC):
    """The networks of a recipe and what they learn from a batch.

    Attributes:
        enhancer: the network that is averaged and given out.
        generator: the player whose learning rate is told; the enhancer is its network, or in it.
    """

    generator: Player

    def __init__(self, config: TrainConfig, workplace: Workplace) -> None:
        self.config = config
        self.weights = config.losses
        self.processes = workplace.processes
        self.device = workplace.device
        self.enhancer = workplace.generator

    @abstractmethod
    def players(self) -> Mapping[str, Player]:
        """Name all that learn."""

    @abstractmethod
    def turns(self, batch: Batch, step: int, random: torch.Generator) -> Iterator[Turn]:
        """Yield each player's terms when its turn comes; it is updated in between.

        Args:
            batch: on the device.
            step: from 1.
            random: for what is drawn, seeded for this step and process.
        """

    def memory(self) -> Mapping[str, Stateful]:
        """Name what else changes during a run; it is the same in every process."""
        return {}

    def own_memory(self) -> Mapping[str, Stateful]:
        """Name what else changes during a run, and differs from process to process."""
        return {}

    def player(self, network: nn.Module, rate: float) -> Player:
        """Make a player of a network."""
        return player(network, rate, self.config.optimiser, self.device, self.processes)


def weighted(terms: Mapping[str, Callable[[], Tensor]], weights: Any) -> dict[str, Tensor]:
    """Work out the terms whose weight is not 0, times the weight of that name."""
    chosen = {name: getattr(weights, name) for name in terms}
    return {name: weight * terms[name]() for name, weight in chosen.items() if weight}
