"""DPE's tiles give the picture that the network gives for the whole photo."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photoenhance.networks.dpe import DPEConfig, DPEGenerator
from photoenhance.networks.dpe_layers import BatchNorm

SIDES = st.integers(min_value=1, max_value=220)
TILES = st.sampled_from([16, 48, 112])


@pytest.fixture(scope="module", params=["scaled", "native"])
def enhancing(request: pytest.FixtureRequest) -> DPEGenerator:
    torch.manual_seed(5)
    generator = DPEGenerator(DPEConfig(width=4, side=64, context=request.param))
    generator.initialise(gain=1.387, last=0.25)
    for module in generator.modules():
        if isinstance(module, BatchNorm):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            torch.nn.init.normal_(module.running_mean, 0, 0.3)
            torch.nn.init.uniform_(module.running_var, 0.3, 2)
    return generator.eval().requires_grad_(requires_grad=False)


@given(height=SIDES, width=SIDES, tile=st.tuples(TILES, TILES))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_tiles_agree_with_the_whole(
    enhancing: DPEGenerator,
    draw,
    render_in_pieces,
    height: int,
    width: int,
    tile: tuple[int, int],
) -> None:
    image = torch.from_numpy(draw(height, width)).permute(2, 0, 1)[None].float() / 255

    with torch.inference_mode():
        whole = enhancing(image)

    for scheme in enhancing.schemes(height, width):
        pieces = render_in_pieces(enhancing, scheme, image, tile)
        # How a processor adds up moves this by 1e-5; a step of 8 bits is 4e-3.
        torch.testing.assert_close(pieces, whole, rtol=0, atol=2e-5)
