"""What DPE's generator and its critic are made of.

Source: the code of the authors of Chen et al. 2018, https://doi.org/10.1109/CVPR.2018.00660.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Of the activation: the usual constants (1.6733, 1.0507) belong to another initialisation.
ALPHA = 1.0198755295894968
SCALE = 1.0026538655307724


def activate(features: Tensor) -> Tensor:
    """Apply the scaled exponential linear unit with the authors' constants."""
    return F.elu(features, ALPHA) * SCALE


class BatchNorm(nn.Module):
    """Batch normalisation whose running variance is that of the batch, not an estimate from it.

    Source: TensorFlow's, which the authors use; momentum and epsilon are theirs.
    Differs from PyTorch's: no factor n/(n-1) in the running variance, and no counter.
    """

    MOMENTUM = 0.1
    EPSILON = 1e-5

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Normalise `(N, C, H, W)`: by the batch's statistics in training, else by the running."""
        affine = (self.weight, self.bias)
        if not self.training:
            return F.batch_norm(
                features, self.running_mean, self.running_var, *affine, eps=self.EPSILON
            )
        mean, variance = torch.zeros_like(self.running_mean), torch.zeros_like(self.running_var)
        normed = F.batch_norm(
            features, mean, variance, *affine, training=True, momentum=1.0, eps=self.EPSILON
        )
        count = features.numel() // features.shape[1]
        self.running_mean.lerp_(mean, self.MOMENTUM)
        self.running_var.lerp_(variance * ((count - 1) / count), self.MOMENTUM)
        return normed

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """Return what evaluation multiplies each channel by, and what it adds; float64."""
        scale = self.weight.double() * (self.running_var.double() + self.EPSILON).rsqrt()
        return scale, self.bias.double() - self.running_mean.double() * scale


class ActivatedNorm(nn.Module):
    """The activation, then one of several individual batch normalisations.

    Source: section 4.3 of the paper: a generator that is applied to photos and to the other
    generator's results shares its convolutions between the two, but no norms.
    """

    def __init__(self, channels: int, sets: int) -> None:
        super().__init__()
        self.sets = nn.ModuleList(BatchNorm(channels) for _ in range(sets))

    def forward(self, features: Tensor, norms: int) -> Tensor:
        """Map `(N, C, H, W)` to the same shape with the norm of this index."""
        return self.sets[norms](activate(features))

    def norm(self, index: int) -> BatchNorm:
        """The batch normalisation of this index."""
        norm = self.sets[index]
        assert isinstance(norm, BatchNorm)
        return norm


def draw_as_published(network: nn.Module) -> None:
    """Draw small weights, so that an untrained generator hardly changes an image; no biases.

    Source: the authors' code: normal with a variance of 1.3e-3 / (k * k * C_in), cut off at twice
    the standard deviation.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            inputs = module.weight[0].numel()
            deviation = (1.3e-3 / inputs) ** 0.5
            nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
