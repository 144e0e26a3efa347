import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.training import config
from photoenhance.training.batches import Batches
from photoenhance.training.data import PhotoFolder, held_out, square
from photoenhance.training.degradation import Degradation
from photoenhance.training.distributed import Processes

Fill = Callable[..., Path]


@pytest.fixture
def fill(tmp_path: Path, draw) -> Fill:
    def fill(name: str, *sizes: tuple[int, int]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for k, (height, width) in enumerate(sizes):
            Image.fromarray(draw(height, width)).save(folder / f"{k}.png")
        return folder

    return fill


def settings(**overrides: object) -> config.TrainConfig:
    return config.load("photo", {"crop": 80, "batch": 3, "made": 2, **overrides})


def crop_of(folder: PhotoFolder, random: np.random.Generator) -> np.ndarray:
    pixels = folder.pixels(folder.draw(random))
    return square(pixels, config.Framing(), 80, random).image


def batches(target: Path, source: Path | None, chosen: config.TrainConfig) -> Batches:
    sources = None if source is None else PhotoFolder(source)
    return Batches(PhotoFolder(target), sources, chosen, Processes())


def test_photos_of_any_size_give_crops(fill: Fill) -> None:
    folder = PhotoFolder(fill("target", (30, 20), (80, 80), (97, 301), (1, 1)))
    random = np.random.default_rng(0)

    crops = [crop_of(folder, random) for _ in range(40)]

    assert {crop.shape for crop in crops} == {(80, 80, 3)}
    assert min(crop.min() for crop in crops) >= 0
    assert max(crop.max() for crop in crops) <= 1


def test_unreadable_photos_are_reported_and_left_out(
    fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    path = fill("target", (90, 90))
    (path / "broken.jpg").write_bytes(b"no photo")
    folder, random = PhotoFolder(path), np.random.default_rng(1)

    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            crop_of(folder, random)

    assert len(caplog.records) == 1
    assert "broken.jpg" in caplog.records[0].message


def test_a_folder_of_broken_photos_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")

    with pytest.raises(ConfigError, match="not one of 1 photos can be read"):
        crop_of(PhotoFolder(tmp_path), np.random.default_rng(0))


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no photos \(looked for .jpeg, .jpg, .png"):
        PhotoFolder(tmp_path)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        PhotoFolder(tmp_path / "nowhere")


def test_hidden_files_are_no_photos(fill: Fill) -> None:
    path = fill("target", (90, 90))
    (path / ".hidden").mkdir()
    (path / ".hidden" / "a.png").write_bytes(b"")
    (path / "._0.png").write_bytes(b"")

    assert [p.name for p in PhotoFolder(path).paths] == ["0.png"]


def test_a_batch_is_a_function_of_seed_and_step(fill: Fill) -> None:
    target = fill("target", (90, 120), (200, 100))
    first = batches(target, None, settings(seed=1))
    again = batches(target, None, settings(seed=1))
    other = batches(target, None, settings(seed=2))

    first.at(1)

    assert torch.equal(first.at(5).source, again.at(5).source)
    assert torch.equal(first.at(5).target, again.at(5).target)
    assert not torch.equal(first.at(5).source, first.at(6).source)
    assert not torch.equal(first.at(5).source, other.at(5).source)


def test_without_sources_all_are_made(fill: Fill) -> None:
    batch = batches(fill("target", (90, 120)), None, settings()).at(1)

    assert batch.source.shape == batch.target.shape == batch.original.shape == (3, 3, 80, 80)
    assert not torch.equal(batch.source, batch.original)


def test_with_sources_made_and_real_ones_are_mixed(fill: Fill) -> None:
    target, source = fill("target", (90, 120)), fill("source", (90, 90))

    batch = batches(target, source, settings()).at(1)

    assert batch.source.shape == (3, 3, 80, 80)
    assert batch.original.shape == (2, 3, 80, 80)


def test_the_largest_square_reaches_from_edge_to_edge() -> None:
    pixels = np.zeros((100, 150, 3), np.uint8)
    pixels[0], pixels[-1] = 255, 255
    framing = config.Framing(kind="square")

    made = square(pixels, framing, 50, np.random.default_rng(0))

    assert made.image.shape == (50, 50, 3)
    np.testing.assert_allclose(made.image[[0, -1]], 0.5, atol=0.01)
    assert made.image[1:-1].max() == 0


def test_an_untouched_photo_stays_as_it_is(draw) -> None:
    clean = draw(40, 40).astype(np.float32) / 255

    degraded = Degradation(untouched=1).apply(clean, np.random.default_rng(0))

    assert degraded is clean


def test_one_stop_less_is_half_the_light() -> None:
    clean = np.full((4, 4, 3), 0.5, np.float32)
    only_darker = Degradation(
        exposure=(-1, -1),
        contrast=(1, 1),
        gamma=(1, 1),
        curve=(0, 0),
        saturation=(1, 1),
        white_balance=0,
        black=0,
        softness=0,
        noise=0,
        untouched=0,
    )

    degraded = only_darker.apply(clean, np.random.default_rng(0))

    assert degraded.mean() == pytest.approx((0.5**2.2 / 2) ** (1 / 2.2), rel=1e-4)


def test_degraded_photos_are_duller_on_average(draw) -> None:
    clean = draw(80, 80).astype(np.float32) / 255
    random = np.random.default_rng(0)

    degraded = [Degradation().apply(clean, random) for _ in range(100)]

    assert np.mean([image.std() for image in degraded]) < 0.9 * clean.std()
    assert np.mean([image.mean() for image in degraded]) < 0.9 * clean.mean()
    assert all(
        image.dtype == np.float32 and 0 <= image.min() <= image.max() <= 1 for image in degraded
    )


@pytest.mark.parametrize(
    ("photos", "held"),
    [(9, []), (10, [9]), (25, [9, 19]), (40, [9, 19, 29, 39]), (100, [24, 49, 74, 99])],
)
def test_photos_to_judge_by_are_every_tenth_and_spread_over_a_large_folder(
    photos: int, held: list[int]
) -> None:
    paths = [Path(f"{k:03}.jpg") for k in range(photos)]

    learnt, judged = held_out(paths, 4)

    assert judged == [paths[k] for k in held]
    assert sorted(learnt + judged) == paths
    assert held_out(paths, 0) == (paths, [])
