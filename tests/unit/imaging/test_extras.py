"""HEIF and camera raw, where the optional packages are installed."""

import io
import struct

import numpy as np
import pytest

from photoenhance.errors import ImageError
from photoenhance.imaging import ifd
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses


def rational(tag, kind, *numbers):
    packed = b"".join(struct.pack("<ii", round(number * 10000), 10000) for number in numbers)
    return ifd.Entry(tag, kind, len(numbers), packed)


def dng(mosaic):
    """Write a DNG of a red, green, green, blue mosaic whose camera sees as XYZ does to sRGB."""
    height, width = mosaic.shape
    data = mosaic.astype("<u2").tobytes()
    numbers = [
        (0x0100, ifd.LONG, width), (0x0101, ifd.LONG, height), (0x0102, ifd.SHORT, 16),
        (0x0103, ifd.SHORT, 1), (0x0106, ifd.SHORT, 32803), (0x0111, ifd.LONG, 8),
        (0x0112, ifd.SHORT, 6), (0x0115, ifd.SHORT, 1), (0x0116, ifd.LONG, height),
        (0x0117, ifd.LONG, len(data)), (0x828D, ifd.SHORT, 2, 2), (0x828E, 1, 0, 1, 1, 2),
        (0xC612, 1, 1, 4, 0, 0), (0xC61D, ifd.LONG, 65535), (0xC65A, ifd.SHORT, 21),
    ]  # fmt: skip
    entries = {tag: ifd.entry("<", tag, kind, *values) for tag, kind, *values in numbers}
    entries[0x010F] = ifd.Entry(0x010F, 2, 5, b"Acme\0")
    entries[0xC614] = ifd.Entry(0xC614, 2, 9, b"Acme One\0")
    matrix = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)
    entries[0xC621] = rational(0xC621, 10, *matrix)
    entries[0xC628] = rational(0xC628, 5, 1, 1, 1)
    exif = ifd.Directory({0x829A: rational(0x829A, 5, 0.004)})
    start = 8 + len(data)
    directory = ifd.packed(ifd.Directory(entries, {ifd.EXIF: exif}), "<", start)
    return b"II*\0" + start.to_bytes(4, "little") + data + directory


def test_a_raw_file_is_developed_to_upright_16_bit_srgb(tmp_path):
    pytest.importorskip("rawpy", reason="needs the extra raw")
    path = tmp_path / "photo.dng"
    path.write_bytes(dng(np.full((64, 96), 14000)))

    photo = read(path)

    grey = (1.055 * (14000 / 65535) ** (1 / 2.4) - 0.055) * 65535
    assert photo.pixels.shape == (96, 64, 3)
    assert photo.pixels.dtype == np.uint16
    assert photo.pixels[20:-20, 20:-20].mean() == pytest.approx(grey, rel=0.02)
    assert b"Acme" in photo.metadata.exif
    assert photo.notes == ("camera raw was developed",)


def test_a_dng_is_known_by_its_content(tmp_path):
    pytest.importorskip("rawpy", reason="needs the extra raw")

    assert read(io.BytesIO(dng(np.full((64, 96), 9000)))).format.name == "raw"


def test_a_damaged_raw_file_is_an_image_error(tmp_path):
    pytest.importorskip("rawpy", reason="needs the extra raw")
    path = tmp_path / "photo.nef"
    path.write_bytes(b"II*\0" + bytes(500))

    with pytest.raises(ImageError, match="no camera raw that LibRaw knows, or a damaged one"):
        read(path)


def test_a_raw_file_that_cannot_be_developed_is_damaged(monkeypatch):
    rawpy = pytest.importorskip("rawpy", reason="needs the extra raw")

    def failing(stream):
        raise rawpy.LibRawIOError(b"Input/output error")

    monkeypatch.setattr(rawpy, "imread", failing)

    with pytest.raises(ImageError, match="damaged, it cannot be developed"):
        read(io.BytesIO(dng(np.full((64, 96), 9000))))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_heif_keeps_pixels_nearly_and_labels_wholly(dtype, has_alpha, draw, exif_of, profile_of):
    pytest.importorskip("pillow_heif", reason="needs the extra heif")
    scale = np.iinfo(dtype).max // 255
    pixels = (draw(48, 64).astype(dtype)) * dtype(scale)
    said = Metadata(exif=exif_of(), xmp=b"<x:xmpmeta/>")
    alpha = pixels[..., 0] if has_alpha else None
    photo = Photo(pixels, alpha, profile_of("p3"), said, StoredFormat("heif"))

    back = read(io.BytesIO(encode(photo, "heif", quality=95)))

    assert back.pixels.dtype == dtype
    assert np.abs(back.pixels.astype(float) - pixels).mean() / scale < 4
    assert (back.alpha is not None) == has_alpha
    assert back.icc_profile == photo.icc_profile
    assert back.metadata.xmp == said.xmp
    assert b"Acme" in back.metadata.exif


def test_a_heif_of_10_bits_reaches_white():
    pytest.importorskip("pillow_heif", reason="needs the extra heif")
    photo = Photo(np.full((16, 16, 3), 65535, np.uint16))

    back = read(io.BytesIO(encode(photo, "heif", quality=100)))

    assert back.pixels.min() > 65000
    assert back.pixels.max() == 65535
    assert "10 bits" in losses(photo, "heif")[0]
