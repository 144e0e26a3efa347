"""Tone rendering: one colour transform for the whole photo."""

from copy import deepcopy

import cv2
import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

from photoenhance.errors import ImageError
from photoenhance.imaging.color import ColorConverter
from photoenhance.imaging.photo import Photo
from photoenhance.inference import canvas, guided, tone
from photoenhance.inference import enhancer as enhancer_module
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator
from photoenhance.zoo.load import load_generator

CPU = torch.device("cpu")
TOP = {np.uint8: 255, np.uint16: 65535}
CHANGES = [
    lambda colors: 3.5 * colors,
    lambda colors: colors**0.4,
    lambda colors: colors**2.5,
    lambda colors: 0.5 - 0.4 * colors,
    lambda colors: np.sin(7 * colors) / 2 + 0.5,
    lambda colors: colors[..., ::-1],
]


def in_floats(pixels):
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def changed(copy, change):
    """Do to a copy's floats what a generator might."""
    return np.rint(change(in_floats(copy)).clip(0, 1) * 65535).astype(np.uint16)


def of_depth(pixels, dtype):
    return pixels.astype(dtype) * (257 if dtype == np.uint16 else 1)


class Swapped:
    """A colour space whose red is blue."""

    def to_srgb(self, pixels):
        return in_floats(pixels)[..., ::-1]

    def from_srgb(self, colors):
        return colors[..., ::-1].clip(0, 1)


@pytest.fixture
def transform(draw):
    copy = guided.reduced(draw(90, 120), (45, 60))
    return tone.fit(copy, changed(copy, lambda colors: colors**0.7))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_pixel_becomes_depends_on_its_colour_alone(draw, transform, dtype) -> None:
    pixels = of_depth(draw(101, 203), dtype)
    whole = transform.applied(pixels)

    for rows, columns in (
        (slice(3, 58), slice(7, 190)),
        (slice(0, 1), slice(0, 1)),
        (slice(40, 90), slice(101, 118)),
    ):
        assert np.array_equal(transform.applied(pixels[rows, columns]), whole[rows, columns])
    assert np.array_equal(transform.applied(pixels.transpose(1, 0, 2)), whole.transpose(1, 0, 2))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_change_gives_the_pixels_back(draw, dtype) -> None:
    pixels = of_depth(draw(90, 131), dtype)
    copy = guided.reduced(pixels, (30, 44))

    assert np.array_equal(tone.fit(copy, copy).applied(pixels), pixels)


@pytest.mark.parametrize("rendering", ["tone", "guided", "auto"])
@pytest.mark.parametrize("local", [0, 0.5, 1])
def test_auto_is_what_the_model_says_and_names_are_what_they_say(
    generator, draw, local, rendering
) -> None:
    generator = deepcopy(generator)
    generator.work_size, generator.local_share = 64, local

    named = Enhancer(generator, CPU, rendering=rendering).enhance(Photo(draw(80, 90))).rendering

    of_auto = {0: "tone", 0.5: "blend", 1: "guided"}[local]
    assert named == (of_auto if rendering == "auto" else rendering)


def test_a_models_share_is_for_its_own_work_size_alone(generator, draw) -> None:
    generator = deepcopy(generator)
    generator.local_share = 0.0

    assert Enhancer(generator, CPU, work_size=64).enhance(Photo(draw(80, 90))).rendering == "whole"


def test_a_blend_lies_between_tone_and_guided(generator, draw) -> None:
    generator = deepcopy(generator)
    generator.work_size, generator.local_share = 64, 0.25
    photo = Photo(draw(80, 90))

    even, local, blend = (
        Enhancer(generator, CPU, rendering=rendering).enhance(photo).photo.pixels.astype(float)
        for rendering in ("tone", "guided", "auto")
    )

    assert np.abs(blend - (even + 0.25 * (local - even))).max() <= 0.5
    assert np.abs(local - even).mean() > 2


