import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.training import config, data
from photoenhance.training.batches import Batches, Shares, shares
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
    pixels = folder.pixels(folder.draw(random)[0])
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
    with pytest.raises(ConfigError, match=r"no photos \(looked for jpeg, png, tiff"):
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


def test_a_square_may_be_a_share_of_the_photo(draw) -> None:
    pixels = draw(200, 200)
    framing = config.Framing(kind="square", share=(0.5, 0.5), symmetries="mirror")

    made = square(pixels, framing, 100, np.random.default_rng(0)).image

    windows = np.lib.stride_tricks.sliding_window_view(pixels, (100, 100, 3))[:, :, 0]
    both = np.stack([made, made[:, ::-1]])
    errors = [np.abs(windows / 255 - each).mean(axis=(2, 3, 4)).min() for each in both]
    assert min(errors) < 1e-6


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


# Sources, originals and targets of two steps, by their greys: each photo is one grey. A seed's
# batches are not to change between versions, so that runs can be resumed and repeated.
DRAWN = {
    "mixed": [
        ([35, 15, 65, 45, 35, 105], [35, 15, 65, 45, 35], [25, 15, 45, 55, 25, 15]),
        ([65, 65, 25, 15, 55, 145], [65, 65, 25, 15, 55], [25, 35, 45, 45, 5, 5]),
    ],
    "made": [
        ([35, 15, 65], [35, 15, 65], [25, 15, 45]),
        ([65, 65, 25], [65, 65, 25], [25, 35, 45]),
    ],
    "fixed": [
        ([115, 115, 125, 115], [], [65, 65, 25, 65]),
        ([115, 145, 135, 145], [], [65, 45, 15, 45]),
    ],
    "second of two": [([15, 115], [15], [15, 55]), ([65, 145], [65], [35, 45])],
    "pairs": [
        ([135, 115, 165, 145], [35, 15, 65, 45], [35, 15, 65, 45]),
        ([165, 165, 125, 115], [65, 65, 25, 15], [65, 65, 25, 15]),
    ],
}
AS_THEY_ARE = ["degradation.untouched=1"]


def greys(folder: Path, first: int, count: int) -> PhotoFolder:
    for k in range(count):
        file = folder / ("sub" if k % 2 else "") / f"{k}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((100, 100, 3), first + 10 * k, np.uint8)).save(file)
    return PhotoFolder(folder)


def means(drawn: Batches) -> list[tuple[list[int], ...]]:
    def of(images: torch.Tensor) -> list[int]:
        return [round(float(value) * 255) for value in images.mean((1, 2, 3))]

    steps = (drawn.at(1), drawn.at(2))
    return [(of(step.source), of(step.original), of(step.target)) for step in steps]


@pytest.mark.parametrize(
    ("case", "recipe", "values", "assignments", "processes"),
    [
        ("mixed", "photo", {}, AS_THEY_ARE, Processes()),
        ("made", "photo", {"batch": 3}, AS_THEY_ARE, Processes()),
        ("fixed", "uegan", {"batch": 4}, ["framing.pairing=fixed"], Processes()),
        ("second of two", "uegan", {"batch": 4, "made": 2}, AS_THEY_ARE, Processes(1, 2)),
    ],
)
def test_a_seed_draws_what_it_has_always_drawn(
    tmp_path: Path, case: str, recipe: str, values, assignments, processes: Processes
) -> None:
    target, source = greys(tmp_path / "target", 5, 7), greys(tmp_path / "source", 105, 5)
    chosen = config.load(recipe, {"crop": 96, **values}, assignments)

    drawn = means(Batches(target, None if case == "made" else source, chosen, processes))

    assert drawn == DRAWN[case]


def test_pairs_are_drawn_as_ever(tmp_path: Path) -> None:
    target, source = greys(tmp_path / "target", 5, 7), greys(tmp_path / "source", 105, 7)
    chosen = config.load("dpe-supervised", {"crop": 64, "batch": 4}, ["network.side=64"])

    assert means(Batches(target, source, chosen, Processes())) == DRAWN["pairs"]


@pytest.mark.parametrize("cache_bytes", [0, 10 * 90 * 120 * 3])
def test_a_photo_is_decoded_once_a_draw_whether_or_not_it_is_kept(
    fill: Fill, monkeypatch: pytest.MonkeyPatch, cache_bytes: int
) -> None:
    decoded: list[Path] = []
    real = data.read
    monkeypatch.setattr(data, "read", lambda path: (decoded.append(path), real(path))[1])
    folder = PhotoFolder(fill("target", *[(90, 120)] * 4), cache_bytes=cache_bytes)
    chosen = settings(batch=2, made=2)

    for step in range(5):
        Batches(folder, None, chosen, Processes()).at(step)

    assert len(decoded) == (20 if cache_bytes == 0 else len(set(decoded)))


