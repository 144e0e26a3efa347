"""EXIF's places and sides, through the whole way from file to file."""

import io

import pytest
from PIL import Image

from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

# The centre (64, 114) of 320 x 240 in pictures stored in each of the eight ways.
CENTRES = {1: (64, 114), 2: (256, 114), 3: (256, 126), 4: (64, 126), 5: (114, 64), 6: (126, 64),
           7: (126, 256), 8: (114, 256)}  # fmt: skip


def stored(orientation, draw, **tags):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x011A], exif[0x011B], exif[0x0128] = 300.0, 150.0, 2
    exif.get_ifd(0x8769)[0xA20E], exif.get_ifd(0x8769)[0xA20F] = 4000.0, 2000.0
    for tag, value in tags.items():
        exif.get_ifd(0x8769)[int(tag[1:], 16)] = value
    buffer = io.BytesIO()
    Image.fromarray(draw(240, 320)).save(buffer, "JPEG", exif=exif.tobytes(), dpi=(300, 150))
    buffer.seek(0)
    return buffer


def exif_of(data):
    exif = Image.Exif()
    exif.load(data)
    return exif, exif.get_ifd(0x8769)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_subject_turns_with_the_picture(orientation, draw):
    source = stored(orientation, draw, x9214=(64, 114, 64, 60), xA214=(64, 114))

    _, exif = exif_of(read(source).metadata.exif)

    sides = (60, 64) if orientation >= 5 else (64, 60)
    assert exif[0x9214] == (*CENTRES[orientation], *sides)
    assert exif[0xA214] == CENTRES[orientation]


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("count", [2, 3])
def test_a_point_and_a_circle_turn_too(orientation, count, draw):
    source = stored(orientation, draw, x9214=(64, 114, 50)[:count])

    _, exif = exif_of(read(source).metadata.exif)

    assert exif[0x9214] == (*CENTRES[orientation], 50)[:count]


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_horizontal_and_vertical_resolution_change_places_where_the_sides_do(orientation, draw):
    expected = (150, 300) if orientation >= 5 else (300, 150)
    photo = read(stored(orientation, draw))

    first, exif = exif_of(photo.metadata.exif)

    assert (first[0x011A], first[0x011B]) == expected
    assert (exif[0xA20E], exif[0xA20F]) == ((2000, 4000) if orientation >= 5 else (4000, 2000))
    assert photo.metadata.dpi == expected
    assert Image.open(io.BytesIO(encode(photo, "jpeg"))).info["jfif_density"] == expected


def test_a_subject_outside_the_picture_is_no_trap(draw):
    source = stored(3, draw, x9214=(65535, 65535))

    _, exif = exif_of(read(source).metadata.exif)

    assert exif[0x9214] == (0, 0)
