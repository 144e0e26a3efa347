import math

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from photoenhance.metrics.multiscale import ms_ssim

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def terms_by_hand(image, reference):
    """Mean of SSIM and of its second factor, by SciPy in two dimensions."""
    rows, columns = np.mgrid[-5:6, -5:6]
    window = np.exp(-(rows**2 + columns**2) / (2 * 1.5**2))
    window /= window.sum()

    def local(values):
        planes = [correlate(values[..., channel], window) for channel in range(3)]
        return np.stack(planes, -1)[5:-5, 5:-5]

    mean_a, mean_b = local(image), local(reference)
    deviations = local(image**2) - mean_a**2 + local(reference**2) - mean_b**2
    second = (2 * (local(image * reference) - mean_a * mean_b) + 9e-4) / (deviations + 9e-4)
    first = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
    return (first * second).mean(), second.mean()


def halved(image):
    image = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4


def test_two_greys_leave_the_last_luminance_term_alone():
    image, reference = np.full((176, 180, 3), 0.6), np.full((176, 180, 3), 0.5)

    luminance = (2 * 0.6 * 0.5 + 0.01**2) / (0.6**2 + 0.5**2 + 0.01**2)
    assert ms_ssim(image, reference) == pytest.approx(luminance**0.1333)


def test_it_agrees_with_scipy_by_hand(photo, worse):
    image, reference, expected = worse[:189], photo[:189], 1.0
    for exponent in EXPONENTS[:-1]:
        expected *= terms_by_hand(image, reference)[1] ** exponent
        image, reference = halved(image), halved(reference)
    expected *= terms_by_hand(image, reference)[0] ** EXPONENTS[-1]

    assert ms_ssim(worse[:189], photo[:189]) == pytest.approx(expected, abs=1e-9)


def test_it_agrees_with_torchmetrics_scale_by_scale(torchmetrics, photo, worse):
    first, second = (torch.from_numpy(each).permute(2, 0, 1)[None] for each in (worse, photo))
    theirs, structural = 1.0, torchmetrics.structural_similarity_index_measure
    for exponent in EXPONENTS[:-1]:
        # The contrast term without what it reflects at the borders.
        _, contrast = structural(first, second, data_range=1.0, return_contrast_sensitivity=True)
        theirs *= float(contrast) ** exponent
        first, second = (torch.nn.functional.avg_pool2d(each, 2) for each in (first, second))
    _, everywhere = structural(first, second, data_range=1.0, return_full_image=True)
    theirs *= float(everywhere[..., 5:-5, 5:-5].mean()) ** EXPONENTS[-1]

    assert ms_ssim(worse, photo) == pytest.approx(theirs, abs=1e-6)


def test_the_opposite_of_a_photo_has_no_similarity_instead_of_a_complex_one(photo):
    assert ms_ssim(1 - photo, photo) == 0


def test_it_needs_176_pixels(photo):
    assert math.isnan(ms_ssim(photo[:175], photo[:175]))
    assert ms_ssim(photo[:176], photo[:176]) == pytest.approx(1)
