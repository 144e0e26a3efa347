"""Texts in PNG, and the profiles that ImageMagick stores as texts."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from photoenhance.imaging.photo import Metadata, Photo, Text
from photoenhance.imaging.png import texts
from photoenhance.imaging.png.texts import raw_profile
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

IPTC = b"\x1c\x02\x50\x00\x04Jane"
PHOTOSHOP = b"8BIM\x04\x04\0\0\0\0\0\x09" + IPTC + b"\0"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks):
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), 99, np.uint8)).save(buffer, "PNG")
    whole = buffer.getvalue()
    return io.BytesIO(whole[:33] + b"".join(chunks) + whole[33:])


def stored(kind, data, *, size=None, junk=""):
    """Store a profile as ImageMagick does."""
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"\n{kind.lower()}\n{len(data) if size is None else size:8}\n{lines}\n{junk}"
    name = f"Raw profile type {kind}".encode()
    return chunk(b"zTXt", name + b"\0\0" + zlib.compress(text.encode()))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_text_survives_with_its_language(dtype):
    texts = (
        Text("Author", "Jane"),
        Text("Author", "John"),
        Text("Description", "\u65e5\u672c\u8a9e", "ja", "\u8aac\u660e"),
        Text("Comment", "plain", "de-CH"),
        Text("Software", "x" * 5000, is_packed=True),
        Text("Prompt", "\u017d" * 5000, is_packed=True),
    )
    photo = Photo(np.zeros((4, 4, 3), dtype), metadata=Metadata(text=texts))

    data = encode(photo, "png")

    assert read(io.BytesIO(data)).metadata.text == texts
    assert len(data) < 1000


def test_a_text_beyond_pillows_limit_is_read():
    texts = (Text("workflow", "node " * 600_000, is_packed=True),)
    photo = Photo(np.zeros((4, 4, 3), np.uint8), metadata=Metadata(text=texts))

    back = read(io.BytesIO(encode(photo, "png")))

    assert back.metadata.text == texts
    assert back.notes == ()


def test_texts_without_measure_are_kept_unread_with_a_note():
    bomb = chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(80 << 20)))

    photo = read(png(bomb, chunk(b"tEXt", b"Title\0Sea")))

    assert photo.metadata.text == (Text("Title", "Sea"),)
    assert photo.notes == ("the text 'bomb' is damaged or too long: it was kept unread",)
    assert bomb in encode(photo, "png")


def test_texts_that_use_up_the_measure_do_not_lift_it(monkeypatch):
    monkeypatch.setattr(texts, "_MAX_TEXT", 1000)
    bomb = chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(1 << 20)))

    photo = read(png(chunk(b"tEXt", b"Title\0" + b"x" * 1000), bomb))

    assert [len(text.text) for text in photo.metadata.text] == [1000]


@pytest.mark.parametrize("kind", ["exif", "EXIF", "APP1"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_exif_in_a_text_is_kept(kind, prefix, exif_of):
    photo = read(png(stored(kind, prefix + exif_of(6))))

    assert b"Acme Ltd." in photo.metadata.exif
    assert photo.metadata.text == ()


@pytest.mark.parametrize(
    ("kind", "data"),
    [("xmp", XMP), ("XMP", XMP), ("APP1", b"http://ns.adobe.com/xap/1.0/\0" + XMP)],
)
def test_xmp_in_a_text_is_kept(kind, data):
    assert read(png(stored(kind, data))).metadata.xmp == XMP


@pytest.mark.parametrize("kind", ["iptc", "8bim", "IPTC"])
@pytest.mark.parametrize("data", [PHOTOSHOP, IPTC])
def test_iptc_in_a_text_is_kept(kind, data):
    assert read(png(stored(kind, data))).metadata.iptc == IPTC


def test_photoshops_other_resources_are_kept_beside_iptc():
    flag = b"8BIM\x04\x0a\0\0\0\0\0\x01\1\0"  # copyrighted

    photo = read(png(stored("8bim", PHOTOSHOP + flag), stored("iptc", PHOTOSHOP)))
    again = read(io.BytesIO(encode(photo, "png")))

    for each in (photo, again):
        assert (each.metadata.iptc, each.metadata.photoshop) == (IPTC, flag)


@pytest.mark.parametrize("kind", ["icc", "icm", "ICC"])
def test_a_colour_profile_in_a_text_is_honoured(kind, profile_of):
    photo = read(png(stored(kind, profile_of("p3"))))

    assert photo.icc_profile == profile_of("p3")
    assert photo.metadata.text == ()


def test_what_follows_the_length_that_is_told_does_not_count(exif_of):
    block = exif_of()

    photo = read(png(stored("exif", block, junk="00ff tail, no digits")))

    assert b"Acme Ltd." in photo.metadata.exif
    assert len(photo.metadata.exif) == len(block)
    assert photo.notes == ()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("exif", "EXIF"), ("xmp", "XMP"), ("8bim", "IPTC"), ("icc", "colour profile")],
)
def test_a_stored_profile_that_is_cut_short_is_left_out_and_said_so(kind, name):
    photo = read(png(stored(kind, XMP, size=500)))

    assert photo.metadata.exif is photo.metadata.xmp is photo.metadata.iptc is None
    assert photo.left_out == (f"damaged {name} was left out",)


def test_damaged_exif_is_kept_as_it_is_unless_the_picture_was_turned():
    damaged = chunk(b"eXIf", b"II*\0 no block")
    packet = b'<x:xmpmeta><a tiff:Orientation="6"/></x:xmpmeta>'

    upright = read(png(damaged))
    turned = read(png(damaged, stored("xmp", packet)))

    assert upright.notes == ("damaged EXIF was kept as it is",)
    assert damaged in encode(upright, "png")
    assert turned.left_out == ("damaged EXIF was left out",)
    assert damaged not in encode(turned, "png")


def test_a_good_copy_of_exif_counts_where_another_is_damaged(exif_of):
    photo = read(png(chunk(b"eXIf", b"II*\0 no block"), stored("exif", exif_of())))

    assert b"Acme Ltd." in photo.metadata.exif


def test_profiles_of_other_kinds_stay_texts():
    file = png(stored("generic", b"what some program stored"))

    photo = read(file)

    assert photo.metadata.text[0].keyword == "Raw profile type generic"
    assert read(io.BytesIO(encode(photo, "png"))).metadata.text == photo.metadata.text


@pytest.mark.parametrize("text", ["", "\nexif\n", "\nexif\n 4\n00112", "\nexif\n 4\nzz", "\n\n\n"])
def test_texts_that_hold_no_profile_give_none(text):
    assert raw_profile(text) is None


@pytest.mark.parametrize(
    "damaged",
    [(b"zTXt", b"Title\0\0not packed"), (b"zTXt", b"Title\0\1x"), (b"iTXt", b"Title\0\0\0no end"),
     (b"iTXt", b"Title\0\0\0\0\0\xff\xfe")],
)  # fmt: skip
def test_a_damaged_text_is_kept_unread_with_a_note(damaged):
    photo = read(png(chunk(*damaged)))

    assert photo.metadata.text == ()
    assert photo.notes == ("the text 'Title' is damaged or too long: it was kept unread",)
    assert chunk(*damaged) in encode(photo, "png")
