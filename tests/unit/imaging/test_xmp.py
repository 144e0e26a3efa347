import pytest

from photoenhance.imaging import xmp

CAMERA = b'xmlns:Cam="http://ns.google.com/photos/1.0/camera/"'
MAP = b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
CONTAINER = (
    b'xmlns:C="http://ns.google.com/photos/1.0/container/" '
    b"xmlns:I='http://ns.google.com/photos/1.0/container/item/'"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'<r %s Cam:MotionPhoto="1" a="2"/>', b'<r %s a="2"/>'),
        (b"<r %s Cam:MicroVideoOffset = '1'/>", b"<r %s/>"),
        (b"<r %s><Cam:MotionPhoto>1</Cam:MotionPhoto>x</r>", b"<r %s>x</r>"),
        (b"<r %s><Cam:MotionPhoto/>x<Cam:MicroVideo a='1'/></r>", b"<r %s>x</r>"),
        (b'<r %s Cam:SpecialTypeID="1"/>', b'<r %s Cam:SpecialTypeID="1"/>'),
    ],
)
def test_properties_go_whether_they_are_attributes_or_elements(before, after):
    assert xmp.without_trailer(before % CAMERA) == after % CAMERA


def test_a_prefix_counts_only_for_the_namespace_that_it_stands_for():
    packet = b'<r xmlns:hdrgm="http://example.org/" hdrgm:Version="1"/>'

    assert xmp.without_trailer(packet) == packet


def test_one_item_of_a_container_goes_or_gets_another_length():
    items = (
        b'<rdf:li I:Semantic="Primary" I:Length="0"/>'
        b"<rdf:li rdf:parseType='Resource'><I:Length>7</I:Length>"
        b"<I:Semantic>GainMap</I:Semantic></rdf:li>"
        b'<rdf:li I:Length="9" I:Semantic="MotionPhoto"/>'
    )
    packet = b"<r " + CONTAINER + b" " + MAP + b">%s</r>"

    longer = xmp.with_gain_map_length(packet % items, 12345)
    without = xmp.without_gain_map(packet % items)

    assert longer == packet % items.replace(b">7<", b">12345<")
    assert b"GainMap" not in without
    assert b'"Primary" I:Length="0"/><rdf:li I:Length="9" I:Semantic="MotionPhoto"' in without
    assert xmp.without_gain_map(packet % b"") == packet % b""


@pytest.mark.parametrize(
    "part", [b"<Cam:MotionPhoto>", b"<Cam:MotionPhoto ", b" Cam:MotionPhoto='"]
)
def test_a_packet_of_a_hundred_thousand_unclosed_properties_is_no_trap(part):
    packet = b"<r %s>" % CAMERA + part * 100_000

    assert len(xmp.without_trailer(packet)) <= len(packet)
