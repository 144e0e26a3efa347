import io
import struct
import time

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging import ifd
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

LZW, PACKBITS, DEFLATE = 5, 32773, 32946


def picture(*shape, dtype=np.uint16):
    """Smooth with noise, so that compression and prediction have something to do."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    top = np.iinfo(dtype).max
    smooth = (rows + columns) / (shape[0] + shape[1]) * 0.9
    noise = np.random.default_rng(5).random(shape) * 0.05
    return ((smooth.reshape(smooth.shape + (1,) * (len(shape) - 2)) + noise) * top).astype(dtype)


def by_tifffile(pixels, **options):
    buffer = io.BytesIO()
    photometric = options.pop("photometric", "rgb" if pixels.ndim == 3 else "minisblack")
    tifffile.imwrite(buffer, pixels, photometric=photometric, **options)
    buffer.seek(0)
    return buffer


def by_opencv(pixels, compression):
    swapped = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    done, data = cv2.imencode(".tiff", swapped, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    assert done
    return io.BytesIO(data.tobytes())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rowsperstrip": 7},
        {"tile": (32, 48)},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True, "rowsperstrip": 10},
        {"compression": "zlib", "predictor": True, "tile": (16, 32)},
        {"bigtiff": True, "rowsperstrip": 9},
    ],
)
def test_all_layouts_give_the_same_pixels(dtype, order, options):
    pixels = picture(53, 61, 3, dtype=dtype)

    photo = read(by_tifffile(pixels, byteorder=order, **options))

    np.testing.assert_array_equal(photo.pixels, pixels)
    assert photo.pixels.dtype == dtype
    assert photo.notes == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [LZW, PACKBITS, DEFLATE])
def test_all_compressions_give_the_same_pixels(dtype, compression):
    pixels = picture(53, 61, 3, dtype=dtype)

    photo = read(by_opencv(pixels, compression))

    np.testing.assert_array_equal(photo.pixels, pixels)


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16), "compression": "zlib"}])
def test_separate_planes_are_put_together(options):
    pixels = picture(40, 50, 3)

    file = by_tifffile(np.moveaxis(pixels, -1, 0), planarconfig="separate", **options)

    np.testing.assert_array_equal(read(file).pixels, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_becomes_three_channels_and_is_known_as_grey(dtype):
    pixels = picture(40, 50, dtype=dtype)

    photo = read(by_tifffile(pixels, compression="zlib"))

    np.testing.assert_array_equal(photo.pixels, np.repeat(pixels[..., None], 3, axis=2))
    assert photo.format.is_grey


def test_grey_whose_zero_is_white_is_turned_round():
    pixels = picture(40, 50)

    photo = read(by_tifffile(pixels, photometric="miniswhite"))

    np.testing.assert_array_equal(photo.pixels[..., 1], 65535 - pixels)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_is_held_apart(channels, dtype):
    pixels = picture(40, 50, channels, dtype=dtype)
    photometric = "rgb" if channels == 4 else "minisblack"

    photo = read(
        by_tifffile(
            pixels, photometric=photometric, extrasamples=["unassalpha"], planarconfig="contig"
        )
    )

    np.testing.assert_array_equal(photo.alpha, pixels[..., -1])
    np.testing.assert_array_equal(photo.pixels[..., 0], pixels[..., 0])


def test_colours_multiplied_by_alpha_are_divided_again():
    colours = np.full((1, 3, 3), 40000, np.uint16)
    alpha = np.array([[65535, 32768, 0]], np.uint16)
    multiplied = (colours * (alpha[..., None] / 65535)).round().astype(np.uint16)

    photo = read(by_tifffile(np.dstack([multiplied, alpha]), extrasamples=["assocalpha"]))

    np.testing.assert_allclose(photo.pixels[0, :2], colours[0, :2], atol=2)
    np.testing.assert_array_equal(photo.alpha, alpha)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [2, 4])
def test_colours_multiplied_by_alpha_are_written_so_again_bit_for_bit(dtype, channels):
    alpha = picture(64, 64, dtype=dtype)
    random = np.random.default_rng(3)
    colours = random.integers(0, alpha[..., None].astype(int) + 1, (64, 64, channels - 1))
    pixels = np.dstack([colours.astype(dtype), alpha])
    options = {"photometric": "rgb" if channels == 4 else "minisblack", "planarconfig": "contig"}

    photo = read(by_tifffile(pixels, extrasamples=["assocalpha"], **options))
    page = tifffile.TiffFile(io.BytesIO(encode(photo, "tiff"))).pages[0]

    np.testing.assert_array_equal(page.asarray(), pixels)
    assert page.extrasamples == (tifffile.EXTRASAMPLE.ASSOCALPHA,)


def test_a_channel_of_unknown_meaning_is_left_out_with_a_note():
    pixels = picture(20, 20, 4)

    photo = read(by_tifffile(pixels, extrasamples=["unspecified"]))

    assert photo.alpha is None
    assert "left out" in photo.left_out[0]
    np.testing.assert_array_equal(photo.pixels, pixels[..., :3])


def test_the_first_of_several_pages_is_used_and_said_so():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for level in (10, 20, 30):
            file.write(np.full((8, 8, 3), level, np.uint16), photometric="rgb")
    buffer.seek(0)

    photo = read(buffer)

    assert (photo.pixels == 10).all()
    assert photo.left_out == ("only the first of 3 pages was used",)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_16_bit_picture_comes_out_upright(orientation):
    upright = picture(40, 56, 3)
    turned = np.rot90(upright, {1: 0, 3: 2, 6: 1, 8: 3}[orientation])
    tag = (274, "H", 1, orientation, True)

    photo = read(by_tifffile(np.ascontiguousarray(turned), extratags=[tag], rowsperstrip=5))

    np.testing.assert_array_equal(photo.pixels, upright)
    assert tifffile.TiffFile(io.BytesIO(encode(photo, "tiff"))).pages[0].tags[274].value == 1


@pytest.mark.parametrize("pixels", [picture(8, 8).astype(np.float32), picture(8, 8).astype("i4")])
def test_floats_and_32_bit_integers_are_refused(pixels):
    with pytest.raises(ImageError, match="not supported"):
        read(by_tifffile(pixels))


def test_twelve_bits_are_spread_over_sixteen():
    values = np.array([[0, 1, 2048, 4095]])
    packed = bytes.fromhex("".join(f"{value:03x}" for value in values.ravel()))
    tags = {0x0100: 4, 0x0101: 1, 0x0102: 12, 0x0103: 1, 0x0106: 1, 0x0111: 8, 0x0117: len(packed)}
    entries = {tag: ifd.entry("<", tag, ifd.LONG, value) for tag, value in tags.items()}
    entries[0x0102] = ifd.entry("<", 0x0102, ifd.SHORT, 12)
    directory = ifd.packed(ifd.Directory(entries), "<", 8 + len(packed))
    head = b"II*\0" + (8 + len(packed)).to_bytes(4, "little")

    photo = read(io.BytesIO(head + packed + directory))

    np.testing.assert_array_equal(photo.pixels[0, :, 0], [0, 16, 32776, 65535])
    assert photo.notes == ("12 bits were widened to 16",)


@pytest.mark.parametrize(
    ("mode", "compression"),
    [("CMYK", "raw"), ("CMYK", "tiff_lzw"), ("CMYK", "jpeg"), ("P", "raw"), ("P", "tiff_lzw")],
)
def test_other_colour_models_are_left_to_pillow(mode, compression, draw):
    image = Image.fromarray(draw(48, 48)).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", compression=compression)

    photo = read(io.BytesIO(buffer.getvalue()))

    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(photo.pixels - expected).mean() < (6 if compression == "jpeg" else 0.5)
    assert "converted to RGB" in photo.notes[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_we_write_is_read_alike_by_tifffile(dtype, channels, is_compressed, order, exif_of):
    samples = picture(61, 40, channels, dtype=dtype)
    is_grey = channels < 3
    colours = np.repeat(samples[..., :1], 3, axis=2) if is_grey else samples[..., :3]
    photo = Photo(
        np.ascontiguousarray(colours),
        samples[..., -1] if channels in (2, 4) else None,
        metadata=Metadata(exif=exif_of(order=order), dpi=(300, 300)),
        format=StoredFormat("tiff", is_grey=is_grey, is_compressed=is_compressed),
    )

    with tifffile.TiffFile(io.BytesIO(encode(photo, "tiff"))) as file:
        page = file.pages[0]
        back = page.asarray()

        np.testing.assert_array_equal(back, samples.squeeze(-1) if channels == 1 else samples)
        assert file.byteorder == order
        assert page.tags["Make"].value == "Acme Ltd."
        assert page.tags["ExifTag"].value["ExposureTime"] == (1, 250)
        assert page.tags["XResolution"].value == (3000000, 10000)
        assert page.extrasamples == ((2,) if channels in (2, 4) else ())


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg"])
def test_ycbcr_inside_a_tiff_comes_as_rgb(compression, draw):
    image = Image.fromarray(draw(48, 48)).convert("YCbCr")
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", compression=compression)

    photo = read(io.BytesIO(buffer.getvalue()))

    assert np.abs(photo.pixels - np.asarray(image.convert("RGB")).astype(int)).mean() < 6


def test_many_strips_come_back_in_order():
    pixels = picture(1200, 700, 3)

    data = encode(Photo(pixels, format=StoredFormat("tiff")), "tiff")

    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), pixels)
    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, pixels)


def test_a_tiff_keeps_maker_notes_at_the_place_to_which_they_point(exif_of):
    block = exif_of()
    photo = Photo(picture(8, 8, 3), metadata=Metadata(exif=block))

    data = encode(photo, "tiff")

    assert data.index(b"NOTE") == block.index(b"NOTE")


def test_a_page_that_promises_more_than_the_file_holds_is_refused():
    data = by_tifffile(picture(64, 64, 3)).getvalue()

    with pytest.raises(ImageError, match="damaged"):
        read(io.BytesIO(data[:-200]))


def test_tags_that_all_claim_the_whole_file_are_refused_at_once():
    count, size = 3000, 4_000_000
    claims = [struct.pack("<HHII", 40000 + n, 1, size - 8, 8) for n in range(count)]
    table = struct.pack("<H", count) + b"".join(claims) + bytes(4)
    file = b"II*\0" + struct.pack("<I", size - len(table))

    began = time.monotonic()
    with pytest.raises(ImageError, match="more than the file"):
        read(io.BytesIO(file.ljust(size - len(table), b"\0") + table))

    assert time.monotonic() - began < 2
