from pathlib import Path

import pytest

from photoenhance.errors import ImageError
from photoenhance.imaging import formats

BRANDS = {
    b"avif": "avif", b"avis": "avif", b"heic": "heif", b"heix": "heif", b"mif1": "heif",
    b"crx ": "raw", b"mp42": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.JPG", "jpeg"), ("a.jpeg", "jpeg"), ("a.jfif", "jpeg"), ("b.TIFF", "tiff"),
     ("c.heic", "heif"), ("d.NEF", "raw"), ("e.gif", None), ("jpg", None)],
)  # fmt: skip
def test_a_suffix_names_a_format_in_any_case(name, expected):
    found = formats.of_suffix(Path(name))

    assert (found and found.name) == expected


def test_no_two_formats_share_a_suffix():
    suffixes = [suffix for each in formats.FORMATS.values() for suffix in each.suffixes]

    assert len(suffixes) == len(set(suffixes))
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)


@pytest.mark.parametrize(("brand", "expected"), BRANDS.items())
def test_brands_tell_the_iso_formats_apart(brand, expected):
    head = b"\0\0\0\x14ftyp" + brand + b"\0\0\0\0isom"

    assert formats.recognise(head + bytes(40)) == expected


def test_avif_outranks_the_general_brand_wherever_it_stands():
    head = b"\0\0\0\x1cftypmif1\0\0\0\0mif1miafavif"

    assert formats.recognise(head + bytes(40)) == "avif"


def test_a_path_without_a_format_cannot_be_written():
    with pytest.raises(ImageError, match=r"photo\.cr2: '\.cr2' cannot be written"):
        formats.writable(Path("photo.cr2"))
    with pytest.raises(ImageError, match="photo: a name without a suffix"):
        formats.writable(Path("photo"))