@pytest.mark.parametrize("cache_bytes", [0, 3 * 90 * 120 * 3, 1 << 30])
def test_batches_do_not_depend_on_threads_or_on_what_is_kept(
    fill: Fill, tmp_path: Path, cache_bytes: int
) -> None:
    target, source = fill("target", *[(90, 120)] * 9), fill("source", *[(100, 90)] * 5)
    for folder in (target, source):  # whole by its length, and damaged amid the pixels
        file = folder / "1.png"
        content = bytearray(file.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
        file.write_bytes(content)
    chosen = settings()
    expected = [batches(target, source, chosen).at(step) for step in range(12)]

    shared = Batches(
        PhotoFolder(target, cache_bytes=cache_bytes),
        PhotoFolder(source, cache_bytes=cache_bytes),
        chosen,
        Processes(),
    )
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(shared.at, range(12)))

    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.source, other.source)
        assert torch.equal(one.target, other.target)
        assert torch.equal(one.original, other.original)


def test_what_is_held_out_keeps_its_order_so_that_pairs_stay_together() -> None:
    paths = [Path(name) for name in "zyxwvutsrqponmlkjihg"]

    learnt, held = data.held_out(paths, 2)

    assert held == [Path("q"), Path("g")]
    assert learnt == [path for path in paths if path not in held]


def test_pairs_of_which_one_side_turns_out_broken_are_never_drawn(tmp_path: Path) -> None:
    target, source = greys(tmp_path / "target", 5, 3), greys(tmp_path / "source", 105, 3)
    target.paths[0].write_bytes(b"no photo")
    source.paths[1].write_bytes(b"no photo")
    chosen = config.load("dpe-supervised", {"crop": 64, "batch": 8}, ["network.side=64"])

    drawn = means(Batches(target, source, chosen, Processes()))

    assert {mean for step in drawn for mean in step[0]} == {115}
    assert {mean for step in drawn for mean in step[1]} == {15}


def test_pairs_without_one_readable_target_are_an_error_and_not_a_wait_for_ever(
    tmp_path: Path,
) -> None:
    target, source = greys(tmp_path / "target", 5, 3), greys(tmp_path / "source", 105, 3)
    for path in target.paths:
        path.write_bytes(b"no photo")
    chosen = config.load("dpe-supervised", {"crop": 64, "batch": 8}, ["network.side=64"])

    with pytest.raises(ConfigError, match="not one of 3 photos can be read"):
        Batches(target, source, chosen, Processes()).at(1)


@pytest.mark.parametrize(
    ("recipe", "values", "has_source", "processes", "expected"),
    [
        ("photo", {}, True, 1, Shares(5, 1)),
        ("photo", {}, False, 1, Shares(6, 0)),
        ("photo", {"batch": 4}, True, 1, Shares(3, 1)),
        ("photo", {"batch": 2}, True, 1, Shares(1, 1)),
        ("photo", {"batch": 1}, False, 1, Shares(1, 0)),
        ("light", {}, True, 1, Shares(10, 2)),
        ("tone", {}, True, 1, Shares(10, 2)),
        ("style", {}, True, 1, Shares(2, 2)),
        ("uegan", {"batch": 1}, True, 1, Shares(0, 1)),
        ("dpe-supervised", {}, True, 1, Shares(0, 3)),
        ("photo", {}, True, 2, Shares(6, 2)),
        ("photo", {"batch": 7}, False, 2, Shares(8, 0)),
        ("photo", {"batch": 8, "made": 6}, True, 2, Shares(6, 2)),
        ("photo", {}, True, 4, Shares(8, 4)),
        ("dpe-supervised", {}, True, 2, Shares(0, 4)),
    ],
)
def test_real_sources_have_their_share_and_processes_equal_ones(
    recipe: str, values, has_source: bool, processes: int, expected: Shares
) -> None:
    found = shares(config.load(recipe, values), has_source=has_source, processes=processes)

    assert found == expected


def test_each_of_several_processes_draws_as_much(fill: Fill) -> None:
    target, source = fill("target", (90, 120)), fill("source", (90, 90))
    chosen = config.load("photo", {"crop": 80})

    all_drawn = [
        Batches(PhotoFolder(target), PhotoFolder(source), chosen, Processes(rank, 2))
        for rank in range(2)
    ]

    sizes = [(len(drawn.at(1).source), len(drawn.at(1).original)) for drawn in all_drawn]
    assert sizes == [(4, 3), (4, 3)]
    assert all_drawn[0].notes() == (
        "batch: 8 instead of 6 (6 made of targets, 2 of --source), which 2 processes share evenly",
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


def test_a_histogram_is_of_a_photo_s_own_pixels_and_not_of_averages(tmp_path: Path) -> None:
    pixels = np.full((256, 256, 3), 128, np.uint8)
    pixels[::2, ::2], pixels[1::2, ::2] = 0, 255  # of which averages keep nothing
    Image.fromarray(pixels).save(tmp_path / "fine.png")
    untouched = {"degradation": {"untouched": 1.0, "softness": 0.0}}
    chosen = config.load("snapshots", {"batch": 2, "made": 2, **untouched})

    batch = batches(tmp_path, None, chosen).at(1)

    assert batch.source_quantiles.shape == (2, 8, 13)
    assert batch.source_quantiles[:, 0, 0].tolist() == pytest.approx([0, 0], abs=0.01)
    assert batch.source_quantiles[:, 0, -1].tolist() == pytest.approx([1, 1], abs=0.01)
    assert float(batch.source.min()) > 0.2


def test_no_histogram_is_made_for_networks_that_read_none(fill: Fill) -> None:
    batch = batches(fill("target", (90, 90), (90, 90)), None, settings(batch=2)).at(1)

    assert batch.source_quantiles.shape == (0, 8, 13)
