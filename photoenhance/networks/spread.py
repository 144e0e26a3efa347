"""Enlarged kernels at almost the cost of the ones that they were made of.

An enlarged kernel's taps are the original ones, each spread over a box. So the boxes can be summed
first, by sums of neighbours that all taps share, and the original kernel be applied to the sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK_VALUES = 1 << 19  # of the input and what is made of it, worked out at a time
LEAST_ROWS = 8  # of a block, in margins: the fewer, the more is worked out twice


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

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the input."""
        factor = 2 if self.is_doubled else 1
        return factor * self.features.shape[2], factor * self.features.shape[3]

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
    height, width = parts[0].size
    kernels = _Kernels(layer, scale)
    rows = max(BLOCK_VALUES // (kernels.values * width), LEAST_ROWS * kernels.margin, 1)
    outputs = -(-height // layer.stride)
    whole: Tensor | None = None
    for start, stop in pairwise(_edges(outputs, rows)):
        done = kernels.apply(parts, start, stop)
        if whole is None:
            whole = room_like(done, outputs, done.shape[3])
        whole[:, :, start:stop] = done
    assert whole is not None
    return whole


def room_like(features: Tensor, height: int, width: int) -> Tensor:
    """Make room for a map with as many channels, in the same order, which is of this size."""
    is_last = features.is_contiguous(memory_format=torch.channels_last)
    return torch.empty(
        (1, features.shape[1], height, width),
        dtype=features.dtype,
        device=features.device,
        memory_format=torch.channels_last if is_last else torch.contiguous_format,
    )


def _edges(length: int, most: int) -> list[int]:
    """Cut a length into about equal runs, none shorter than half of `most` if there are two."""
    count = -(-length // most)
    return [length * k // count for k in range(count + 1)]


def _cut(parts: Sequence[Part], rows: slice, margin: int, order: torch.memory_format) -> Tensor:
    """Join rows of the parts, with margins at the sides; what lies beyond borders is mirrored."""
    height, width = parts[0].size
    start, stop = max(rows.start, 0), min(rows.stop, height)
    channels = sum(part.features.shape[1] for part in parts)
    shape = (1, channels, rows.stop - rows.start, width + 2 * margin)
    like = parts[0].features
    block = torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=order)
    above, below = start - rows.start, rows.stop - stop
    inside = block[:, :, above : above + stop - start]
    first = 0
    for part in parts:
        last = first + part.features.shape[1]
        inside[:, first:last, :, margin : margin + width] = part.rows(start, stop)
        first = last
    if margin:
        inside[..., :margin] = inside[..., margin : 2 * margin].flip(3)
        inside[..., -margin:] = inside[..., -2 * margin : -margin].flip(3)
    if above:
        block[:, :, :above] = inside[:, :, :above].flip(2)
    if below:
        block[:, :, -below:] = inside[:, :, -below:].flip(2)
    return block


class _Kernels:
    """A layer's kernel, taken apart for the order of work that costs least.

    Attributes:
        margin: how far the enlarged kernel sees to each side.
        values: made of each column of an output row, about.
        order: of the values of a block in memory.
    """

    def __init__(self, layer: Layer, scale: int) -> None:
        self.layer = layer
        self.scale = scale
        outputs, inputs, self.kernel, _ = layer.weight.shape
        self.margin = scale * (self.kernel // 2)
        self.is_spread = scale > 1 and self.kernel > 1
        # On a CPU, convolutions are a fifth faster with channels last; sums of neighbours slower.
        self.order = torch.contiguous_format if self.is_spread else torch.channels_last
        # Fewer channels come out than go in: sum their boxes along the columns only afterwards.
        self.is_late = self.is_spread and layer.stride == 1 and outputs <= inputs
        self.values = self.kernel * max(inputs, outputs) if self.is_spread else inputs
        self.mixing = layer.weight
        if self.is_spread:
            order = (2, 0, 3, 1) if self.is_late else (0, 3, 2, 1)
            rows = self.kernel * outputs if self.is_late else outputs
            share = (self.kernel / (2 * self.margin + 1)) ** 2
            self.mixing = (share * layer.weight).permute(order).reshape(rows, -1)[..., None, None]
        self._seen: Tensor | None = None  # the last rows that the block before has mixed

    def apply(self, parts: Sequence[Part], start: int, stop: int) -> Tensor:
        """Work a run of output rows out; runs follow each other from the first row on."""
        stride, bias = self.layer.stride, self.layer.bias
        wanted = slice(stride * start - self.margin, stride * (stop - 1) + self.margin + 1)
        if self.is_late:
            return self._summed(self._mixed_so_far(parts, wanted))
        block = _cut(parts, wanted, self.margin, self.order)
        if not self.is_spread:
            return F.conv2d(block, self.mixing, bias, stride)
        boxes = _Boxes(block, 2, self.kernel, self.scale, stride)
        return self._mixed(boxes.all(), stride, bias)

    def _mixed_so_far(self, parts: Sequence[Part], wanted: slice) -> Tensor:
        """Mix the rows that are wanted; those that the run before has mixed are at hand."""
        if self._seen is not None:
            new = slice(wanted.start + 2 * self.margin, wanted.stop)
            mixed = self._mixed(_cut(parts, new, self.margin, self.order), 1, None)
            mixed = torch.cat([self._seen, mixed], dim=2)
        else:
            mixed = self._mixed(_cut(parts, wanted, self.margin, self.order), 1, None)
        self._seen = mixed[:, :, -2 * self.margin :]
        return mixed

    def _mixed(self, features: Tensor, stride: int, bias: Tensor | None) -> Tensor:
        """Sum boxes along each row, then mix channels; few rows at a time, to stay in the cache."""
        values = self.kernel * features.shape[1] * features.shape[3] // stride
        done = []
        for start, stop in pairwise(_edges(features.shape[2], max(BLOCK_VALUES // values, 1))):
            boxes = _Boxes(features[:, :, start:stop], 3, self.kernel, self.scale, stride)
            done.append(F.conv2d(boxes.all(), self.mixing, bias))
        return torch.cat(done, dim=2)

    def _summed(self, mixed: Tensor) -> Tensor:
        """Sum boxes along the columns of channels that are mixed already, a group for each."""
        total = self.layer.bias.view(1, -1, 1, 1).to(mixed.dtype)
        for k, group in enumerate(mixed.chunk(self.kernel, dim=1)):
            total = total + _Boxes(group, 2, self.kernel, self.scale, 1).box(k)
        return total


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
