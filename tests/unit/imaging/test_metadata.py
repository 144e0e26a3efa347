import io
import struct

import pytest

from photoenhance.imaging import ifd, metadata
from photoenhance.imaging.tiff import tags

THUMBNAIL = b"\xff\xd8" + b"thumbnail" * 40 + b"\xff\xd9"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
    b'exif:PixelXDimension="640" exif:PixelYDimension="480">'
    b"<xmp:Thumbnails><rdf:Alt>AAAA</rdf:Alt></xmp:Thumbnails><dc:title>Sea</dc:title>"
    b"</rdf:Description></x:xmpmeta>"
)


def directory_of(block):
    tiff = ifd.TiffFile(io.BytesIO(block))
    return tiff, tiff.directory(tiff.first)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_upright_block_says_orientation_1_and_the_new_size(order, orientation, exif_of):
    found = metadata.read_exif(b"Exif\0\0" + exif_of(orientation, order=order))

    upright = metadata.upright_exif(found, 480, 641, orientation)

    tiff, directory = directory_of(upright)
    exif = directory.children[ifd.EXIF]
    assert found.orientation == orientation
    assert tiff.integers(directory.entries[metadata.ORIENTATION]) == (1,)
    assert tiff.integers(exif.entries[0xA002]) == (480,)
    assert tiff.integers(exif.entries[0xA003]) == (641,)


def test_an_upright_block_keeps_maker_notes_and_gps_where_they_were(exif_of):
    block = exif_of(6, thumbnail=THUMBNAIL)

    upright = metadata.upright_exif(metadata.read_exif(block), 480, 640, 1)

    _, directory = directory_of(upright)
    note = directory.children[ifd.EXIF].entries[0x927C].value
    assert upright.index(note) == block.index(note)
    assert struct.unpack("<I", note[4:8])[0] == upright.index(note)
    assert directory.children[ifd.GPS].entries[1].value == b"N\0"
    assert directory.entries[0x010F].value == b"Acme Ltd.\0"


def test_a_thumbnail_is_dropped_and_gives_its_bytes_back(exif_of):
    block = exif_of(1, thumbnail=THUMBNAIL)

    upright = metadata.upright_exif(metadata.read_exif(block), 640, 480, 1)

    assert directory_of(upright)[1].following == 0
    assert b"thumbnail" not in upright
    assert len(upright) == len(block) - len(THUMBNAIL)


def test_a_thumbnail_amid_a_block_is_blanked_without_moving_what_follows(exif_of):
    block = exif_of(1, thumbnail=THUMBNAIL) + b"maker notes after it"

    upright = metadata.upright_exif(metadata.read_exif(block), 640, 480, 1)

    assert b"thumbnail" not in upright
    assert upright.index(b"maker notes") == block.index(b"maker notes")


@pytest.mark.parametrize("size", [0, 4, 7, 8, 9, 20])
def test_a_damaged_block_is_none(size, exif_of):
    assert metadata.read_exif(exif_of()[:size]) is None


def test_a_block_whose_inner_directory_is_damaged_is_still_kept(exif_of):
    block = exif_of(8)

    found = metadata.read_exif(block[:80])

    assert found.orientation == 8
    assert metadata.upright_exif(found, 1, 1, 1) != found.block


@pytest.mark.parametrize("value", [0, 9, 300])
def test_an_orientation_that_does_not_exist_is_none(value, exif_of):
    assert metadata.read_exif(exif_of(value)).orientation is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_block_without_orientation_is_else_the_same(order, exif_of):
    block = exif_of(6, order=order)

    without = metadata.without_orientation(block)

    _, before = directory_of(block)
    _, after = directory_of(without)
    assert len(without) == len(block)
    assert {tag: e.value for tag, e in after.entries.items()} == {
        tag: e.value for tag, e in before.entries.items() if tag != metadata.ORIENTATION
    }
    assert set(after.children) == {ifd.EXIF, ifd.GPS}
    assert metadata.without_orientation(without) == without


def test_upright_xmp_says_orientation_1_the_new_size_and_has_no_thumbnail():
    upright = metadata.upright_xmp(XMP, 480, 640, 1)

    assert metadata.xmp_orientation(XMP) == 6
    assert metadata.xmp_orientation(upright) == 1
    assert b'exif:PixelXDimension="480" exif:PixelYDimension="640"' in upright
    assert b"Thumbnails" not in upright
    assert b"<dc:title>Sea</dc:title>" in upright


def test_orientation_is_found_in_an_xmp_element_as_in_an_attribute():
    packet = b"<rdf:Description><tiff:Orientation>8</tiff:Orientation></rdf:Description>"

    assert metadata.xmp_orientation(packet) == 8
    assert metadata.xmp_orientation(metadata.upright_xmp(packet, 3, 4, 1)) == 1
    assert metadata.xmp_orientation(b"<rdf:Description/>") is None


def test_xmp_of_a_million_unclosed_thumbnails_is_no_trap():
    packet = b"<xmp:Thumbnails>" * 200_000

    assert metadata.upright_xmp(packet, 3, 4, 1) == packet


def test_a_tiffs_tags_become_a_block_without_those_of_its_pixels(exif_of):
    tiff, directory = directory_of(exif_of(6))
    entries = directory.entries | {0x0100: ifd.entry("<", 0x0100, ifd.LONG, 640)}

    block = tags.exif_of_tiff(tiff, ifd.Directory(entries, directory.children)).block

    _, gathered = directory_of(block)
    assert set(gathered.entries) == {0x010F, ifd.EXIF, ifd.GPS}
    assert gathered.entries[0x010F].value == b"Acme Ltd.\0"
    assert gathered.children[ifd.EXIF].entries[0x927C].value[:4] == b"NOTE"
    assert gathered.children[ifd.GPS].entries[1].value == b"N\0"


def test_a_tiff_that_says_nothing_of_its_picture_has_no_block():
    tiff, _ = directory_of(b"II*\0\x08\0\0\0\x01\0\x00\x01\x04\0\x01\0\0\0\x05\0\0\0\0\0\0\0")

    assert tags.exif_of_tiff(tiff, tiff.directory(8)).block is None
