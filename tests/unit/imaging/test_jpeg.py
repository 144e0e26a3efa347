"""What stands around the pixels of a JPEG, and behind them."""

import io
import struct
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PIL.MpoImagePlugin import MpoImageFile

from photoenhance.errors import ImageError
from photoenhance.imaging import write
from photoenhance.imaging.photo import Metadata, Photo
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses

VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 9
MOTION = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description '
    b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" '
    b'GCamera:MicroVideoOffset="2316" GCamera:SpecialTypeID="x">'
    b"<GCamera:MotionPhotoVersion>1</GCamera:MotionPhotoVersion><dc:title>Sea</dc:title>"
    b"</rdf:Description></x:xmpmeta>"
)
HDR = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description hdrgm:Version="1.0" '
    b'xmlns:C="http://ns.google.com/photos/1.0/container/" '
    b'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
    b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"><C:Directory><rdf:Seq>'
    b'<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="Primary"/></rdf:li>'
    b'<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="GainMap" Item:Length="%d"/></rdf:li>'
    b'<rdf:li rdf:parseType="Resource"><C:Item Item:Semantic="MotionPhoto" Item:Length="2316"/>'
    b"</rdf:li></rdf:Seq></C:Directory><dc:title>Sea</dc:title></rdf:Description></x:xmpmeta>"
)
MAP_SAYS = b'<x xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:GainMapMax="2"/>'
ISO = b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP = b"Photoshop 3.0\0"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def segment(marker, data):
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


