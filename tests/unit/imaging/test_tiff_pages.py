import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from photoenhance.imaging import ifd
from photoenhance.imaging.read import read

REDUCED, MASK = 1, 4
OLD_KIND = 0x00FF


def shade(level, size=(12, 16), dtype=np.uint8):
    return np.full((*size, 3), level, dtype)


def tiff_with(*pages, **options):
    """Write pages, each of pixels and options of tifffile."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as file:
        for pixels, said in pages:
            file.write(pixels, metadata=None, **({"photometric": "rgb"} | said))
    buffer.seek(0)
    return buffer


PHOTO = (shade(100, (60, 80)), {})


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize(
    "thumbnail",
    [{"subfiletype": REDUCED}, {"extratags": [(OLD_KIND, "H", 1, 2, True)]}],
)
def test_a_thumbnail_before_the_photo_is_passed_over_in_silence(thumbnail, bigtiff):
    photo = read(tiff_with((shade(7), thumbnail), PHOTO, bigtiff=bigtiff))

    assert photo.pixels.shape == (60, 80, 3)
    assert (photo.pixels == 100).all()
    assert photo.left_out == ()
    assert photo.notes == ()


def test_a_thumbnail_behind_the_photo_is_no_page():
    photo = read(tiff_with(PHOTO, (shade(7), {"subfiletype": REDUCED})))

    assert (photo.pixels == 100).all()
    assert (photo.notes, photo.left_out) == ((), ())


def test_the_levels_of_a_pyramid_are_noted_but_no_loss():
    levels = [(shade(100, (side, side)), {"subfiletype": REDUCED}) for side in (30, 15, 8)]

    photo = read(tiff_with(PHOTO, *levels))

    assert photo.notes == ("3 smaller copies of the photo were left out",)
    assert photo.left_out == ()


def test_pages_that_are_none_of_these_are_a_loss():
    photo = read(tiff_with((shade(7), {"subfiletype": REDUCED}), PHOTO, PHOTO, PHOTO))

    assert photo.left_out == ("only the first of 3 pages was used",)


def test_a_mask_is_neither_the_photo_nor_in_it():
    mask = (np.ones((60, 80), bool), {"subfiletype": MASK, "photometric": 4})

    photo = read(tiff_with(mask, PHOTO))

    assert (photo.pixels == 100).all()
    assert photo.left_out == ("a transparency mask was left out",)


def test_the_largest_page_is_the_photo_where_all_say_that_they_are_reduced():
    pages = [(shade(side, (side, side)), {"subfiletype": REDUCED}) for side in (8, 30, 15)]

    photo = read(tiff_with(*pages))

    assert photo.pixels.shape == (30, 30, 3)
    assert photo.left_out == ()


def test_full_pictures_inside_a_page_are_a_loss_and_reduced_ones_are_not():
    outer = (shade(100, (60, 80)), {"subifds": 2})
    inner = [(shade(3, (60, 80)), {}), (shade(7), {"subfiletype": REDUCED})]

    photo = read(tiff_with(outer, *inner))

    assert (photo.pixels == 100).all()
    assert photo.left_out == ("only the first of 2 pages was used",)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_the_photo_inside_a_thumbnail_is_used_with_what_the_thumbnail_says_of_it(compression):
    description = (0x010E, "s", 0, "from the first page", True)
    turned = (0x0112, "H", 1, 6, True)
    options = {"subfiletype": REDUCED, "subifds": 1, "extratags": [description, turned]}
    inner = (shade(100, (60, 80)), {"compression": compression})

    photo = read(tiff_with((shade(7), options), inner))

    assert photo.pixels.shape == (80, 60, 3)
    assert (photo.pixels == 100).all()
    assert b"from the first page" in photo.metadata.exif
    assert photo.left_out == ()


def test_exif_that_stands_at_the_thumbnail_alone_is_the_photos():
    data = tiff_with((shade(7), {"subfiletype": REDUCED}), PHOTO).getvalue()
    tiff = ifd.TiffFile(io.BytesIO(data))
    page = tiff.directory(tiff.first)
    lens = ifd.Entry(0xA434, 2, 6, b"50 mm\0")
    described = ifd.Directory(page.entries, {ifd.EXIF: ifd.Directory({lens.tag: lens})})
    start = len(data) + len(data) % 2
    again = bytearray(ifd.packed(described, tiff.order, start))
    following = 2 + 12 * (len(page.entries) + 1)
    again[following : following + 4] = struct.pack(tiff.order + "I", page.following)
    head = data[:4] + struct.pack(tiff.order + "I", start) + data[8:]

    photo = read(io.BytesIO(head.ljust(start, b"\0") + again))

    assert photo.pixels.shape == (60, 80, 3)
    assert b"50 mm" in photo.metadata.exif


def test_a_photo_behind_a_thumbnail_is_found_by_pillow_too(draw):
    thumbnail, photo = Image.fromarray(draw(12, 16)), Image.fromarray(draw(48, 64))
    buffer = io.BytesIO()
    thumbnail.save(buffer, "TIFF", compression="jpeg", save_all=True, append_images=[photo])
    data = bytearray(buffer.getvalue())
    tiff = ifd.TiffFile(io.BytesIO(data))
    entries = tiff.directory(tiff.first).entries
    place = entries[0x011C].position  # PlanarConfiguration, whose default will do
    data[place : place + 12] = struct.pack(tiff.order + "HHII", 0x00FE, 4, 1, REDUCED)

    found = read(io.BytesIO(data))

    assert found.pixels.shape == (48, 64, 3)
    assert np.abs(found.pixels - np.asarray(photo).astype(int)).mean() < 8