@pytest.mark.parametrize("local", [0, 0.5])
def test_a_photo_as_small_as_the_copy_is_its_own_copy(generator, draw, local) -> None:
    generator = deepcopy(generator)
    generator.work_size, generator.local_share = 64, local
    photo = Photo(draw(50, 60))
    exact = Enhancer(generator, CPU, rendering="exact").enhance(photo).photo.pixels.astype(float)
    even = Enhancer(generator, CPU, rendering="tone").enhance(photo)

    auto = Enhancer(generator, CPU).enhance(photo)

    assert even.rendering == "tone"
    assert auto.rendering == ("blend" if local else "tone")
    expected = even.photo.pixels + local * (exact - even.photo.pixels)
    assert np.abs(auto.photo.pixels - expected).max() <= 1


def test_memory_changes_no_pixel(generator, draw, monkeypatch) -> None:
    photo = Photo(draw(300, 400))
    enhancer = Enhancer(generator, CPU, rendering="tone", work_size=128)
    plenty = enhancer.enhance(photo).photo.pixels

    monkeypatch.setattr(enhancer_module.budget, "available_bytes", lambda device: 1)

    assert np.array_equal(enhancer.enhance(photo).photo.pixels, plenty)


def test_strength_scales_the_change(generator, draw) -> None:
    photo = Photo(draw(200, 300))

    def change(strength):
        way = {"rendering": "tone", "work_size": 100, "strength": strength}
        return np.subtract(
            Enhancer(generator, CPU, **way).enhance(photo).photo.pixels, photo.pixels, dtype=float
        )

    assert not change(0).any()
    assert np.abs(change(0.5) - change(1) / 2).mean() < 2


def test_what_alpha_hides_stays_and_steers_nothing(generator, draw) -> None:
    alpha = np.full((120, 160), 255, np.uint8)
    alpha[30:90, 40:100] = 0
    black, white = draw(120, 160), draw(120, 160)
    black[alpha == 0], white[alpha == 0] = 0, 255
    enhancer = Enhancer(generator, CPU, rendering="tone", work_size=64)

    first, second = (
        enhancer.enhance(Photo(pixels, alpha=alpha)).photo.pixels for pixels in (black, white)
    )

    assert np.array_equal(first[alpha > 0], second[alpha > 0])
    assert not first[alpha == 0].any()
    assert (second[alpha == 0] == 255).all()
    assert (first != black).any()


