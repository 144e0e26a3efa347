import unicodedata
from pathlib import Path

import pytest

from photoenhance.errors import ConfigError
from photoenhance.metrics.pairs import Pair, pair

IN, OUT = Path("in"), Path("ref")


def named(folder, *names):
    return folder, [Path(name) for name in names]


def test_photos_are_paired_by_name_whatever_their_suffixes():
    pairs = pair(named(IN, "b.jpg", "sub/a.x.png"), named(OUT, "sub/a.x.tif", "b.png"))

    assert pairs == (
        Pair("b", IN / "b.jpg", OUT / "b.png"),
        Pair("sub/a.x", IN / "sub/a.x.png", OUT / "sub/a.x.tif"),
    )


def test_without_references_every_photo_stands_alone():
    assert pair(named(IN, "b.jpg")) == (Pair("b", IN / "b.jpg", None),)


def test_without_references_a_cameras_two_files_of_one_name_stay_two():
    pairs = pair(named(IN, "a.cr3", "a.jpg", "b.jpg"))

    assert [each.name for each in pairs] == ["a.cr3", "a.jpg", "b"]


def test_accents_are_the_same_however_they_are_stored():
    apart, whole = (unicodedata.normalize(form, "café.png") for form in ("NFD", "NFC"))

    pairs = pair(named(IN, apart), named(OUT, whole))

    assert pairs == (Pair("café", IN / apart, OUT / whole),)


def test_missing_references_are_named():
    inputs = named(IN, *(f"{k}.jpg" for k in "abcdef"))

    with pytest.raises(ConfigError) as caught:
        pair(inputs, named(OUT, "a.jpg"))

    assert caught.value.message == "ref: has no reference for b, c, d and 2 more of in"


def test_references_without_an_input_are_named():
    with pytest.raises(ConfigError) as caught:
        pair(named(IN, "a.jpg"), named(OUT, "a.jpg", "b.jpg"))

    assert caught.value.message == "ref: has references without an input in in: b"


def test_two_photos_of_one_name_are_refused():
    with pytest.raises(ConfigError) as caught:
        pair(named(IN, "a.jpg", "a.png"), named(OUT, "a.jpg"))

    assert caught.value.message == "in: both a.jpg and a.png are called a"
