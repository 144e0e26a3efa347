import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL.PngImagePlugin import PngImageFile

from photoenhance.imaging.photo import Metadata, Photo, StoredFormat, Text
from photoenhance.imaging.png.reader import read_png
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode


def noise(*shape):
    return np.random.default_rng(2).integers(0, 65535, shape, np.uint16, endpoint=True)


def smooth(height, width, channels):
    rows, columns = np.mgrid[0:height, 0:width]
    planes = [(rows * 97 + columns * (31 + 7 * c)) % 65536 for c in range(channels)]
    return np.stack(planes, axis=-1).astype(np.uint16)


def chunk(kind, data):
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def by_hand(pixels, kind, *more):
    """Write a PNG of 16 bits without filters."""
    height, width = pixels.shape[:2]
    lines = pixels.astype(">u2").tobytes()
    step = len(lines) // height
    body = b"".join(b"\0" + lines[row * step : (row + 1) * step] for row in range(height))
    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = [chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(body)), chunk(b"IEND", b"")]
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits_come_whole(kind, channels):
    samples = noise(21, 34, channels)

    photo = read(by_hand(samples, kind))

    colours = 1 if channels < 3 else 3
    np.testing.assert_array_equal(
        photo.pixels, np.broadcast_to(samples[..., :colours], (21, 34, 3))
    )
    assert photo.format.is_grey == (channels < 3)
    assert (photo.alpha is not None) == (channels in (2, 4))
    if photo.alpha is not None:
        np.testing.assert_array_equal(photo.alpha, samples[..., -1])


@pytest.mark.parametrize("name", ["basi2c16", "basi6a16", "basi4a16", "basi0g16", "basn2c16"])
def test_16_bits_interlaced_or_not_are_read_as_opencv_reads_them(name, shared):
    path = shared / "bad-inputs" / "pngsuite" / f"{name}.png"
    expected = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

    photo = read(path)

    colours = expected[..., 2::-1] if expected.ndim == 3 else expected[..., None]
    np.testing.assert_array_equal(photo.pixels, np.broadcast_to(colours, photo.pixels.shape))


def test_a_transparent_colour_of_16_bits_is_compared_in_all_of_them():
    pixels = np.full((2, 2, 3), 0x1234, np.uint16)
    pixels[0, 0, 2] = 0x1235  # the same in its upper byte

    photo = read(by_hand(pixels, 2, chunk(b"tRNS", struct.pack(">3H", *[0x1234] * 3))))

    np.testing.assert_array_equal(photo.alpha, [[65535, 0], [0, 0]])


@pytest.mark.parametrize("name", ["tbbn0g04", "tbrn2c08", "tbwn0g16", "tbbn2c16"])
def test_transparent_colours_are_those_that_opencv_sees(name, shared):
    path = shared / "bad-inputs" / "pngsuite" / f"{name}.png"
    expected = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)

    photo = read(path)

    assert 0 < (photo.alpha == 0).mean() < 1
    if expected.ndim == 3 and expected.shape[2] == 4:
        np.testing.assert_array_equal(photo.alpha == 0, expected[..., 3] == 0)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("make", [noise, smooth])
def test_what_we_write_in_16_bits_is_read_alike_by_opencv(channels, make):
    samples = make(37, 45, channels)
    is_grey = channels < 3
    colours = np.repeat(samples[..., :1], 3, axis=2) if is_grey else samples[..., :3].copy()
    alpha = samples[..., -1] if channels in (2, 4) else None
    photo = Photo(colours, alpha, format=StoredFormat("png", is_grey=is_grey))

    data = encode(photo, "png")

    PngImageFile(io.BytesIO(data)).verify()
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    back = back[..., None] if back.ndim == 2 else back
    expected = colours[..., :1] if back.shape[2] == 1 else colours[..., ::-1]
    np.testing.assert_array_equal(back[..., : expected.shape[2]], expected)
    if alpha is not None:
        np.testing.assert_array_equal(back[..., -1], alpha)


def test_smooth_16_bit_pictures_are_packed_by_filters():
    pixels = smooth(200, 200, 3)

    assert len(encode(Photo(pixels), "png")) < pixels.nbytes / 10


def test_a_16_bit_picture_of_many_strips_comes_back():
    pixels = smooth(1300, 1700, 3)

    back = read(io.BytesIO(encode(Photo(pixels), "png")))

    np.testing.assert_array_equal(back.pixels, pixels)


def test_a_16_bit_ramp_keeps_its_levels():
    ramp = np.linspace(0, 65535, 8000).round().astype(np.uint16)
    pixels = np.repeat(np.tile(ramp, (2, 1))[..., None], 3, axis=2)

    for name in ("png", "tiff"):
        back = read(io.BytesIO(encode(Photo(pixels), name))).pixels

        assert np.unique(back[..., 0]).size == 8000


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_metadata_of_both_depths_is_the_same(dtype, exif_of, profile_of):
    said = Metadata(
        exif=exif_of(), xmp=b"<x/>", iptc=b"\x1c\x02\x05\x00\x01a", dpi=(299.9994, 299.9994),
        text=(Text("Title", "Sea"), Text("Author", "\u017deljko")),
    )  # fmt: skip
    photo = Photo(np.zeros((4, 4, 3), dtype), icc_profile=profile_of("p3"), metadata=said)

    back = read(io.BytesIO(encode(photo, "png")))

    kept = back.metadata
    assert b"Acme Ltd." in kept.exif
    assert (kept.xmp, kept.iptc) == (said.xmp, said.iptc)
    assert (kept.dpi, kept.text) == (said.dpi, said.text)
    assert back.icc_profile == photo.icc_profile


def test_exif_that_imagemagick_stored_as_text_is_found(exif_of):
    block = b"Exif\0\0" + exif_of(6)
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    raw = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text))

    draft = read_png(by_hand(noise(4, 6, 3), 2, raw), 100)

    assert draft.exif.orientation == 6
    assert draft.decoded.pixels.shape == (6, 4, 3)
    assert draft.metadata.text == ()
