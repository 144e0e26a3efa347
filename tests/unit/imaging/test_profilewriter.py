import io
import struct
from zlib import crc32

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoenhance.imaging import color
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.profilewriter import grey_profile, rgb_profile
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
ADOBE = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def converted(pixels, profile):
    """Convert to sRGB by littleCMS, which also checks the profile."""
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    image = Image.fromarray(pixels)
    return np.asarray(ImageCms.profileToProfile(image, own, target, renderingIntent=1))


def png(pixels, chunks):
    """Write a PNG whose colours its own chunks describe."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    whole = buffer.getvalue()
    return io.BytesIO(whole[:33] + b"".join(chunks) + whole[33:])


def chunk(kind, *numbers):
    data = struct.pack(f">{len(numbers)}I", *[round(number * 100_000) for number in numbers])
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))


def test_chromaticities_of_adobe_rgb_give_adobe_rgb(profile_of, draw):
    pixels = draw(30, 40)

    ours = converted(pixels, rgb_profile(((2.2,),) * 3, ADOBE, name="Adobe"))

    expected = converted(pixels, profile_of("adobe"))
    assert np.abs(ours.astype(int) - expected).max() <= 2


def test_a_profile_of_grey_applies_its_gamma():
    ramp = np.arange(256, dtype=np.uint8)[None]
    own = ImageCms.ImageCmsProfile(io.BytesIO(grey_profile((1.0,), name="grey")))
    transform = ImageCms.buildTransform(own, ImageCms.createProfile("sRGB"), "L", "RGB")

    image = np.asarray(ImageCms.applyTransform(Image.fromarray(ramp), transform))

    assert image[0, 55, 1] == pytest.approx(128, abs=2)  # 0.2140 of the light is sRGB's middle


@pytest.mark.parametrize("points", [(0.3, 0.3) * 4, (0.3, 0.0) * 4])
def test_chromaticities_that_span_nothing_are_refused(points):
    with pytest.raises(ValueError, match="chromaticities"):
        rgb_profile(((2.2,),) * 3, points, name="none")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_png_of_another_gamma_is_seen_right_and_stays_so(mode, draw):
    pixels = np.asarray(Image.fromarray(draw(20, 30)).convert(mode))

    photo = read(png(pixels, [chunk(b"gAMA", 1.0)]))

    image = color.converter(photo).to_srgb(photo.pixels)
    expected = color.encode_srgb(photo.pixels.astype(np.float32) / 255)
    again = read(io.BytesIO(encode(photo, "png")))
    np.testing.assert_allclose(image, expected, atol=0.01)
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert again.icc_profile == photo.icc_profile


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"gAMA", 0.45455)],
        [chunk(b"gAMA", 0.45455), chunk(b"cHRM", *SRGB)],
        [chunk(b"gAMA", 0.0)],
        [chunk(b"gAMA", 1.0), chunk(b"cHRM", *(0.3, 0.3) * 4)],
    ],
)
def test_a_png_that_says_srgb_or_nonsense_is_srgb(chunks, draw):
    assert read(png(draw(8, 8), chunks)).icc_profile is None


def test_an_embedded_profile_outranks_the_chunks(draw, profile_of):
    data = encode(Photo(draw(8, 8), icc_profile=profile_of("p3")), "png")

    photo = read(io.BytesIO(data[:33] + chunk(b"gAMA", 1.0) + data[33:]))

    assert photo.icc_profile == profile_of("p3")
