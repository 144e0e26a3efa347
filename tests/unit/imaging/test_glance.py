from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging.glance import glance, quick_glance


@pytest.fixture
def save(tmp_path: Path, draw):
    def save(name: str, height: int = 600, width: int = 900, **options: object) -> Path:
        path = tmp_path / name
        Image.fromarray(draw(height, width)).save(path, **options)
        return path

    return save


def test_a_quick_look_at_a_jpeg_sees_what_a_careful_one_sees(save) -> None:
    path = save("a.jpg", quality=90)

    quick, careful = quick_glance(path, 128), glance(path, 128)

    assert quick.size == careful.size == (600, 900)
    assert quick.pixels.shape == careful.pixels.shape == (85, 128, 3)
    difference = np.abs(quick.pixels.astype(float) - careful.pixels)
    assert difference.mean() < 2


def test_a_turned_jpeg_is_seen_upright(save) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save("a.jpg", exif=exif)

    quick, careful = quick_glance(path, 128), glance(path, 128)

    assert quick.size == careful.size == (900, 600)
    assert quick.pixels.shape == careful.pixels.shape == (128, 85, 3)
    assert np.abs(quick.pixels.astype(float) - careful.pixels).mean() < 3


def test_other_formats_and_broken_jpegs_are_left_to_the_careful_look(save, tmp_path) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(save("a.jpg").read_bytes()[:3000])

    assert quick_glance(save("a.png"), 128) is None
    assert quick_glance(cut, 128) is None
    assert quick_glance(tmp_path / "nowhere.jpg", 128) is None
    with pytest.raises(ImageError, match=r"cut\.jpg: damaged"):
        glance(cut, 128)


def test_a_small_photo_keeps_its_size(save) -> None:
    assert quick_glance(save("a.jpg", 30, 40), 128).pixels.shape == (30, 40, 3)


def test_colours_are_those_of_srgb_whatever_the_profile(save, profile_of) -> None:
    path = save("a.jpg", icc_profile=profile_of("adobe"))

    quick, careful = quick_glance(path, 128), glance(path, 128)

    plain = quick_glance(save("b.jpg"), 128)
    assert np.abs(quick.pixels.astype(float) - careful.pixels).mean() < 2
    assert np.abs(quick.pixels.astype(float) - plain.pixels).mean() > 4
