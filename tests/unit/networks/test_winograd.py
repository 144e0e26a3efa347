import pytest
import torch

from photoenhance.networks.folding import Folded
from photoenhance.networks.winograd import Winograd, fastest


def convolution(dtype: torch.dtype) -> Folded:
    torch.manual_seed(1)
    return Folded(torch.randn(6, 16, 3, 3, dtype=dtype) / 12, torch.randn(6, dtype=dtype))


@pytest.mark.parametrize("height", [1, 3, 4, 6, 8, 13])
def test_it_is_the_convolution_for_any_number_of_rows(height: int) -> None:
    folded = convolution(torch.float64)
    features = torch.randn(1, 16, height + 2, 9, dtype=torch.float64)

    result = Winograd(folded)(features)

    torch.testing.assert_close(result, folded(features), rtol=0, atol=1e-12)


def test_single_precision_loses_little() -> None:
    folded = convolution(torch.float32)
    features = torch.randn(1, 16, 66, 40)

    exact = Folded(folded.weight.double(), folded.bias.double())(features.double())
    result = Winograd(folded)(features)

    assert (result - exact).abs().max() < 2e-5
    assert (result - exact).abs().max() > 0


def test_half_precision_is_left_to_the_plain_convolution() -> None:
    folded = convolution(torch.float32)

    with torch.autocast("cpu", torch.bfloat16):
        chosen = fastest(folded)

    assert chosen is folded
    assert isinstance(fastest(folded), Winograd)
