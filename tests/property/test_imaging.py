"""What must hold for any photo, and for any bytes at all."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat, Text
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

XMP_TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="<&>"))
DPI = st.integers(1, 2000).map(float)


@st.composite
def photos(draw, *, depths=(np.uint8, np.uint16)):
    height, width = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    dtype = draw(st.sampled_from(depths))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32)))
    top = np.iinfo(dtype).max
    is_grey = draw(st.booleans())
    pixels = numbers.integers(0, top, (height, width, 3), dtype, endpoint=True)
    pixels = np.repeat(pixels[..., :1], 3, axis=2) if is_grey else pixels
    alpha = numbers.integers(0, top, (height, width), dtype, endpoint=True)
    said = Metadata(
        xmp=f"<x:xmpmeta>{draw(XMP_TEXT)}</x:xmpmeta>".encode(),
        iptc=draw(st.none() | st.binary(max_size=300).map(lambda data: b"\x1c\x02\x05" + data)),
        dpi=draw(st.none() | st.tuples(DPI, DPI)),
    )
    stored = StoredFormat(
        "tiff", is_grey=is_grey, is_compressed=draw(st.booleans()), is_lossless=True
    )
    return Photo(pixels, draw(st.sampled_from([None, alpha])), metadata=said, format=stored)


@given(photo=photos(), name=st.sampled_from(["png", "tiff"]))
@settings(max_examples=150, deadline=None)
def test_pixels_alpha_and_metadata_come_back_from_lossless_formats(photo, name):
    back = read(io.BytesIO(encode(photo, name)))

    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert back.pixels.dtype == photo.pixels.dtype
    assert back.format.is_grey == photo.format.is_grey
    assert (back.alpha is None) == (photo.alpha is None)
    if photo.alpha is not None:
        np.testing.assert_array_equal(back.alpha, photo.alpha)
    assert back.metadata.xmp == photo.metadata.xmp
    assert back.metadata.iptc == photo.metadata.iptc
    if photo.metadata.dpi is not None:
        assert back.metadata.dpi == pytest.approx(photo.metadata.dpi, abs=0.02)


@given(photo=photos(depths=(np.uint8,)), name=st.sampled_from(["jpeg", "webp", "avif"]))
@settings(max_examples=60, deadline=None)
def test_metadata_comes_back_from_lossy_formats(photo, name):
    back = read(io.BytesIO(encode(photo, name)))

    assert back.pixels.shape == photo.pixels.shape
    assert back.metadata.xmp == photo.metadata.xmp


def seeds() -> dict[str, bytes]:
    """Make small valid files of every format, with metadata and profiles to damage."""
    rows, columns = np.mgrid[0:24, 0:32]
    pixels = np.stack([rows * 9, columns * 7, rows + columns], axis=-1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Acme", 6
    exif.get_ifd(0x8769)[0x829A] = 0.004
    said = Metadata(
        exif=exif.tobytes().removeprefix(b"Exif\0\0"), xmp=b'<x tiff:Orientation="3"/>',
        iptc=b"\x1c\x02\x05\x00\x03Sea", dpi=(300, 300), text=(Text("Title", "Sea"),),
    )  # fmt: skip
    photo = Photo(pixels, metadata=said, icc_profile=None)
    deep = Photo(pixels.astype(np.uint16) * 257, pixels[..., 0].astype(np.uint16), metadata=said)
    files = {name: encode(photo, name) for name in ("jpeg", "png", "tiff", "webp", "avif", "bmp")}
    files |= {f"deep {name}": encode(deep, name) for name in ("png", "tiff")}
    open_tiff = StoredFormat("tiff", is_compressed=False)
    files["open tiff"] = encode(Photo(pixels, metadata=said, format=open_tiff), "tiff")
    for mode, name in (("CMYK", "TIFF"), ("P", "PNG"), ("CMYK", "JPEG"), ("P", "TIFF")):
        buffer = io.BytesIO()
        options = {"compression": "tiff_lzw"} if name == "TIFF" else {}
        Image.fromarray(pixels).convert(mode).save(buffer, name, **options)
        files[f"{mode} {name}"] = buffer.getvalue()
    return files


SEEDS = seeds()


def mutate(data: bytes, seed: int) -> bytes:
    """Damage a file as disks, networks and attackers do."""
    chance = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        start = chance.randrange(len(damaged)) if damaged else 0
        length = min(chance.choice([1, 1, 2, 4, 16, 64]), len(damaged) - start)
        kind = chance.randrange(6)
        if kind == 0:
            damaged[start : start + length] = chance.randbytes(length)
        elif kind == 1:
            damaged[start : start + length] = b"\xff" * length
        elif kind == 2:
            damaged[start : start + length] = bytes(length)
        elif kind == 3:
            del damaged[start : start + length]
        elif kind == 4:
            damaged[start:start] = damaged[start : start + length]
        elif len(damaged) > 4:
            start = min(start, len(damaged) - 4)
            damaged[start : start + 4] = struct.pack(">I", chance.choice([0, 1, 2**16, 2**31 - 1]))
    return bytes(damaged)


def with_right_checksums(data: bytes) -> bytes:
    """Give a damaged PNG right checksums, so that the damage is looked at."""
    out, position = bytearray(data[:8]), 8
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        body = data[position + 4 : position + 8 + length]
        out += data[position : position + 4] + body + struct.pack(">I", zlib.crc32(body))
        position += 12 + length
    return bytes(out)


def outcome(data: bytes) -> tuple[Photo | None, str]:
    try:
        return read(io.BytesIO(data), max_pixels=1_000_000), ""
    except ImageError as error:
        return None, error.message


@given(name=st.sampled_from(sorted(SEEDS)), seed=st.integers(0, 2**48))
@settings(max_examples=600, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_are_a_photo_or_an_image_error_and_nothing_else(name, seed):
    damaged = mutate(SEEDS[name], seed)
    if damaged.startswith(b"\x89PNG") and seed % 2:
        damaged = with_right_checksums(damaged)

    photo, message = outcome(damaged)

    if photo is None:
        assert message.startswith("standard input: ")
    else:
        assert photo.pixels.ndim == 3
        encode(photo, "tiff")


def test_damaged_bytes_make_no_codec_speak(capfd):
    outcomes = [outcome(mutate(data, seed)) for data in SEEDS.values() for seed in range(25)]

    assert sum(photo is None for photo, _ in outcomes) > 50
    assert capfd.readouterr() == ("", "")


@given(data=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_behind_any_signature_are_an_image_error(data):
    for head in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0+", b"BM"):
        with pytest.raises(ImageError):
            read(io.BytesIO(head + data))
