"""BMP and the colours that its fourth and fifth version name."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from photoenhance.imaging import color
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses

CALIBRATED, SRGB, EMBEDDED, LINKED = 0, 0x73524742, 0x4D424544, 0x4C494E4B
# X, Y and Z of red, green and blue under D65. Source: Adobe RGB (1998), 4.3.4.
ADOBE = [0.57667, 0.29734, 0.02703, 0.18556, 0.62736, 0.07069, 0.18823, 0.07529, 0.99134]


def bmp(pixels, kind, *, endpoints=(0,) * 9, gammas=(0,) * 3, profile=b"", size=124):
    """Write a BMP of the fifth version, or of the fourth."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "BMP")
    old = buffer.getvalue()
    rows = old[54:]
    header = struct.pack("<I", size) + old[18:54] + bytes(16) + struct.pack("<I", kind)
    header += struct.pack("<9i", *[round(n * (1 << 30)) for n in endpoints])
    header += struct.pack("<3I", *[round(n * (1 << 16)) for n in gammas])
    header += struct.pack("<4I", 4, size + len(rows), len(profile), 0)
    whole = 14 + size + len(rows) + len(profile)
    start = b"BM" + struct.pack("<IHHI", whole, 0, 0, 14 + size)
    return io.BytesIO(start + header[:size] + rows + profile)


def test_an_embedded_profile_is_honoured(draw, profile_of):
    pixels = draw(20, 30)

    photo = read(bmp(pixels, EMBEDDED, profile=profile_of("adobe")))

    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.icc_profile == profile_of("adobe")
    assert photo.notes == ()


@pytest.mark.parametrize("size", [108, 124])
def test_calibrated_colours_are_those_of_their_endpoints(size, draw, profile_of):
    pixels = draw(20, 30)
    gamma = 563 / 256

    photo = read(bmp(pixels, CALIBRATED, endpoints=ADOBE, gammas=(gamma,) * 3, size=size))

    usual = Photo(pixels, icc_profile=profile_of("adobe"))
    seen = preview(photo, 30).pixels.astype(int)
    assert np.abs(seen - preview(usual, 30).pixels).max() <= 2
    assert np.abs(seen - pixels).mean() > 2


def test_each_channel_has_its_own_gamma(draw):
    grey = np.full((4, 4, 3), 128, np.uint8)

    photo = read(bmp(grey, CALIBRATED, endpoints=ADOBE, gammas=(1.0, 2.2, 3.0)))

    red, green, blue = color.converter(photo).to_srgb(photo.pixels)[0, 0]
    assert red > green > blue


@pytest.mark.parametrize(
    "stated",
    [{"kind": SRGB}, {"kind": CALIBRATED}, {"kind": CALIBRATED, "endpoints": ADOBE},
     {"kind": CALIBRATED, "endpoints": (0.3,) * 9, "gammas": (2.2,) * 3}],
)  # fmt: skip
def test_what_says_srgb_or_nothing_is_srgb(stated, draw):
    photo = read(bmp(draw(8, 8), **stated))

    assert photo.icc_profile is None
    assert photo.notes == ()


def test_a_profile_elsewhere_gets_a_note(draw):
    photo = read(bmp(draw(8, 8), LINKED, profile=b"C:\\wide.icc\0"))

    assert photo.icc_profile is None
    assert photo.notes == ("the colour profile is in another file: sRGB is assumed",)


def test_a_profile_that_is_none_gets_a_note(draw):
    photo = read(bmp(draw(8, 8), EMBEDDED, profile=bytes(200)))

    assert photo.icc_profile is None
    assert len(photo.left_out) == 1


def test_colours_are_converted_when_a_bmp_is_written_and_that_is_said(draw, profile_of):
    photo = read(bmp(draw(8, 8), EMBEDDED, profile=profile_of("adobe")))

    back = read(io.BytesIO(encode(photo, "bmp")))

    assert np.abs(back.pixels.astype(int) - preview(photo, 8).pixels).max() <= 1
    assert losses(photo, "bmp") == (
        "bmp is written without a colour profile: colours were converted to sRGB",
    )
    assert losses(photo, "png") == ()
    assert losses(Photo(photo.pixels, icc_profile=profile_of("srgb")), "bmp") == ()


def test_the_file_that_found_it_is_seen_with_its_profile(shared):
    photo = read(shared / "found" / "rgb24prof.bmp")

    assert len(photo.icc_profile) == 3048
