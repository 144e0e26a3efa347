import math

import cv2
import numpy as np
import pytest
from scipy.ndimage import sobel
from skimage.color import rgb2gray

from photoenhance.metrics import tone


def halves(first, second):
    image = np.empty((10, 20, 3))
    image[:, :10], image[:, 10:] = first, second
    return image


def columns(*values):
    return np.broadcast_to(np.array(values, float)[None, :, None], (6, len(values), 3))


def test_red_beside_blue_is_colourful_by_hand():
    # Red minus green is 255 and 0, red and green minus blue 127.5 and -255.
    deviation = math.hypot(127.5, 191.25)
    mean = math.hypot(127.5, 63.75)

    found = tone.colourfulness(halves((1, 0, 0), (0, 0, 1)))

    assert found == pytest.approx(deviation + 0.3 * mean)


def test_grey_has_no_colour(photo):
    assert tone.colourfulness(np.repeat(photo[..., :1], 3, axis=2)) == pytest.approx(0, abs=1e-9)


def test_colourfulness_agrees_with_opencv(photo):
    red, green, blue = cv2.split(photo * 255)
    moments = [cv2.meanStdDev(each) for each in (red - green, (red + green) * 0.5 - blue)]
    (mean_1, deviation_1), (mean_2, deviation_2) = (map(np.ravel, each) for each in moments)

    theirs = np.sqrt(deviation_1**2 + deviation_2**2) + 0.3 * np.sqrt(mean_1**2 + mean_2**2)

    assert tone.colourfulness(photo) == pytest.approx(theirs.item())


def test_black_beside_white_has_the_greatest_contrast():
    assert tone.contrast(halves(0, 1)) == pytest.approx(50)


def test_contrast_agrees_with_scikit_images_grey(photo):
    assert tone.contrast(photo) == pytest.approx(100 * rgb2gray(photo).std(), rel=2e-3)


def test_clipping_counts_pixels_of_which_every_channel_is_lost():
    image = np.full((10, 10, 3), 0.5)
    image[0, :4] = 2 / 255
    image[1, :3] = 253 / 255
    image[2] = 0, 0, 3 / 255  # a dark blue
    image[3] = 1, 1, 252 / 255

    assert tone.clipped_shadows(image) == pytest.approx(4)
    assert tone.clipped_highlights(image) == pytest.approx(3)


def test_clipping_agrees_with_counting_one_pixel_after_the_other(photo):
    stretched = ((photo - 0.5) * 2 + 0.5).clip(0, 1)
    levels = np.rint(stretched * 255).astype(int).reshape(-1, 3).tolist()
    black = sum(max(pixel) <= 2 for pixel in levels)
    white = sum(min(pixel) >= 253 for pixel in levels)

    image = np.rint(stretched * 255) / 255

    assert black > 100 < white
    assert tone.clipped_shadows(image) == pytest.approx(100 * black / len(levels))
    assert tone.clipped_highlights(image) == pytest.approx(100 * white / len(levels))


def test_a_step_is_sharper_than_a_ramp_by_hand():
    step, ramp = columns(0, 0, 0, 1, 1, 1), columns(0, 0, 1 / 3, 2 / 3, 1, 1)

    # Sobel gives 4 in two columns of six; and 4/3, 8/3, 8/3 and 4/3.
    after = math.sqrt(2 * 16 / 6) / 0.5
    before = math.sqrt((2 * 16 / 9 + 2 * 64 / 9) / 6) / math.sqrt((1 + 2 / 36) / 6)
    assert tone.sharpness_change(step, ramp) == pytest.approx(100 * (after / before - 1))


def test_sharpness_agrees_with_scipys_gradient(photo):
    blurred = cv2.GaussianBlur(photo, (5, 5), 1.0)

    def sharpness(image):
        grey = image @ [0.2126, 0.7152, 0.0722]
        squares = sum(sobel(grey, axis, mode="mirror") ** 2 for axis in (0, 1))
        return math.sqrt(squares.mean()) / grey.std()

    change = tone.sharpness_change(blurred, photo)

    assert change < -10
    assert change == pytest.approx(100 * (sharpness(blurred) / sharpness(photo) - 1))


def test_contrast_alone_does_not_make_a_photo_sharper(photo):
    assert tone.sharpness_change(photo * 0.5 + 0.2, photo) == pytest.approx(0, abs=1e-9)


def test_a_flat_photo_has_no_sharpness_to_compare(photo):
    assert math.isnan(tone.sharpness_change(photo, np.full_like(photo, 0.5)))
