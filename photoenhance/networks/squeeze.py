"""A gate a channel, from the means of all channels."""

import torch
from torch import Tensor, nn

REDUCTION = 4
NEUTRAL = 0.5  # the gate of a sigmoid that is given nothing


class SqueezeExcitation(nn.Module):
    """Squeeze and excitation: scale each channel by what the channels' means say.

    Source: Hu, Shen and Sun 2018, section 3, https://arxiv.org/abs/1709.01507; without biases and
    with a reduction of 4, as a published variant of UEGAN has it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // REDUCTION, bias=False)
        self.expand = nn.Linear(channels // REDUCTION, channels, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map `(N, C, H, W)` to the same shape."""
        pooled = features.mean(dim=(2, 3), dtype=torch.float32).to(features.dtype)
        gates = torch.sigmoid(self.expand(torch.relu(self.reduce(pooled))))
        return features * gates[:, :, None, None]
