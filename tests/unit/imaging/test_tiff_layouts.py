"""Every layout of a TIFF's pixels that is read, against readers that share no code with ours."""

import io
import shutil
import subprocess

import numpy as np
import pytest
import tifffile
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging import ifd
from photoenhance.imaging.read import read

HEIGHT, WIDTH = 45, 53
GREY, RGB, PALETTE, CMYK, YCBCR, LAB = 1, 2, 3, 5, 6, 8
needs_magick = pytest.mark.skipif(shutil.which("convert") is None, reason="needs ImageMagick")
needs_tiffcp = pytest.mark.skipif(shutil.which("tiffcp") is None, reason="needs libtiff-tools")


def picture(bits, channels):
    """Smooth with noise over all values of so many bits."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = (rows + columns) / (HEIGHT + WIDTH) * 0.9
    noise = np.random.default_rng(bits).random((HEIGHT, WIDTH, channels)) * 0.1
    return ((smooth[..., None] + noise) * (2**bits - 1)).astype(np.uint16)


def lab_picture():
    """Colours that a screen can show, as TIFF counts them: a and b are signed bytes."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    light = 100 + rows * 2
    a, b = (columns - 26) & 255, (rows - 22) & 255
    return np.stack([light, a, b], axis=-1).astype(np.uint16)


