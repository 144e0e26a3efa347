"""What every architecture must do, whatever its network is."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.dpe_layers import BatchNorm
from photoenhance.networks.generator import Generator, Scheme, Tile
from photoenhance.zoo import checkpoint
from photoenhance.zoo.load import load_generator

CONFIGS = {
    "dpe": {"width": 4, "side": 64},
    "enlightengan": {"width": 4},
    "uegan": {"width": 8},
}
SIZES = [(32, 32), (64, 48), (109, 83), (48, 208)]


@pytest.fixture(params=sorted(ARCHITECTURES))
def architecture(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def network(architecture: str) -> Generator:
    torch.manual_seed(3)
    parts = ARCHITECTURES[architecture]
    network = parts.generator(parts.config(**CONFIGS[architecture]))
    network.initialise(gain=1.387, last=0.25)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | BatchNorm):
            _pretend_trained(module)
    return network.eval()


def _pretend_trained(norm: nn.BatchNorm2d | BatchNorm) -> None:
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias, 0, 0.3)
    nn.init.normal_(norm.running_mean, 0, 0.3)
    nn.init.uniform_(norm.running_var, 0.3, 2)


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, -(-height // 8), -(-width // 8), generator=random)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return smooth * 0.9 + 0.1 * torch.rand(1, 3, height, width, generator=random)


@pytest.mark.parametrize("size", SIZES)
def test_the_result_is_an_image_of_the_same_size(network: Generator, size: tuple[int, int]) -> None:
    image = picture(*size)

    with torch.inference_mode():
        enhanced = network(image)

    assert enhanced.shape == image.shape
    assert enhanced.min() >= 0
    assert enhanced.max() <= 1
    assert (enhanced - image).std() > 0.02


def test_images_of_a_batch_do_not_touch_each_other(network: Generator) -> None:
    first, second = picture(64, 48, 1), picture(64, 48, 2)

    with torch.inference_mode():
        together = network(torch.cat([first, second]))
        alone = network(second)

    torch.testing.assert_close(together[1:], alone, rtol=0, atol=1e-5)


def test_every_layer_that_works_learns(network: Generator) -> None:
    (network(picture(64, 48)) ** 2).mean().backward()

    without = {name for name, value in network.named_parameters() if value.grad is None}

    # What instance normalisation removes again; UEGAN's checkpoints have it.
    assert all(".conv." in name or name.endswith(".fuse.0.bias") for name in without)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tile", [(32, 32), (48, 400)])
def test_pieces_equal_the_whole(
    network: Generator, render_in_pieces, size: tuple[int, int], tile: tuple[int, int]
) -> None:
    image = picture(*size)

    with torch.inference_mode():
        whole = network(image)

    for scheme in network.schemes(*size):
        pieces = render_in_pieces(network, scheme, image, tile)
        torch.testing.assert_close(pieces, whole, rtol=0, atol=1e-5)


def test_nothing_beyond_the_halo_reaches_the_interior(network: Generator) -> None:
    network.double()
    image = picture(352, 368).double()
    for scheme in network.schemes(352, 368):
        survey = _survey(scheme, image)
        for rows in (slice(0, 16), slice(160, 192), slice(336, 352)):
            columns = slice(176, 192)

            reached = _reached(scheme, survey, image, rows, columns)

            top = max(rows.start - scheme.halo, 0)
            bottom = min(rows.stop + scheme.halo, image.shape[2])
            assert not reached[:, :top].any()
            assert not reached[:, bottom:].any()
            assert not reached[:, :, : max(columns.start - scheme.halo, 0)].any()
            assert not reached[:, :, columns.stop + scheme.halo :].any()
            assert reached.any()


def _survey(scheme: Scheme, image: Tensor) -> object:
    height, width = image.shape[2:]
    whole = Tile(image, 0, 0, height, width, (slice(0, height), slice(0, width)))
    with torch.no_grad():
        return scheme.survey([whole])


def _reached(scheme: Scheme, survey: object, image: Tensor, rows: slice, columns: slice) -> Tensor:
    """Which pixels of the image move the interior, when nothing is cut off."""
    height, width = image.shape[2:]
    leaf = image.clone().requires_grad_()
    interior = (slice(0, height), slice(0, width))
    rendered = scheme.render(Tile(leaf, 0, 0, height, width, interior), survey)
    rendered[:, :, rows, columns].sum().backward()
    # What Winograd's sums do not need cancels, up to rounding.
    return leaf.grad[0].abs().sum(dim=0, keepdim=True) > 1e-12


def test_a_checkpoint_brings_the_generator_back(
    architecture: str, network: Generator, tmp_path: Path
) -> None:
    header = checkpoint.Header(architecture, dataclasses.asdict(network.config), "a test")
    checkpoint.write(tmp_path / "a.safetensors", network.state_dict(), header)
    image = picture(64, 48)

    loaded = load_generator(tmp_path / "a.safetensors")

    assert loaded.header == header
    with torch.inference_mode():
        torch.testing.assert_close(loaded.generator(image), network(image), rtol=0, atol=0)


def test_half_precision_on_disk_changes_the_result_by_less_than_a_level(
    architecture: str, network: Generator, tmp_path: Path
) -> None:
    header = checkpoint.Header(architecture, dataclasses.asdict(network.config), "a test")
    checkpoint.write(tmp_path / "a.safetensors", network.state_dict(), header, half=True)
    image = picture(64, 48)

    loaded = load_generator(tmp_path / "a.safetensors")

    with torch.inference_mode():
        difference = loaded.generator(image) - network(image)
    assert difference.abs().max() < 1 / 255
