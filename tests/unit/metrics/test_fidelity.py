import math

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from photoenhance.metrics.fidelity import delta_e, psnr, ssim
from photoenhance.metrics.protocol import PROTOCOLS

UEGAN, UNIFORM = PROTOCOLS["uegan"], PROTOCOLS["scikit-image"]

# L*, a*, b* of two colours and their difference. Source: Sharma, Wu and Dalal 2005, table 1.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


def planes(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def grey(value, side=20):
    return np.full((side, side, 3), value)


def similarity_by_hand(image, reference, weights, *, is_sample):
    """SSIM of every full window of the given weights, one window and channel after the other."""
    side = weights.shape[0]
    correction = side**2 / (side**2 - 1) if is_sample else 1
    found = []
    for channel in range(3):
        windows = [
            sliding_window_view(each[..., channel], (side, side)) for each in (image, reference)
        ]
        a, b = windows
        mean_a, mean_b = ((each * weights).sum((2, 3)) for each in windows)
        variance_a = correction * ((a * a * weights).sum((2, 3)) - mean_a**2)
        variance_b = correction * ((b * b * weights).sum((2, 3)) - mean_b**2)
        covariance = correction * ((a * b * weights).sum((2, 3)) - mean_a * mean_b)
        luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
        found.append(luminance * (2 * covariance + 9e-4) / (variance_a + variance_b + 9e-4))
    return np.mean(found)


def lab_by_hand(image):
    """CIE L*a*b* of sRGB under D65, from the standards."""
    linear = np.where(image > 0.04045, ((image + 0.055) / 1.055) ** 2.4, image / 12.92)
    matrix = [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
    ratios = linear @ np.array(matrix).T / [0.95047, 1, 1.08883]
    x, y, z = np.moveaxis(
        np.where(ratios > 0.008856, ratios ** (1 / 3), ratios * 7.787 + 16 / 116), -1, 0
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference_by_hand(first, second):
    """CIEDE2000 of two colours, after Sharma, Wu and Dalal 2005, one step a line."""
    (light_1, a_1, b_1), (light_2, a_2, b_2) = first, second
    mean_chroma = (math.hypot(a_1, b_1) + math.hypot(a_2, b_2)) / 2
    gain = 1 + (1 - math.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7))) / 2
    chroma_1, chroma_2 = math.hypot(gain * a_1, b_1), math.hypot(gain * a_2, b_2)
    hue_1, hue_2 = (
        math.degrees(math.atan2(b, gain * a)) % 360 for a, b in ((a_1, b_1), (a_2, b_2))
    )
    turn = 0.0 if chroma_1 * chroma_2 == 0 else (hue_2 - hue_1 + 180) % 360 - 180
    hue_step = 2 * math.sqrt(chroma_1 * chroma_2) * math.sin(math.radians(turn / 2))
    hue = hue_1 + hue_2 if chroma_1 * chroma_2 == 0 else (hue_1 + turn / 2) % 360
    light, chroma = (light_1 + light_2) / 2, (chroma_1 + chroma_2) / 2
    cosine = [
        math.cos(math.radians(each)) for each in (hue - 30, 2 * hue, 3 * hue + 6, 4 * hue - 63)
    ]
    weight = 1 + np.dot([-0.17, 0.24, 0.32, -0.20], cosine)
    rotation = -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7))
    rotation *= math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    light_part = (light_2 - light_1) / (
        1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    )
    chroma_part = (chroma_2 - chroma_1) / (1 + 0.045 * chroma)
    hue_part = hue_step / (1 + 0.015 * chroma * weight)
    return math.sqrt(
        light_part**2 + chroma_part**2 + hue_part**2 + rotation * chroma_part * hue_part
    )


def test_psnr_of_a_tenth_everywhere_is_20_db():
    assert psnr(grey(0.6), grey(0.5)) == pytest.approx(20)


def test_psnr_agrees_with_numpy(photo, worse):
    by_hand = -10 * np.log10(np.mean((photo - worse) ** 2))

    assert psnr(worse, photo) == pytest.approx(by_hand, abs=1e-9)


def test_psnr_agrees_with_torchmetrics(torchmetrics, photo, worse):
    theirs = torchmetrics.peak_signal_noise_ratio(planes(worse), planes(photo), data_range=1.0)

    assert psnr(worse, photo) == pytest.approx(float(theirs), abs=1e-6)


