"""Tone rendering: one colour transform for the whole photo."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from photoenhance.imaging.photo import Photo
from photoenhance.inference import enhancer as enhancer_module
from photoenhance.inference import guided, tone
from photoenhance.inference.enhancer import Enhancer

CPU = torch.device("cpu")
TOP = {np.uint8: 255, np.uint16: 65535}


def in_floats(pixels):
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def changed(copy, change):
    """Do to a copy's floats what a generator might."""
    return np.rint(change(in_floats(copy)).clip(0, 1) * 65535).astype(np.uint16)


def of_depth(pixels, dtype):
    return pixels.astype(dtype) * (257 if dtype == np.uint16 else 1)


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
