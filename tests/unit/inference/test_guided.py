"""Guided rendering: with changes that are known, and against published results."""

from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from photoenhance.imaging.color import ColorConverter
from photoenhance.imaging.photo import Photo
from photoenhance.inference import canvas, guided
from photoenhance.inference import enhancer as enhancer_module
from photoenhance.inference.enhancer import Enhancer

CPU = torch.device("cpu")


def in_floats(pixels):
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


def psnr(pixels, reference):
    return -10 * np.log10(np.mean((in_floats(pixels) - in_floats(reference)) ** 2))


def carried(photo, reference, factor):
    """Enhance small copies by small copies of a result that is known."""
    size = tuple(round(side / factor) for side in photo.shape[:2])
    change = guided.fit(guided.reduced(photo, size), guided.reduced(reference, size))
    return change.applied(photo)


def changed(copy, change):
    """Do to a copy's floats what a generator might."""
    return np.rint(change(in_floats(copy)).clip(0, 1) * 65535).astype(np.uint16)


class Swapped:
    """A colour space whose red is blue."""

    def to_srgb(self, pixels):
        return in_floats(pixels)[..., ::-1]

    def from_srgb(self, colors):
        return colors[..., ::-1].clip(0, 1)


@pytest.mark.parametrize(
    ("photo", "size"),
    [
        ((4000, 6000), (512, 768)),
        ((3000, 1000), (1536, 512)),
        ((400, 600), (400, 600)),
        ((512, 9000), (488, 8587)),
        ((1, 90_000), (1, 90_000)),
    ],
)
def test_a_small_copy_has_a_short_side_or_an_area_as_asked(photo, size) -> None:
    assert guided.small_size(*photo, 512) == size


