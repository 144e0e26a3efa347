import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from photoenhance.errors import DeviceError, ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.generator import Generator, Scheme, Tile

CPU = torch.device("cpu")


class Brighter(Generator):
    """Adds a tenth, and fails on pieces of more pixels than it is allowed."""

    multiple = 16
    smallest = 32
    whole_bytes = 100.0

    def __init__(self, most_pixels: int = 1 << 40) -> None:
        super().__init__()
        self.most_pixels = most_pixels

    def initialise(self, *, gain: float, last: float) -> None:
        del gain, last

    def initialise_as_published(self) -> None:
        pass

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[2] * image.shape[3] > self.most_pixels:
            raise MemoryError
        return (image + 0.1).clamp(max=1)

    def schemes(self, height, width) -> list[Scheme]:
        return [Pieces(self, "strips"), Pieces(self, "tiles")]


class Pieces(Scheme):
    survey_halo = 0
    halo = 16
    held_bytes = 0.0
    tile_bytes = 100.0

    def __init__(self, generator: Brighter, name: str) -> None:
        self.generator = generator
        self.name = name

    def survey(self, tiles: Iterable[Tile]) -> None:
        for tile in tiles:
            self.generator(tile.image)

    def render(self, tile: Tile, survey: None) -> Tensor:
        return self.generator(tile.image)


class Broken(Brighter):
    def forward(self, image: Tensor) -> Tensor:
        return image * torch.nan


class Flat(Brighter):
    def forward(self, image: Tensor) -> Tensor:
        return torch.full_like(image, 0.5)


class AllWhite(Brighter):
    """Gives white whatever it sees, as bright photos may become."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.ones_like(image)


class FlatInHalf(Brighter):
    def forward(self, image: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu"):
            return torch.full_like(image, 0.5)
        return super().forward(image)


class BrokenInHalf(Brighter):
    def forward(self, image: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu"):
            return image * torch.nan
        return super().forward(image)


def test_strength_0_gives_the_pixels_back(draw) -> None:
    photo = Photo(draw(50, 40))

    enhanced = Enhancer(Brighter(), CPU, strength=0).enhance(photo)

    assert enhanced.photo is photo
    assert enhanced.rendering == "none"


def test_strength_blends() -> None:
    photo = Photo(np.full((20, 20, 3), 100, np.uint8))
    photo.pixels[0, 0] = 0

    halfway = Enhancer(Brighter(), CPU, strength=0.5).enhance(photo).photo.pixels

    assert halfway[5, 5].tolist() == [113, 113, 113]  # 100 + 0.05 * 255


def test_deep_photos_keep_their_depth() -> None:
    ramp = np.repeat(np.arange(0, 50_000, 5, dtype=np.uint16), 3).reshape(100, 100, 3)

    enhanced = Enhancer(Brighter(), CPU).enhance(Photo(ramp)).photo.pixels

    assert enhanced.dtype == np.uint16
    assert len(np.unique(enhanced[..., 0])) == 10_000


def test_everything_but_the_pixels_is_kept(draw) -> None:
    alpha = draw(40, 40)[..., 0]
    photo = Photo(draw(40, 40), alpha=alpha, notes=("a note",))

    enhanced = Enhancer(Brighter(), CPU).enhance(photo).photo

    assert enhanced.alpha is alpha
    assert enhanced.notes == photo.notes
    assert enhanced.metadata is photo.metadata


@pytest.mark.parametrize("rendering", ["whole", "strips", "tiles"])
def test_running_out_of_memory_leads_to_smaller_pieces(draw, rendering: str) -> None:
    photo = Photo(draw(300, 400))
    enough = Enhancer(Brighter(), CPU).enhance(photo).photo.pixels

    little = Enhancer(Brighter(most_pixels=150 * 150), CPU, rendering=rendering).enhance(photo)

    assert np.array_equal(little.photo.pixels, enough)
    assert little.rendering == "tiles" or (little.tile or 999) < 300
    assert any("out of memory" in note for note in little.notes)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_a_real_limit_of_memory_leads_to_smaller_pieces() -> None:
    """About fifteen seconds: a process of its own, which may take 200 MB more than it has."""
    script = """
import resource
import numpy as np
import torch
from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator

