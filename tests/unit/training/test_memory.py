"""Memory does not grow with the number of photos."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.training import config
from photoenhance.training.batches import Batches
from photoenhance.training.data import PhotoFolder
from photoenhance.training.distributed import Processes

SIDE = 160
PHOTO_BYTES = SIDE * SIDE * 3
CACHE_BYTES = 6 * PHOTO_BYTES

Fill = Callable[[str, int], Path]


@pytest.fixture
def fill(tmp_path: Path, draw) -> Fill:
    def fill(name: str, count: int) -> Path:
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = np.roll(draw(SIDE, SIDE), number, axis=1)
            Image.fromarray(pixels).save(tmp_path / name / f"{number:03}.jpg")
        return tmp_path / name

    return fill


def held_after_many_batches(folder: Path, cache_bytes: int) -> int:
    """Bytes that stay allocated after every photo was drawn."""
    settings = config.load("photo", {"crop": 80, "batch": 4})
    tracemalloc.start()
    photos = PhotoFolder(folder, cache_bytes=cache_bytes)
    batches = Batches(photos, None, settings, Processes())
    for index in range(len(photos.paths)):
        photos.pixels(index)
    for step in range(10):
        batches.at(step)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def test_more_photos_than_the_cache_holds_take_no_more_memory(fill: Fill) -> None:
    few, many = fill("few", 10), fill("many", 60)
    held_after_many_batches(few, 0)  # what is allocated once, is allocated now

    with_few = held_after_many_batches(few, CACHE_BYTES)
    with_many = held_after_many_batches(many, CACHE_BYTES)

    assert with_few > CACHE_BYTES
    assert with_many - with_few < 50 * 1000  # of 50 more photos, their names and no pixels


def test_a_cache_of_nothing_keeps_no_photo(fill: Fill) -> None:
    folder = fill("photos", 10)
    held_after_many_batches(folder, 0)

    assert held_after_many_batches(folder, 0) < PHOTO_BYTES


def test_photos_that_fit_are_decoded_once(fill: Fill) -> None:
    photos = PhotoFolder(fill("photos", 6), cache_bytes=CACHE_BYTES)

    first = [photos.pixels(index) for index in range(6)]

    assert all(photos.pixels(index) is first[index] for index in range(6))


def test_what_does_not_fit_is_decoded_again_to_the_same_pixels(fill: Fill) -> None:
    photos = PhotoFolder(fill("photos", 8), cache_bytes=CACHE_BYTES)

    first = [photos.pixels(index) for index in range(8)]

    kept = [photos.pixels(index) is first[index] for index in range(8)]
    assert kept == [True] * 6 + [False] * 2
    assert np.array_equal(photos.pixels(7), first[7])


def test_large_photos_are_kept_small(tmp_path: Path, draw) -> None:
    Image.fromarray(draw(900, 1200)).save(tmp_path / "a.jpg")

    assert PhotoFolder(tmp_path).pixels(0).shape == (512, 683, 3)
