"""WebP and what stands in it besides the picture."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from photoenhance.imaging.read import read


def webp(pixels, *chunks, behind=b"", **options):
    """Write a WebP with further chunks at its end, and data behind it."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", xmp=b"<x/>", **options)
    body = buffer.getvalue()[8:]
    for name, data in chunks:
        body += name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body + behind)


@pytest.mark.parametrize("lossless", [False, True])
def test_chunks_of_the_format_are_nothing_left_out(lossless, draw, exif_of, profile_of):
    pixels = np.dstack([draw(16, 24), draw(16, 24)[..., 0]])

    photo = read(webp(pixels, lossless=lossless, exif=exif_of(), icc_profile=profile_of("p3")))

    assert photo.left_out == ()
    assert photo.format.is_lossless == lossless
    assert photo.icc_profile == profile_of("p3")


def test_other_chunks_are_named(draw):
    photo = read(webp(draw(16, 24), (b"C2PA", b"a manifest"), (b"\x01\x02ab", b"odd")))

    assert photo.left_out == (r"parts of the WebP were left out (C2PA, \x01\x02ab)",)


def test_what_stands_behind_the_end_is_told_but_not_padding(draw):
    behind = read(webp(draw(16, 24), behind=b"\0\0\0\x18ftypmp42, a video"))

    assert behind.left_out == ("21 bytes behind the WebP's end were left out",)
    assert read(webp(draw(16, 24), behind=bytes(9))).left_out == ()


@pytest.mark.parametrize("name", ["webp", "avif", "png", "jpeg"])
def test_exif_that_says_nothing_is_no_damage(draw, name):
    empty = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"
    buffer = io.BytesIO()
    Image.fromarray(draw(16, 24)).save(buffer, name, exif=empty)

    photo = read(io.BytesIO(buffer.getvalue()))

    assert photo.notes == photo.left_out == ()
