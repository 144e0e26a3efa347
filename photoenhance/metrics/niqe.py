"""NIQE: how far an image's statistics are from those of undistorted natural ones."""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from photoenhance.errors import WeightsError
from photoenhance.metrics.image import Image

BLOCK = 96  # pixels; with this side the published model was made
FEATURES = 36
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
# MATLAB's rgb2gray. Source: ITU-R BT.601-7, item 2.5.1, derived with more digits.
GREY = (0.298936021293775, 0.587043074451121, 0.114020904255103)
# The cubic kernel of Keys 1981 with a = -1/2, stretched twofold, as MATLAB's imresize halves with.
HALVING = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
SHAPES = np.arange(200, 10_001) / 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Pristine:
    """The statistics of undistorted photos.

    Attributes:
        mean: `(36,)`.
        covariance: `(36, 36)`.
        window: `(7, 7)`, by which local means are taken.
    """

    mean: Floats
    covariance: Floats
    window: Floats


def read_pristine(file: Path) -> Pristine:
    """Read the published parameters from an .npz file.

    Raises:
        WeightsError: the file is missing, or has no such parameters.
    """
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            mean, covariance, window = (
                np.asarray(arrays[name], np.float64)
                for name in ("mu_pris_param", "cov_pris_param", "gaussian_window")
            )
    except OSError as error:
        raise WeightsError(
            f"{file}: cannot be read: {error.strerror or error}",
            hint="Check the path after --niqe-parameters.",
        ) from error
    except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unsuitable(file) from error
    shapes = (mean.size, covariance.shape, window.shape)
    are_finite = all(np.isfinite(each).all() for each in (mean, covariance, window))
    if shapes != (FEATURES, (FEATURES, FEATURES), (7, 7)) or not are_finite:
        raise _unsuitable(file)
    return Pristine(mean.reshape(FEATURES), covariance, window)


class NIQE:
    """Natural image quality evaluator: 0 is natural, real photos have about 2 to 5.

    Args:
        pristine: the statistics to compare with.

    Source: Mittal, Soundararajan and Bovik 2013, https://doi.org/10.1109/LSP.2012.2227726; colour
    becomes grey as in the authors' code, by MATLAB's rgb2gray.
    """

    def __init__(self, pristine: Pristine) -> None:
        self._pristine = pristine
        gamma = [math.gamma(1 / s) * math.gamma(3 / s) for s in SHAPES]
        self._ratios = np.array([math.gamma(2 / s) ** 2 for s in SHAPES]) / gamma

    def __call__(self, image: Image) -> float:
        """Judge an `(H, W, 3)` sRGB image in [0, 1].

        Returns:
            Lower is more natural; nan with fewer than two blocks of 96 x 96 pixels that are not
            flat.
        """
        grey = np.floor(image @ np.array(GREY) * 255 + 0.5)
        height, width = (side // BLOCK * BLOCK for side in grey.shape)
        if height * width < 2 * BLOCK**2:
            return float("nan")
        grey = grey[:height, :width]
        features = np.concatenate(
            [self._features(grey, BLOCK), self._features(_halved(grey), BLOCK // 2)], axis=1
        )
        whole = features[~np.isnan(features).any(axis=1)]
        if len(whole) < 2:
            return float("nan")
        away = self._pristine.mean - np.nanmean(features, axis=0)
        spread = (self._pristine.covariance + np.cov(whole, rowvar=False)) / 2
        return math.sqrt(away @ np.linalg.pinv(spread) @ away)

    def _features(self, grey: Floats, side: int) -> Floats:
        """Return 18 numbers a block: `(blocks, 18)`, with nan where a block is flat."""
        height, width = grey.shape
        normal = _normalised(grey, self._pristine.window)
        blocks = (
            normal.reshape(height // side, side, width // side, side)
            .swapaxes(1, 2)
            .reshape(-1, side, side)
        )
        return np.stack([self._features_of(block) for block in blocks])

    def _features_of(self, block: Floats) -> Floats:
        shape, left, right = self._fit(block)
        found = [shape, (left + right) / 2]
        for neighbour in NEIGHBOURS:
            shape, left, right = self._fit(block * np.roll(block, neighbour, axis=(0, 1)))
            mean = (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape)
            found += [shape, mean, left, right]
        return np.array(found)

    def _fit(self, values: Floats) -> tuple[float, float, float]:
        """Fit an asymmetric generalised Gaussian; return its shape and its two widths.

        Source: Lasmar, Stitou and Berthoumieu 2009, section 3, by moments.
        """
        below, above = values[values < 0], values[values > 0]
        if not below.size or not above.size:
            return math.nan, math.nan, math.nan
        left, right = math.sqrt((below**2).mean()), math.sqrt((above**2).mean())
        skew = left / right
        ratio = np.abs(values).mean() ** 2 / (values**2).mean()
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
        shape = float(SHAPES[np.abs(self._ratios - ratio).argmin()])
        scale = math.sqrt(math.gamma(1 / shape) / math.gamma(3 / shape))
        return shape, left * scale, right * scale


def _normalised(grey: Floats, window: Floats) -> Floats:
    """Subtract the local mean of 8-bit levels and divide by the local deviation plus 1."""
    mean = _filtered(grey, window)
    deviation = np.sqrt(np.abs(_filtered(grey**2, window) - mean**2))
    normal: Floats = (grey - mean) / (deviation + 1)
    return normal


def _filtered(grey: Floats, window: Floats) -> Any:
    return cv2.filter2D(grey, cv2.CV_64F, window, borderType=cv2.BORDER_REPLICATE)


def _halved(grey: Floats) -> Floats:
    """Halve an image of even sides as MATLAB's imresize does."""
    anchor = (3, 0), (0, 3)
    borders = cv2.BORDER_REFLECT
    across = cv2.filter2D(grey, cv2.CV_64F, HALVING[None], anchor=anchor[0], borderType=borders)
    down = cv2.filter2D(across, cv2.CV_64F, HALVING[:, None], anchor=anchor[1], borderType=borders)
    return np.asarray(down[::2, ::2], np.float64)


def _unsuitable(file: Path) -> WeightsError:
    return WeightsError(
        f"{file}: does not hold NIQE's parameters (mu_pris_param, cov_pris_param, gaussian_window)",
        hint="Name niqe_pris_params.npz, which BasicSR has in basicsr/metrics.",
    )
