"""Generators for photos of any size as graphs: sizes are tensors, and nothing is decided by them.

A graph is recorded from one run, so whatever depends on the photo's size must be arithmetic on
tensors. `networks.extension` and `networks.thumbnail` say what that arithmetic must give.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from photoenhance.networks.dpe import DPEGenerator
from photoenhance.networks.enlightengan import EnlightenGANGenerator
from photoenhance.networks.generator import Generator
from photoenhance.networks.thumbnail import LOBES
from photoenhance.networks.uegan import UEGANGenerator

Sides = Callable[[Tensor], tuple[Tensor, Tensor]]  # an axis' length -> pixels before and after it


def any_size(generator: Generator) -> nn.Module | None:
    """Wrap a generator so that it can be recorded for photos of any size, if it can be."""
    if isinstance(generator, UEGANGenerator):
        return _AnySize(generator, generator.forward, _at_the_end)
    if isinstance(generator, EnlightenGANGenerator) and not generator.config.halve_wide:
        sides = partial(_centred, margin=generator.config.margin)
        return _AnySize(generator, generator.extended, sides)
    if isinstance(generator, DPEGenerator) and generator.config.context == "native":
        return _AnySizeDPE(generator)
    return None


class _AnySize(nn.Module):
    """A generator behind the extension that its own `extension` would choose.

    Args:
        generator: with the weights.
        enhance: what it does with an extended image.
        sides: the extension.
    """

    def __init__(
        self, generator: Generator, enhance: Callable[[Tensor], Tensor], sides: Sides
    ) -> None:
        super().__init__()
        self.generator = generator
        self.enhance = enhance
        self.sides = sides

    def forward(self, image: Tensor) -> Tensor:
        """Extend, enhance and crop `(N, 3, H, W)`."""
        height, width = _length(image, 2), _length(image, 3)
        top, bottom = self.sides(height)
        left, right = self.sides(width)
        extended = _reflected(_reflected(image, 2, top, bottom), 3, left, right)
        enhanced = self.enhance(extended)
        return enhanced[:, :, top : top + height, left : left + width]


class _AnySizeDPE(nn.Module):
    """DPE with kernels as they were trained; larger photos are seen whole as a small copy.

    A photo no larger than the training's square is its own small copy: resampling to the same size
    changes nothing. So one path serves both.
    """

    def __init__(self, generator: DPEGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> Tensor:
        """Enhance `(N, 3, H, W)`."""
        side = self.generator.config.side
        lengths = _length(image, 2), _length(image, 3)
        longest = torch.maximum(*lengths)
        square, extended = image, image
        for dim, length in zip((2, 3), lengths, strict=True):
            reduced = torch.round(length.double() * side / longest).long().clamp(min=1)
            reduced = torch.where(longest <= side, length, reduced)
            square = _resampled(square, dim, reduced)
            wanted = torch.where(
                longest <= side, torch.full_like(length, side), _rounded_up(length)
            )
            extended = _mirrored(extended, dim, wanted)
        square = square.clamp(0, 1)
        for dim in (2, 3):
            square = _mirrored(square, dim, torch.tensor(side))
        vector = self.generator.survey(square.reshape(-1, 3, side, side))
        skips, deep = self.generator.encode(extended, 0)
        enhanced = self.generator.decode(extended, skips, deep, vector, 0, 1)
        return enhanced[:, :, : lengths[0], : lengths[1]].clamp(0, 1)


def _at_the_end(length: Tensor) -> tuple[Tensor, Tensor]:
    wanted = _rounded_up(length).clamp(min=UEGANGenerator.smallest)
    return torch.zeros_like(length), wanted - length


def _centred(length: Tensor, margin: int) -> tuple[Tensor, Tensor]:
    missing = _rounded_up(length) - length
    return margin + missing // 2, margin + missing - missing // 2


def _rounded_up(length: Tensor) -> Tensor:
    """The next multiple of 16, which every network has."""
    return (length + 15) // 16 * 16


def _length(image: Tensor, dim: int) -> Tensor:
    """An axis' length; a tensor while the graph is recorded, and made one otherwise."""
    return torch.as_tensor(image.shape[dim])


def _run(length: Tensor) -> Tensor:
    return torch.arange(length)  # type: ignore[call-overload]  # a number that is a tensor


def _reflected(image: Tensor, dim: int, before: Tensor, after: Tensor) -> Tensor:
    """Mirror an axis beyond both ends, without repeating them."""
    length = _length(image, dim)
    period = (2 * (length - 1)).clamp(min=1)
    places = torch.remainder(_run(length + before + after) - before, period)
    return image.index_select(dim, torch.minimum(places, period - places))


def _mirrored(image: Tensor, dim: int, wanted: Tensor) -> Tensor:
    """Mirror an axis beyond its end up to a length, with its last pixel repeated."""
    period = 2 * _length(image, dim)
    places = torch.remainder(_run(wanted), period)
    return image.index_select(dim, torch.minimum(places, period - 1 - places))


def _resampled(image: Tensor, dim: int, wanted: Tensor) -> Tensor:
    """Resample an axis to a length as `networks.thumbnail.lanczos` does."""
    length = _length(image, dim)
    step = length.double() / wanted
    stretch = step.clamp(min=1)
    centres = ((_run(wanted) + 0.5) * step)[:, None]
    places = _run(length)[None].double()
    first = torch.floor((centres - LOBES * stretch + 0.5).clamp(min=0))
    stop = torch.floor(torch.minimum(centres + LOBES * stretch + 0.5, length.double()))
    distances = (places + 0.5 - centres) / stretch
    weights = _sinc(distances) * _sinc(distances / LOBES)
    inside = (places >= first) & (places < stop) & (distances.abs() < LOBES)
    weights = torch.where(inside, weights, torch.zeros_like(weights))
    weights = (weights / weights.sum(dim=1, keepdim=True)).float()
    return weights @ image if dim == 2 else image @ weights.transpose(0, 1)


def _sinc(values: Tensor) -> Tensor:
    """The sine of pi x over pi x, in what ONNX knows."""
    nonzero = torch.where(values == 0, torch.ones_like(values), values) * torch.pi
    return torch.where(values == 0, torch.ones_like(values), torch.sin(nonzero) / nonzero)
