"""What a result says of itself, judged by exiftool too."""

import io
import json
import shutil
import subprocess
from dataclasses import replace

import pytest

from photoenhance.imaging.mark import (
    LONGEST_IN_JPEG,
    Mark,
    is_untouched,
    mark_in,
    marked,
    read_mark,
    sealed,
    unmarked,
)
from photoenhance.imaging.photo import Metadata, Photo
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

MARK = Mark("uegan", "0a" * 32, "1b" * 32, "strength 0.6, fp32", "2c" * 32, "0.1.0")
OTHER = replace(MARK, model="dpe", fingerprint="3d" * 32)
HEAD = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
TITLE = (
    b'<r:Description r:about="" xmlns:d="http://purl.org/dc/elements/1.1/"><d:title><r:Alt>'
    b'<r:li xml:lang="x-default">Sea</r:li></r:Alt></d:title></r:Description>'
)
TAIL = b"</r:RDF></x:xmpmeta>"
PACKET = HEAD + TITLE + TAIL
TYPE = b'<r:Description r:about="" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" e:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"/>'
WRITABLE = ["jpeg", "png", "tiff", "webp", "avif"]


def exiftool(*arguments, stdin=None):
    if shutil.which("exiftool") is None:
        pytest.skip("needs exiftool (libimage-exiftool-perl)")
    done = subprocess.run(
        ["exiftool", *map(str, arguments)], capture_output=True, check=False, input=stdin
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tags(path):
    return json.loads(exiftool("-json", "-G1", "-a", path))[0]


def photo(draw, packet, dtype="uint8"):
    pixels = draw(16, 24)
    return Photo(
        pixels.astype(dtype) * (257 if dtype == "uint16" else 1), metadata=Metadata(xmp=packet)
    )


@pytest.mark.parametrize("packet", [None, PACKET])
def test_a_mark_comes_back_as_it_was(packet):
    assert mark_in(marked(packet, MARK, "jpeg")) == MARK


@pytest.mark.parametrize("packet", [None, PACKET])
def test_the_same_mark_gives_the_same_bytes(packet):
    once = marked(packet, MARK, "png")

    assert marked(packet, MARK, "png") == once
    assert marked(once, MARK, "png") == once


def test_nothing_else_of_a_packet_changes():
    whole = marked(PACKET, MARK, "tiff")

    assert whole.startswith(HEAD + TITLE)
    assert whole.endswith(TAIL)
    assert unmarked(whole) == PACKET


def test_an_older_mark_makes_room_for_the_new_one():
    whole = marked(marked(PACKET, OTHER, "png"), MARK, "png")

    assert whole == marked(PACKET, MARK, "png")
    assert mark_in(whole) == MARK


def test_a_source_type_that_the_photo_has_stays_the_only_one():
    whole = marked(HEAD + TYPE + TAIL, MARK, "png")

    assert whole.count(b"DigitalSourceType") == 1
    assert b"digitalCapture" in whole


@pytest.mark.parametrize(
    "packet", [PACKET.decode().encode("utf-16"), b"no packet", HEAD[:60], HEAD + b"</RDF>"]
)
def test_a_packet_that_is_not_understood_stays_as_it_is(packet):
    assert marked(packet, MARK, "png") == packet


def test_a_packet_that_would_be_too_long_for_jpeg_gets_no_mark():
    fitting = HEAD + TITLE + b" " * (LONGEST_IN_JPEG - len(PACKET)) + TAIL

    assert marked(fitting, MARK, "jpeg") == fitting
    assert mark_in(marked(fitting, MARK, "tiff")) == MARK


def test_a_bmp_gets_none():
    assert marked(None, MARK, "bmp") is None


def test_names_with_anything_in_them_are_no_danger(tmp_path):
    odd = replace(MARK, model="a\"b<c>&'d\n\udcff\u00e4\u65e5.safetensors")

    found = mark_in(marked(PACKET, odd, "png"))

    assert found == replace(MARK, model="a\"b<c>&'d??\u00e4\u65e5.safetensors")


@pytest.mark.parametrize("packet", [None, PACKET])
@pytest.mark.parametrize("name", [*WRITABLE, "heif"])
def test_a_file_of_any_format_carries_it(tmp_path, draw, name, packet):
    if name == "heif":
        pytest.importorskip("pillow_heif")
    path = tmp_path / f"a.{name}"
    path.write_bytes(encode(photo(draw, marked(packet, MARK, name)), name))

    assert read_mark(path) == MARK
    assert mark_in(read(io.BytesIO(path.read_bytes())).metadata.xmp) == MARK


@pytest.mark.parametrize("name", ["png", "tiff"])
def test_so_does_one_of_16_bits(tmp_path, draw, name):
    path = tmp_path / f"a.{name}"
    path.write_bytes(encode(photo(draw, marked(None, MARK, name), "uint16"), name))

    assert read_mark(path) == MARK


@pytest.mark.parametrize("name", WRITABLE)
def test_exiftool_finds_source_type_and_title(tmp_path, draw, name):
    path = tmp_path / f"a.{name}"
    path.write_bytes(encode(photo(draw, marked(PACKET, MARK, name)), name))

    found = tags(path)

    assert "algorithmicallyEnhanced" in found["XMP-iptcExt:DigitalSourceType"]
    assert found["XMP-dc:Title"] == "Sea"
    assert found["XMP-photoenhance:Model"] == "uegan"


@pytest.mark.parametrize("name", ["jpeg", "tiff", "png"])
def test_it_survives_a_program_that_writes_the_packet_anew(tmp_path, draw, name):
    path = tmp_path / f"a.{name}"
    path.write_bytes(encode(photo(draw, marked(PACKET, MARK, name)), name))
    exiftool("-overwrite_original", "-XMP:Rating=4", path)

    assert read_mark(path) == MARK
    packet = read(io.BytesIO(path.read_bytes())).metadata.xmp
    assert mark_in(marked(packet, OTHER, name)) == OTHER
    assert marked(packet, OTHER, name).count(b"Fingerprint") == 1


def test_it_is_found_wherever_it_stands_in_a_long_file(tmp_path):
    packet = marked(PACKET, MARK, "tiff")
    for before in (0, (1 << 20) - 300, (1 << 20) - len(packet) // 2, 3 << 20):
        path = tmp_path / "a.tif"
        path.write_bytes(bytes(before) + packet + bytes(1 << 20))

        assert read_mark(path) == MARK


def test_what_has_none_has_none(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"urn:photoenhance:result:1/ is a name")

    assert read_mark(tmp_path / "a.jpg") is None
    assert read_mark(tmp_path / "nowhere.jpg") is None
    assert read_mark(tmp_path) is None
    assert mark_in(PACKET) is None


@pytest.mark.parametrize("name", ["jpeg", "png", "tiff", "webp", "avif", "heif"])
def test_a_result_that_somebody_has_changed_shows_it(name, draw, tmp_path):
    packet = marked(None, MARK, name)
    photo = Photo(draw(24, 32), metadata=Metadata(xmp=packet))
    file = tmp_path / f"a.{name}"
    data = sealed(encode(photo, name))

    file.write_bytes(data)

    assert is_untouched(file)
    assert read(file).metadata.xmp is not None
    assert read_mark(file).content_sha256 != "0" * 64
    place = data.index(MARK.source_sha256.encode())
    file.write_bytes(data[:place] + b"f" + data[place + 1 :])
    assert not is_untouched(file)
    file.write_bytes(encode(replace(photo, pixels=photo.pixels[::-1].copy()), name))
    assert not is_untouched(file)


def test_a_file_without_a_mark_is_nothing_that_could_be_sealed(draw):
    data = encode(Photo(draw(8, 8)), "png")

    assert sealed(data) == data
