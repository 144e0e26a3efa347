"""Outlines of histograms."""

import re

import numpy as np

from photoenhance.report.histogram import BINS, HEIGHT, outlines


def tops(path):
    """The heights of a path's bins, from below."""
    numbers = [float(n) for n in re.findall(r"[\d.]+(?:e-?\d+)?", path)]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))[2:-2]
    return [HEIGHT - y for _, y in points]


def test_one_grey_is_one_peak_at_its_place():
    pixels = np.full((5, 5, 3), 130, np.uint8)

    before, _ = outlines(pixels, pixels)

    assert np.argmax(tops(before[0])) == 130 * BINS // 256
    assert max(tops(before[0])) == HEIGHT
    assert sum(top > 0 for top in tops(before[0])) == 1


def test_both_are_drawn_to_one_scale():
    narrow = np.full((8, 8, 3), 130, np.uint8)
    wide = narrow.copy()
    wide[:4] = 60

    before, after = outlines(narrow, wide)

    assert max(tops(before[1])) == HEIGHT
    assert max(tops(after[1])) == HEIGHT / 2


def test_black_does_not_dwarf_the_rest():
    pixels = np.zeros((10, 10, 3), np.uint8)
    pixels[0, :2] = 130

    before, _ = outlines(pixels, pixels)

    assert tops(before[2])[130 * BINS // 256] == HEIGHT


def test_nothing_but_black_draws_a_picture_too():
    pixels = np.zeros((4, 4, 3), np.uint8)

    before, _ = outlines(pixels, pixels)

    assert max(tops(before[0])) == HEIGHT
