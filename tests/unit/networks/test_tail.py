from itertools import pairwise

import pytest
import torch
from torch import nn

from photoenhance.networks.tail import Tail, TailRows
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator


@pytest.mark.parametrize("cuts", [(), (12,), (9, 20, 31, 33)])
def test_bands_of_the_tail_are_the_two_convolutions_up_to_the_borders(cuts: tuple[int]) -> None:
    torch.manual_seed(5)
    generator = UEGANGenerator(UEGANConfig(width=8)).double().requires_grad_(requires_grad=False)
    nn.init.normal_(generator.dec5.get_parameter("0.main.1.bias"))
    features = torch.randn(1, 8, 48, 32, dtype=torch.float64)
    rows, edges = TailRows(Tail(*generator.ending)), [0, *cuts, 48]

    residual = torch.cat(
        [
            rows.push(features[:, :, start:stop], is_last=stop == 48)
            for start, stop in pairwise(edges)
        ],
        dim=2,
    )

    torch.testing.assert_close(residual, generator.dec5(features))