def test_colours_that_the_copy_has_averaged_away_stay_what_they_are(draw) -> None:
    photo = cv2.GaussianBlur(draw(240, 320) // 4 + 10, (0, 0), 3)
    specks = np.array([(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (1, 1, 0)])
    photo[10:16, 10] = 255 * specks
    copy = guided.reduced(photo, (48, 64))

    result = tone.fit(copy, changed(copy, lambda colors: 3.5 * colors)).applied(photo)

    became = result[10:16, 10].astype(int)
    assert became[specks == 1].min() > 235
    assert became[specks == 0].max() < 64


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_brighter_stays_brighter(draw, change, dtype) -> None:
    copy = guided.reduced(draw(90, 120) // 2, (45, 60))
    ramp = np.arange(TOP[dtype] + 1, step=1 if dtype == np.uint8 else 37)
    levels = np.full((len(ramp), 4, 3), TOP[dtype] // 3, dtype)
    levels[:, 0] = ramp[:, None]
    for channel in range(3):
        levels[:, 1 + channel, channel] = ramp

    result = tone.fit(copy, changed(copy, change)).applied(levels).astype(int)

    assert (np.diff(result[:, 0], axis=0) >= 0).all()
    for channel in range(3):
        assert (np.diff(result[:, 1 + channel, channel]) >= 0).all()


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 10, 90)])
def test_a_photo_of_one_colour_becomes_what_the_generator_made_of_it(color) -> None:
    pixels = np.full((40, 50, 3), color, np.uint8)
    copy = guided.reduced(pixels, (20, 25))
    made = changed(copy, lambda colors: 0.8 * colors + 0.05)

    result = tone.fit(copy, made).applied(pixels)

    assert np.abs(result - in_floats(made[0, 0]) * 255).max() <= 2


def test_a_quadratic_change_is_found_again(draw) -> None:
    photo = draw(240, 320)
    copy = guided.reduced(photo, (120, 160))

    def curved(colors):
        mixed = colors @ np.float32([[0.9, 0.05, 0], [0.05, 0.9, 0.1], [0, 0, 0.85]])
        return mixed + 0.3 * mixed * (1 - mixed)

    result = tone.fit(copy, changed(copy, curved)).applied(photo)

    error = np.abs(in_floats(result) - curved(in_floats(photo)))
    assert np.quantile(error, 0.95) < 2 / 255


def test_a_ramp_of_16_bits_stays_smooth(draw) -> None:
    copy = guided.reduced(draw(90, 120), (45, 60))
    ramp = np.repeat(np.arange(0, 65536, 16, dtype=np.uint16)[None, :, None], 3, axis=-1)

    result = tone.fit(copy, changed(copy, lambda colors: colors**0.7)).applied(ramp).astype(int)

    inside = (result[0] > 0).all(axis=-1) & (result[0] < 65535).all(axis=-1)
    bends = np.abs(np.diff(result[0], n=2, axis=0))
    assert bends[inside[:-2] & inside[2:]].max() <= 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arithmetic_is_right_to_one_level(draw, transform, dtype) -> None:
    pixels = of_depth(draw(60, 70), dtype)
    values = [1.0, *np.moveaxis(pixels / TOP[dtype], -1, 0)]
    terms = values + [values[i] * values[j] for i in (1, 2, 3) for j in range(i, 4)]

    exact = sum(
        np.multiply.outer(each, row)
        for each, row in zip(terms, np.float64(transform.coefficients), strict=True)
    )

    expected = (exact * TOP[dtype]).clip(0, TOP[dtype])
    assert np.abs(transform.applied(pixels) - expected).max() <= 0.51


@pytest.mark.parametrize("rows", [1, 2, 16, 33, 1000])
def test_strips_of_any_height_give_the_same_pixels(draw, transform, rows) -> None:
    pixels = draw(101, 140)

    assert np.array_equal(transform.applied(pixels, rows=rows), transform.applied(pixels))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 3)])
def test_photos_of_a_few_pixels_are_rendered(generator, draw, size) -> None:
    enhanced = Enhancer(generator, CPU, rendering="tone", work_size=64).enhance(Photo(draw(*size)))

    assert enhanced.photo.pixels.shape == (*size, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_generator_sees_srgb_whatever_the_photos_own_colours_are(
    generator, draw, monkeypatch, dtype
) -> None:
    pixels = of_depth(draw(200, 300), dtype)
    enhancer = Enhancer(generator, CPU, rendering="tone", work_size=100)
    plain = enhancer.enhance(Photo(pixels)).photo.pixels

    monkeypatch.setattr(canvas, "converter", lambda photo: ColorConverter(Swapped()))
    swapped = enhancer.enhance(Photo(pixels[..., ::-1])).photo.pixels[..., ::-1]

    assert np.abs(swapped.astype(int) - plain).max() <= TOP[dtype] / 255
    assert (plain != pixels).any()


def test_a_broken_generator_is_refused(draw) -> None:
    broken = UEGANGenerator(UEGANConfig(width=8))
    torch.nn.init.constant_(broken.dec5[1].main[1].bias, torch.nan)

    with pytest.raises(ImageError, match="values that are no numbers"):
        Enhancer(broken, CPU, rendering="tone", work_size=64).enhance(Photo(draw(80, 90)))


def test_the_bundled_enlightengan_lights_dark_photos_and_leaves_others() -> None:
    photo = data.coffee()
    enhancer = Enhancer(load_generator("enlightengan").generator, CPU)
    three_stops_less = 2 ** (-3 / 2.2)
    dark = np.round(photo * three_stops_less).astype(np.uint8)

    lit, left = enhancer.enhance(Photo(dark)), enhancer.enhance(Photo(photo))

    assert lit.rendering == left.rendering == "tone"
    assert psnr(photo, lit.photo.pixels) > psnr(photo, dark) + 6
    assert psnr(photo, left.photo.pixels) > 25
