"""The running average of a network's weights, which is better than any single step's."""

import copy
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class ExponentialMovingAverage(Generic[Network]):
    """A copy of a module whose weights trail the module's.

    Attributes:
        module: the copy, in evaluation mode and without gradients.
    """

    def __init__(self, module: Network, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.module = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the copy towards `module`; faster in the beginning, when there is little to keep."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        ours = self.module.state_dict()
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                ours[name].lerp_(tensor, 1 - decay)
            else:  # the batches that a norm has seen
                ours[name].copy_(tensor)

    def state_dict(self) -> dict[str, Any]:
        """Return the averaged weights and how often they moved."""
        return {"network": self.module.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.module.load_state_dict(state["network"])
        self.updates = state["updates"]
