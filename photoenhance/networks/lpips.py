"""LPIPS on AlexNet: a distance between images learned from people's judgements."""

import torch
from torch import Tensor, nn

CHANNELS = (64, 192, 384, 256, 256)
# Mean and deviation of ImageNet's colours, for images in [-1, 1]. Source: the authors' code.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


class LPIPS(nn.Module):
    """Learned perceptual image patch similarity, version 0.1, on AlexNet.

    Its tensors are named as their publishers name them: `features.*` is torchvision's AlexNet,
    `lin0.model.1.weight` to `lin4.model.1.weight` are the authors' weights of each channel.

    Source: Zhang, Isola, Efros, Shechtman and Wang 2018, eq. 1, https://arxiv.org/abs/1801.03924;
    AlexNet as in Krizhevsky 2014, https://arxiv.org/abs/1404.5997.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
        )
        for index, channels in enumerate(CHANNELS):
            # The name in the middle is the published one.
            head = nn.ModuleDict({"model": nn.ModuleDict({"1": _weights_of(channels)})})
            self.add_module(f"lin{index}", head)
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, reference: Tensor) -> Tensor:
        """Compare `(N, 3, H, W)` in [0, 1], sides of at least 31, with the same; `(N,)`."""
        maps = zip(self._maps(image), self._maps(reference), strict=True)
        distances = []
        for index, (a, b) in enumerate(maps):
            weight = self.get_parameter(f"lin{index}.model.1.weight")
            difference = (a - b).square().mul(weight.view(1, -1, 1, 1)).sum(1)
            distances.append(difference.mean((1, 2)))
        return torch.stack(distances).sum(0)

    def _maps(self, image: Tensor) -> list[Tensor]:
        values, maps = (2 * image - 1 - self.shift) / self.scale, []
        for layer in self.features:
            values = layer(values)
            if isinstance(layer, nn.ReLU):
                maps.append(values / (values.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return maps


def _weights_of(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, 1, 1, bias=False)
