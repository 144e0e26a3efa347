"""The running average of a network's weights, which is better than any single step's."""

import copy

import torch
from torch import nn


class ExponentialMovingAverage:
    """A copy of a module whose weights trail the module's.

    Attributes:
        module: the copy, in evaluation mode and without gradients.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
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
            ours[name].lerp_(tensor, 1 - decay)
