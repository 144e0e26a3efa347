"""Maker notes before and after they were moved, judged by exiftool."""

import json
import random
import shutil
import struct
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from photoenhance.imaging import ifd
from photoenhance.imaging.read import read
from photoenhance.imaging.tiff import makernote
from photoenhance.imaging.write import losses, write

needs_exiftool = pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
BYTE, TEXT, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
PADDING = 5000  # stands for pixels before the directories


def text(tag, words):
    return tag, TEXT, len(words) + 1, words.encode() + b"\0"


def longs(tag, *numbers):
    return tag, LONG, len(numbers), numbers


def rational(tag, above, below):
    return tag, RATIONAL, 1, (above, below)


def directory_of(entries, order, base):
    """Write a directory whose values follow it, at `base` of whatever it counts from."""
    table, values = struct.pack(order + "H", len(entries)), b""
    start = base + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if isinstance(value, tuple):
            value = struct.pack(f"{order}{len(value)}I", *value)  # noqa: PLW2901
        table += struct.pack(order + "HHI", tag, kind, count)
        table += value.ljust(4, b"\0") if len(value) <= 4 else b""
        if len(value) > 4:
            table += struct.pack(order + "I", start + len(values))
            values += value + bytes(len(value) % 2)
    return table + bytes(4) + values


