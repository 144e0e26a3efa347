"""What is hidden under alpha is neither seen by the network nor changed."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from photoenhance.imaging.photo import Photo
from photoenhance.inference import cutout, guided
from photoenhance.inference.enhancer import Enhancer
from photoenhance.zoo.load import load_generator

CPU = torch.device("cpu")
HIDDEN = ["black", "white", "noise"]


@pytest.fixture
def cut_out(draw):
    """Cut a disc with a soft edge out of a picture; hide a colour around it."""

    def make(hidden, size=(120, 160), dtype=np.uint8):
        height, width = size
        rows, columns = np.mgrid[:height, :width]
        radius = np.hypot(rows - height / 2, columns - width / 2)
        top = np.iinfo(dtype).max
        alpha = np.rint((height * 0.4 - radius).clip(0, 3) / 3 * top).astype(dtype)
        picture = cv2.resize(draw(height // 4, width // 4), (width, height)).astype(dtype)
        pixels = picture * dtype(top // 255)
        noise = np.random.default_rng(1).integers(0, top, pixels.shape).astype(dtype)
        behind = {"black": np.zeros_like(noise), "white": np.full_like(noise, top), "noise": noise}
        pixels[alpha == 0] = behind[hidden][alpha == 0]
        return Photo(pixels, alpha)

    return make


def enhanced(generator, photo, **way):
    return Enhancer(generator, CPU, **way).enhance(photo).photo.pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("way", [{"rendering": "exact"}, {"rendering": "guided", "work_size": 60}])
def test_what_is_hidden_does_not_change_what_is_seen(generator, cut_out, way, dtype) -> None:
    photos = [cut_out(hidden, dtype=dtype) for hidden in HIDDEN]

    results = [enhanced(generator, photo, **way) for photo in photos]

    is_seen = photos[0].alpha > 0
    for result in results[1:]:
        assert np.array_equal(result[is_seen], results[0][is_seen])
    assert (results[0] != photos[0].pixels)[is_seen].mean() > 0.9


@pytest.mark.parametrize("model", ["uegan", "dpe", "enlightengan"])
@pytest.mark.parametrize("way", [{"rendering": "exact"}, {"rendering": "guided", "work_size": 100}])
def test_bundled_models_see_the_subject_alone(cut_out, model, way) -> None:
    photos = [cut_out(hidden, size=(144, 176)) for hidden in HIDDEN]
    generator = load_generator(model).generator

    results = [enhanced(generator, photo, **way) for photo in photos]

    is_seen = photos[0].alpha > 0
    for result in results[1:]:
        assert np.array_equal(result[is_seen], results[0][is_seen])


@pytest.mark.parametrize("way", [{"rendering": "exact"}, {"rendering": "guided", "work_size": 60}])
def test_hidden_colours_and_alpha_stay_as_they_are(generator, cut_out, way) -> None:
    photo = cut_out("noise")

    result = Enhancer(generator, CPU, **way).enhance(photo).photo

    assert result.alpha is photo.alpha
    assert np.array_equal(result.pixels[photo.alpha == 0], photo.pixels[photo.alpha == 0])


@pytest.mark.parametrize("way", [{"rendering": "exact"}, {"rendering": "guided", "work_size": 60}])
@pytest.mark.parametrize("level", [255, 128])
def test_an_even_alpha_changes_no_bit(generator, draw, way, level) -> None:
    photo = Photo(draw(120, 160))
    covered = replace(photo, alpha=np.full((120, 160), level, np.uint8))

    assert np.array_equal(enhanced(generator, covered, **way), enhanced(generator, photo, **way))


@pytest.mark.parametrize("way", [{"rendering": "exact"}, {"rendering": "guided", "work_size": 60}])
def test_a_subject_is_enhanced_as_if_its_surroundings_went_on(generator, cut_out, way) -> None:
    """Even colours in, even colours out: no fringe where the subject ends."""
    photo = cut_out("black")
    even = np.full_like(photo.pixels, 90)
    photo = replace(photo, pixels=np.where((photo.alpha > 0)[..., None], even, photo.pixels))

    result = enhanced(generator, photo, **way)

    expected = enhanced(generator, Photo(even), **way)
    difference = np.abs(result.astype(int) - expected)[photo.alpha > 0]
    assert difference.max() <= 1


def test_a_pixel_seen_in_part_changes_as_its_mixture_did() -> None:
    source = np.array([[[100, 200, 10]] * 3], np.uint8)
    alpha = np.array([[0, 128, 255]], np.uint8)
    seen = np.array([[[60, 60, 60], [80, 130, 35], [100, 200, 10]]], np.uint8)
    result = np.array([[[90, 90, 90], [70, 200, 35], [110, 220, 0]]], np.uint8)

    cutout.carry(source, alpha, seen, result)

    assert result.tolist() == [[[100, 200, 10], [90, 255, 10], [110, 220, 0]]]


def test_a_photo_of_nothing_but_hidden_colours_stays_as_it_is(generator, draw) -> None:
    photo = Photo(draw(60, 80), alpha=np.zeros((60, 80), np.uint8))

    result = Enhancer(generator, CPU).enhance(photo)

    assert np.array_equal(result.photo.pixels, photo.pixels)
    assert result.rendering == "none"
    assert result.notes == ("nothing was changed: the whole photo is transparent",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_filled_photo_keeps_what_is_seen_and_continues_it(dtype) -> None:
    top = np.iinfo(dtype).max
    pixels = np.full((64, 96, 3), top, dtype)
    pixels[:, :30], pixels[:, 60:] = top // 5, top // 5 * 3
    alpha = np.full((64, 96), top, dtype)
    alpha[:, 30:60] = 0

    filled = cutout.filled(pixels, alpha)

    assert np.array_equal(filled[alpha == top], pixels[alpha == top])
    gap = filled[32, 30:60, 0] / top
    assert gap[0] == pytest.approx(0.2, abs=0.05)
    assert gap[-1] == pytest.approx(0.6, abs=0.05)
    assert (np.diff(gap) > -0.01).all()


def test_a_pixel_counts_as_far_as_it_is_seen() -> None:
    pixels = np.full((8, 8, 3), 100, np.uint8)
    pixels[4] = 200
    alpha = np.full((8, 8), 255, np.uint8)
    alpha[4] = 51

    filled = cutout.filled(pixels, alpha)

    assert filled[4].mean() == pytest.approx(100 + 100 / 5, abs=8)


def test_hidden_places_far_from_anything_get_a_colour_of_the_subject() -> None:
    pixels = np.zeros((300, 500, 3), np.uint8)
    pixels[150:153, 250:253] = (200, 100, 50)
    alpha = np.where(pixels[..., 0] > 0, 255, 0).astype(np.uint8)

    assert np.array_equal(cutout.filled(pixels, alpha), np.full_like(pixels, (200, 100, 50)))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5)])
def test_small_photos_are_filled(size) -> None:
    pixels = np.full((*size, 3), 255, np.uint8)
    alpha = np.zeros(size, np.uint8)
    pixels[0, 0], alpha[0, 0] = 80, 3

    filled = cutout.filled(pixels, alpha)

    assert (filled == 80).all()


def test_a_small_copy_of_an_even_subject_is_even_beyond_its_edge() -> None:
    pixels = np.full((120, 160, 3), 255, np.uint8)
    alpha = np.zeros((120, 160), np.uint8)
    pixels[30:77, 41:95], alpha[30:77, 41:95] = 120, 255

    copy = cutout.reduced(pixels, alpha, (31, 43))

    assert copy.dtype == np.uint16
    assert np.abs(copy.astype(int) - 120 * 257).max() <= 1


def test_a_small_copy_of_what_is_all_seen_is_the_usual_one(draw) -> None:
    pixels = draw(120, 160)

    copy = cutout.reduced(pixels, np.full((120, 160), 255, np.uint8), (31, 43))

    assert np.abs(copy.astype(int) - guided.reduced(pixels, (31, 43))).max() <= 1
