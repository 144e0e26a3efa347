"""The networks of a run, each with its optimiser."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from photoenhance.errors import TrainingError
from photoenhance.networks.dpe_layers import BatchNorm
from photoenhance.training.config import Optimiser
from photoenhance.training.distributed import Processes


@dataclass(frozen=True, slots=True)
class Player:
    """A network, or two that learn together, and Adam to train it.

    Attributes:
        network: in training mode.
        adam: over all of its parameters.
        rate: learning rate at the start.
        optimiser: the schedule.
        processes: whose gradients are averaged.
    """

    network: nn.Module
    adam: torch.optim.Adam
    rate: float
    optimiser: Optimiser
    processes: Processes

    def set_rate(self, step: int, steps: int) -> float:
        """Set and return the learning rate of a step, counted from 1, of a run of so many steps."""
        rate = self.rate * share_of_rate(self.optimiser, step, steps)
        for group in self.adam.param_groups:
            group["lr"] = rate
        return rate

    def update(self, terms: Mapping[str, Tensor]) -> None:
        """Take one step down the sum of the terms.

        Raises:
            TrainingError: a gradient is not a number; nothing was changed.
        """
        self.adam.zero_grad()
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        self.processes.average_gradients(self.network)
        longest = self.optimiser.clip or float("inf")
        length = nn.utils.clip_grad_norm_(self.network.parameters(), longest)
        if not torch.isfinite(length):  # the one look at the device in an update
            check_terms({name: float(term.detach()) for name, term in terms.items()})
            raise _diverged(f"{', '.join(terms)}: the gradient is {float(length)}")
        self.adam.step()
        self.processes.average_statistics(self.network)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later run needs to go on."""
        return {"network": self.network.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.adam.load_state_dict(state["adam"])


def player(
    network: nn.Module,
    rate: float,
    optimiser: Optimiser,
    device: torch.device,
    processes: Processes,
) -> Player:
    """Move a network to a device and give it an optimiser."""
    # Channels last: the convolutions of a training step take two thirds of the time on a CPU.
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    adam = torch.optim.Adam(
        network.parameters(), lr=rate, betas=optimiser.betas, weight_decay=optimiser.weight_decay
    )
    return Player(network.train(), adam, rate, optimiser, processes)


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Work out no gradients of these networks' weights within the block.

    What judges a generator passes gradients on to it; its own weights' would be thrown away.
    """
    weights = [p for network in networks for p in network.parameters() if p.requires_grad]
    for weight in weights:
        weight.requires_grad = False
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad = True


def check_terms(terms: Mapping[str, float]) -> None:
    """Check that every loss term is a number.

    Raises:
        TrainingError: one is not.
    """
    for name, value in terms.items():
        if not math.isfinite(value):
            raise _diverged(f"{name}: the loss is {value}")


def check_weights(networks: Mapping[str, nn.Module]) -> None:
    """Check that every weight and every running statistic is a number.

    Raises:
        TrainingError: one is not.
    """
    for name, network in networks.items():
        for key, tensor in network.state_dict().items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise _diverged(f"{name}: {key} holds values that are no numbers")


def keep_statistics(network: nn.Module) -> None:
    """Let batch normalisations use their running statistics, and no longer change them.

    Crops of a small batch tell a network how dark the whole batch is; a single photo does not. What
    learns with the one is a little off with the other.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | BatchNorm):
            module.eval()


def share_of_rate(optimiser: Optimiser, step: int, steps: int) -> float:
    """Return which share of the learning rate is in force in a step, counted from 1.

    Linear from 1, after the constant part, to 0 behind the last epoch. `late` gives the authors'
    code of UEGAN: there an epoch's rate is set after its first step, and is already that of the
    next epoch, so that the last epoch learns almost nothing.
    """
    epoch = (step - 1 - optimiser.late) // optimiser.epoch if step > 1 else 0
    done = (epoch + optimiser.late) * optimiser.epoch / steps
    if done <= optimiser.constant:
        return 1.0
    return max((1 - done) / (1 - optimiser.constant), 0.0)


def _diverged(message: str) -> TrainingError:
    return TrainingError(
        message,
        hint="Try a lower learning rate (--set optimiser.generator_rate=...), --set "
        "optimiser.clip=1, or another --seed; what was saved before is untouched.",
    )