def test_psnr_of_identical_photos_is_infinite(photo):
    assert psnr(photo, photo) == math.inf


def test_uegan_leaves_a_border_of_4_and_whatever_8_bits_cannot_hold_out():
    image, reference = grey(128 / 255), grey(128 / 255)
    image[:4], image[:, :4], image[-4:], image[:, -4:] = 1, 1, 1, 1
    image[10, 10] += 0.4 / 255  # rounds away
    image[11, 11] += 51 / 255

    # One of 12 x 12 pixels is a fifth off.
    assert psnr(image, reference, UEGAN) == pytest.approx(-10 * math.log10(0.2**2 / 144))
    assert math.isnan(psnr(image[:8], reference[:8], UEGAN))


def test_ssim_of_two_greys_is_their_luminance_term():
    expected = (2 * 0.6 * 0.5 + 0.01**2) / (0.6**2 + 0.5**2 + 0.01**2)

    assert ssim(grey(0.6), grey(0.5)) == pytest.approx(expected)
    assert ssim(grey(0.6), grey(0.5), UEGAN) == pytest.approx(
        (2 * 153 * 128 + 2.55**2) / (153**2 + 128**2 + 2.55**2)
    )


def test_ssim_agrees_with_windows_taken_by_hand(photo, worse):
    offsets = np.arange(-5, 6)
    bell = np.exp(-(offsets**2) / (2 * 1.5**2))
    gaussian = np.outer(bell, bell) / bell.sum() ** 2

    by_hand = similarity_by_hand(worse[:60, :70], photo[:60, :70], gaussian, is_sample=False)

    assert ssim(worse[:60, :70], photo[:60, :70]) == pytest.approx(by_hand, abs=1e-9)


def test_ssim_agrees_with_torchmetrics(torchmetrics, photo, worse):
    _, everywhere = torchmetrics.structural_similarity_index_measure(
        planes(worse), planes(photo), data_range=1.0, return_full_image=True
    )

    # Its own mean takes in what it reflects at the borders.
    theirs = everywhere[..., 5:-5, 5:-5].mean()
    assert ssim(worse, photo) == pytest.approx(float(theirs), abs=1e-6)


def test_uegans_ssim_agrees_with_uniform_windows_taken_by_hand(photo, worse):
    levels = [np.rint(each[:60, :70] * 255) / 255 for each in (worse, photo)]
    inside = [each[4:-4, 4:-4] for each in levels]

    by_hand = similarity_by_hand(*inside, np.full((7, 7), 1 / 49), is_sample=True)

    assert ssim(worse[:60, :70], photo[:60, :70], UEGAN) == pytest.approx(by_hand, abs=1e-9)


def test_the_scikit_image_protocol_is_its_default_on_8_bit_pixels(photo, worse):
    levels = [np.rint(each * 255).astype(np.uint8) for each in (worse, photo)]

    theirs = structural_similarity(*levels, channel_axis=2, data_range=255)

    assert ssim(levels[0] / 255, levels[1] / 255, UNIFORM) == pytest.approx(theirs, abs=1e-9)


def test_ssim_cannot_judge_what_is_smaller_than_its_window(photo):
    assert math.isnan(ssim(photo[:10], photo[:10]))
    assert ssim(photo[:11], photo[:11]) == 1
    assert math.isnan(ssim(photo[:14], photo[:14], UEGAN))


def test_black_and_white_differ_by_100():
    assert delta_e(grey(0.0), grey(1.0)) == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize(("first", "second", "difference"), SHARMA)
def test_the_difference_by_hand_gives_the_published_values(first, second, difference):
    assert difference_by_hand(first, second) == pytest.approx(difference, abs=1e-4)


def test_delta_e_in_strips_is_that_of_the_whole(photo, worse):
    whole = deltaE_ciede2000(rgb2lab(photo[:150]), rgb2lab(worse[:150])).mean()

    assert delta_e(worse[:150], photo[:150]) == pytest.approx(whole)


def test_delta_e_agrees_with_the_formula_by_hand(photo, worse):
    first, second = photo[::16, ::16].reshape(-1, 3), worse[::16, ::16].reshape(-1, 3)
    labs = [np.stack(lab_by_hand(each), -1) for each in (first, second)]

    by_hand = np.mean([difference_by_hand(a, b) for a, b in zip(*labs, strict=True)])

    assert delta_e(worse[::16, ::16], photo[::16, ::16]) == pytest.approx(by_hand, abs=1e-3)
