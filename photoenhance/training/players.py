"""The two networks of a run and their optimisers."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from photoenhance.errors import ConfigError, TrainingError
from photoenhance.networks.uegan import UEGANConfig, UEGANDiscriminator, UEGANGenerator
from photoenhance.training.config import Optimiser, TrainConfig
from photoenhance.zoo.load import load_generator


@dataclass(frozen=True, slots=True)
class Player:
    """A network, and Adam to train it.

    Attributes:
        network: in training mode.
        adam: over all of its parameters.
        rate: learning rate at the start.
        constant: share of the run after which the rate begins to fall linearly to zero.
    """

    network: nn.Module
    adam: torch.optim.Adam
    rate: float
    constant: float

    def set_rate(self, done: float) -> float:
        """Set and return the learning rate for a run of which this share is done."""
        left = 1.0 if done < self.constant else (1 - done) / (1 - self.constant)
        for group in self.adam.param_groups:
            group["lr"] = self.rate * left
        return self.rate * left

    def update(self, terms: Mapping[str, Tensor]) -> None:
        """Take one step down the sum of the terms.

        Raises:
            TrainingError: a term is not a number; nothing was changed.
        """
        for name, term in terms.items():
            if not torch.isfinite(term):
                raise TrainingError(
                    f"{name}: the loss is {float(term.detach())}",
                    hint="Try a lower learning rate, or another seed; the last checkpoint is good.",
                )
        self.adam.zero_grad()
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.adam.step()


def players(config: TrainConfig, device: torch.device, start: str | None) -> tuple[Player, Player]:
    """Build the generator and the discriminator of a run, initialised from its seed.

    Args:
        config: the run.
        device: where both go.
        start: a model whose generator to begin with, or None.

    Raises:
        ConfigError: that model has another architecture or width.
        WeightsError: there is no such model.
    """
    torch.manual_seed(config.seed)
    shape = UEGANConfig(config.width)
    generator = UEGANGenerator(shape)
    generator.initialise(gain=config.gain, last=config.last)
    if start is not None:
        _begin_with(generator, start)
    discriminator = UEGANDiscriminator(shape)
    optimiser = config.optimiser
    return (
        _player(generator, device, optimiser.generator_rate, optimiser),
        _player(discriminator, device, optimiser.discriminator_rate, optimiser),
    )


def _begin_with(generator: UEGANGenerator, start: str) -> None:
    loaded = load_generator(start).generator
    if not isinstance(loaded, UEGANGenerator) or loaded.config != generator.config:
        raise ConfigError(
            f"{start}: cannot begin a UEGAN of width {generator.config.width}",
            hint="Choose another --init, or its --width.",
        )
    generator.load_state_dict(loaded.state_dict())


def _player(network: nn.Module, device: torch.device, rate: float, optimiser: Optimiser) -> Player:
    # Channels last: the convolutions of a training step take two thirds of the time on a CPU.
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.Adam(
        network.parameters(), lr=rate, betas=optimiser.betas, weight_decay=optimiser.weight_decay
    )
    return Player(network, adam, rate, optimiser.constant)
