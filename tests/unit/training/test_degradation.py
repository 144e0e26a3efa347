from collections import Counter

import numpy as np
import pytest

from photoenhance.errors import ConfigError
from photoenhance.networks.histogram import LUMA
from photoenhance.training import config
from photoenhance.training.degradation import Degradation, Shares
from photoenhance.training.faults import FAULTS, GAMMA


@pytest.fixture
def clean(draw) -> np.ndarray:
    return draw(96, 96).astype(np.float32) / 255


def _many(fault: str, clean: np.ndarray, count: int = 60) -> list[np.ndarray]:
    return [FAULTS[fault](clean, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_a_photo_and_leaves_it_in_range(fault: str, clean: np.ndarray) -> None:
    for image in _many(fault, clean):
        assert image.dtype == np.float32
        assert image.shape == clean.shape
        assert 0 <= image.min() <= image.max() <= 1
        assert np.abs(image - clean).mean() > 0.001


def test_too_little_light_is_half_a_stop_to_two_and_a_half_less() -> None:
    grey = np.full((4, 4, 3), 0.6, np.float32)

    stops = [np.log2((image.mean() / 0.6) ** GAMMA) for image in _many("under", grey)]

    assert -2.5 <= min(stops) < -2.2
    assert -0.8 < max(stops) <= -0.49


def test_a_cast_raises_red_against_blue_or_blue_against_red(clean: np.ndarray) -> None:
    warmer = [
        (image[..., 0].mean() - image[..., 2].mean())
        - (clean[..., 0].mean() - clean[..., 2].mean())
        for image in _many("cast", clean)
    ]

    assert 10 < sum(each > 0 for each in warmer) < 50
    assert np.abs(warmer).min() > 0.002


def test_haze_lifts_black_and_keeps_the_order_of_light(clean: np.ndarray) -> None:
    for image in _many("haze", clean):
        assert image.min() > clean.min() + 0.05
        assert np.all(np.diff(image.ravel()[np.argsort(clean.ravel())]) >= -1e-6)


def test_a_flat_photo_keeps_its_mean(clean: np.ndarray) -> None:
    for image in _many("flat", clean):
        assert image.mean() == pytest.approx(clean.mean(), abs=0.01)
        assert 0.39 * clean.std() < image.std() < 0.91 * clean.std()


def test_against_the_light_what_is_low_and_dark_loses_most() -> None:
    scene = np.full((96, 96, 3), 0.9, np.float32)
    scene[48:] = 0.5  # ground below a bright sky

    for image in _many("backlit", scene):
        sky, ground = (image @ LUMA)[:24].mean() / 0.9, (image @ LUMA)[-24:].mean() / 0.5
        assert ground < 0.9 * sky


def test_sources_get_the_faults_in_their_shares(clean: np.ndarray, monkeypatch) -> None:
    drawn: Counter[str] = Counter()
    for name in FAULTS:
        monkeypatch.setitem(FAULTS, name, lambda image, _, name=name: drawn.update([name]) or image)
    degradation = Degradation(faults=Shares(haze=0.5, cast=0.25))

    results = [degradation.apply(clean, np.random.default_rng(seed)) for seed in range(400)]

    plain = sum(result is not clean for result in results)
    assert abs(drawn["haze"] - 200) < 40
    assert abs(drawn["cast"] - 100) < 35
    assert plain == 400 - drawn["haze"] - drawn["cast"]
    assert set(drawn) == {"haze", "cast"}


def test_without_faults_sources_are_what_they_were_before(clean: np.ndarray) -> None:
    one, other = (
        Degradation(faults=faults, untouched=0.3).apply(clean, np.random.default_rng(5))
        for faults in (Shares(), Shares(haze=0.0))
    )

    np.testing.assert_array_equal(one, other)


def test_shares_of_faults_above_one_are_refused() -> None:
    faults = "degradation.faults={haze=0.7, cast=0.6}"

    with pytest.raises(ConfigError, match="more than 1 together") as caught:
        config.load("photo", {}, [faults])

    assert "degradation.faults" in caught.value.message


def test_an_unknown_fault_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        config.load("photo", {}, ["degradation.faults.hazy=0.1"])

    assert caught.value.message == "degradation.faults.hazy: there is no such value"
    assert caught.value.hint == "Did you mean degradation.faults.haze?"
