"""UEGAN's forward pass in the published order of operations, as what to compare with."""

import torch
import torch.nn.functional as F
from torch import Tensor

from photoenhance.networks.uegan import GlobalAttention, UEGANGenerator


class PlainUEGAN(UEGANGenerator):
    """The same network without any folding: attention vectors, concatenation, upsampling first."""

    def forward(self, image: Tensor) -> Tensor:
        """Enhance whole images; `(N, 3, H, W)` in [0, 1]."""
        extension = self.extension(*image.shape[2:])
        image = extension.extend(image)
        maps = self.encode(image)
        decoded = _attend(self.ga5, maps[-1])
        for level in range(4, 0, -1):
            coarse = F.interpolate(decoded, scale_factor=2, mode="bilinear", align_corners=True)
            coarse = self.before_upsampling(level)(coarse)
            fine = _attend(self.attention(level), maps[level - 1])
            decoded = self.decoder(level)(torch.cat([coarse, fine], dim=1))
        return extension.crop(self.finish(image, self.dec5(decoded * maps[0])))


def _attend(attention: GlobalAttention, features: Tensor) -> Tensor:
    variance, mean = torch.var_mean(features, dim=(-2, -1), keepdim=True)
    vector = attention.conv(torch.cat([mean, (variance + attention.EPSILON).sqrt()], dim=1))
    repeated = vector.expand_as(features)
    return F.instance_norm(attention.fuse(torch.cat([features, repeated], dim=1)))
