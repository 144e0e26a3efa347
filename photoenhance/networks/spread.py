"""Enlarged kernels at almost the cost of the ones that they were made of.

An enlarged kernel's taps are the original ones, each spread over a box. So the boxes can be summed
first, by sums of neighbours that all taps share, and the original kernel be applied to the sums.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from photoenhance.networks.enlarged import mirror_axis

BLOCK_VALUES = 1 << 21  # of the input and what is made of it, worked out at a time
LEAST_ROWS = 4  # of a block, in margins: the fewer, the more is worked out twice


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution over mirrored borders, to be enlarged.

    Attributes:
        weight: `(C_out, C_in, k, k)`, k odd.
        bias: `(C_out,)`.
        stride: 1 or 2.
    """

    weight: Tensor
    bias: Tensor
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a layer's input channels.

    Attributes:
        features: `(1, C, h, w)`.
        is_doubled: whether every pixel stands for two by two of the input.
    """

    features: Tensor
    is_doubled: bool = False

    def rows(self, start: int, stop: int) -> Tensor:
        """Cut rows of the input out; `(1, C, stop - start, W)`."""
        if not self.is_doubled:
            return self.features[:, :, start:stop]
        coarse = self.features[:, :, start // 2 : (stop + 1) // 2]
        doubled = F.interpolate(coarse, scale_factor=2, mode="nearest")
        return doubled[:, :, start % 2 : start % 2 + stop - start]


def convolve(parts: Sequence[Part], layer: Layer, scale: int) -> Tensor:
    """Apply a layer, its kernel enlarged, to the parts joined; a block of rows at a time.

    Equals `MirroredConv` up to rounding.

    Args:
        parts: of equal size, in the order of the layer's input channels.
        layer: what to apply.
        scale: of the kernel; 1 leaves it as it is.
    """
    first = parts[0].features
    factor = 2 if parts[0].is_doubled else 1
    height, width = factor * first.shape[2], factor * first.shape[3]
    stride, margin = layer.stride, scale * (layer.weight.shape[-1] // 2)
    kernels = _Kernels(layer, scale)
    rows = max(BLOCK_VALUES // (kernels.values * width), LEAST_ROWS * margin, 1)
    outputs = -(-height // stride)
    whole: Tensor | None = None
    for start in range(0, outputs, rows):
        stop = min(start + rows, outputs)
        wanted = slice(stride * start - margin, stride * (stop - 1) + margin + 1)
        done = kernels.apply(mirror_axis(_cut(parts, wanted, height), 3, (margin, margin)))
        if whole is None:
            whole = done.new_empty((1, done.shape[1], outputs, done.shape[3]))
        whole[:, :, start:stop] = done
    assert whole is not None
    return whole


def _cut(parts: Sequence[Part], rows: slice, height: int) -> Tensor:
    """Cut rows out of the parts and join them; rows beyond the borders are mirrored."""
    start, stop = max(rows.start, 0), min(rows.stop, height)
    joined = torch.cat([part.rows(start, stop) for part in parts], dim=1)
    return mirror_axis(joined, 2, (start - rows.start, rows.stop - stop))


class _Kernels:
    """A layer's kernel, taken apart for the order of work that costs least."""

    def __init__(self, layer: Layer, scale: int) -> None:
        self.layer = layer
        self.scale = scale
        outputs, inputs, self.kernel, _ = layer.weight.shape
        self.is_spread = scale > 1 and self.kernel > 1
        # Fewer channels come out than go in: sum their boxes along the columns only afterwards.
        self.is_late = layer.stride == 1 and outputs <= inputs
        self.values = inputs if not self.is_spread else self.kernel * max(inputs, outputs)
        taps = scale * (self.kernel - 1) + 1
        weight = layer.weight * (self.kernel / taps) ** 2 if self.is_spread else layer.weight
        if self.is_spread and self.is_late:
            mixed = weight.permute(2, 0, 3, 1).reshape(self.kernel * outputs, -1)
        else:
            mixed = weight.permute(0, 3, 2, 1).reshape(outputs, -1)
        self.mixed = mixed[:, :, None, None] if self.is_spread else weight

    def apply(self, block: Tensor) -> Tensor:
        """Map a block with its margins to the layer's outputs inside them."""
        if not self.is_spread:
            return F.conv2d(block, self.mixed, self.layer.bias, self.layer.stride)
        if self.is_late:
            mixed = self._over_rows(block, 1, None)
            groups = mixed.chunk(self.kernel, dim=1)
            total = self.layer.bias.view(1, -1, 1, 1).to(mixed.dtype)
            for k, group in enumerate(groups):
                total = total + _Boxes(group, 2, self.kernel, self.scale, 1).box(k)
            return total
        summed = _Boxes(block, 2, self.kernel, self.scale, self.layer.stride).all()
        return self._over_rows(summed, self.layer.stride, self.layer.bias)

    def _over_rows(self, features: Tensor, stride: int, bias: Tensor | None) -> Tensor:
        """Sum boxes along each row, then mix channels; few rows at a time, to stay in the cache."""
        values = self.kernel * features.shape[1] * features.shape[3] // stride
        done = []
        for rows in _runs(features.shape[2], max(BLOCK_VALUES // values, 1)):
            boxes = _Boxes(features[:, :, rows], 3, self.kernel, self.scale, stride)
            done.append(F.conv2d(boxes.all(), self.mixed, bias))
        return torch.cat(done, dim=2)


def _runs(length: int, most: int) -> Iterator[slice]:
    for start in range(0, length, most):
        yield slice(start, min(start + most, length))


class _Boxes:
    """The boxes that an enlarged kernel's taps are spread over, summed along one axis.

    Box j of the k covers [j*n/k, (j+1)*n/k] of the n taps; a tap partly in it counts partly.
    """

    def __init__(self, features: Tensor, dim: int, kernel: int, scale: int, stride: int) -> None:
        self.dim = dim
        self.kernel = kernel
        self.stride = stride
        self.taps = scale * (kernel - 1) + 1
        self.count = (features.shape[dim] - self.taps) // stride + 1
        # Even and odd samples apart, so that all sums are of neighbours.
        phases = [_every(features, dim, phase, stride) for phase in range(stride)]
        self._sums = [{1: phase} for phase in phases]

    def all(self) -> Tensor:
        """Return all boxes' sums, `(1, k * C, ...)`."""
        return torch.cat([self.box(k) for k in range(self.kernel)], dim=1)

    def box(self, index: int) -> Tensor:
        """Return one box's sum at each output."""
        begin, end = index * self.taps, (index + 1) * self.taps  # in units of 1/k of a tap
        first, last = -(-begin // self.kernel), end // self.kernel
        total = self._run(first, last)
        for tap, part in ((first - 1, first * self.kernel - begin), (last, end % self.kernel)):
            if part:
                sample = self._sample(tap % self.stride, tap // self.stride, 1)
                total = torch.add(total, sample, alpha=part / self.kernel)
        return total

    def _run(self, first: int, last: int) -> Tensor:
        """Sum the taps from `first` to before `last`."""
        total: Tensor | None = None
        for phase in range(self.stride):
            start = -(-(first - phase) // self.stride)
            length = -(-(last - phase) // self.stride) - start
            if length:
                part = self._sample(phase, start, length)
                total = part if total is None else total + part
        assert total is not None
        return total

    def _sample(self, phase: int, start: int, length: int) -> Tensor:
        return self._sum(phase, length).narrow(self.dim, start, self.count)

    def _sum(self, phase: int, length: int) -> Tensor:
        """Sum each run of this many neighbours, from sums of half as many."""
        sums = self._sums[phase]
        if length not in sums:
            half = length // 2
            count = sums[1].shape[self.dim] - length + 1
            before = self._sum(phase, half).narrow(self.dim, 0, count)
            after = self._sum(phase, length - half).narrow(self.dim, half, count)
            sums[length] = before + after
        return sums[length]


def _every(features: Tensor, dim: int, first: int, step: int) -> Tensor:
    if step == 1:
        return features
    index = slice(first, None, step)
    return features[:, :, index] if dim == 2 else features[:, :, :, index].contiguous()
