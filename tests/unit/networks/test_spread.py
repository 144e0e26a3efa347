import pytest
import torch
from torch import Tensor

from photoenhance.networks import spread
from photoenhance.networks.enlarged import MirroredConv, spreading
from photoenhance.networks.spread import Layer, Part, convolve

LAYERS = {"wider": (3, 5, 3, 1), "narrower": (6, 4, 3, 1), "halved": (4, 6, 5, 2)}


@pytest.fixture(params=LAYERS)
def convolution(request: pytest.FixtureRequest) -> MirroredConv:
    torch.manual_seed(1)
    return MirroredConv(*LAYERS[request.param]).double().requires_grad_(requires_grad=False)


def layer_of(convolution: MirroredConv) -> Layer:
    return Layer(convolution.weight, convolution.bias, convolution.stride[0])


def features(channels: int, height: int = 52, width: int = 46) -> Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.rand(1, channels, height, width, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 5, 7, 11])
def test_sums_of_boxes_equal_the_enlarged_kernel(convolution: MirroredConv, scale: int) -> None:
    image = features(convolution.in_channels)

    fast = convolve([Part(image)], layer_of(convolution), scale)

    torch.testing.assert_close(fast, convolution(image, scale), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_blocks_of_rows_join_without_a_seam(
    convolution: MirroredConv, monkeypatch: pytest.MonkeyPatch, scale: int
) -> None:
    monkeypatch.setattr(spread, "BLOCK_VALUES", 1)
    monkeypatch.setattr(spread, "LEAST_ROWS", 4)
    image = features(convolution.in_channels)

    fast = convolve([Part(image)], layer_of(convolution), scale)

    torch.testing.assert_close(fast, convolution(image, scale), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1, 2])
def test_parts_are_doubled_and_joined_in_order(monkeypatch: pytest.MonkeyPatch, scale: int) -> None:
    monkeypatch.setattr(spread, "BLOCK_VALUES", 1)
    torch.manual_seed(1)
    convolution = MirroredConv(5, 2, 3).double().requires_grad_(requires_grad=False)
    coarse, fine = features(3, 24, 20), features(2, 48, 40)
    doubled = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    fast = convolve([Part(coarse, is_doubled=True), Part(fine)], layer_of(convolution), scale)

    whole = convolution(torch.cat([doubled, fine], dim=1), scale)
    torch.testing.assert_close(fast, whole, rtol=0, atol=1e-12)


def test_boxes_of_three_taps_over_five() -> None:
    boxes = spreading(3, 2).T

    # Each tap is a box of 5/3: the first covers one tap whole and two thirds of the next.
    expected = [[0.6, 0.4, 0, 0, 0], [0, 0.2, 0.6, 0.2, 0], [0, 0, 0, 0.4, 0.6]]
    torch.testing.assert_close(torch.from_numpy(boxes), torch.tensor(expected).double())