@pytest.mark.parametrize("size", [(20, 30), (33, 47), (60, 90)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_copy_is_averaged_over_areas(draw, size, dtype) -> None:
    pixels = draw(60, 90).astype(dtype)

    copy = guided.reduced(pixels, size)

    expected = cv2.resize(in_floats(pixels), size[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(in_floats(copy) - expected).max() < 0.51 / 65535


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_change_gives_the_pixels_back(draw, dtype) -> None:
    pixels = draw(90, 131).astype(dtype) * (257 if dtype == np.uint16 else 1)
    copy = guided.reduced(pixels, (30, 44))

    assert np.array_equal(guided.fit(copy, copy).applied(pixels), pixels)


def test_an_affine_change_is_carried_exactly(draw) -> None:
    pixels = draw(120, 200) // 2 + 40
    mixed = np.array([[0.9, 0.1, 0.0], [0.05, 0.9, -0.1], [0.0, 0.1, 1.1]], np.float32)
    copy = guided.reduced(pixels, (40, 67))
    wanted = in_floats(pixels) @ mixed.T + np.float32(0.03)

    change = guided.fit(copy, changed(copy, lambda colors: colors @ mixed.T + np.float32(0.03)))

    # The grain of these pictures is far above the ridge, so little is lost to it.
    assert np.abs(in_floats(change.applied(pixels)) - wanted).max() < 2.5 / 255


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strips_of_any_height_give_the_same_pixels(draw, dtype) -> None:
    pixels = draw(101, 140).astype(dtype) * (257 if dtype == np.uint16 else 1)
    copy = guided.reduced(pixels, (37, 51))
    change = guided.fit(copy, changed(copy, lambda colors: colors**0.7))
    whole = change.applied(pixels, rows=101)

    for rows in (1, 2, 16, 33, 100, 1000):
        assert np.array_equal(change.applied(pixels, rows=rows), whole)


def test_the_fit_is_the_same_in_strips_of_any_height(draw, monkeypatch) -> None:
    copy = guided.reduced(draw(150, 100), (75, 50))
    brighter = changed(copy, lambda colors: colors**0.7)
    whole = guided.fit(copy, brighter).maps

    monkeypatch.setattr(guided, "_FIT_ROWS", 7)

    assert np.array_equal(guided.fit(copy, brighter).maps, whole)


def test_a_copy_of_one_row_or_column_is_carried(draw) -> None:
    for size, small in (((3, 400), (1, 100)), ((400, 3), (100, 1)), ((3, 3), (1, 1))):
        pixels = draw(*size)
        copy = guided.reduced(pixels, small)

        brighter = guided.fit(copy, changed(copy, lambda colors: colors + 0.1)).applied(pixels)

        unclipped = pixels < 220
        assert np.abs(brighter.astype(int) - pixels - 25.5)[unclipped].max() <= 1


def test_a_flat_ramp_keeps_every_level() -> None:
    ramp = np.linspace(8000, 24_000, 1024).astype(np.uint16)
    pixels = np.repeat(np.tile(ramp, (64, 1))[..., None], 3, axis=-1)
    copy = guided.reduced(pixels, (16, 256))

    brighter = guided.fit(copy, changed(copy, lambda colors: colors * 1.5)).applied(pixels)

    steps = np.diff(brighter[32, 8:-8, 0].astype(int))
    assert steps.min() > 15
    assert steps.max() < 33


def test_an_edge_gets_no_halo() -> None:
    pixels = np.full((128, 128, 3), 60, np.uint8)
    pixels[:, 61:] = 200
    copy = guided.reduced(pixels, (32, 32))
    levels = [0, 60 / 255, 200 / 255, 1], [0, 0.4, 0.8, 1]

    curved = guided.fit(copy, changed(copy, lambda colors: np.interp(colors, *levels)))

    result = curved.applied(pixels).astype(int)
    assert np.abs(result[:, :61] - 102).max() <= 2
    assert np.abs(result[:, 61:] - 204).max() <= 2


def test_published_results_are_carried_better_than_planned(shared: Path) -> None:
    """Quarter-size copies of what the DPE authors published give it back at full size.

    Planned were 39.2 and 33.3 dB: a guided filter of colours instead of changes.
    """
    folder = shared / "photos" / "fivek-dev"
    found = {}
    for kind in ("SL", "HDR"):
        values = []
        for file in sorted((folder / "dpe-published" / kind).glob("*.png")):
            photo = cv2.imread(str(folder / "input" / file.name))
            reference = cv2.imread(str(file))
            values.append(psnr(carried(photo, reference, 4), reference))
        found[kind] = np.mean(values)

    assert found["SL"] > 43.1
    assert found["HDR"] > 35.2


def test_guided_results_are_near_exact_ones(generator, draw) -> None:
    photo = Photo(cv2.resize(draw(150, 200), (800, 600), interpolation=cv2.INTER_CUBIC))

    fast = Enhancer(generator, CPU, rendering="guided", work_size=300).enhance(photo)

    exact = Enhancer(generator, CPU, rendering="exact").enhance(photo).photo.pixels
    assert fast.rendering == "guided"
    assert psnr(fast.photo.pixels, exact) > 27
    assert psnr(fast.photo.pixels, photo.pixels) < 24


def test_the_reduced_result_is_what_the_generator_made_of_the_copy(generator, draw) -> None:
    photo = Photo(draw(600, 800))
    image = torch.from_numpy(in_floats(guided.reduced(photo.pixels, (150, 200)))).permute(2, 0, 1)[
        None
    ]
    with torch.inference_mode():
        wanted = generator(image)[0].permute(1, 2, 0).numpy()

    fast = Enhancer(generator, CPU, rendering="guided", work_size=150).enhance(photo)

    reduced = in_floats(guided.reduced(fast.photo.pixels, (150, 200)))
    assert -10 * np.log10(np.mean((reduced - wanted) ** 2)) > 40


def test_memory_changes_no_pixel_of_a_guided_result(generator, draw, monkeypatch) -> None:
    photo = Photo(draw(300, 400))
    enhancer = Enhancer(generator, CPU, rendering="guided", work_size=128)
    plenty = enhancer.enhance(photo).photo.pixels

    monkeypatch.setattr(enhancer_module.budget, "available_bytes", lambda device: 1)

    assert np.array_equal(enhancer.enhance(photo).photo.pixels, plenty)


def test_a_small_copy_in_tiles_gives_the_same_picture(generator, draw) -> None:
    photo = Photo(draw(300, 400))
    way = {"rendering": "guided", "work_size": 160}

    whole = Enhancer(generator, CPU, **way).enhance(photo).photo.pixels
    tiled = Enhancer(generator, CPU, tile=64, **way).enhance(photo).photo.pixels

    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_auto_is_guided_above_a_number_of_pixels(generator, draw, monkeypatch) -> None:
    monkeypatch.setattr(enhancer_module, "GUIDED_ABOVE", 100 * 100)
    enhancer = Enhancer(generator, CPU, work_size=64)

    assert enhancer.enhance(Photo(draw(100, 100))).rendering == "whole"
    assert enhancer.enhance(Photo(draw(100, 101))).rendering == "guided"


def test_a_model_of_whole_small_photos_sees_larger_ones_reduced(generator, draw) -> None:
    generator = deepcopy(generator)
    generator.work_size = 64
    small, large = Photo(draw(64, 90)), Photo(draw(80, 90))

    assert Enhancer(generator, CPU).enhance(small).rendering == "whole"
    assert Enhancer(generator, CPU).enhance(large).rendering == "guided"
    assert Enhancer(generator, CPU, rendering="exact").enhance(large).rendering != "guided"
    assert Enhancer(generator, CPU, work_size=70).work_size == 70


def test_strength_reaches_guided_results(generator, draw) -> None:
    photo = Photo(draw(200, 300))

    def difference(strength):
        way = {"rendering": "guided", "work_size": 100, "strength": strength}
        return np.abs(
            Enhancer(generator, CPU, **way).enhance(photo).photo.pixels.astype(int) - photo.pixels
        ).mean()

    assert difference(0) == 0
    assert difference(0.5) == pytest.approx(difference(1) / 2, rel=0.15)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_generator_sees_srgb_whatever_the_photos_own_colours_are(
    generator, draw, monkeypatch, dtype
) -> None:
    pixels = draw(200, 300).astype(dtype) * (257 if dtype == np.uint16 else 1)
    enhancer = Enhancer(generator, CPU, rendering="guided", work_size=100)
    plain = enhancer.enhance(Photo(pixels)).photo.pixels

    monkeypatch.setattr(canvas, "converter", lambda photo: ColorConverter(Swapped()))
    swapped = enhancer.enhance(Photo(pixels[..., ::-1])).photo.pixels[..., ::-1]

    assert np.abs(swapped.astype(int) - plain).max() <= np.iinfo(dtype).max / 255
    assert (plain != pixels).any()


def test_alpha_and_notes_stay(generator, draw) -> None:
    alpha = draw(200, 300)[..., 0]
    photo = Photo(draw(200, 300), alpha=alpha, notes=("a note",))

    enhanced = Enhancer(generator, CPU, rendering="guided", work_size=100).enhance(photo).photo

    assert enhanced.alpha is alpha
    assert enhanced.notes == photo.notes
