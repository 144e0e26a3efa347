"""Regions of XMP, turned; where each belongs is told by turning the numbers of drawn pixels."""

import numpy as np
import pytest
from PIL import Image

from photoenhance.imaging.regions import upright_regions

STORED = (320, 240)
TURNS = {
    1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
NAMESPACES = (
    b'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" '
    b'xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#" '
    b'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" '
    b'xmlns:exif="http://ns.adobe.com/exif/1.0/"'
)
# The rectangle from (32, 84) to (96, 144) of 320 x 240.
ATTRIBUTES = (
    b"<mwg-rs:Regions %s><mwg-rs:AppliedToDimensions stDim:w='%d' stDim:h='%d' "
    b"stDim:unit='pixel'/><rdf:li><rdf:Description mwg-rs:Name='Anna'><mwg-rs:Area "
    b'stArea:x="%s" stArea:y="%s" stArea:w="%s" stArea:h="%s" stArea:unit="normalized"/>'
    b"</rdf:Description></rdf:li></mwg-rs:Regions>"
)
ELEMENTS = (
    b"<mwg-rs:Regions %s><mwg-rs:AppliedToDimensions rdf:parseType='Resource'>"
    b"<stDim:w>%d</stDim:w><stDim:h>%d</stDim:h></mwg-rs:AppliedToDimensions>"
    b"<rdf:li><mwg-rs:Area rdf:parseType='Resource'>\n<stArea:x>%s</stArea:x>"
    b"<stArea:y>%s</stArea:y><stArea:w>%s</stArea:w><stArea:h>%s</stArea:h></mwg-rs:Area>"
    b"</rdf:li></mwg-rs:Regions>"
)


def turned(orientation):
    """Return left, top, width, height of the rectangle in an upright picture, and its size."""
    mask = np.zeros(STORED[::-1], np.uint8)
    mask[84:144, 32:96] = 255
    turn = TURNS[orientation]
    image = Image.fromarray(mask) if turn is None else Image.fromarray(mask).transpose(turn)
    left, top, right, bottom = image.getbbox()
    return left, top, right - left, bottom - top, *image.size


def centred(orientation):
    left, top, width, height, *size = turned(orientation)
    centre = (left + width / 2) / size[0], (top + height / 2) / size[1]
    return [f"{each:g}".encode() for each in (*centre, width / size[0], height / size[1])]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", [ATTRIBUTES, ELEMENTS])
def test_areas_of_faces_turn_with_the_picture(orientation, form):
    packet = form % (NAMESPACES, *STORED, *centred(1))

    upright = upright_regions(packet, STORED, orientation)

    size = turned(orientation)[4:]
    expected = form % (NAMESPACES, *size, *centred(orientation))
    assert numbers_of(upright) == pytest.approx(numbers_of(expected))
    assert shape_of(upright) == shape_of(expected)


def numbers_of(packet):
    return [float(n) for n in packet.translate(bytes.maketrans(b"\"'<>/=,", b" " * 7)).split()
            if n.replace(b".", b"").isdigit()]  # fmt: skip


def shape_of(packet):
    return bytes(byte for byte in packet if chr(byte) not in "0123456789.")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "form", [b"<r %s MPReg:Rectangle='%s'/>", b"<r %s><MPReg:Rectangle>%s</r>"]
)
def test_microsofts_rectangles_turn_with_the_picture(orientation, form):
    upright = upright_regions(form % (NAMESPACES, b"0.1, 0.35, 0.2, 0.25"), STORED, orientation)

    left, top, width, height, *size = turned(orientation)
    expected = [left / size[0], top / size[1], width / size[0], height / size[1]]
    text = upright[len(form.split(b"%s")[0]) + len(NAMESPACES) :]
    assert numbers_of(text) == pytest.approx(expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_subject_of_exif_in_xmp_turns_with_the_picture(orientation, count):
    listed = b"<exif:SubjectArea %s><rdf:Seq>%s</rdf:Seq></exif:SubjectArea>"
    items = [b"<rdf:li>%d</rdf:li>" % number for number in (64, 114, 64, 60)[:count]]

    upright = upright_regions(listed % (NAMESPACES, b"".join(items)), STORED, orientation)

    left, top, width, height, *_ = turned(orientation)
    expected = [left + width / 2, top + height / 2, width, height]
    if count == 3:
        expected[2] = 64
    assert numbers_of(upright[upright.index(b"<rdf:Seq>") :]) == expected[:count]


def test_regions_of_a_picture_that_was_upright_are_right_already():
    packet = ATTRIBUTES % (NAMESPACES, 240, 320, *centred(6))

    assert upright_regions(packet, STORED, 6) == packet


def test_a_region_without_a_size_to_apply_to_is_one_of_the_stored_picture():
    packet = b'<r %s><mwg-rs:Area stArea:x="0.25" stArea:y="0.1"/></r>' % NAMESPACES

    assert b'stArea:x="0.9" stArea:y="0.25"' in upright_regions(packet, STORED, 6)


@pytest.mark.parametrize("text", [b"'0.1", b"", b"1, 2, 3", b"a, b, c, d", b"\xff,1,1,1"])
def test_what_is_no_rectangle_stays_as_it_is(text):
    packet = b'<r %s MPReg:Rectangle="%s"/>' % (NAMESPACES, text)

    assert upright_regions(packet, STORED, 6) == packet


IPTC = b'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'


def test_iptcs_rectangle_circle_and_polygon_turn_with_the_picture():
    packet = (
        b"<r %s><Iptc4xmpExt:RegionBoundary Iptc4xmpExt:rbShape='rectangle' "
        b"Iptc4xmpExt:rbUnit='relative' Iptc4xmpExt:rbX='%s' Iptc4xmpExt:rbY='%s' "
        b"Iptc4xmpExt:rbW='%s' Iptc4xmpExt:rbH='%s'/>"
        b"<Iptc4xmpExt:RegionBoundary rdf:parseType='Resource'>"
        b"<Iptc4xmpExt:rbUnit>relative</Iptc4xmpExt:rbUnit><Iptc4xmpExt:rbX>%s</Iptc4xmpExt:rbX>"
        b"<Iptc4xmpExt:rbY>%s</Iptc4xmpExt:rbY><Iptc4xmpExt:rbRx>%s</Iptc4xmpExt:rbRx>"
        b"</Iptc4xmpExt:RegionBoundary>"
        b"<Iptc4xmpExt:RegionBoundary Iptc4xmpExt:rbUnit='pixel'><Iptc4xmpExt:rbVertices><rdf:Seq>"
        b"<rdf:li Iptc4xmpExt:rbX='%s' Iptc4xmpExt:rbY='%s'/><rdf:li rdf:parseType='Resource'>"
        b"<Iptc4xmpExt:rbX>%s</Iptc4xmpExt:rbX><Iptc4xmpExt:rbY>%s</Iptc4xmpExt:rbY></rdf:li>"
        b"</rdf:Seq></Iptc4xmpExt:rbVertices></Iptc4xmpExt:RegionBoundary></r>"
    )
    before = [b"0.1", b"0.35", b"0.2", b"0.25", b"0.2", b"0.475", b"0.3",
              b"10", b"20", b"30", b"200"]  # fmt: skip
    after = [b"0.40", b"0.1", b"0.25", b"0.2", b"0.525", b"0.2", b"0.400000",
             b"220", b"10", b"40", b"30"]  # fmt: skip

    upright = upright_regions(packet % (IPTC, *before), STORED, 6)

    assert upright == packet % (IPTC, *after)


@pytest.mark.parametrize("part", [b"<mwg-rs:Area ", b"<mwg-rs:Area>", b"<x:AppliedToDimensions>"])
def test_a_packet_of_a_hundred_thousand_unclosed_regions_is_no_trap(part):
    packet = b"<r %s>" % NAMESPACES + part * 100_000

    assert upright_regions(packet, STORED, 6) == packet
