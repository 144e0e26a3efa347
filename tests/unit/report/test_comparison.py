"""Pairs of files as rows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoenhance.report.comparison import Looks, compare
from photoenhance.report.rows import Failure, Pair


@pytest.fixture
def pair(tmp_path, draw):
    """A photo, and the same one brighter."""
    pixels = draw(60, 90)
    before, after = tmp_path / "a.png", tmp_path / "b.png"
    Image.fromarray(pixels).save(before)
    Image.fromarray((pixels * 0.8 + 50).clip(0, 255).astype(np.uint8)).save(after)
    return Pair("a.png", before, after, ("1 s",), ("mind this",))


def test_a_row_tells_of_the_photo_and_what_became_of_it(pair):
    (row,) = compare([pair], Looks())

    assert (row.name, row.size, row.facts, row.notes) == (
        "a.png",
        (90, 60),
        ("1 s",),
        ("mind this",),
    )
    brightness = row.measures[0]
    assert brightness.name == "Brightness"
    assert brightness.after > brightness.before
    assert row.histograms[0] != row.histograms[1]
    assert row.before.data != row.after.data


def test_the_size_is_the_originals_and_the_picture_is_small(pair):
    (row,) = compare([pair], Looks(side=30))

    assert row.size == (90, 60)


def test_a_file_that_cannot_be_read_is_a_failure_and_the_rest_goes_on(pair, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")

    failure, row = compare([Pair("x", pair.before, broken), pair], Looks())

    assert isinstance(failure, Failure)
    assert failure.name == "x"
    assert "broken.png: not a photo" in failure.reason
    assert row.name == "a.png"


def test_different_sizes_are_noted(pair, tmp_path):
    Image.new("RGB", (30, 20), "blue").save(tmp_path / "small.png")

    (row,) = compare([Pair("x", pair.before, tmp_path / "small.png")], Looks())

    assert row.notes == ("the sizes differ: 90x60 before, 30x20 after",)
    assert np.isnan(row.measures[-1].after)


def test_linked_rows_hold_no_pictures(pair, tmp_path):
    (row,) = compare([pair], Looks(page=tmp_path / "report.html"))

    assert (row.before.link, row.after.link) == ("a.png", "b.png")
    assert row.before.data == row.after.data == b""


def test_where_one_file_cannot_be_linked_both_are_embedded(pair, tmp_path):
    Image.open(pair.after).save(tmp_path / "b.tif")

    (row,) = compare([Pair("x", pair.before, tmp_path / "b.tif")], Looks(page=Path("report.html")))

    assert row.before.data
    assert row.after.data
    assert row.before.link is row.after.link is None


def test_others_are_given_the_previews(pair):
    seen = []

    list(compare([pair], Looks(side=45), also=lambda *each: seen.append(each)))

    ((name, before, after),) = seen
    assert name == "a.png"
    assert before.pixels.shape == after.pixels.shape == (30, 45, 3)