@dataclass
class Note:
    """How a maker writes a note, and what exiftool must read from it."""

    make: str
    head: bytes
    entries: list
    expected: str
    counts_from_start: bool = False
    has_footer: bool = False

    def at(self, position, order):
        base = len(self.head) + (0 if self.counts_from_start else position)
        if self.head.endswith((b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08")):  # a file in the file
            base = 8
        note = self.head + directory_of(self.entries, order, base)
        if self.has_footer:
            note += (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", position)
        return note


OLYMPUS = [longs(0x0200, 0, 7, 1), rational(0x0204, 384, 100), text(0x0207, "SX555")]
NIKON = [text(0x0004, "FINE   "), text(0x0005, "SUNNY       "), rational(0x0086, 5, 4)]
NOTES = {
    "minolta": Note("Minolta Co., Ltd.", b"",
                    [(0x0000, UNDEFINED, 4, b"MLT0"), (0x0001, UNDEFINED, 160, bytes(range(160))),
                     longs(0x0040, 77)], "77"),
    "olympus": Note("OLYMPUS OPTICAL CO.,LTD", b"OLYMP\0\x01\0", OLYMPUS, "SX555"),
    "epson": Note("SEIKO EPSON CORP.", b"EPSON\0\x01\0", OLYMPUS, "SX555"),
    "nikon": Note("NIKON", b"", NIKON, "Sunny"),
    "nikon-1": Note("NIKON", b"Nikon\0\x01\0", [text(0x0002, "08.00"), rational(0x0008, 9, 4),
                                                 rational(0x000A, 7, 4)], "1.75"),
    "sony": Note("SONY", b"SONY DSC \0\0\0", [longs(0xB02B, 3000, 4000), text(0xB020, "Standard")],
                 "Standard"),
    "panasonic": Note("Panasonic", b"Panasonic\0\0\0",
                      [(0x0025, UNDEFINED, 16, b"F010102030405\0\0\0"), text(0x0051, "LUMIX 20")],
                      "LUMIX 20"),
    "ricoh": Note("RICOH", b"Ricoh\0\0\0", [text(0x0002, "Rev 1.23"), text(0x0005, "12345678")],
                  "Rev 1.23"),
    "sanyo": Note("SANYO Electric Co.,Ltd.", b"SANYO\0\x01\0",
                  [longs(0x0200, 0, 7, 1), rational(0x0204, 384, 100)], "3.84"),
    "sigma": Note("SIGMA", b"SIGMA\0\0\0\x01\0", [text(0x0002, "01234567"), text(0x0003, "SINGLE")],
                  "01234567"),
    "canon": Note("Canon", b"", [text(0x0006, "Canon Ixus"), text(0x0007, "Firmware 1.2"),
                                 text(0x0009, "Ada")], "Firmware 1.2", has_footer=True),
    "canon-without-footer": Note("Canon", b"", [text(0x0006, "Canon Ixus"),
                                                text(0x0007, "Firmware 1.2")], "Firmware 1.2"),
    "olympus-2": Note("OLYMPUS CORPORATION", b"OLYMPUS\0II\x03\0", OLYMPUS, "SX555",
                      counts_from_start=True),
    "pentax": Note("PENTAX", b"PENTAX \0II", [text(0x0229, "1234567"), longs(0x0002, 640, 480)],
                   "1234567", counts_from_start=True),
    "nikon-3": Note("NIKON CORPORATION", b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0", NIKON, "Sunny"),
}  # fmt: skip
OF_ONE_ORDER = {
    "olympus-2",
    "pentax",
    "nikon-1",
    "nikon-3",
}  # their heads, as written here, imply it
CASES = [(name, "<") for name in NOTES] + [(n, ">") for n in NOTES if n not in OF_ONE_ORDER]
TARGETS = (".tif", ".jpg", ".png")


def tiff_with(make, note_at, order):
    """Write a TIFF whose directories stand behind its pixels, around a maker note."""

    def entry(tag, kind, *numbers):
        return ifd.entry(order, tag, kind, *numbers)

    def packed(note):
        words = make.encode() + b"\0"
        entries = [
            entry(0x0100, LONG, 4), entry(0x0101, LONG, 4), entry(0x0102, SHORT, 8, 8, 8),
            entry(0x0103, SHORT, 1), entry(0x0106, SHORT, 2), entry(0x0111, LONG, 8),
            entry(0x0115, SHORT, 3), entry(0x0116, LONG, 4), entry(0x0117, LONG, 48),
            ifd.Entry(0x010F, TEXT, len(words), words),
        ]  # fmt: skip
        inner = [ifd.Entry(0x9003, TEXT, 20, b"2001:02:03 04:05:06\0"),
                 ifd.Entry(makernote.TAG, UNDEFINED, len(note), note)]  # fmt: skip
        child = ifd.Directory({each.tag: each for each in inner})
        directory = ifd.Directory({each.tag: each for each in entries}, {ifd.EXIF: child})
        return ifd.packed(directory, order, PADDING)

    marker = b"!" * len(note_at(0))
    position = PADDING + packed(marker).index(marker)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", PADDING)
    return head.ljust(PADDING, b"\x55") + packed(note_at(position))


@pytest.fixture(scope="module")
def read_by_exiftool(tmp_path_factory):
    """Write all cases anew, and read the maker notes of each file, with exiftool's warnings."""
    folder = tmp_path_factory.mktemp("notes")
    for name, order in CASES:
        source = folder / f"{name}{order}.tif"
        source.write_bytes(tiff_with(NOTES[name].make, partial(NOTES[name].at, order=order), order))
        photo = read(source)
        assert losses(photo, "tiff") == ()
        for target in TARGETS:
            write(photo, folder / f"{name}{order}-out{target}")
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-MakerNotes:all", "-Warning", folder],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {Path(said.pop("SourceFile")).name: said for said in json.loads(done.stdout)}


@needs_exiftool
@pytest.mark.parametrize(("name", "order"), CASES)
def test_what_a_maker_note_says_can_be_read_wherever_it_goes(name, order, read_by_exiftool):
    before = read_by_exiftool[f"{name}{order}.tif"]

    assert NOTES[name].expected in str(before)
    for target in TARGETS:
        assert read_by_exiftool[f"{name}{order}-out{target}"] == before


def test_nested_directories_of_olympus_move_along():
    inner = [text(0x0101, "SERIAL"), text(0x0201, "LENS 50 mm")]

    def note_at(place):
        size = 8 + 2 + 12 + 4
        nested = directory_of(inner, "<", place + size)
        return b"OLYMP\0\x01\0" + directory_of(
            [(0x2010, UNDEFINED, len(nested), nested)], "<", place + 8
        )

    moved = makernote.moved(note_at(9000), "<", 9000, 300)

    assert moved == makernote.Moved(note_at(300))


@pytest.mark.parametrize("old", [10, 60, 100, 200, 500])
@pytest.mark.parametrize("name", ["minolta", "canon", "olympus-2", "sony"])
def test_notes_near_the_files_start_are_understood_too(name, old):
    note = NOTES[name]

    moved = makernote.moved(note.at(old, "<"), "<", old, 4000)

    assert moved == makernote.Moved(note.at(4000, "<"))


def test_a_canon_note_that_was_moved_before_is_mended_by_its_footer():
    note = NOTES["canon"]

    assert makernote.moved(note.at(700, "<"), "<", 9000, 300).note == note.at(300, "<")


def test_values_outside_the_note_are_a_loss(tmp_path):
    def note_at(place):
        whole = NOTES["sony"].at(place, "<")
        return whole[:-4]  # the last value's end stands behind the note

    path = tmp_path / "in.tif"
    path.write_bytes(tiff_with("SONY", note_at, "<"))

    assert read(path).left_out == ("parts of the camera maker's note could not be moved",)


def test_a_note_whose_pointers_were_wrong_before_stays_as_it_is():
    astray = NOTES["sony"].at(70000, "<")

    assert makernote.moved(astray, "<", 9000, 300) == makernote.Moved(astray)


@pytest.mark.parametrize(
    "note",
    [b"", b"\x01", b"KDK INFO" + bytes(100), b"STMN100 made by hand", bytes(300),
     b"SONY DSC \0\0\0", b"\xff" * 300, b"Ricoh\0\0\0\x01\0" + b"\x09" * 11],
)  # fmt: skip
def test_notes_without_a_directory_stay_as_they_are(note):
    assert makernote.moved(note, "<", 9000, 300) == makernote.Moved(note)


@pytest.mark.parametrize("name", NOTES)
def test_damaged_notes_keep_their_length_and_raise_nothing(name):
    chance = random.Random(name)
    for _ in range(200):
        note = bytearray(NOTES[name].at(9000, "<"))
        for _ in range(chance.randrange(1, 6)):
            note[chance.randrange(len(note))] = chance.choice([0, 1, 255, chance.randrange(256)])
        cut = bytes(note[: chance.choice([len(note), chance.randrange(len(note))])])

        assert len(makernote.moved(cut, "<", 9000, 300).note) == len(cut)
