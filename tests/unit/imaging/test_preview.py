"""Small copies for screens."""

import io

import numpy as np
from PIL import Image, ImageCms

from photoenhance.imaging.photo import Photo
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import read


def test_the_longer_side_is_what_was_asked_for(draw):
    small = preview(Photo(draw(60, 120)), 40)

    assert small.pixels.shape == (20, 40, 3)


def test_a_small_photo_keeps_its_size_and_pixels(draw):
    photo = Photo(draw(30, 20))

    assert np.array_equal(preview(photo, 40).pixels, photo.pixels)


def test_a_very_long_photo_keeps_at_least_one_row():
    long = Photo(np.full((2, 900, 3), 80, np.uint8))

    assert preview(long, 90).pixels.shape == (1, 90, 3)


def test_16_bits_become_8():
    photo = Photo(np.full((4, 4, 3), 0x80FF, np.uint16), alpha=np.full((4, 4), 0xFFFF, np.uint16))

    small = preview(photo, 4)

    assert small.pixels.dtype == np.uint8
    assert (small.pixels == 0x80).all()
    assert (small.alpha == 255).all()


def test_another_colour_space_becomes_srgb(tmp_path, draw):
    srgb = ImageCms.createProfile("sRGB")
    profile = bytearray(ImageCms.ImageCmsProfile(srgb).tobytes())
    # Red and green change places in a profile of their own.
    profile = profile.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")
    buffer = io.BytesIO()
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(buffer, "PNG", icc_profile=bytes(profile))

    small = preview(read(io.BytesIO(buffer.getvalue())), 8)

    assert small.icc_profile is None
    assert np.abs(small.pixels.astype(int) - (0, 200, 0)).max() <= 1
