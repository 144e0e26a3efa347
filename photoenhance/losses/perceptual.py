"""Distances between the features of two images."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Of relu1_1 to relu5_1 of VGG-19, as in the UEGAN authors' code.
UEGAN_LAYER_WEIGHTS = (1 / 64, 1 / 64, 1 / 32, 1 / 32, 1.0)


class FidelityLoss(nn.Module):
    """Squared distance of instance-normalised features, which leaves tone free and holds structure.

    Source: Ni et al. 2020 (UEGAN), section III-D; the normalisation and the weights of the layers
    are the authors' code's.
    Differs: where there are fewer feature maps than the authors have, the first weights are used,
    scaled to the same sum; without that, the two shallowest maps alone would weigh 1/35.

    Args:
        features: maps images to a list of feature maps; its parameters are not trained.
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, enhanced: Tensor, source: Tensor) -> Tensor:
        """Compare `(N, 3, H, W)` in [0, 1] with the same shape; a scalar, 0 for equal structure."""
        with torch.no_grad():
            wanted = self.features(source)
        weights = _weights(len(wanted))
        distances = [
            weight * F.mse_loss(F.instance_norm(a), F.instance_norm(b))
            for weight, a, b in zip(weights, self.features(enhanced), wanted, strict=True)
        ]
        return torch.stack(distances).sum()


def _weights(count: int) -> Sequence[float]:
    first = UEGAN_LAYER_WEIGHTS[:count]
    scale = sum(UEGAN_LAYER_WEIGHTS) / sum(first)
    return [weight * scale for weight in first]


class SelfFeaturePreserving(nn.Module):
    """Squared distance of instance-normalised features of an enhanced photo and of its source.

    Source: Jiang et al. 2021 (EnlightenGAN), eq. 7, https://arxiv.org/abs/1906.06972.
    Differs: the mean over all channels and places, and the normalisation for whole photos as well
    as for patches, as in the authors' code.

    Args:
        features: maps images to a list of feature maps, of which the last counts; its parameters
            are not trained. The authors' is relu5_1 of a VGG-16 with three poolings.
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, enhanced: Tensor, source: Tensor) -> Tensor:
        """Compare `(N, 3, H, W)` in [0, 1], which may be left, with the same shape; a scalar.

        The authors give the source before any darkening of what the generator sees.
        """
        with torch.no_grad():
            wanted = F.instance_norm(self.features(source)[-1])
        return F.mse_loss(F.instance_norm(self.features(enhanced)[-1]), wanted)
