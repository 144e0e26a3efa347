from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photoenhance.errors import ConfigError
from photoenhance.training import config, tones
from photoenhance.training.batches import Batches
from photoenhance.training.data import PhotoFolder
from photoenhance.training.distributed import Processes
from photoenhance.training.look import Look, look_of
from photoenhance.training.tones import PIXELS, plain, sampled, tones_of

Pixels = NDArray[np.float64]
Style = Callable[[Pixels], Pixels]

RAMP = np.repeat(np.linspace(0, 1, 400)[:, None], 3, axis=1)


def collection(count: int, seed: int = 0) -> Pixels:
    """Photos of different brightness and tint, some four hundred pixels each."""
    random = np.random.default_rng(seed)
    grey = random.beta(1.2, 1.3, (count, 400, 1)) ** np.exp(random.normal(0, 0.3, (count, 1, 1)))
    tint = random.normal(0, 0.03, (count, 1, 3)) + random.normal(0, 0.06, (count, 400, 3))
    return np.clip(grey + tint, 0, 1)


def faded(pixels: Pixels) -> Pixels:
    luma = pixels.mean(axis=-1, keepdims=True)
    dull = luma + 0.7 * (pixels - luma)
    return np.clip((0.1 + 0.8 * dull) * [1.08, 1.0, 0.85], 0, 1)


def bold(pixels: Pixels) -> Pixels:
    return pixels**2 * (3 - 2 * pixels) * [0.93, 1.0, 1.0]


def dark(pixels: Pixels) -> Pixels:
    return 0.9 * pixels**1.6


def error(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("style", [faded, bold, dark])
def test_what_a_style_did_is_taken_back_on_photos_never_seen(style: Style) -> None:
    reference, others = tones_of(collection(60, seed=1)), collection(20, seed=2)

    found = look_of(style(collection(40, seed=3)), reference)

    again = found.removed(style(others), 1)
    assert error(again, others) < 0.4 * error(style(others), others)


def test_the_same_statistics_are_no_look() -> None:
    photos = collection(30)

    found = look_of(photos, tones_of(photos))

    assert found.size < 0.5
    assert found.saturation == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(found.removed(RAMP, 1), RAMP, atol=0.01)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0, 1.3, 3.0])
@pytest.mark.parametrize("style", [faded, bold, dark])
def test_no_share_turns_light_and_dark_around(style: Style, share: float) -> None:
    found = look_of(style(collection(30)), plain())

    plainer = found.removed(RAMP, share)

    assert plainer.dtype == np.float32
    assert 0 <= plainer.min() <= plainer.max() <= 1
    assert np.diff(plainer, axis=0).min() > -1e-6


def test_no_share_is_no_change_and_half_of_it_less_than_all() -> None:
    photos = faded(collection(30))
    found = look_of(photos, plain())

    shifts = [error(found.removed(photos, share), photos) for share in (0, 0.5, 1)]

    assert shifts[0] < 1e-6
    assert 0.3 * shifts[2] < shifts[1] < 0.7 * shifts[2]


def test_black_and_white_photos_stay_sane() -> None:
    grey = np.repeat(collection(30).mean(axis=-1, keepdims=True), 3, axis=-1)

    found = look_of(grey, plain())

    plainer = found.removed(grey, 1.3)
    assert found.saturation == 1
    assert np.isfinite(plainer).all()
    assert np.ptp(plainer, axis=-1).max() < 0.25  # of colour, no more than a tint


def test_flat_photos_are_no_trouble() -> None:
    found = look_of(np.full((5, PIXELS, 3), 0.5), plain())

    assert np.isfinite(found.removed(RAMP, 1.3)).all()


def test_one_photo_is_trusted_less_than_many_of_the_same_tones() -> None:
    one = dark(collection(1))

    alone = look_of(one, plain())
    many = look_of(np.repeat(one, 40, axis=0), plain())

    assert alone.size < many.size


def test_plain_photos_go_from_black_to_white() -> None:
    found = plain()

    assert found.levels.shape == (3, len(tones.SHARES))
    assert (np.diff(found.levels, axis=1) >= 0).all()
    assert found.levels[:, 0].max() < 0.01
    assert found.levels[:, -1].min() > 0.99


def test_photos_of_all_kinds_are_sampled_and_broken_ones_passed_over(tmp_path: Path, draw) -> None:
    pixels = draw(90, 120)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    cv2.imwrite(str(tmp_path / "b.png"), pixels[..., ::-1].astype(np.uint16) * 257)
    Image.fromarray(pixels[..., 0]).save(tmp_path / "c.png")
    (tmp_path / "d.jpg").write_bytes(b"no photo")

    found = sampled(sorted(tmp_path.iterdir()))

    assert found.shape == (3, PIXELS, 3)
    assert error(found[0], found[1]) < 0.02
    assert np.ptp(found[2], axis=-1).max() == 0


def test_of_many_photos_some_are_looked_at_from_first_to_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tones, "MOST", 3)
    for value in range(9):
        flat = np.full((8, 8, 3), 10 * value, np.uint8)
        Image.fromarray(flat).save(tmp_path / f"{value}.png")

    found = sampled(sorted(tmp_path.iterdir()))

    assert (found[:, 0, 0] * 25.5).round().tolist() == [0, 4, 8]


def test_a_folder_of_broken_photos_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")

    with pytest.raises(ConfigError, match="not one of 1 photos can be read"):
        sampled([tmp_path / "a.jpg"])


def test_made_sources_lose_the_look_and_originals_keep_it(tmp_path: Path, draw) -> None:
    Image.fromarray(draw(90, 90)).save(tmp_path / "a.png")
    chosen = config.load("style", {"crop": 80, "batch": 8, "made": 8})
    brighter = Look(1.0, np.tile([0.0, 1.0], (3, 1)), np.full((3, 2), 0.3))
    folder = PhotoFolder(tmp_path)

    with_look = Batches(folder, None, chosen, Processes(), brighter).at(1)
    again = Batches(folder, None, chosen, Processes(), brighter).at(1)
    without = Batches(folder, None, chosen, Processes()).at(1)

    assert with_look.source.equal(again.source)
    assert with_look.source.mean() > with_look.original.mean() + 0.1
    assert with_look.original.equal(without.original)
