"""What stands beside the picture in a PNG: kept, told, or left out with a word."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging.photo import Photo
from photoenhance.imaging.png import chunks
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses

END = b"\0\0\0\0IEND\xaeB`\x82"


def chunk(kind, data, check=None):
    check = zlib.crc32(kind + data) if check is None else check
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(pixels, *chunks, mode=None, end=END, **options):
    """Write a PNG with chunks behind its header."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "PNG", **options)
    whole = buffer.getvalue()
    assert whole.endswith(END)
    return io.BytesIO(whole[:33] + b"".join(chunks) + whole[33 : -len(END)] + end)


def kept(photo):
    return dict(photo.metadata.chunks)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"eXIf", b"gAMA", b"vpAg", b"caBX"])
def test_a_wrong_checksum_beside_the_picture_costs_that_part_alone(kind, draw):
    pixels = draw(8, 8)

    photo = read(png(pixels, chunk(kind, b"whatever it was", check=1)))

    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.left_out == (f"damaged parts of the PNG were left out ({kind.decode()})",)


def test_a_wrong_checksum_in_the_picture_is_damage(draw):
    whole = bytearray(png(draw(8, 8)).getvalue())
    whole[30] ^= 1

    with pytest.raises(ImageError, match="damaged, the checksum of its chunk IHDR is wrong"):
        read(io.BytesIO(bytes(whole)))


def test_a_kind_of_png_that_is_not_png_is_not_called_damaged(draw):
    with pytest.raises(ImageError, match="PNGs with a chunk CgBI are not supported"):
        read(png(draw(8, 8), chunk(b"CgBI", bytes(4))))


def test_a_profile_of_more_than_a_megabyte_is_read(draw, profile_of):
    large = profile_of("adobe") + bytes(3 << 20)

    photo = read(io.BytesIO(encode(Photo(draw(8, 8), icc_profile=large), "png")))

    assert photo.icc_profile == large


@pytest.mark.parametrize(
    "data", [b"name\0\1" + zlib.compress(b"x"), b"name\0\0broken", b"no end of its name"]
)
def test_a_profile_that_cannot_be_unpacked_is_left_out_with_a_note(data, draw):
    photo = read(png(draw(8, 8), chunk(b"iCCP", data)))

    assert photo.icc_profile is None
    assert photo.notes == ("the colour profile is damaged and was left out: sRGB is assumed",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_parts_that_hold_for_any_picture_are_kept_byte_for_byte(dtype, draw):
    parts = [
        (b"sRGB", b"\1"), (b"gAMA", struct.pack(">I", 45455)), (b"oFFs", bytes(9)),
        (b"sTER", b"\0"), (b"vpAg", bytes(9)), (b"prIv", b"a program's own"),
    ]  # fmt: skip
    whole = encode(Photo(draw(8, 8).astype(dtype)), "png")
    file = whole[:33] + b"".join(chunk(*part) for part in parts) + whole[33:]
    photo = read(io.BytesIO(file))

    again = encode(photo, "png")

    assert list(kept(photo).items()) == parts
    assert photo.left_out == ()
    assert all(chunk(*part) in again for part in parts)


def test_parts_that_only_png_holds_are_lost_elsewhere_but_not_its_colours(draw):
    parts = [chunk(b"sRGB", b"\1"), chunk(b"bKGD", bytes(6)), chunk(b"prIv", b"own")]

    photo = read(png(draw(8, 8), *parts))

    assert losses(photo, "png") == ()
    assert losses(photo, "tiff") == ("tiff holds no chunks of PNG (prIv): left out",)
    assert losses(photo, "tiff", strip_metadata=True) == ()


def test_parts_of_the_old_pixels_are_named_and_stale_ones_go(draw):
    photo = read(
        png(
            draw(8, 8), chunk(b"mkBF", b"layers"), chunk(b"caBX", b"a manifest"),
            chunk(b"tIME", bytes(7)), chunk(b"sBIT", b"\5\6\5"),
        )
    )  # fmt: skip

    assert kept(photo) == {}
    assert photo.left_out == (
        "content credentials (C2PA), which hold for the file as it was, were left out",
        "unknown parts of the PNG were left out (mkBF)",
    )


def test_a_background_stays_where_it_means_the_same(draw):
    background = chunk(b"bKGD", struct.pack(">3H", 255, 0, 0))

    assert b"bKGD" in kept(read(png(draw(8, 8), background)))
    assert b"bKGD" not in kept(read(png(draw(8, 8), chunk(b"bKGD", b"\0"), mode="P")))


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_shape_of_pixels_is_kept_and_turned_with_them(orientation, draw):
    exif = Image.Exif()
    exif[0x0112] = orientation
    shape = struct.pack(">IIB", 2, 1, 0)

    photo = read(png(draw(8, 12), chunk(b"pHYs", shape), chunk(b"oFFs", bytes(9)), exif=exif))

    turned = struct.pack(">IIB", 1, 2, 0) if orientation == 6 else shape
    assert kept(photo)[b"pHYs"] == turned
    assert (b"oFFs" in kept(photo)) == (orientation == 1)
    assert len(photo.left_out) == (orientation != 1)
    assert photo.metadata.dpi is None


def test_parts_without_measure_are_not_loaded_but_told(draw, monkeypatch):
    monkeypatch.setattr(chunks, "_MAX_DATA", 1000)

    photo = read(png(draw(8, 8), chunk(b"prIv", bytes(700)), chunk(b"teSt", bytes(400))))

    assert list(kept(photo)) == [b"prIv"]
    assert photo.left_out == ("parts of the PNG are too long and were left out (teSt)",)


def test_what_stands_behind_the_end_is_told(draw):
    photo = read(png(draw(8, 8), end=END + b"PK\3\4 a hidden archive"))

    assert photo.left_out == ("21 bytes behind the PNG's end were left out",)


def test_padding_behind_the_end_is_nothing(draw):
    assert read(png(draw(8, 8), end=END + b"\0\0\r\n")).left_out == ()


def test_a_png_without_its_end_but_with_all_pixels_is_read_with_a_note(draw):
    pixels = draw(8, 8)

    photo = read(png(pixels, end=b""))

    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.notes == ("the PNG has no end: what stood behind the pixels is missing",)


def test_missing_pixels_are_damage(draw):
    whole = png(draw(40, 40)).getvalue()

    with pytest.raises(ImageError, match="damaged"):
        read(io.BytesIO(whole[:1500]))
    with pytest.raises(ImageError, match="damaged, no picture in the PNG"):
        read(io.BytesIO(whole[:33]))


def test_an_animation_of_one_picture_is_a_photo(draw):
    pixels = draw(8, 8)
    control = struct.pack(">5I2H2B", 0, 8, 8, 0, 0, 1, 10, 0, 0)

    photo = read(png(pixels, chunk(b"acTL", struct.pack(">2I", 1, 0)), chunk(b"fcTL", control)))

    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.left_out == ()


def test_pixels_in_many_slices_come_whole(draw):
    pixels = draw(50, 60)
    whole = png(pixels).getvalue()
    start = whole.index(b"IDAT") - 4
    size = int.from_bytes(whole[start : start + 4], "big")
    data = whole[start + 8 : start + 8 + size]
    slices = [chunk(b"IDAT", data[i : i + 7]) for i in range(0, size, 7)]
    sliced = whole[:start] + b"".join(slices) + whole[start + 12 + size :]

    np.testing.assert_array_equal(read(io.BytesIO(sliced)).pixels, pixels)
