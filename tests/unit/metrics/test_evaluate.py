import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoenhance.errors import ConfigError, ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.read import read
from photoenhance.metrics import evaluate as evaluate_module
from photoenhance.metrics.catalog import METRICS
from photoenhance.metrics.evaluate import Broken, Judged, check_sizes, evaluate
from photoenhance.metrics.image import image_of
from photoenhance.metrics.measures import View, measures
from photoenhance.metrics.pairs import Pair


@pytest.fixture
def save(tmp_path, draw):
    """Save a picture and say where it is."""

    def make(name, *, shift=0, size=(30, 40)):
        levels = np.clip(draw(*size).astype(int) + shift, 0, 255)
        Image.fromarray(levels.astype(np.uint8)).save(tmp_path / name)
        return tmp_path / name

    return make


def brighter(photo: Photo) -> Photo:
    return replace(photo, pixels=np.minimum(photo.pixels, 245) + np.uint8(10))


def refuse(photo: Photo) -> Photo:
    raise ImageError("the model gives one flat colour")


def test_every_photo_is_judged_as_it_is_and_as_each_model_makes_it(save):
    pairs = [Pair("a", save("a.png"), save("b.png", shift=10))]
    metrics = measures(["psnr", "contrast", "sharpness-change"], {})

    rows = list(evaluate(pairs, {"brighter": brighter}, metrics))

    assert [row.candidate for row in rows] == ["inputs", "brighter"]
    before, after = (row.values for row in rows)
    assert before["psnr"] == pytest.approx(-20 * math.log10(10 / 255), abs=0.2)
    assert after["psnr"] > before["psnr"] + 3
    assert math.isnan(before["sharpness-change"])
    assert abs(after["sharpness-change"]) < 5


def test_without_references_only_what_compares_with_them_is_silent(save):
    rows = list(evaluate([Pair("a", save("a.png"))], {}, measures(["psnr", "contrast"], {})))

    assert isinstance(rows[0], Judged)
    assert math.isnan(rows[0].values["psnr"])
    assert rows[0].values["contrast"] > 1


def test_a_broken_photo_is_told_once_and_the_next_is_judged(save, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    pairs = [Pair("broken", tmp_path / "broken.jpg"), Pair("a", save("a.png"))]

    rows = list(evaluate(pairs, {"brighter": brighter}, measures(["contrast"], {})))

    assert [type(row) for row in rows] == [Broken, Judged, Judged]
    assert rows[0].candidate is None


def test_a_broken_reference_is_told_too(save, tmp_path):
    pair = Pair("a", save("a.png"), tmp_path / "none.png")

    (row,) = evaluate([pair], {}, measures(["psnr"], {}))

    assert isinstance(row, Broken)
    assert "none.png" in row.error.message


def test_a_model_that_fails_on_a_photo_leaves_the_others_their_rows(save):
    models = {"refuse": refuse, "brighter": brighter}

    rows = list(evaluate([Pair("a", save("a.png"))], models, measures(["contrast"], {})))

    assert [(type(row), row.candidate) for row in rows] == [
        (Judged, "inputs"),
        (Broken, "refuse"),
        (Judged, "brighter"),
    ]


def test_different_sizes_are_found_before_the_work(save, tmp_path):
    pairs = [
        Pair("gone", tmp_path / "gone.png", tmp_path / "gone.png"),
        Pair("a", save("a.png"), save("b.png", size=(40, 31))),
    ]

    with pytest.raises(ConfigError) as caught:
        check_sizes(pairs)

    assert caught.value.message.endswith("b.png: is of 31 x 40 pixels, but its input of 40 x 30")


@pytest.fixture
def reads(monkeypatch):
    """The names of the files that are decoded."""
    names = []

    def counted(path):
        names.append(path.name)
        return read(path)

    monkeypatch.setattr(evaluate_module, "read", counted)
    return names


def test_every_file_is_decoded_once(save, reads):
    pairs = [Pair(name, save(f"{name}.png"), save(f"{name}-ref.jpg", shift=9)) for name in "abc"]

    check_sizes(pairs)
    rows = list(evaluate(pairs, {"brighter": brighter}, measures(["psnr"], {})))

    assert len(rows) == 6
    assert sorted(reads) == sorted(
        path.name for pair in pairs for path in (pair.input, pair.reference)
    )


def test_a_first_page_of_another_size_than_the_photo_does_not_mislead(save, reads, monkeypatch):
    """Heads tell of thumbnails, too: only pixels are believed."""
    monkeypatch.setattr(evaluate_module, "pixels_in", lambda path: len(path.name))

    check_sizes([Pair("a", save("a.png"), save("longer.png"))])

    assert reads == ["a.png", "longer.png"]


def test_a_pair_that_turns_out_to_differ_is_told_and_the_next_is_judged(save):
    """Such as one that its tag of orientation turns: its head has as many pixels."""
    pairs = [
        Pair("a", save("a.png"), save("turned.png", size=(40, 30))),
        Pair("b", save("b.png"), save("c.png", shift=10)),
    ]

    check_sizes(pairs)
    rows = list(evaluate(pairs, {"brighter": brighter}, measures(["psnr"], {})))

    assert [type(row) for row in rows] == [Broken, Judged, Judged]
    assert rows[0].candidate is None
    assert rows[0].error.message.endswith("is of 30 x 40 pixels, but its input of 40 x 30")


def test_deep_and_shallow_photos_are_seen_on_one_scale():
    shallow = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    deep = shallow.astype(np.uint16) * 257

    assert np.allclose(image_of(Photo(deep)), image_of(Photo(shallow)), atol=1e-12)


def test_photos_are_compared_in_srgb_whatever_their_profile(draw):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = draw(20, 20)

    assert np.array_equal(image_of(Photo(pixels, icc_profile=lab)), pixels / 255)


def test_every_metric_of_the_catalogue_can_be_made_but_for_its_file():
    names = [name for name, card in METRICS.items() if card.file is None]
    view = View(*(np.random.default_rng(k).random((180, 190, 3)) for k in range(3)))

    values = {name: measure(view) for name, measure in measures(names, {}).items()}

    assert list(values) == names
    assert all(map(math.isfinite, values.values()))