def packed_rows(samples, bits):
    """Pack rows of samples, the high bits first, each row from a byte of its own on."""
    if bits == 16:
        return samples.astype("<u2").tobytes()
    digits = (samples[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(digits.astype(np.uint8).reshape(len(samples), -1), axis=1).tobytes()


def tiff_of(pixels, bits, model, *, planar=False, **tags):
    """Write an uncompressed TIFF of one strip, or one for each channel."""
    height, width, channels = pixels.shape
    planes = [pixels[..., n] for n in range(channels)] if planar else [pixels.reshape(height, -1)]
    strips = [packed_rows(plane, bits) for plane in planes]
    offsets = 8 + np.cumsum([0, *map(len, strips)])
    body = b"".join(strips) + b"\0" * (int(offsets[-1]) % 2)
    entries = [
        ifd.entry("<", 0x0100, ifd.LONG, width),
        ifd.entry("<", 0x0101, ifd.LONG, height),
        ifd.entry("<", 0x0102, ifd.SHORT, *[bits] * channels),
        ifd.entry("<", 0x0103, ifd.SHORT, 1),
        ifd.entry("<", 0x0106, ifd.SHORT, model),
        ifd.entry("<", 0x0111, ifd.LONG, *offsets[:-1].tolist()),
        ifd.entry("<", 0x0115, ifd.SHORT, channels),
        ifd.entry("<", 0x0116, ifd.LONG, height),
        ifd.entry("<", 0x0117, ifd.LONG, *map(len, strips)),
        ifd.entry("<", 0x011C, ifd.SHORT, 2 if planar else 1),
        *(ifd.entry("<", int(tag[1:], 16), ifd.SHORT, *value) for tag, value in tags.items()),
    ]
    directory = ifd.Directory({entry.tag: entry for entry in entries})
    head = b"II*\0" + (8 + len(body)).to_bytes(4, "little")
    return head + body + ifd.packed(directory, "<", 8 + len(body))


def by_magick(data, tmp_path):
    """Return what ImageMagick reads, 16 bits."""
    path = tmp_path / "magick.tif"
    path.write_bytes(data)
    command = ["convert", f"{path}[0]", "-alpha", "off", "-depth", "16", "-endian", "MSB", "RGB:-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, ">u2").reshape(HEIGHT, WIDTH, 3).astype(int)


def by_us(data):
    pixels = read(io.BytesIO(data)).pixels
    return pixels.astype(int) * (257 if pixels.dtype == np.uint8 else 1)


def copied(data, tmp_path, *options):
    """Have libtiff's own tool write a TIFF anew."""
    before, after = tmp_path / "before.tif", tmp_path / "after.tif"
    before.write_bytes(data)
    done = subprocess.run(
        ["tiffcp", *options, before, after], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"tiffcp here lacks {options}: {done.stderr[:80]}")
    return after.read_bytes()


@needs_magick
@pytest.mark.parametrize("bits", range(1, 17))
@pytest.mark.parametrize(("channels", "planar"), [(1, False), (3, False), (3, True)])
def test_all_depths_of_grey_and_rgb_come_out_as_in_imagemagick(bits, channels, planar, tmp_path):
    data = tiff_of(picture(bits, channels), bits, GREY if channels == 1 else RGB, planar=planar)

    difference = np.abs(by_us(data) - by_magick(data, tmp_path))

    assert difference.max() <= (128 if bits < 8 else 0)  # ours have 8 bits then


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_whose_zero_is_white_comes_out_as_in_pillow(bits):
    data = tiff_of(picture(bits, 1), bits, 0)

    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, expected)


@needs_magick
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_come_out_as_in_imagemagick(bits, tmp_path):
    palette = np.random.default_rng(2).integers(0, 256, 3 * 2**bits) * 257
    data = tiff_of(picture(bits, 1), bits, PALETTE, x0140=palette.tolist())

    np.testing.assert_array_equal(by_us(data), by_magick(data, tmp_path))


@needs_magick
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("channels", [4, 5])
def test_cmyk_comes_out_as_in_imagemagick(bits, planar, channels, tmp_path):
    alpha = {"x0152": (2,)} if channels == 5 else {}
    pixels = picture(bits, channels)
    data = tiff_of(pixels, bits, CMYK, planar=planar, **alpha)

    assert np.abs(by_us(data) - by_magick(data, tmp_path)).max() < 400  # of 65535
    photo = read(io.BytesIO(data))
    assert photo.notes == ("CMYK was converted to RGB",)
    assert photo.left_out == (("16-bit CMYK was converted to 8-bit RGB",) if bits == 16 else ())
    if channels == 5:
        in_8_bits = pixels[..., 4] if bits == 8 else np.rint(pixels[..., 4] / 257)
        np.testing.assert_array_equal(photo.alpha, in_8_bits)


@needs_magick
@pytest.mark.parametrize("planar", [False, True])
def test_lab_comes_out_as_in_imagemagick(planar, tmp_path):
    data = tiff_of(lab_picture(), 8, LAB, planar=planar)

    assert np.abs(by_us(data) - by_magick(data, tmp_path)).mean() < 600  # of 65535


@needs_tiffcp
@pytest.mark.parametrize("codec", ["none", "lzw", "lzw:2", "zip", "zip:2", "packbits",
                                   "lzma", "lzma:2", "zstd", "zstd:2"])  # fmt: skip
@pytest.mark.parametrize("layout", [("-s",), ("-t", "-w", "16", "-l", "32"), ("-p", "separate"),
                                    ("-f", "lsb2msb"), ("-B",)])  # fmt: skip
@pytest.mark.parametrize(("bits", "model", "channels"), [(8, RGB, 3), (16, RGB, 3), (16, CMYK, 4)])
def test_what_libtiff_writes_anew_holds_the_same_pixels(
    codec, layout, bits, model, channels, tmp_path
):
    if layout[-1] == "separate" and bits != 8:
        pytest.skip("tiffcp parts planes of 8 bits only")
    data = tiff_of(picture(bits, channels), bits, model)

    photo = read(io.BytesIO(copied(data, tmp_path, "-c", codec, *layout)))

    original = read(io.BytesIO(data))
    np.testing.assert_array_equal(photo.pixels, original.pixels)
    assert photo.pixels.dtype == original.pixels.dtype
    assert photo.notes == original.notes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiles_whose_places_stand_in_the_tags_of_strips_are_tiles(dtype, planar, compression):
    pixels = picture(8 * dtype().itemsize, 3).astype(dtype)
    buffer = io.BytesIO()
    shown = np.moveaxis(pixels, -1, 0) if planar else pixels
    tifffile.imwrite(
        buffer, shown, tile=(16, 32), photometric="rgb", compression=compression,
        planarconfig="separate" if planar else "contig",
    )  # fmt: skip
    data = bytearray(buffer.getvalue())
    tiff = ifd.TiffFile(io.BytesIO(data))
    for old, new in ((0x0144, 0x0111), (0x0145, 0x0117)):
        entry = tiff.directory(tiff.first).entries[old]
        data[entry.position : entry.position + 2] = new.to_bytes(2, "little")

    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, pixels)


def test_an_uncompressed_strip_needs_no_length():
    data = bytearray(tiff_of(picture(8, 3), 8, RGB))
    tiff = ifd.TiffFile(io.BytesIO(data))
    entry = tiff.directory(tiff.first).entries[0x0117]
    data[entry.position : entry.position + 2] = (0x0118).to_bytes(2, "little")

    np.testing.assert_array_equal(read(io.BytesIO(data)).pixels, picture(8, 3))


def in_a_tiff(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", **options)
    return buffer.getvalue()


@needs_magick
@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr", "CMYK"])
def test_jpeg_inside_comes_out_as_in_imagemagick(mode, tmp_path, draw):
    image = Image.fromarray(draw(HEIGHT, WIDTH)).convert(mode)
    data = in_a_tiff(image, compression="jpeg", quality=90)

    assert np.abs(by_us(data) - by_magick(data, tmp_path)).max() < 1000  # of 65535


@needs_magick
@needs_tiffcp
@pytest.mark.parametrize("codec", ["jpeg:90", "jpeg:90:r"])
@pytest.mark.parametrize("layout", [(), ("-t", "-w", "16", "-l", "32")])
def test_jpeg_inside_tiles_comes_out_as_in_imagemagick(codec, layout, tmp_path, draw):
    data = tiff_of(draw(HEIGHT, WIDTH).astype(np.uint16), 8, RGB)
    data = copied(data, tmp_path, "-c", codec, *layout)

    assert np.abs(by_us(data) - by_magick(data, tmp_path)).max() < 1000  # of 65535


@needs_tiffcp
@pytest.mark.parametrize("codec", ["g3", "g4"])
def test_fax_codes_with_reversed_bits_hold_the_same_pixels(codec, tmp_path):
    data = tiff_of(picture(1, 1), 1, GREY)

    reversed_ = copied(data, tmp_path, "-c", codec, "-f", "lsb2msb")

    np.testing.assert_array_equal(by_us(reversed_), by_us(data))


@needs_magick
@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_codes_come_out_as_in_imagemagick(compression, tmp_path):
    image = Image.fromarray(picture(8, 1)[..., 0] > 128)
    data = in_a_tiff(image, compression=compression)

    np.testing.assert_array_equal(by_us(data), by_magick(data, tmp_path))


@needs_magick
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_ycbcr_comes_out_as_in_imagemagick(compression, tmp_path, draw):
    image = Image.fromarray(draw(HEIGHT, WIDTH)).convert("YCbCr")
    data = in_a_tiff(image, compression=compression)

    assert np.abs(by_us(data) - by_magick(data, tmp_path)).max() < 1000  # of 65535


def test_jpeg_as_old_writers_put_it_into_tiff_comes_out_as_the_jpeg(draw):
    jpeg = io.BytesIO()
    Image.fromarray(draw(48, 64)).save(jpeg, "JPEG", quality=95, subsampling=0)
    inside = jpeg.getvalue() + b"\0" * (len(jpeg.getvalue()) % 2)
    entries = [
        ifd.entry("<", 0x0100, ifd.LONG, 64),
        ifd.entry("<", 0x0101, ifd.LONG, 48),
        ifd.entry("<", 0x0102, ifd.SHORT, 8, 8, 8),
        ifd.entry("<", 0x0103, ifd.SHORT, 6),
        ifd.entry("<", 0x0106, ifd.SHORT, YCBCR),
        ifd.entry("<", 0x0111, ifd.LONG, 8),
        ifd.entry("<", 0x0115, ifd.SHORT, 3),
        ifd.entry("<", 0x0116, ifd.LONG, 48),
        ifd.entry("<", 0x0117, ifd.LONG, len(inside)),
        ifd.entry("<", 0x0201, ifd.LONG, 8),
        ifd.entry("<", 0x0202, ifd.LONG, len(inside)),
        ifd.entry("<", 0x0212, ifd.SHORT, 1, 1),
    ]
    directory = ifd.Directory({entry.tag: entry for entry in entries})
    head = b"II*\0" + (8 + len(inside)).to_bytes(4, "little")
    data = head + inside + ifd.packed(directory, "<", 8 + len(inside))

    difference = read(io.BytesIO(data)).pixels - np.asarray(Image.open(jpeg)).astype(int)

    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff_of(picture(16, 3), 16, LAB), "Lab in 3 channels of 16-bit numbers"),
        (tiff_of(picture(16, 3), 16, RGB, x0153=(2,)), "16-bit signed numbers"),
        (tiff_of(picture(16, 3), 16, RGB, x0153=(3,)), "16-bit floating-point numbers"),
        (tiff_of(picture(8, 3), 8, YCBCR, x0212=(2, 1)), "YCbCr"),
        (tiff_of(picture(8, 3), 8, YCBCR, x0212=(1, 1), planar=True), "separate planes"),
        (tiff_of(picture(8, 4), 8, CMYK, x014C=(2,)), "inks that are not CMYK"),
        (tiff_of(picture(8, 5), 8, CMYK, x0152=(1,)), "multiplied by alpha"),
        (tiff_of(picture(8, 3), 8, 10), "ITU Lab"),
        (tiff_of(picture(8, 1), 8, 32803), "a camera's raw pixels"),
        (tiff_of(picture(8, 1), 8, GREY, x0103=(34887,)), "packed as LERC"),
        (tiff_of(picture(8, 1), 8, GREY, x0103=(5,), x013D=(3,)), "predictor 3"),
    ],
)
def test_sound_files_that_are_not_supported_are_refused_in_words(data, words):
    with pytest.raises(ImageError) as caught:
        read(io.BytesIO(data))

    assert "not supported: " in caught.value.message
    assert words in caught.value.message
    assert "damaged" not in caught.value.message
    assert caught.value.hint