def jpeg(pixels, *segments, exif=b"", **options):
    """Save a picture with further segments behind JFIF's."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    first = [segment(0xE1, b"Exif\0\0" + exif)] if exif else []
    return data[:20] + b"".join(first + [segment(*each) for each in segments]) + data[20:]


def indexed(primary, *others, kinds=None, behind=b""):
    """Put pictures behind one, and a list of them into it, as CIPA DC-007 says."""
    count = 1 + len(others)
    kinds = [0x030000, *(kinds or [0] * len(others))]
    head = b"MM\0*\0\0\0\x08" + struct.pack(">H", 3)
    head += struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, count)
    head += struct.pack(">HHII", 0xB002, 7, 16 * count, 50) + bytes(4)
    size = len(primary) + 4 + 4 + len(head) + 16 * count
    base, place, entries = 20 + 4 + 4, size, struct.pack(">IIIHH", kinds[0], size, 0, 0, 0)
    for kind, other in zip(kinds[1:], others, strict=True):
        entries += struct.pack(">IIIHH", kind, len(other), place - base, 0, 0)
        place += len(other)
    whole = primary[:20] + segment(0xE2, b"MPF\0" + head + entries) + primary[20:]
    assert len(whole) == size
    return whole + b"".join(others) + behind


def again(data, name="jpeg", **options):
    return encode(read(io.BytesIO(data)), name, **options)


def lost(data, name="jpeg", **options):
    return losses(read(io.BytesIO(data)), name, **options)


def segments_of(data):
    """List markers and data before the pixels, as another program would."""
    found, position = [], 2
    while data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        found.append((data[position + 1], data[position + 4 : position + 2 + length]))
        position += 2 + length
    return found


@pytest.fixture
def gain_map(draw):
    """Make a gain map whose four corners differ."""
    rows, columns = np.mgrid[0:24, 0:40]
    pixels = (rows * 4 + columns * 3).astype(np.uint8)
    return jpeg(pixels, (0xE1, XMP + MAP_SAYS), (0xE2, ISO), quality=98)


@pytest.mark.parametrize(
    "behind",
    [VIDEO, b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + VIDEO + b"SEFH\x6a\0\0\0SEFT", b"AFCP" * 9],
)
def test_what_lies_behind_the_picture_is_kept_byte_for_byte(behind, draw):
    source = jpeg(draw(32, 48), (0xE1, XMP + MOTION)) + behind

    written = again(source)

    assert written.endswith(b"\xff\xd9" + behind)
    assert (0xE1, XMP + MOTION) in segments_of(written)
    assert lost(source) == ()
    assert again(written) == written


@pytest.mark.parametrize("name", ["png", "tiff", "webp", "avif"])
def test_a_video_that_a_format_cannot_hold_is_said_and_xmp_speaks_of_it_no_more(name, draw):
    source = jpeg(draw(32, 48), (0xE1, XMP + MOTION)) + VIDEO

    packet = read(io.BytesIO(again(source, name))).metadata.xmp

    assert lost(source, name) == ("not kept: the video",)
    assert b"MotionPhoto" not in packet
    assert b"MicroVideo" not in packet
    assert b'GCamera:SpecialTypeID="x"' in packet
    assert b"<dc:title>Sea</dc:title>" in packet


def test_a_stripped_jpeg_has_no_video_and_says_so(draw):
    source = jpeg(draw(32, 48), (0xE1, XMP + MOTION)) + VIDEO

    written = again(source, strip_metadata=True)

    assert lost(source, strip_metadata=True) == ("not kept: the video",)
    assert written.endswith(b"\xff\xd9")
    assert b"MotionPhoto" not in written


@pytest.mark.parametrize("padding", [b"\0" * 700, b"\xff" * 9, b"\0\xff\0"])
def test_padding_behind_the_picture_is_nothing(padding, draw):
    source = jpeg(draw(8, 8)) + padding

    assert again(source).endswith(b"\xff\xd9")
    assert lost(source, "png") == ()


def test_xmp_that_speaks_of_a_video_which_was_lost_before_is_put_right(draw):
    written = again(jpeg(draw(8, 8), (0xE1, XMP + MOTION)))

    assert b"MotionPhoto" not in written
    assert b"Sea" in written


def test_thousands_of_pictures_behind_one_are_no_trap(draw):
    source = jpeg(draw(8, 8)) + b"\xff\xd8\xff\xd9\0" * 20_000 + bytes(1 << 20)

    assert lost(source, "png") == (
        "not kept: 256 further pictures", "not kept: what follows the picture",
    )  # fmt: skip
    assert again(source).endswith(source[-(20_000 * 5 + (1 << 20)) :])


def test_megabytes_of_empty_pictures_take_no_time(draw, exif_of):
    source = jpeg(draw(8, 8), exif=exif_of(6)) + b"\xff\xd8\xff\xd9" * (2 << 20)

    start = time.perf_counter()
    read(io.BytesIO(source))

    assert time.perf_counter() - start < 2


def test_a_list_of_thousands_of_previews_takes_no_time(draw):
    source = indexed(
        jpeg(draw(8, 8)), *[b"\xff\xd8\xff\xd9"] * 4000, kinds=[0x010001] * 4000, behind=VIDEO
    )

    start = time.perf_counter()
    written = again(source)

    assert time.perf_counter() - start < 2
    assert written.endswith(b"\xff\xd9" + b"\xff\xd8\xff\xd9" * (4000 - 256) + VIDEO)


def test_what_has_more_segments_than_any_photo_is_no_further_picture(draw):
    source = jpeg(draw(8, 8)) + b"\xff\xd8" + b"\xff\xe5\0\2" * (1 << 17) + b"\xff\xd9"

    assert lost(source, "png") == ("not kept: what follows the picture",)
    assert again(source).endswith(source[-(1 << 19) - 4 :])


def test_more_segments_than_any_photo_has_are_refused(draw):
    with pytest.raises(ImageError, match="more than 65,536 segments"):
        read(io.BytesIO(jpeg(draw(8, 8), *[(0xE5, b"")] * (1 << 16))))


@pytest.mark.parametrize("kind", [0, 0x020002])
def test_further_pictures_are_kept_and_found_by_the_index(kind, draw):
    other = jpeg(draw(32, 48)[::-1])
    source = indexed(jpeg(draw(32, 48)), other, other, kinds=[kind, kind], behind=VIDEO)
    photo = read(io.BytesIO(source))

    written = encode(replace(photo, pixels=255 - photo.pixels), "jpeg")

    image = MpoImageFile(io.BytesIO(written))
    assert image.n_frames == 3
    for frame in (1, 2):
        image.seek(frame)
        np.testing.assert_array_equal(np.asarray(image), Image.open(io.BytesIO(other)))
    assert written.endswith(b"\xff\xd9" + other + other + VIDEO)
    assert photo.notes == ("only the first picture is enhanced, not 2 further pictures",)
    assert losses(photo, "jpeg") == ()
    assert losses(photo, "png") == ("not kept: 2 further pictures", "not kept: the video")


def test_previews_are_dropped_as_thumbnails_are(draw):
    source = indexed(jpeg(draw(64, 48)), jpeg(draw(32, 24)), kinds=[0x010001], behind=bytes(16))

    written = again(source)

    assert written.endswith(b"\xff\xd9")
    assert written.count(b"\xff\xd8\xff") == 1
    assert b"MPF\0" not in written
    assert lost(source, "png") == ()


@pytest.mark.parametrize("behind", [b"", VIDEO])
@pytest.mark.parametrize("count", [0, 1])
def test_previews_are_dropped_though_more_is_kept(count, behind, draw):
    if not (count or behind):
        return
    preview, other = jpeg(draw(32, 24)), jpeg(draw(64, 48)[::-1])
    kinds = [0x010001, *[0x020002] * count, 0x010002]
    source = indexed(jpeg(draw(64, 48)), preview, *[other] * count, preview, kinds=kinds,
                     behind=behind)  # fmt: skip

    written = again(source)

    assert written.endswith(b"\xff\xd9" + other * count + behind)
    assert written.count(b"\xff\xd8\xff") == 1 + count
    assert MpoImageFile(io.BytesIO(written)).n_frames == 2 if count else b"MPF\0" not in written
    assert lost(source) == ()


def test_a_gain_map_is_no_preview_whatever_the_index_calls_it(gain_map, draw):
    source = indexed(jpeg(draw(64, 48)), gain_map, kinds=[0x010001])

    assert again(source).endswith(b"\xff\xd9" + gain_map)
    assert lost(source, "png") == ("not kept: the gain map (HDR)",)


def test_an_index_of_what_is_not_there_is_dropped(draw):
    source = indexed(jpeg(draw(32, 48)), jpeg(draw(32, 24)))

    lengths = [struct.pack(">I", n) for n in (len(jpeg(draw(32, 24))), 2**32 - 1, 2**31)]

    for damaged in (
        source[:-300], source.replace(b"MM\0*", b"MM\0+"),
        source.replace(lengths[0], lengths[1]), source.replace(lengths[0], lengths[2]),
    ):  # fmt: skip
        written = again(damaged)

        assert read(io.BytesIO(damaged)).notes[0] == (
            "the list of further pictures (MPF) is damaged: it was left out, they were kept"
        )
        assert b"MPF\0" not in written
        assert written[written.index(b"\xff\xd9") :] == damaged[damaged.index(b"\xff\xd9") :]


def test_a_gain_map_is_kept_byte_for_byte_with_all_that_leads_to_it(gain_map, draw):
    packet = XMP + HDR % len(gain_map)
    source = indexed(jpeg(draw(48, 80), (0xE1, packet), (0xE2, ISO)), gain_map, behind=VIDEO)

    written = again(source)

    assert written.endswith(b"\xff\xd9" + gain_map + VIDEO)
    assert {(0xE1, packet), (0xE2, ISO)} < set(segments_of(written))
    assert MpoImageFile(io.BytesIO(written)).n_frames == 2
    assert lost(source) == ()
    assert read(io.BytesIO(source)).notes == (
        "only the first picture is enhanced, not the gain map (HDR)",
    )


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_gain_map_turns_with_its_picture(orientation, is_indexed, gain_map, draw, exif_of):
    packet = XMP + HDR % len(gain_map)
    primary = jpeg(draw(48, 80), (0xE1, packet), (0xE2, ISO), exif=exif_of(orientation))
    source = indexed(primary, gain_map, behind=VIDEO) if is_indexed else primary + gain_map + VIDEO

    written = again(source)

    start = written.index(b"\xff\xd9\xff\xd8") + 2
    turned = Image.open(io.BytesIO(written[start:]))
    expected = Image.open(io.BytesIO(gain_map)).transpose(TURNS[orientation])
    assert turned.size == expected.size
    assert turned.mode == "L"
    assert np.abs(np.asarray(turned).astype(int) - np.asarray(expected)).max() <= 3
    assert turned.quantization == Image.open(io.BytesIO(gain_map)).quantization
    said = segments_of(written[start:])
    assert {(0xE1, XMP + MAP_SAYS), (0xE2, ISO)} < set(said)
    assert written.endswith(b"\xff\xd9" + VIDEO)
    length = len(written) - start - len(VIDEO)
    assert (0xE1, XMP + HDR % length) in segments_of(written)
    if is_indexed:
        image = MpoImageFile(io.BytesIO(written))
        image.seek(1)
        np.testing.assert_array_equal(np.asarray(image), np.asarray(turned))


@pytest.mark.parametrize("is_indexed", [True, False])
def test_every_gain_map_turns_and_xmp_has_the_length_of_its_own(
    is_indexed, gain_map, draw, exif_of
):
    small = jpeg(
        draw(12, 20),
        (0xE1, XMP + b"<x>urn:com:apple:photo:2020:aux:hdrgainmap</x>"),
        quality=98,
        subsampling=0,
    )
    primary = jpeg(draw(48, 80), (0xE1, XMP + HDR % len(gain_map)), exif=exif_of(6))
    source = indexed(primary, small, gain_map) if is_indexed else primary + small + gain_map

    written = again(source)

    starts = [at for at in range(len(written)) if written.startswith(b"\xff\xd8\xff", at)][1:]
    images = [Image.open(io.BytesIO(written[start:])) for start in starts]
    assert [image.size for image in images] == [(12, 20), (24, 40)]
    for image, before in zip(images, (small, gain_map), strict=True):
        expected = Image.open(io.BytesIO(before)).transpose(TURNS[6])
        assert np.abs(np.asarray(image).astype(int) - np.asarray(expected)).mean() <= 3
    assert (0xE1, XMP + HDR % (len(written) - starts[1])) in segments_of(written)
    if is_indexed:
        image = MpoImageFile(io.BytesIO(written))
        assert image.n_frames == 3
        image.seek(2)
        np.testing.assert_array_equal(np.asarray(image), np.asarray(images[1]))
    assert lost(source) == ()


def test_gain_maps_too_large_together_are_left_out(gain_map, draw, exif_of):
    source = jpeg(draw(48, 80), exif=exif_of(6)) + gain_map * 5

    photo = read(io.BytesIO(source), max_pixels=48 * 80)

    assert photo.left_out == ("the gain map (HDR), which is damaged, was left out",)
    assert photo.metadata.trailer is None


@pytest.mark.parametrize(
    ("own", "is_left_out"), [(None, True), (1, False), (6, False)], ids=["none", "upright", "askew"]
)
def test_further_pictures_that_lie_as_a_turned_one_does_are_said(own, is_left_out, draw, exif_of):
    depth = jpeg(draw(24, 40), exif=exif_of(own) if own else b"")
    said = ("further pictures were not turned with the photo",) if is_left_out else ()

    for orientation in (6, 1):
        primary = jpeg(draw(48, 80), exif=exif_of(orientation))
        for source in (primary + depth, indexed(primary, depth, kinds=[0x020002])):
            assert lost(source) == (said if orientation == 6 else ())
            assert again(source).endswith(depth)


def test_a_gain_maps_own_exif_is_turned_upright_with_it(gain_map, draw, exif_of):
    own = gain_map[:20] + segment(0xE1, b"Exif\0\0" + exif_of(6)) + gain_map[20:]
    primary = jpeg(draw(48, 80), (0xE1, XMP + HDR % len(own)), exif=exif_of(6))

    written = again(indexed(primary, own))

    said = segments_of(written[written.index(b"\xff\xd9\xff\xd8") + 2 :])
    exif = Image.Exif()
    exif.load(next(data for _, data in said if data.startswith(b"Exif")))
    assert (exif[0x0112], exif[0x010F], exif.get_ifd(0x8769)[0xA002]) == (1, "Acme Ltd.", 24)


def test_a_gain_map_that_cannot_be_turned_is_left_out_and_said(gain_map, draw, exif_of):
    broken = gain_map[:-300] + b"\xff\xd9"
    broken = broken.replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc0\0\x0b\x0c")
    packet = XMP + HDR % len(broken)
    primary = jpeg(draw(48, 80), (0xE1, packet), (0xE2, ISO), exif=exif_of(6))
    photo = read(io.BytesIO(indexed(primary, broken, behind=VIDEO)))

    written = encode(photo, "jpeg")

    assert photo.left_out == ("the gain map (HDR), which is damaged, was left out",)
    assert written.endswith(b"\xff\xd9" + VIDEO)
    assert not any(word in written for word in (b"hdrgm:V", b"GainMap", b"21496", b"MPF\0"))
    assert b'Item:Semantic="MotionPhoto"' in written


@pytest.mark.parametrize("name", ["png", "webp"])
def test_xmp_promises_no_gain_map_where_there_is_none(name, gain_map, draw):
    source = indexed(jpeg(draw(48, 80), (0xE1, XMP + HDR % len(gain_map)), (0xE2, ISO)), gain_map)

    packet = read(io.BytesIO(again(source, name))).metadata.xmp

    assert lost(source, name) == ("not kept: the gain map (HDR)",)
    assert b"hdrgm:V" not in packet
    assert b"Directory" not in packet
    assert b"<dc:title>Sea</dc:title>" in packet


def test_segments_that_nobody_understands_are_kept_in_their_order(draw):
    others = [(0xE1, b"FLIR\0\1\0" + b"\xff\xd9" * 9), (0xE6, b"GoPro\0DEVC"), (0xEB, b"\1\2"),
              (0xE1, b"FLIR\0\1\1more"), (0xE2, b"FPXR\0")]  # fmt: skip
    source = jpeg(draw(32, 48), *others)

    written = again(source)

    assert [each for each in segments_of(written) if each in others] == others
    assert lost(source) == ()
    assert lost(source, "png") == (
        "png holds no application segments (FLIR, GoPro, APP11, FPXR): left out",
    )


def test_exif_that_is_damaged_is_kept_as_it_is_unless_the_picture_was_turned(draw, exif_of):
    damaged = b"Exif\0\0" + exif_of()[:20]
    upright = jpeg(draw(32, 48), (0xE1, damaged))
    askew = jpeg(draw(32, 48), (0xE1, damaged), (0xE1, XMP + b'<x tiff:Orientation="6"/>'))

    assert (0xE1, damaged) in segments_of(again(upright))
    assert read(io.BytesIO(upright)).notes == ("damaged EXIF was kept as it is",)
    assert lost(upright, "png") == ("png holds no application segments (Exif): left out",)
    assert b"Exif" not in again(askew)
    assert read(io.BytesIO(askew)).left_out == ("damaged EXIF was left out",)


def long_exif(exif_of, marker, at):
    """Make EXIF with a private tag of 150 kB, and what looks like further EXIF at a place."""
    exif = Image.Exif()
    exif.load(exif_of())
    exif[0xC7A1] = bytes(range(1, 251)) * 600
    block = bytearray(exif.tobytes().removeprefix(b"Exif\0\0"))
    block[at : at + 4] = marker
    return bytes(block)


@pytest.mark.parametrize("marker", [b"mine", b"II*\0", b"MM\0*", b"II\1\1"])
def test_exif_of_several_segments_is_joined_and_split_again(marker, draw, exif_of):
    block = long_exif(exif_of, marker, 65527)
    source = jpeg(draw(8, 8), *[(0xE1, b"Exif\0\0" + block[at : at + 60_000])
                                for at in range(0, len(block), 60_000)])  # fmt: skip

    written = again(source)

    parts = [data for _, data in segments_of(written) if data.startswith(b"Exif\0\0")]
    kept = b"".join(part.removeprefix(b"Exif\0\0") for part in parts)
    assert kept[65527:] == block[65527:]
    assert len(parts) == 3
    assert Image.open(io.BytesIO(written)).getexif()[0x010F] == "Acme Ltd."
    assert read(io.BytesIO(written)).metadata.exif == kept
    assert lost(source) == ()


def test_only_exif_beyond_all_measure_is_too_long(draw):
    photo = Photo(draw(8, 8), metadata=Metadata(exif=bytes((1 << 24) + 1)))

    assert losses(photo, "jpeg") == ("EXIF is too long for JPEG and was left out",)
    assert b"Exif" not in encode(photo, "jpeg")


def profile_parts(profile, *numbers, count):
    size = -(-len(profile) // count)
    return [
        (0xE2, b"ICC_PROFILE\0" + bytes([n, count]) + profile[size * (n - 1) : size * n])
        for n in numbers
    ]


@pytest.mark.parametrize(("numbers", "count"), [([1], 1), ([1, 1], 1), ([3, 1, 2, 1], 3)])
def test_a_profile_is_found_whatever_the_order_of_its_parts(numbers, count, draw, profile_of):
    profile = profile_of("adobe")
    photo = read(io.BytesIO(jpeg(draw(8, 8), *profile_parts(profile, *numbers, count=count))))

    assert photo.icc_profile == profile
    assert photo.left_out == ()


def test_a_profile_that_is_not_whole_is_left_out_and_said(draw, profile_of):
    one, two, three = profile_parts(profile_of("adobe"), 1, 2, 3, count=3)
    other = (0xE2, b"ICC_PROFILE\0\1\3other")
    strange = (0xE2, b"ICC_PROFILE\0\2\2other")

    for parts in ([one], [one, three], [one, other, two, three], [one, strange, three]):
        photo = read(io.BytesIO(jpeg(draw(8, 8), *parts)))

        assert photo.icc_profile is None
        assert photo.left_out == (
            "the colour profile is damaged and was left out: sRGB is assumed",
        )


def test_a_huge_file_is_refused_before_it_is_read(draw, tmp_path):
    path = tmp_path / "huge.jpg"
    path.write_bytes(jpeg(draw(8, 8)))
    with path.open("r+b") as file:
        file.truncate((2 << 30) + 1)

    with pytest.raises(ImageError, match=r"too large: a JPEG of 2,147,483,649 bytes"):
        read(path)
    with pytest.raises(ImageError, match=r"the limit is 60"):
        read(path, max_pixels=60)


def test_content_credentials_are_kept_and_said_not_to_hold(draw):
    manifest = (0xEB, b"JP\0\1\0\0\0\1" + b"\0\0\0\x20jumb\0\0\0\x18jumdc2pa")
    source = jpeg(draw(32, 48), manifest)

    assert manifest in segments_of(again(source))
    assert read(io.BytesIO(source)).notes == (
        "content credentials (C2PA) do not hold for the enhanced photo",
    )


def test_every_comment_is_kept(draw):
    source = jpeg(draw(8, 8), (0xFE, b"one"), (0xFE, b"two\xff"))

    assert [data for marker, data in segments_of(again(source)) if marker == 0xFE] == [
        b"one", b"two\xff",
    ]  # fmt: skip
    assert lost(source, "webp") == ("webp holds no comments: left out",)


def test_extended_xmp_is_no_longer_announced_where_it_cannot_be(draw):
    packet = b'<x xmlns:xmpNote="http://ns.adobe.com/xmp/note/" a="1" xmpNote:HasExtendedXMP="F0"/>'
    part = b"http://ns.adobe.com/xmp/extension/\0" + b"F0" * 16 + bytes(8) + b"<more/>"
    source = jpeg(draw(8, 8), (0xE1, XMP + packet), (0xE1, part))

    assert {(0xE1, XMP + packet), (0xE1, part)} < set(segments_of(again(source)))
    assert lost(source, "tiff") == ("tiff holds no extended XMP: left out",)
    kept = read(io.BytesIO(again(source, "tiff"))).metadata.xmp
    assert kept == packet.replace(b' xmpNote:HasExtendedXMP="F0"', b"")


def resource(kind, data):
    name = struct.pack(">H", kind) + b"\0\0"
    return b"8BIM" + name + len(data).to_bytes(4, "big") + data + bytes(len(data) % 2)


def test_resources_of_photoshop_are_joined_from_several_segments_and_split_again(draw):
    records = b"\x1c\x02\x50\x00\x03Jens"
    large = resource(0x0FA0, bytes(range(256)) * 600)
    whole = resource(0x040A, b"\1") + large + resource(0x0404, records)
    cuts = [whole[at : at + 60_000] for at in range(0, len(whole), 60_000)]
    source = jpeg(draw(8, 8), *[(0xED, PHOTOSHOP + cut) for cut in cuts])

    written = again(source)

    photo = read(io.BytesIO(source))
    parts = [data for marker, data in segments_of(written) if marker == 0xED]
    assert photo.metadata.iptc == records
    assert photo.metadata.photoshop == resource(0x040A, b"\1") + large
    assert len(parts) == 3
    assert b"".join(part.removeprefix(PHOTOSHOP) for part in parts) == (
        resource(0x0404, records) + resource(0x040A, b"\1") + large
    )
    assert lost(source, "tiff") == ()
    assert "webp holds no resources of Photoshop: left out" in lost(source, "webp")


def with_jfif(data, unit, horizontal, vertical):
    return data[:13] + struct.pack(">BHH", unit, horizontal, vertical) + data[18:]


@pytest.mark.parametrize(
    "density", [(0, 2, 1), (0, 1, 1), (1, 72, 72), (1, 300, 150), (2, 118, 118)]
)
def test_jfifs_unit_and_resolution_stay_as_they_are(density, draw):
    written = again(with_jfif(jpeg(draw(8, 8)), *density))

    assert struct.unpack(">BHH", written[13:18]) == density


def test_pixels_that_are_not_square_are_said_where_a_format_takes_them_for_square(draw):
    source = with_jfif(jpeg(draw(8, 8)), 0, 2, 1)

    assert lost(source) == ()
    assert lost(source, "webp") == ("webp holds no pixel aspect: left out",)
    assert lost(with_jfif(source, 0, 1, 1), "webp") == ()


@pytest.mark.parametrize(("unit", "factor"), [(2, 1), (3, 2.54)])
def test_exifs_resolution_outranks_jfifs(unit, factor, draw):
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = 300.0, 200.0, unit
    source = with_jfif(jpeg(draw(8, 8), exif=exif.tobytes()), 1, 72, 72)

    assert read(io.BytesIO(source)).metadata.dpi == pytest.approx((300 * factor, 200 * factor))
    tiff = Image.open(io.BytesIO(again(source, "tiff")))
    assert tiff.info["dpi"] == pytest.approx((300 * factor, 200 * factor))


def test_exif_without_a_unit_says_nothing_of_inches(draw):
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = 1.0, 1.0, 1
    source = with_jfif(jpeg(draw(8, 8), exif=exif.tobytes()), 1, 96, 96)

    assert read(io.BytesIO(source)).metadata.dpi == (96, 96)


@pytest.mark.parametrize(("dpi", "jfif"), [
    (None, (0, 1, 1)), ((300.0, 200.0), (1, 300, 200)), ((299.9994, 299.9994), (1, 300, 300)),
    ((299.72, 299.72), (2, 118, 118)),
])  # fmt: skip
def test_another_formats_resolution_is_written_in_the_unit_that_fits(dpi, jfif, draw):
    written = encode(Photo(draw(8, 8), metadata=Metadata(dpi=dpi)), "jpeg")

    assert struct.unpack(">BHH", written[13:18]) == jfif


KINDS = [
    {}, {"progressive": True}, {"optimize": True, "quality": 50}, {"restart_marker_blocks": 2},
    {"restart_marker_rows": 1}, {"progressive": True, "restart_marker_blocks": 3}, {"quality": 98},
]  # fmt: skip


@pytest.mark.parametrize("options", KINDS)
def test_a_jpeg_without_its_end_marker_but_with_all_pixels_is_read_with_a_note(options, draw):
    whole = jpeg(draw(64, 80), **options)
    expected = read(io.BytesIO(whole))

    for cut in (whole[:-1], whole[:-2]):
        photo = read(io.BytesIO(cut))

        np.testing.assert_array_equal(photo.pixels, expected.pixels)
        assert photo.notes == ("the end marker is missing; all pixels are there",)
        assert photo.left_out == ()


@pytest.mark.parametrize("options", KINDS)
def test_a_jpeg_that_lacks_pixels_is_refused(options, draw):
    whole = jpeg(draw(64, 80), **options)
    marks = [at for at in range(len(whole)) if whole[at : at + 1] == b"\xff"]

    for length in {*range(len(whole) - 90, len(whole) - 4, 3), *marks[40:-1:5]}:
        with pytest.raises(ImageError, match="damaged"):
            read(io.BytesIO(whole[:length]))


@pytest.mark.parametrize("error", [struct.error("odd"), AttributeError("none")])
def test_whatever_an_encoder_raises_is_told_as_an_error_of_the_image(error, draw, monkeypatch):
    def fail(*_):
        raise error

    monkeypatch.setitem(write._ENCODERS, "jpeg", fail)

    with pytest.raises(ImageError, match="cannot be encoded as jpeg"):
        encode(Photo(draw(8, 8)), "jpeg")


def test_tables_too_coarse_for_baseline_are_written_without_a_word(draw, capfd):
    coarse = jpeg(draw(32, 32), qtables=[[1, *[300] * 63]])
    assert "too coarse" in capfd.readouterr().err

    again(coarse)

    assert capfd.readouterr().err == ""
