from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.training import config, pace, preflight, setup
from photoenhance.training.alike import BITS, NEAR, fingerprint, in_both, repeats
from photoenhance.training.census import distance, duplicates, overlap, take
from photoenhance.training.folders import photos_below
from photoenhance.training.loop import Run
from photoenhance.training.preflight import Preflight

Fill = Callable[..., Path]


def scene(seed: int, *, height: int = 120, width: int = 160) -> NDArray[np.uint8]:
    """A picture like no other: soft blobs of colour, drawn from the seed."""
    blobs = np.random.default_rng(seed).uniform(20, 235, (7, 9, 3)).astype(np.float32)
    return (
        cv2.resize(blobs, (width, height), interpolation=cv2.INTER_CUBIC)
        .clip(0, 255)
        .astype(np.uint8)
    )


def darker(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (pixels * 0.5).astype(np.uint8)


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels[..., 1:2], 3, axis=2)


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    def fill(name: str, *pictures: NDArray[np.uint8], suffix: str = ".jpg") -> Path:
        (tmp_path / name).mkdir()
        for number, pixels in enumerate(pictures):
            Image.fromarray(pixels).save(tmp_path / name / f"{number:03}{suffix}")
        return tmp_path / name

    return fill


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps take no time here, but where a test is about them."""
    measured = pace.Pace(measured=3, seconds=1.0, steps=100, total_seconds=100.0)
    monkeypatch.setattr(preflight.pace, "measure", lambda settings, run: measured)


PAIRED = (
    *("objective=supervised", "losses.log_mse=1", "losses.fidelity=0", "losses.fidelity_layers=[]"),
    *("losses.adversarial=0", "losses.reconstruction=0", "losses.color=0"),
)


def settings(*assignments: str, **overrides: object) -> config.TrainConfig:
    return config.load("photo", {"crop": 96, **overrides}, assignments)


def run_of(target: Path, source: Path | None = None, **parts: object) -> Run:
    run = Run(target, source, target / "never", None, torch.device("cpu"), "fp32")
    return replace(run, **parts)


def checked(run: Run, chosen: config.TrainConfig | None = None) -> Preflight:
    chosen = chosen or settings()
    return preflight.check(chosen, run, preflight.listed(chosen, run))


def findings(found: Preflight) -> str:
    return "\n".join(each.finding for each in found.advice)


def census(folder: Path):
    return take(folder, photos_below(folder).photos, workers=2, seen=lambda: None)


def bits_apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int(np.unpackbits(fingerprint(one) ^ fingerprint(other)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_a_fingerprint_survives_size_and_tone_and_tells_pictures_apart(seed: int) -> None:
    pixels = scene(seed)

    assert bits_apart(pixels, scene(seed, height=60, width=80)) <= NEAR
    assert bits_apart(pixels, darker(pixels)) <= NEAR
    assert bits_apart(pixels, scene(seed + 100)) > 2 * NEAR


def test_repeats_are_found_across_blocks_and_name_the_first() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (2500, BITS // 8), np.uint8)
    hashes[2400] = hashes[7]
    hashes[2400, 0] ^= 0b111
    hashes[1025] = hashes[1024]

    assert repeats(hashes) == {1025: 1024, 2400: 7}
    assert in_both(hashes[2400:2401], hashes[:1000]) == {0: 7}


def test_a_census_counts_and_measures(fill: Fill) -> None:
    folder = fill("photos", scene(0), darker(scene(1)), grey(scene(2)))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    Image.fromarray(scene(3, height=50, width=200)).save(folder / "wide.png")

    found = census(folder)

    assert [path.name for path in found.paths] == ["000.jpg", "001.jpg", "002.jpg", "wide.png"]
    assert found.sizes.tolist() == [[120, 160]] * 3 + [[50, 200]]
    assert len(found.broken) == 1
    assert "broken.jpg" in found.broken[0]
    assert found.grey == 1
    low, middle, high = found.spread("brightness")
    assert low < middle < high
    assert found.tones[1, 0] < 0.7 * found.tones[0, 0]


def test_what_a_census_keeps_of_a_photo_is_small_whatever_its_size(fill: Fill) -> None:
    small = census(fill("small", scene(0), scene(1)))
    large = census(fill("large", scene(0, height=1200, width=1600), scene(1)))

    kept = [sum(each.nbytes for each in (c.sizes, c.tones, c.hashes)) for c in (small, large)]
    assert kept[0] == kept[1] == 2 * 40


def test_copies_within_a_folder_and_between_folders_are_named(fill: Fill) -> None:
    first, second = scene(0), scene(1)
    target = census(fill("target", first, second, darker(first)))
    source = census(fill("source", scene(9), darker(second), scene(1, height=80, width=106)))

    inside, between = duplicates(target), overlap(source, target)

    assert (inside.count, inside.unchanged) == (1, 0)
    assert inside.examples[0][0].endswith("002.jpg")
    assert (between.count, between.unchanged) == (2, 1)


def test_folders_of_one_look_are_near_and_of_two_are_far(fill: Fill) -> None:
    one = census(fill("one", *(scene(k) for k in range(20))))
    same = census(fill("same", *(scene(k) for k in range(20, 40))))
    other = census(fill("other", *(darker(scene(k)) for k in range(40, 60))))

    assert distance(one, one, "brightness") == 0
    assert distance(one, same, "brightness") < 1
    assert distance(one, other, "brightness") > 3


def test_good_folders_need_no_advice(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    source = fill("source", *(darker(scene(k)) for k in range(50, 74)))

    found = checked(run_of(target, source))

    assert found.advice == ()
    assert not found.is_pointless
    assert found.pace.total_seconds == 100
    assert not (target / "never").exists()


@pytest.mark.parametrize(
    ("pictures", "finding"),
    [
        ([scene(0), scene(1)], "there are 2 different target photos: no look"),
        ([scene(0)] * 30, "all target photos show one picture: no look"),
        ([grey(scene(k)) for k in range(24)], "all target photos are black and white"),
        ([scene(k, height=40, width=300) for k in range(24)], "smaller than half of the crops"),
        ([np.full((120, 160, 3), 90, np.uint8)] * 3, "all target photos are flat"),
    ],
)
def test_what_makes_training_pointless(fill: Fill, pictures, finding: str) -> None:
    found = checked(run_of(fill("target", *pictures)))

    assert found.is_pointless
    assert finding in "\n".join(each.finding for each in found.advice if each.is_grave)
    assert found.pace is None


def test_a_folder_of_broken_photos_is_pointless(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")

    found = checked(run_of(tmp_path))

    assert found.is_pointless
    assert findings(found) == "not one target photo can be read"


def test_the_same_photos_on_both_sides_are_pointless(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    source = fill("source", *(scene(k, height=100, width=133) for k in range(24)))

    found = checked(run_of(target, source))

    assert found.is_pointless
    assert "the source photos are the target photos" in findings(found)


@pytest.mark.parametrize(
    ("pictures", "finding"),
    [
        ([scene(k) for k in range(9)], "9 different target photos: the model may learn them by"),
        ([scene(k % 18) for k in range(24)], "6 target photos show what another one shows"),
        (
            [scene(k, height=90 if k < 4 else 120) for k in range(24)],
            "4 target photos of 24 are smaller than the crops of 96 pixels",
        ),
        (
            [grey(scene(k)) if k % 4 else scene(k) for k in range(24)],
            "18 of 24 target photos are black and white",
        ),
    ],
)
def test_what_could_be_better(fill: Fill, pictures, finding: str) -> None:
    found = checked(run_of(fill("target", *pictures)))

    assert finding in findings(found)
    assert not found.is_pointless
    assert all(each.hint.endswith(".") for each in found.advice)


def test_a_look_that_may_be_chance_is_told(fill: Fill) -> None:
    photos = [scene(k) for k in range(44)]
    plain, same, dark = (
        fill("plain", *photos[:22]),
        fill("same", *photos[22:]),
        fill("dark", *map(darker, photos[22:])),
    )
    chosen = config.load("style", {"crop": 96})

    alike = checked(run_of(same, plain), chosen)
    darkened = checked(run_of(dark, plain), chosen)

    finding = "the target photos hardly differ from the source photos in tone and colour"
    assert finding in findings(alike)
    assert not alike.is_pointless
    assert finding not in findings(darkened)


@pytest.mark.parametrize("recipe", ["photo", "style", "light", "tone"])
def test_black_and_white_cannot_be_learnt_where_no_source_is_seen(fill: Fill, recipe: str) -> None:
    target = fill("target", *(grey(scene(k)) for k in range(24)))
    source = fill("source", *(scene(k) for k in range(30, 54)))
    chosen = config.load(recipe, {"crop": 96})

    assert checked(run_of(target), chosen).is_pointless
    assert not checked(run_of(target, source), chosen).is_pointless


def test_before_and_after_of_the_same_pictures_are_recognised_as_pairs(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    source = fill("source", *(darker(scene(k)) for k in range(24)))
    paired = settings(*PAIRED)

    assert "same pictures, before and after" in findings(checked(run_of(target, source)))
    assert checked(run_of(target, source), paired).advice == ()


def test_sources_that_look_like_targets_are_told_of(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    source = fill("source", *(scene(k)[:, ::-1] for k in range(24)))

    assert "look like the targets already" in findings(checked(run_of(target, source)))


def test_a_few_shared_photos_are_told_of(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    source = fill("source", *(darker(scene(k)) for k in range(22, 46)))

    found = checked(run_of(target, source))

    assert findings(found) == "2 source photos are among the targets, too"
    assert found.shared.count == 2


def test_photos_to_judge_by_must_not_be_learnt_from(fill: Fill, tmp_path: Path) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    (tmp_path / "pairs").mkdir()
    fill("pairs/input", darker(scene(3)))
    fill("pairs/reference", scene(3))

    found = checked(run_of(target, pairs=tmp_path / "pairs"))

    assert "1 target photo is among those of --val-pairs" in findings(found)


def test_too_small_a_cache_is_told_of(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)))

    found = checked(run_of(target, cache_bytes=24 * 120 * 160 * 3 - 1))

    assert "are decoded whenever they are drawn" in findings(found)
    assert checked(run_of(target, cache_bytes=24 * 120 * 160 * 3)).advice == ()


def test_a_long_run_is_told_of(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = pace.Pace(measured=3, seconds=10.0, steps=8000, total_seconds=80_000.0)
    monkeypatch.setattr(preflight.pace, "measure", lambda settings, run: slow)

    found = checked(run_of(fill("target", *(scene(k) for k in range(24)))))

    assert "about 22 hours" in findings(found)


def test_a_missing_folder_is_no_finding_but_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        preflight.listed(settings(), run_of(tmp_path / "nowhere"))


def test_a_quick_look_takes_a_sample_and_no_step(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = fill("target", *(grey(scene(k)) for k in range(30)))
    monkeypatch.setattr(preflight, "SAMPLE", 24)
    monkeypatch.setattr(preflight.pace, "measure", None)

    found = preflight.quick_advice(settings(), run_of(target))

    assert [each.is_grave for each in found] == [True]
    assert "all target photos are black and white" in found[0].finding


def test_one_image_a_batch_is_told_of_where_batches_are_normalised(fill: Fill) -> None:
    run = run_of(fill("target", *(scene(k) for k in range(24))))
    one = {"batch": 1, "crop": 64, "made": 1}

    normalised = preflight.quick_advice(config.load("enlightengan", one), run)
    others = preflight.quick_advice(config.load("photo", {**one, "crop": 96}), run)

    assert "a batch is one image" in "".join(each.finding for each in normalised)
    assert "a batch is one image" not in "".join(each.finding for each in others)


def test_pairs_without_partners_are_an_error(fill: Fill) -> None:
    target, source = fill("target", scene(0)), fill("source", scene(0), scene(1))

    with pytest.raises(ConfigError, match="without its partner"):
        preflight.listed(settings(*PAIRED), run_of(target, source))


def test_what_a_check_passes_over_is_told(
    fill: Fill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = fill("target", *(scene(k) for k in range(24)))
    fill("target/model", scene(50))
    (target / "model" / "events.jsonl").touch()
    (target / "notes.txt").touch()

    found = checked(run_of(target))

    assert found.target.count == 24
    assert [record.getMessage() for record in caplog.records] == [
        f"{target}: not learnt from 1 picture that photoenhance has made",
        f"{target}: passed over, as no photos in a known format: 1 .txt",
    ]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("uegan", "recipe uegan: learns from two folders, and there is no --source"),
        ("enlightengan", "recipe enlightengan: learns from two folders"),
        ("dpe", "recipe dpe: learns from two folders"),
        ("dpe-supervised", "recipe dpe-supervised: learns from pairs"),
    ],
)
def test_recipes_for_two_folders_need_two(fill: Fill, recipe: str, message: str) -> None:
    run = run_of(fill("target", scene(0)))

    with pytest.raises(ConfigError, match=message):
        preflight.listed(config.load(recipe, {}), run)
    with pytest.raises(ConfigError, match=message):
        setup.find_photos(config.load(recipe, {}), run)


def test_a_batch_of_one_has_no_place_for_made_and_real_sources(fill: Fill) -> None:
    run = run_of(fill("target", scene(0)), fill("source", scene(1)))

    with pytest.raises(ConfigError, match="batch: 1 has no place") as failed:
        preflight.listed(settings(batch=1), run)

    assert failed.value.hint == "Take --batch 2 or more, or leave out --source."


@pytest.mark.parametrize(
    ("recipe", "weights", "named"),
    [
        (
            "tone",
            ["losses.fidelity=0"],
            "losses.adversarial and losses.fidelity: nothing is learnt",
        ),
        ("photo", ["losses.fidelity=0", "losses.adversarial=0"], "losses.adversarial and losses.f"),
        (
            "dpe-one-way",
            ["losses.adversarial=0", "losses.identity=0", "losses.color=1", "made=1"],
            "losses.adversarial and losses.identity: ",
        ),
    ],
)
def test_sources_that_no_term_would_look_at_are_refused(
    fill: Fill, recipe: str, weights: list[str], named: str
) -> None:
    run = run_of(fill("target", scene(0)), fill("source", scene(1)))
    chosen = config.load(recipe, {}, weights)

    with pytest.raises(ConfigError, match=named):
        preflight.listed(chosen, run)


def test_only_what_can_be_read_is_counted_and_held_out(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(24)), suffix=".png")
    source = fill("source", *(scene(k) for k in range(12)), suffix=".png")
    for number in range(4):
        (target / f"{number:03}.png").write_bytes(b"no photo")
    damaged = target / "013.png"  # the tenth of the others; as long as its head says, though
    content = damaged.read_bytes()
    damaged.write_bytes(content[:200] + bytes(100) + content[300:])

    photos = setup.find_photos(settings(), run_of(target, source))

    assert (len(photos.target.paths), len(photos.held_target.paths)) == (18, 1)
    assert photos.source is not None
    assert len(photos.source.paths) == 12
    assert len(photos.notes) == 4


def test_a_source_folder_of_broken_photos_is_an_error(fill: Fill) -> None:
    target, source = fill("target", scene(0)), fill("source", scene(1))
    (source / "000.jpg").write_bytes(b"no photo")

    with pytest.raises(ConfigError, match="source: not one of 1 photos can be read"):
        setup.find_photos(settings(), run_of(target, source))


def test_pairs_with_a_broken_side_are_held_out_neither_here_nor_there(fill: Fill) -> None:
    target = fill("target", *(scene(k) for k in range(12)), suffix=".png")
    source = fill("source", *(darker(scene(k)) for k in range(12)), suffix=".bmp")
    (source / "000.bmp").write_bytes(b"no photo")
    damaged = target / "010.png"  # the tenth of those that are left
    content = damaged.read_bytes()
    damaged.write_bytes(content[:200] + bytes(100) + content[300:])

    photos = setup.find_photos(settings(*PAIRED), run_of(target, source))

    assert (len(photos.target.paths), len(photos.held_target.paths)) == (10, 0)
    stems = [[path.stem for path in each.paths] for each in (photos.target, photos.source)]
    assert stems[0] == stems[1] == [f"{k:03}" for k in (*range(1, 10), 11)]


def test_pairs_to_judge_by_are_left_out_whole_and_named(
    fill: Fill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = fill("target", *(scene(k) for k in range(12)))
    (tmp_path / "pairs").mkdir()
    inputs = fill("pairs/input", *(darker(scene(k)) for k in range(3)))
    fill("pairs/reference", *(scene(k) for k in range(3)), suffix=".bmp")
    (inputs / "001.jpg").write_bytes(b"no photo")
    chosen, run = settings(), run_of(target, pairs=tmp_path / "pairs")

    validator = setup.build_validator(chosen, run, setup.find_photos(chosen, run), None)

    assert validator is not None
    assert [record.getMessage() for record in caplog.records] == [
        f"left out: {inputs / '001.jpg'}: not a photo in a supported format"
    ]
