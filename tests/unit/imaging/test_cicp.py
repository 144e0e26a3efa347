"""Colours named by code points, in PNG: cICP."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoenhance.errors import ImageError
from photoenhance.imaging import cicp, color, profile
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

SRGB, P3, BT2020 = 1, 12, 9
# Linear light -> linear sRGB. Source: CSS Color 4, section 18, and ITU-R BT.2087.
TO_SRGB = {
    SRGB: np.eye(3),
    P3: [[1.2249, -0.2247, 0], [-0.042, 1.0419, 0], [-0.0197, -0.0786, 1.0979]],
    BT2020: [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
}
LIGHT = {
    1: lambda v: v**2.4,  # BT.1886, as Chromium shows such PNGs
    14: lambda v: v**2.4,
    4: lambda v: v**2.2,
    5: lambda v: v**2.8,
    8: lambda v: v,
    13: lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4),
}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, *code, more=b""):
    """Write a PNG that names its colours."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    whole = buffer.getvalue()
    return io.BytesIO(whole[:33] + chunk(b"cICP", bytes(code)) + more + whole[33:])


def dull(draw):
    """Draw a picture whose colours are in sRGB whatever their space."""
    return (draw(24, 32) // 4 + 90).astype(np.uint8)


def expected(pixels, primaries, transfer):
    linear = LIGHT[transfer](pixels / 255) @ np.array(TO_SRGB[primaries]).T
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    ("primaries", "transfer"),
    [(P3, 13), (BT2020, 13), (BT2020, 14), (SRGB, 1), (P3, 4), (SRGB, 8), (SRGB, 4), (SRGB, 5)],
)
def test_named_colours_are_seen_right_and_stay_the_same_bytes(primaries, transfer, draw):
    pixels = dull(draw)

    photo = read(png(pixels, primaries, transfer, 0, 1))

    seen = color.converter(photo).to_srgb(photo.pixels)
    np.testing.assert_allclose(seen, expected(pixels, primaries, transfer), atol=0.004)
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.notes == ()
    assert photo.left_out == ()


@pytest.mark.parametrize(("primaries", "transfer"), [(P3, 13), (BT2020, 1), (SRGB, 8)])
def test_a_reader_of_profiles_alone_sees_the_same_in_what_is_written(primaries, transfer, draw):
    pixels = dull(draw)

    data = encode(read(png(pixels, primaries, transfer, 0, 1)), "png")

    image = Image.open(io.BytesIO(data))
    own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    seen = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), renderingIntent=1)
    error = np.asarray(seen) / 255 - expected(pixels, primaries, transfer)
    assert np.abs(error).max() < 0.012
    assert chunk(b"cICP", bytes([primaries, transfer, 0, 1])) in data


def test_the_profile_made_of_display_p3_is_that_which_others_use(draw, profile_of):
    pixels = draw(24, 32)

    ours = preview(read(png(pixels, P3, 13, 0, 1)), 32).pixels

    usual = preview(Photo(pixels, icc_profile=profile_of("p3")), 32).pixels
    assert np.abs(ours.astype(int) - usual).max() <= 1


@pytest.mark.parametrize("code", [(1, 13), (2, 2), (2, 13), (1, 2)])
def test_srgb_is_no_profile(code, draw):
    pixels = draw(8, 8)

    photo = read(png(pixels, *code, 0, 1))

    assert photo.icc_profile is None
    assert photo.notes == ()
    assert chunk(b"cICP", bytes([*code, 0, 1])) in encode(photo, "png")


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_by_its_name_and_not_called_damaged(transfer, name, draw):
    with pytest.raises(ImageError) as caught:
        read(png(draw(8, 8), BT2020, transfer, 0, 1))

    assert caught.value.message == f"standard input: HDR ({name}) is not supported"
    assert "Display P3" in caught.value.hint


def test_hdr_that_a_profile_names_is_refused_too(draw):
    coded, _ = cicp.profile_of(BT2020, 8)
    place = coded.index(b"cicp\0\0\0\0") + 9
    hdr = coded[:place] + bytes([16]) + coded[place + 1 :]

    with pytest.raises(ImageError, match=r"HDR \(PQ\) is not supported"):
        read(io.BytesIO(encode(Photo(draw(8, 8), icc_profile=hdr), "png")))


def test_codes_that_mean_nothing_yet_are_srgb_with_a_note(draw):
    photo = read(png(draw(8, 8), 99, 13, 0, 1))

    assert photo.icc_profile is None
    assert photo.notes == ("its colours (CICP 99/13) are unknown: sRGB is assumed",)


@pytest.mark.parametrize("code", [(10, 13, 0, 1), (9, 9, 0, 1), (12, 13, 0, 0)])
def test_other_kinds_of_values_are_refused_rather_than_shown_wrong(code, draw):
    with pytest.raises(ImageError, match="not supported"):
        read(png(draw(8, 8), *code))


def test_the_code_outranks_a_profile_in_the_same_png(draw, profile_of):
    packed = b"x\0\0" + zlib.compress(profile_of("adobe"))

    photo = read(png(draw(8, 8), P3, 13, 0, 1, more=chunk(b"iCCP", packed)))

    assert profile.cicp_of(photo.icc_profile) == (P3, 13)
    assert photo.notes == ("the ICC profile was left out: the PNG's cICP chunk outranks it",)


def test_a_profile_counts_where_the_code_leaves_colours_open(draw, profile_of):
    packed = b"x\0\0" + zlib.compress(profile_of("adobe"))

    photo = read(png(draw(8, 8), 2, 2, 0, 1, more=chunk(b"iCCP", packed)))

    assert photo.icc_profile == profile_of("adobe")


def test_a_grey_png_gets_a_profile_of_grey(draw):
    pixels = draw(20, 30)[..., 0]

    photo = read(png(pixels, P3, 8, 0, 1))
    again = read(io.BytesIO(encode(photo, "png")))

    assert photo.icc_profile[16:20] == b"GRAY"
    seen = color.converter(photo).to_srgb(photo.pixels)
    np.testing.assert_allclose(seen, expected(photo.pixels, SRGB, 8), atol=0.004)
    np.testing.assert_array_equal(again.pixels, photo.pixels)
    assert read(png(pixels, P3, 13, 0, 1)).icc_profile is None


def test_in_16_bits_colours_are_named_alike(profile_of):
    photo = Photo(np.full((4, 4, 3), 40000, np.uint16), icc_profile=profile_of("p3"))
    whole = encode(photo, "png")

    back = read(io.BytesIO(whole[:33] + chunk(b"cICP", bytes([P3, 13, 0, 1])) + whole[33:]))

    assert profile.cicp_of(back.icc_profile) == (P3, 13)
    assert chunk(b"cICP", bytes([P3, 13, 0, 1])) in encode(back, "png")
