"""A 3x3 convolution in half the multiplications."""

import torch
import torch.nn.functional as F
from torch import Tensor

from photoenhance.networks.bands import empty
from photoenhance.networks.folding import Folded

ROWS = 4  # that are worked out together

# Of three taps along the rows, the six factors that four outputs share.
TAPS = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)


class Winograd:
    """A convolution of 3x3 without padding, four rows at a time by Winograd's F(4, 3).

    Along the columns it stays as it is, which costs less in transforms and in digits than saving
    there too. Single precision loses about three times what it loses in the convolution itself.

    Source: Lavin and Gray 2016, Fast Algorithms for Convolutional Neural Networks, section 4.3,
    https://arxiv.org/abs/1509.09308.
    """

    def __init__(self, folded: Folded) -> None:
        taps = torch.tensor(TAPS, dtype=torch.float64, device=folded.weight.device)
        weights = torch.einsum("kr,oirc->koic", taps, folded.weight.double())[:, :, :, None]
        self.weights = tuple(
            weight.contiguous(memory_format=torch.channels_last)
            for weight in weights.to(folded.weight.dtype)
        )

        self.folded = folded

    def __call__(self, features: Tensor) -> Tensor:
        """Convolve `(1, C, h + 2, w + 2)` to `(1, C_out, h, w)`; rows beyond fours are slower."""
        whole = (features.shape[2] - 2) // ROWS * ROWS
        if whole == 0:
            return self.folded(features)
        joined = self._in_fours(features[:, :, : whole + 2])
        if whole + 2 == features.shape[2]:
            return joined
        return torch.cat([joined, self.folded(features[:, :, whole:])], dim=2)

    def _in_fours(self, features: Tensor) -> Tensor:
        m = [
            F.conv2d(rows, weight)
            for rows, weight in zip(_spread(features), self.weights, strict=True)
        ]
        count, width = m[0].shape[2:]
        joined = empty((1, m[0].shape[1], ROWS * count, width), like=m[0])
        bias = self.folded.bias.view(-1, 1, 1)
        even, odd = m[1] + m[2], m[1] - m[2]
        wide, skew = m[3] + m[4], m[3] - m[4]
        joined[:, :, 0::4] = m[0].add_(even).add_(wide).add_(bias)
        joined[:, :, 1::4] = torch.add(odd, skew, alpha=2).add_(bias)
        joined[:, :, 2::4] = even.add_(wide, alpha=4).add_(bias)
        joined[:, :, 3::4] = m[5].add_(odd).add_(skew, alpha=8).add_(bias)
        return joined


def fastest(folded: Folded) -> Folded | Winograd:
    """Choose how a 3x3 convolution of many channels is best computed here.

    GPUs choose for themselves, and half precision has no digits to lose in transforms.
    """
    kind, dtype = folded.weight.device.type, folded.weight.dtype
    exact = dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled(kind)
    return Winograd(folded) if kind == "cpu" and exact else folded


def _spread(features: Tensor) -> list[Tensor]:
    """Combine each six rows, four further down each time, to the six factors."""
    rows = features.shape[2]
    d = [features[:, :, k : rows - 5 + k : 4] for k in range(6)]
    outer, inner = torch.add(d[4], d[2], alpha=-4), torch.add(d[3], d[1], alpha=-4)
    late, early = d[4] - d[2], d[3] - d[1]
    return [
        torch.add(late, d[0] - d[2], alpha=4),
        outer + inner,
        outer - inner,
        torch.add(late, early, alpha=2),
        torch.sub(late, early, alpha=2),
        torch.sub(d[5] - d[3], early, alpha=4),
    ]
