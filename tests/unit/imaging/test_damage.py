import io
import logging
import struct
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import tifffile
from PIL import Image, UnidentifiedImageError

from photoenhance.errors import ImageError
from photoenhance.imaging import read as reading
from photoenhance.imaging.damage import DamageError, translated
from photoenhance.imaging.read import pixels_in, read

PYTHONS_OWN_WORDS = [
    IndexError("index out of range"),
    KeyError(320),
    TypeError("'IFDRational' object cannot be interpreted as an integer"),
    ValueError("not enough values to unpack (expected 2, got 0)"),
    struct.error("unpack_from requires a buffer of at least 12 bytes"),
    OSError("decoder error -2"),
    OSError("broken data stream when reading image file"),
    ZeroDivisionError("division by zero"),
    UnidentifiedImageError("cannot identify image file <_io.BytesIO object at 0x7f>"),
]


@pytest.mark.parametrize("error", PYTHONS_OWN_WORDS, ids=lambda error: str(error)[:20])
def test_a_decoders_own_words_do_not_reach_the_user(error, monkeypatch):
    def failing(stream, max_pixels):
        raise error

    monkeypatch.setitem(reading._OPENERS, "bmp", failing)

    with pytest.raises(ImageError) as caught:
        read(io.BytesIO(b"BM" + bytes(60)))

    assert caught.value.message == "standard input: damaged, it cannot be decoded"
    assert caught.value.__cause__ is error


def test_our_own_words_do():
    assert translated(DamageError("a strip is missing")).message == "damaged, a strip is missing"


@pytest.mark.parametrize(
    "error",
    [OSError("image file is truncated (3 bytes not processed)"), EOFError()],
)
def test_what_is_cut_short_is_said_to_be(error):
    assert translated(error).message == "damaged, the file is cut short"


@pytest.mark.parametrize(
    "error",
    [
        SyntaxError("unknown pixel mode"),
        OSError("Unsupported BMP compression (4)"),
        SyntaxError("cannot handle 12-bit layers"),
        NotImplementedError(),
        ValueError("Decompressed data too large for PngImagePlugin.MAX_TEXT_CHUNK"),
    ],
)
def test_sound_files_that_pillow_cannot_read_are_not_called_damaged(error):
    said = translated(error)

    assert said.message.startswith("not supported: ")
    assert said.hint


@pytest.mark.parametrize("name", ["JPEG", "PNG", "BMP"])
def test_a_photo_of_half_its_bytes_is_cut_short(name, draw):
    buffer = io.BytesIO()
    Image.fromarray(draw(64, 64)).save(buffer, name)

    with pytest.raises(ImageError, match="damaged, the file is cut short"):
        read(io.BytesIO(buffer.getvalue()[: len(buffer.getvalue()) // 2]))


@contextmanager
def nobody_listening(monkeypatch):
    """Be a program that has not set up logging: Python itself writes to standard error."""
    with monkeypatch.context() as here:
        here.setattr(logging, "lastResort", logging.StreamHandler(sys.__stderr__))
        here.setattr(logging.getLogger(), "handlers", [])  # pytest's own
        yield


def test_pillows_log_does_not_reach_standard_error(tmp_path, capfd, monkeypatch):
    path = tmp_path / "photo.bmp"
    path.write_bytes(b"BM" + bytes(60))

    def complaining(*arguments):
        logging.getLogger("PIL.TiffImagePlugin").error("More samples than can be decoded")
        raise OSError

    monkeypatch.setitem(reading._OPENERS, "bmp", complaining)
    monkeypatch.setattr(Image, "open", complaining)

    with nobody_listening(monkeypatch):
        with pytest.raises(ImageError):
            read(path)
        pixels_in(path)

    assert capfd.readouterr().err == ""
    assert logging.getLogger("PIL").handlers == []


def test_a_tiff_of_too_many_channels_is_refused_in_silence(tmp_path, capfd, monkeypatch):
    path = tmp_path / "many.tif"
    tifffile.imwrite(path, np.zeros((4, 4, 1000), np.uint8), photometric="minisblack",
                     planarconfig="contig")  # fmt: skip

    with nobody_listening(monkeypatch):
        with pytest.raises(ImageError, match="not supported: grey in 1000 channels"):
            read(path)
        pixels_in(path)

    assert capfd.readouterr().err == ""


def test_the_pixels_of_a_tiff_are_those_of_the_photo(tmp_path):
    path = tmp_path / "photo.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((12, 16, 3), np.uint8), photometric="rgb", subfiletype=1)
        file.write(np.zeros((60, 80, 3), np.uint8), photometric="rgb")

    assert pixels_in(path) == 4800
