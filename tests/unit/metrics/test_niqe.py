import math
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import correlate
from scipy.optimize import brentq
from scipy.special import gamma
from skimage import data

from photoenhance.errors import WeightsError
from photoenhance.metrics.niqe import NIQE, Pristine, _halved, read_pristine

# By BasicSR 1.4.2, its function niqe on MATLAB's rgb2gray of the photo. It halves in float32.
BASICSR = {"astronaut": 3.06725, "coffee": 4.05847, "chelsea": 2.57208, "rocket": 7.03592}


@pytest.fixture(scope="module")
def pristine():
    """Made-up statistics; the published ones are not ours to give out."""
    random = np.random.default_rng(5)
    spread = random.normal(size=(36, 36))
    bell = np.exp(-(np.arange(-3, 4) ** 2) / (2 * (7 / 6) ** 2))
    window = np.outer(bell, bell)
    return Pristine(random.uniform(0, 2, 36), spread @ spread.T, window / window.sum())


def fitted(values):
    """Shape and widths of an asymmetric generalised Gaussian, its equation solved by SciPy."""
    left = math.sqrt(np.mean(values[values < 0] ** 2))
    right = math.sqrt(np.mean(values[values > 0] ** 2))
    skew, ratio = left / right, np.mean(np.abs(values)) ** 2 / np.mean(values**2)
    wanted = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = brentq(lambda x: gamma(2 / x) ** 2 / (gamma(1 / x) * gamma(3 / x)) - wanted, 0.2, 10)
    scale = math.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def features_by_hand(grey, side, window):
    mean = correlate(grey, window, mode="nearest")
    deviation = np.sqrt(correlate(grey**2, window, mode="nearest") - mean**2)
    normal = (grey - mean) / (deviation + 1)
    rows = []
    for top in range(0, grey.shape[0], side):
        for left in range(0, grey.shape[1], side):
            block = normal[top : top + side, left : left + side]
            shape, below, above = fitted(block)
            row = [shape, (below + above) / 2]
            wrapped = np.pad(block, 1, mode="wrap")
            for down, right in ((0, -1), (-1, 0), (-1, -1), (-1, 1)):
                other = wrapped[1 + down : 1 + down + side, 1 + right : 1 + right + side]
                shape, below, above = fitted(block * other)
                row += [shape, (above - below) * gamma(2 / shape) / gamma(1 / shape), below, above]
            rows.append(row)
    return np.array(rows)


def half_by_hand(grey):
    """Halve by the cubic kernel at twice its width, written out for every pixel of a row."""

    def cubic(x):
        x = abs(x)
        return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2

    def rows(values):
        padded = np.pad(values, ((4, 4), (0, 0)), mode="symmetric")
        return np.stack(
            [
                sum(cubic((k - 3.5) / 2) / 2 * padded[2 * row + 1 + k] for k in range(8))
                for row in range(len(values) // 2)
            ]
        )

    return rows(rows(grey).T).T


def test_it_agrees_with_another_way_of_working_it_out(pristine, photo):
    image = photo[:192, :200]
    grey = np.rint(image * 255 @ [0.298936, 0.587043, 0.114021])[:, :192]
    found = np.concatenate(
        [
            features_by_hand(grey, 96, pristine.window),
            features_by_hand(half_by_hand(grey), 48, pristine.window),
        ],
        axis=1,
    )
    away = found.mean(0) - pristine.mean
    spread = (np.cov(found.T) + pristine.covariance) / 2
    by_hand = math.sqrt(away @ np.linalg.solve(spread, away))

    # The paper looks shapes up to a thousandth, SciPy solves for them.
    assert NIQE(pristine)(image) == pytest.approx(by_hand, rel=2e-3)


def test_halving_keeps_a_grey_and_a_ramp_by_hand():
    ramp = np.tile(np.arange(40.0), (40, 1))

    # Between two samples lies their mean; the ends bend, since the border is mirrored.
    assert _halved(ramp)[7, 4:-4] == pytest.approx(np.arange(8.5, 32, 2))
    assert _halved(np.full((40, 40), 9.0)) == pytest.approx(9)


@pytest.mark.parametrize("name", BASICSR)
def test_it_agrees_with_basicsr_on_the_published_parameters(shared, name):
    niqe = NIQE(read_pristine(shared / "weights" / "niqe_pris_params.npz"))

    assert niqe(getattr(data, name)() / 255) == pytest.approx(BASICSR[name], abs=1e-3)


def test_noise_and_blur_are_unnatural(shared):
    niqe = NIQE(read_pristine(shared / "weights" / "niqe_pris_params.npz"))
    image = data.chelsea() / 255
    noise = np.random.default_rng(1).normal(0, 0.1, image.shape)
    blurred = np.stack([correlate(image[..., k], np.full((9, 9), 1 / 81)) for k in range(3)], -1)

    natural = niqe(image)

    assert niqe((image + noise).clip(0, 1)) > natural + 2
    assert niqe(blurred) > natural + 2


def test_flat_blocks_are_left_out(pristine, photo):
    image = np.full((192, 288, 3), 0.5)
    image[:, :96] = photo[:192, :96]

    assert math.isfinite(NIQE(pristine)(image))
    assert math.isnan(NIQE(pristine)(np.full((192, 288, 3), 0.5)))


def test_it_needs_two_blocks(pristine, photo):
    assert math.isnan(NIQE(pristine)(photo[:191, :95]))
    assert math.isnan(NIQE(pristine)(photo[:100, :191]))
    assert math.isfinite(NIQE(pristine)(photo[:192, :96]))


def test_a_file_that_is_missing_says_where_it_was_named(tmp_path):
    with pytest.raises(WeightsError, match=r"no\.npz: cannot be read: No such file") as caught:
        read_pristine(tmp_path / "no.npz")

    assert caught.value.hint == "Check the path after --niqe-parameters."


def write_text(path: Path) -> None:
    path.write_text("not an archive")


def write_other_arrays(path: Path) -> None:
    np.savez(path, mean=np.zeros(3))


def write_other_sizes(path: Path) -> None:
    names = ("mu_pris_param", "cov_pris_param", "gaussian_window")
    np.savez(path, **dict.fromkeys(names, np.zeros((36, 36))))


def write_values_that_are_no_numbers(path: Path) -> None:
    wanted = {"mu_pris_param": np.zeros(36), "cov_pris_param": np.full((36, 36), np.nan)}
    np.savez(path, **wanted, gaussian_window=np.zeros((7, 7)))


def write_objects(path: Path) -> None:
    np.savez(path, mu_pris_param=np.array([object()], dtype=object))


def write_half_an_archive(path: Path) -> None:
    np.savez(path, mu_pris_param=np.zeros(36))
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    "write",
    [
        write_text,
        write_other_arrays,
        write_other_sizes,
        write_values_that_are_no_numbers,
        write_objects,
        write_half_an_archive,
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, write):
    file = tmp_path / "other.npz"
    write(file)

    with pytest.raises(WeightsError, match=r"other\.npz: does not hold NIQE's parameters"):
        read_pristine(file)