torch.set_num_threads(1)
photo = Photo(np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), np.uint8))
generator, cpu = UEGANGenerator(UEGANConfig(width=8)), torch.device("cpu")
Enhancer(generator, cpu, rendering="strips").enhance(Photo(photo.pixels[:96, :96]))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)
print(*Enhancer(generator, cpu, rendering="whole").enhance(photo).notes)
"""

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert ended.stdout.startswith("out of memory: went on in strips of "), ended.stderr


def test_too_little_memory_for_anything_is_a_device_error(draw) -> None:
    with pytest.raises(DeviceError, match="out of memory even for tiles of 64"):
        Enhancer(Brighter(most_pixels=100), CPU).enhance(Photo(draw(300, 400)))


def test_a_mistake_of_ours_is_no_lack_of_memory(draw) -> None:
    class Wrong(Brighter):
        def forward(self, image: Tensor) -> Tensor:
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        Enhancer(Wrong(), CPU).enhance(Photo(draw(32, 32)))


def test_a_result_of_no_numbers_is_an_error(draw) -> None:
    with pytest.raises(ImageError, match="values that are no numbers"):
        Enhancer(Broken(), CPU).enhance(Photo(draw(64, 64)))


def test_a_flat_result_is_an_error(draw) -> None:
    with pytest.raises(ImageError, match="one flat colour"):
        Enhancer(Flat(), CPU).enhance(Photo(draw(64, 64)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_result_that_is_flat_but_for_a_level_is_an_error(draw, dtype) -> None:
    class Nearly(Brighter):
        def forward(self, image: Tensor) -> Tensor:
            return torch.full_like(image, 0.5) + (image > 0.5) / 255

    pixels = draw(64, 64).astype(dtype) * dtype(np.iinfo(dtype).max // 255)

    with pytest.raises(ImageError, match="one flat colour"):
        Enhancer(Nearly(), CPU).enhance(Photo(pixels))


def test_a_flat_result_of_a_colour_is_an_error(draw) -> None:
    class Red(Brighter):
        def forward(self, image: Tensor) -> Tensor:
            return torch.ones_like(image) * torch.tensor([1.0, 0.2, 0.1])[:, None, None]

    with pytest.raises(ImageError, match="one flat colour"):
        Enhancer(Red(), CPU).enhance(Photo(draw(64, 64)))


def test_a_flat_result_of_a_small_bright_thing_in_the_dark_is_an_error() -> None:
    night = np.full((100, 100, 3), 5, np.uint8)
    night[40:47, 50:57] = 250

    with pytest.raises(ImageError, match="one flat colour"):
        Enhancer(Flat(), CPU).enhance(Photo(night))


@pytest.mark.parametrize(
    ("low", "high"), [(225, 255), (244, 252), (252, 255), (0, 2), (0, 20), (90, 110)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nearly_even_photos_may_become_flat(low, high, dtype) -> None:
    levels = np.random.default_rng(0).integers(low, high + 1, (64, 64, 3))
    pixels = (levels * (np.iinfo(dtype).max // 255)).astype(dtype)

    enhanced = Enhancer(AllWhite(), CPU).enhance(Photo(pixels))

    assert enhanced.photo.pixels.min() == np.iinfo(dtype).max


def test_a_white_page_with_one_grey_pixel_may_become_white() -> None:
    page = np.full((60, 80, 3), 255, np.uint8)
    page[30, 40] = 128

    assert Enhancer(AllWhite(), CPU).enhance(Photo(page)).photo.pixels.min() == 255


def test_what_half_precision_makes_flat_is_done_again_in_full(draw) -> None:
    enhanced = Enhancer(FlatInHalf(), CPU, precision="bf16").enhance(Photo(draw(64, 64)))

    assert enhanced.precision == "fp32"
    assert enhanced.notes == ("bf16 gave one flat colour: done again in fp32",)


def test_a_flat_photo_may_give_a_flat_result() -> None:
    grey = np.full((40, 40, 3), 90, np.uint8)

    assert Enhancer(Flat(), CPU).enhance(Photo(grey)).photo.pixels.max() == 128


def test_what_half_precision_breaks_is_done_again_in_full(draw) -> None:
    photo = Photo(draw(64, 64))

    enhanced = Enhancer(BrokenInHalf(), CPU, precision="bf16").enhance(photo)

    assert enhanced.precision == "fp32"
    assert "done again in fp32" in enhanced.notes[0]
    assert np.array_equal(
        enhanced.photo.pixels, Enhancer(Brighter(), CPU).enhance(photo).photo.pixels
    )


def test_the_same_photo_gives_the_same_bytes(generator, draw) -> None:
    photo = Photo(draw(100, 130))
    enhancer = Enhancer(generator, CPU, rendering="strips", tile=48)

    assert np.array_equal(
        enhancer.enhance(photo).photo.pixels, enhancer.enhance(photo).photo.pixels
    )
