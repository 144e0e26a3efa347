import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from photoenhance.inference import tiles
from photoenhance.networks.extension import Extension
from photoenhance.networks.generator import Tile
from photoenhance.networks.thumbnail import Thumbnail, lanczos, reduced, square


def image_of(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(
    ("size", "expected"),
    [((100, 64), (100, 64)), ((128, 200), (82, 128)), ((300, 2), (128, 1)), ((9, 2000), (1, 128))],
)
def test_only_larger_photos_are_reduced(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert reduced(*size, 128) == expected


@pytest.mark.parametrize(("length", "wanted"), [(300, 64), (64, 64), (65, 64), (1000, 7)])
def test_the_filter_is_pillows(length: int, wanted: int) -> None:
    row = np.random.default_rng(0).uniform(0, 1, (1, length)).astype(np.float32)

    ours = row @ lanczos(length, wanted).T

    theirs = Image.fromarray(row, mode="F").resize((wanted, 1), Image.Resampling.LANCZOS)
    np.testing.assert_allclose(ours, np.array(theirs), rtol=0, atol=2e-6)


def test_a_small_photo_is_only_mirrored(draw) -> None:
    image = image_of(draw(40, 64))

    thumbnail = square(image, 64)

    expected = Extension((0, 24), (0, 0), repeats_edge=True).extend(image)
    torch.testing.assert_close(thumbnail, expected, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(150, 201), (40, 64), (64, 333)])
def test_tiles_add_up_to_the_thumbnail_of_the_whole(draw, size: tuple[int, int]) -> None:
    image = image_of(draw(*size))
    height, width = (-(-length // 16) * 16 for length in size)
    rows, columns = height - size[0], width - size[1]
    extended = Extension((0, rows), (0, columns), repeats_edge=True).extend(image)

    thumbnail = Thumbnail(size, 64)
    for window in tiles.windows((height, width), (48, 32), halo=16, multiple=16):
        piece = extended[:, :, window.rows, window.columns]
        origin = window.rows.start, window.columns.start
        thumbnail.add(Tile(piece, *origin, height, width, window.interior))

    torch.testing.assert_close(thumbnail.square(), square(image, 64), rtol=0, atol=1e-6)
