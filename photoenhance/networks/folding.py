"""Convolutions of UEGAN with its image's statistics, or with one another, folded in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from photoenhance.networks.moments import Moments

if TYPE_CHECKING:
    from photoenhance.networks.uegan import GlobalAttention


@dataclass(frozen=True, slots=True)
class Folded:
    """A convolution without padding.

    Attributes:
        weight: `(C_out, C_in, k, k)`.
        bias: `(C_out,)`.
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, features: Tensor, *, stride: int = 1, columns: int = 0) -> Tensor:
        """Convolve `(N, C_in, H, W)`; `columns` of zeros are added on both sides."""
        if self.weight.shape[2:] == (1, 1):
            return projected(features, self.weight, self.bias)
        return F.conv2d(features, self.weight, self.bias, stride, (0, columns))


def projected(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a 1x1 convolution as the matrix product that it is where channels lie last.

    With one thread, torch would take a slow way.
    """
    return F.linear(features.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)


def plain(convolution: nn.Conv2d) -> Folded:
    """Fold nothing into a convolution."""
    weight, bias = convolution.weight, convolution.bias
    assert bias is not None
    return Folded(weight, bias)


def normalised(
    convolution: nn.Conv2d, attention: "GlobalAttention", moments: Moments, *, first: int
) -> Folded:
    """Put normalised attention in front of all inputs of a convolution from the `first` on."""
    weight, bias = convolution.weight, convolution.bias
    assert bias is not None
    scale, shift = (attention.gain * x for x in moments.scale_and_shift(attention.EPSILON))
    before, after = weight[:, :first].double(), weight[:, first:].double()
    composed = torch.einsum(
        "ojyx,ji->oiyx", after * scale[:, None, None], attention.weight[:, :, 0, 0].double()
    )
    shifted = bias.double() + torch.einsum("ojyx,j->o", after, shift)
    return _folded(torch.cat([before, composed], dim=1), shifted, like=weight)


def composed(first: nn.Conv2d, second: nn.Conv2d) -> Folded:
    """Make one convolution of two with nothing between them: kernels of 3 and 7 make one of 9."""
    assert first.bias is not None
    assert second.bias is not None
    margin = second.kernel_size[0] - 1
    inner, outer = first.weight.double(), second.weight.double()
    spread = F.pad(inner.transpose(0, 1), (margin,) * 4)
    weight = F.conv2d(spread, outer.flip(2, 3)).transpose(0, 1)
    bias = second.bias.double() + torch.einsum("ojyx,j->o", outer, first.bias.double())
    return _folded(weight, bias, like=first.weight)


def in_blocks(folded: Folded) -> Folded:
    """Let a convolution give four neighbours at once, as channels for `pixel_shuffle`.

    With stride 2 and a kernel one larger, it has four times the channels. Few output channels use a
    CPU's vectors badly: of 3, 16 are computed; of 12, 16 too.
    """
    outputs, inputs, kernel, _ = folded.weight.shape
    weight = folded.weight.new_zeros(outputs, 2, 2, inputs, kernel + 1, kernel + 1)
    for row in range(2):
        for column in range(2):
            taps = weight[:, row, column, :, row : row + kernel, column : column + kernel]
            taps.copy_(folded.weight)
    shape = (4 * outputs, inputs, kernel + 1, kernel + 1)
    return Folded(weight.reshape(shape), folded.bias.repeat_interleave(4))


def _folded(weight: Tensor, bias: Tensor, *, like: Tensor) -> Folded:
    return Folded(weight.to(like.dtype), bias.to(like.dtype))
