"""Distances between the features of two images."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Of relu1_1 to relu5_1, as in the authors' code.
UEGAN_LAYER_WEIGHTS = (1 / 64, 1 / 64, 1 / 32, 1 / 32, 1.0)


class FidelityLoss(nn.Module):
    """Squared distance of instance-normalised features, which leaves tone free and holds structure.

    Source: Ni et al. 2020 (UEGAN), section III-D; the normalisation and the weights of the layers
    are the authors' code's.

    Args:
        features: maps images to a list of feature maps, without trainable parameters.
        weights: one for each of them; when fewer layers are at hand than the paper has, the
            first weights are used.
    """

    def __init__(
        self, features: nn.Module, weights: Sequence[float] = UEGAN_LAYER_WEIGHTS
    ) -> None:
        super().__init__()
        self.features = features
        self.weights = tuple(weights)

    def forward(self, enhanced: Tensor, source: Tensor) -> Tensor:
        """Compare `(N, 3, H, W)` in [0, 1] with the same shape; a scalar, 0 for equal structure."""
        with torch.no_grad():
            wanted = self.features(source)
        distances = [
            weight * F.mse_loss(F.instance_norm(a), F.instance_norm(b))
            for weight, a, b in zip(self.weights, self.features(enhanced), wanted, strict=False)
        ]
        return torch.stack(distances).sum()
