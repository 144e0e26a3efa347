import pytest

from photoenhance.imaging.photoshop import joined_resources, split_resources

RECORDS = b"\x1c\x02\x05\x00\x03Sea"
DPI = b"8BIM\x03\xed\x03abc\0\0\0\x04dpi!"
ODD_URL = b"8BIM\x04\x0b\0\0\0\0\0\x03url\0"
THUMBNAIL = b"8BIM\x04\x0c\0\0\0\0\0\x04jpeg"


def test_iptc_is_parted_from_the_other_resources_and_joined_again():
    whole = joined_resources(RECORDS, DPI + ODD_URL)

    assert split_resources(whole) == (RECORDS, DPI + ODD_URL)
    assert split_resources(DPI + joined_resources(RECORDS, None) + ODD_URL) == (
        RECORDS,
        DPI + ODD_URL,
    )


def test_thumbnails_are_dropped_and_records_of_several_resources_joined():
    twice = joined_resources(RECORDS, None) + THUMBNAIL + joined_resources(RECORDS, None)

    assert split_resources(twice) == (RECORDS + RECORDS, None)


def test_a_last_resource_without_its_padding_is_whole():
    assert split_resources(ODD_URL[:-1]) == (None, ODD_URL)


@pytest.mark.parametrize("cut", range(len(DPI)))
def test_a_resource_cut_short_is_left_out(cut):
    assert split_resources(ODD_URL + DPI[:cut]) == (None, ODD_URL)


def test_nothing_is_nothing():
    assert split_resources(b"") == (None, None)
    assert joined_resources(None, None) == b""
