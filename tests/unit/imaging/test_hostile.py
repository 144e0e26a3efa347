"""Small files that would take a decoder's time and memory if it believed them."""

import io
import struct
import zlib

import pytest
from PIL import Image

from photoenhance.errors import ImageError
from photoenhance.imaging import ifd
from photoenhance.imaging.damage import DamageError
from photoenhance.imaging.photoshop import split_resources
from photoenhance.imaging.png.texts import raw_profile
from photoenhance.imaging.read import pixels_in, read
from photoenhance.imaging.tiff.pages import pages


def tiff_of_directories(tags: int, places: int) -> bytes:
    """A page that points again and again to one directory of many empty tags."""
    first = 8 + 4 * places
    page = struct.pack("<HHHII", 1, 0x014A, 4, places, 8) + bytes(4)
    inner = first + len(page)
    directory = struct.pack("<H", tags) + struct.pack("<HHII", 0x9000, 4, 0, 0) * tags + bytes(4)
    return (
        b"II*\0" + struct.pack("<I", first) + struct.pack("<I", inner) * places + page + directory
    )


def test_a_directory_that_is_named_a_thousand_times_is_read_once(monkeypatch):
    seen = []
    real = ifd.TiffFile.directory

    def counted(self, offset, **options):
        seen.append(offset)
        return real(self, offset, **options)

    monkeypatch.setattr(ifd.TiffFile, "directory", counted)

    pages(ifd.TiffFile(io.BytesIO(tiff_of_directories(50, 1000))))

    assert len(seen) == 2


def test_directories_cost_what_they_are_long():
    file = ifd.TiffFile(io.BytesIO(tiff_of_directories(4000, 1)))
    offset = 8 + 4 + 18

    for _ in range(5):
        file.directory(offset)

    with pytest.raises(DamageError, match="more than the file does"):
        file.directory(offset)


def test_thousands_of_resources_are_joined_once():
    resource = b"8BIM\x04\x0a\0\0\0\0\0\x01\1\0"

    records, others = split_resources(resource * 200_000)

    assert records is None
    assert others == resource * 200_000


def test_a_length_of_thousands_of_digits_is_no_stored_profile():
    assert raw_profile("\nexif\n" + "9" * 5000 + "\n00\n") is None


def test_a_png_with_such_a_text_is_read(draw, file_of_png):
    text = b"Raw profile type exif\0\nexif\n" + b"9" * 5000 + b"\n00\n"
    chunk = b"tEXt" + text
    whole = file_of_png(struct.pack(">I", len(text)) + chunk + struct.pack(">I", zlib.crc32(chunk)))

    assert read(io.BytesIO(whole)).pixels.shape == (8, 8, 3)


@pytest.fixture
def file_of_png(draw):
    """Put a chunk behind the header of a small PNG."""

    def make(chunk: bytes) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(draw(8, 8)).save(buffer, "PNG")
        data = buffer.getvalue()
        return data[:33] + chunk + data[33:]

    return make


def test_planning_survives_such_a_tiff(tmp_path):
    file = tmp_path / "a.tif"
    file.write_bytes(tiff_of_directories(50, 1000))

    pixels_in(file)
    with pytest.raises(ImageError):
        read(file)
