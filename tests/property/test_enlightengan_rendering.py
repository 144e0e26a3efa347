"""EnlightenGAN's tiles give the picture that the network gives for the whole photo."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from photoenhance.networks import enlightengan_schemes
from photoenhance.networks.enlightengan import EnlightenGANConfig, EnlightenGANGenerator

SIDES = st.integers(min_value=1, max_value=260)
TILES = st.sampled_from([16, 48, 80, 400])
BOUNDED = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def network(*, aligned: bool, halve_wide: bool = False, margin: int = 0) -> EnlightenGANGenerator:
    torch.manual_seed(11)
    config = EnlightenGANConfig(3, align_corners=aligned, halve_wide=halve_wide, margin=margin)
    generator = EnlightenGANGenerator(config)
    generator.initialise(gain=1.387, last=1.0)
    for norm in generator.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, -0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.3)
            nn.init.normal_(norm.running_mean, 0, 0.3)
            nn.init.uniform_(norm.running_var, 0.3, 2)
    return generator.double().eval()


@given(
    size=st.tuples(SIDES, SIDES),
    tile=st.tuples(TILES, TILES),
    options=st.fixed_dictionaries(
        {"aligned": st.booleans(), "margin": st.sampled_from([0, 0, 32])}
    ),
    values=st.sampled_from([1, 2_000, 1 << 24]),
)
@BOUNDED
def test_pieces_are_the_whole_to_the_last_digits(
    draw, render_in_pieces, size: tuple[int, int], tile, options, values: int
) -> None:
    generator = network(**options)
    image = torch.from_numpy(draw(*size)).permute(2, 0, 1)[None].double() / 255
    with torch.inference_mode():
        whole = generator(image)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enlightengan_schemes, "CHUNK_VALUES", values)
        for scheme in generator.schemes(*size):
            pieces = render_in_pieces(generator, scheme, image, tile)

            torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-12)
    assert (whole - image).std() > 0.01


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("size", [(1, 2210), (2, 2201), (34, 2260), (131, 2203)])
def test_halved_photos_are_tiled_exactly(
    draw, render_in_pieces, monkeypatch, size: tuple[int, int], aligned: bool
) -> None:
    monkeypatch.setattr(enlightengan_schemes, "STRIP_ROWS", 32)
    generator = network(aligned=aligned, halve_wide=True)
    image = torch.from_numpy(draw(*size)).permute(2, 0, 1)[None].double() / 255
    with torch.inference_mode():
        whole = generator(image)

    for scheme in generator.schemes(*size):
        pieces = render_in_pieces(generator, scheme, image, (64, 640))

        torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-12)
