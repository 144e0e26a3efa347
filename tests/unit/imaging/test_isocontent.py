"""AVIF and HEIF: colours named by code points, and what stands beside the main picture."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoenhance.errors import ImageError
from photoenhance.imaging import color, iso, isocontent
from photoenhance.imaging.photo import Photo, StoredFormat
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses

XMP = b"application/rdf+xml"


def box(kind, *parts):
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind, *parts, version=0, flags=0):
    return box(kind, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def infe(number, kind, *, hidden=False, content_type=b""):
    text = b"\0" + (content_type + b"\0" if content_type else b"")
    return full(b"infe", struct.pack(">HH4s", number, 0, kind), text, version=2, flags=int(hidden))


def refer(kind, source, *targets):
    return box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))


def aux(name):
    return full(b"auxC", name.encode(), b"\0")


def nclx(primaries, transfer):
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, 6, 0x80))


def container(items, references=(), properties=(), outer=b"", primary=1):
    """Make the boxes of a file without pixels; `properties` are pairs of an item and a box."""
    owned = {}
    for place, (number, _) in enumerate(properties, 1):
        owned.setdefault(number, []).append(place)
    ipma = b"".join(struct.pack(f">HB{len(p)}B", n, len(p), *p) for n, p in owned.items())
    meta = full(
        b"meta",
        full(b"pitm", struct.pack(">H", primary)),
        full(b"iinf", struct.pack(">H", len(items)), *items),
        full(b"iref", *references),
        box(
            b"iprp",
            box(b"ipco", *[each for _, each in properties]),
            full(b"ipma", struct.pack(">I", len(owned)), ipma),
        ),
    )
    return iso.parse(io.BytesIO(box(b"ftyp", b"heic") + meta + box(b"mdat", bytes(9)) + outer))


def avif(pixels, primaries, transfer):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "AVIF", quality=100, subsampling="4:4:4")
    data = bytearray(buffer.getvalue())
    place = data.index(b"nclx") + 4
    data[place : place + 4] = struct.pack(">HH", primaries, transfer)
    return io.BytesIO(bytes(data))


def heic(pixels, primaries, transfer):
    heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    buffer = io.BytesIO()
    size = pixels.shape[1::-1]
    heif.encode(
        "RGB", size, pixels.tobytes(), buffer, quality=100, color_primaries=primaries,
        transfer_characteristics=transfer, matrix_coefficients=6, full_range_flag=1,
    )  # fmt: skip
    return io.BytesIO(buffer.getvalue())


@pytest.mark.parametrize("make", [avif, heic])
def test_display_p3_without_a_profile_is_seen_as_such_and_written_with_one(make, draw, profile_of):
    file = make(draw(40, 60), 12, 13)

    photo = read(file)
    again = read(io.BytesIO(encode(photo, photo.format.name, quality=100)))

    usual = Photo(photo.pixels, icc_profile=profile_of("p3"))
    seen = preview(photo, 60).pixels.astype(int)
    assert np.abs(seen - preview(usual, 60).pixels).max() <= 1
    assert np.abs(seen - photo.pixels).mean() > 2
    assert again.icc_profile == photo.icc_profile
    assert np.abs(preview(again, 60).pixels - seen).mean() < 2.5
    assert (photo.notes, photo.left_out) == ((), ())


@pytest.mark.parametrize("make", [avif, heic])
@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_refused_by_its_name(make, transfer, name, draw):
    with pytest.raises(ImageError, match=rf"HDR \({name}\) is not supported"):
        read(make(draw(16, 16), 9, transfer))


@pytest.mark.parametrize("code", [(1, 13), (2, 2), (1, 1), (1, 6), (1, 2), (2, 1)])
@pytest.mark.parametrize("make", [avif, heic])
def test_srgb_is_no_profile(make, code, draw):
    assert read(make(draw(16, 16), *code)).icc_profile is None


def test_a_video_cameras_curve_is_read_as_that_of_srgb_as_browsers_do():
    def profile(transfer):
        stated = container([infe(1, b"av01")], properties=[(1, nclx(9, transfer))])
        return isocontent.read_colours(stated, None)[0]

    assert profile(13) == profile(1) == profile(14)
    assert profile(13) != profile(4)


def test_a_profile_outranks_the_code_but_not_hdr(profile_of):
    p3, adobe = container([], properties=[(1, nclx(12, 13))]), profile_of("adobe")
    stated = container([infe(1, b"av01")], properties=[(1, nclx(12, 13))])
    hdr = container([infe(1, b"av01")], properties=[(1, nclx(9, 16))])

    assert isocontent.read_colours(stated, adobe) == (adobe, ())
    assert isocontent.read_colours(p3, None) == (None, ())
    with pytest.raises(ImageError, match="HDR"):
        isocontent.read_colours(hdr, adobe)


def test_colours_of_a_grid_may_stand_with_its_tiles():
    file = container(
        [infe(1, b"grid"), infe(2, b"hvc1", hidden=True)],
        [refer(b"dimg", 1, 2)],
        [(2, nclx(12, 13))],
    )

    profile, _ = isocontent.read_colours(file, None)

    assert b"D\0i\0s\0p\0l\0a\0y\0 \0P\x003" in profile


def test_colours_of_another_picture_do_not_count():
    file = container([infe(1, b"hvc1"), infe(2, b"hvc1")], properties=[(2, nclx(9, 16))])

    assert isocontent.read_colours(file, None) == (None, ())


PHONE = [
    infe(1, b"grid"), infe(2, b"hvc1", hidden=True), infe(3, b"hvc1", hidden=True),
    infe(4, b"hvc1"), infe(5, b"Exif"), infe(6, b"mime", content_type=XMP), infe(7, b"hvc1"),
]  # fmt: skip
PARTS = [
    refer(b"dimg", 1, 2, 3), refer(b"thmb", 4, 1), refer(b"cdsc", 5, 1), refer(b"cdsc", 6, 1),
    refer(b"auxl", 7, 1),
]  # fmt: skip


def test_tiles_thumbnail_alpha_and_metadata_of_the_photo_are_nothing_left_out():
    alpha = aux("urn:mpeg:hevc:2015:auxid:1")

    assert isocontent.left_out(container(PHONE, PARTS, [(7, alpha)])) == ()


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("urn:mpeg:hevc:2015:auxid:2", "depth map"),
        ("urn:mpeg:mpegB:cicp:systems:auxiliary:depth", "depth map"),
        ("urn:com:apple:photo:2020:aux:hdrgainmap", "gain map"),
        ("urn:com:apple:photo:2018:aux:portraiteffectsmatte", "portraiteffectsmatte"),
    ],
)
def test_auxiliary_pictures_are_named(name, word):
    notes = isocontent.left_out(container(PHONE, PARTS, [(7, aux(name))]))

    assert len(notes) == 1
    assert word in notes[0]


def test_a_gain_map_of_avif_is_named_once():
    items = [infe(1, b"av01"), infe(2, b"tmap"), infe(3, b"av01", hidden=True)]

    notes = isocontent.left_out(container(items, [refer(b"dimg", 2, 1, 3)]))

    assert len(notes) == 1
    assert "gain map" in notes[0]


def test_further_pictures_are_told_but_not_parts_of_them():
    items = [infe(1, b"hvc1"), infe(2, b"grid"), infe(3, b"hvc1"), infe(4, b"hvc1")]
    references = [refer(b"dimg", 2, 3), refer(b"thmb", 4, 2)]

    assert isocontent.left_out(container(items, references)) == (
        "only the main picture of the file was used",
    )
    assert isocontent.left_out(container(items[:1] + items[2:3], references)) == ()


@pytest.mark.parametrize(
    ("outer", "word"),
    [
        (box(b"mpvd", b"a video"), "the video of a motion photo"),
        (box(b"moov", b"a sequence"), "a sequence"),
        (box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"x"), "C2PA"),
        (box(b"sefd", b"x"), "(sefd)"),
        (b"\1\2\3\4\5\6\7\x08 trailer", "data of no kind"),
    ],
)
def test_boxes_behind_the_picture_are_named(outer, word):
    notes = isocontent.left_out(container([infe(1, b"hvc1")], outer=outer))

    assert len(notes) == 1
    assert word in notes[0]


def test_metadata_of_other_kinds_is_named():
    items = [infe(1, b"hvc1"), infe(2, b"mime", content_type=b"application/cbor")]

    notes = isocontent.left_out(container(items, [refer(b"cdsc", 2, 1)]))

    assert notes == ("metadata of another kind was left out (application/cbor)",)


def test_a_photo_that_would_lose_its_video_says_so_wherever_it_is_written(draw):
    data = encode(Photo(draw(16, 16), format=StoredFormat("avif")), "avif")

    photo = read(io.BytesIO(data + box(b"mpvd", b"a video")))

    assert losses(photo, "avif") == ("the video of a motion photo was left out",)


def test_damaged_boxes_are_left_to_the_codec():
    sound = box(b"ftyp", b"avif") + full(b"meta", full(b"pitm", b"\0\1"), full(b"iinf", b"\0\1"))

    for size in range(0, len(sound), 3):
        file = iso.parse(io.BytesIO(sound[:size]))

        assert file.items == {}
        assert not isocontent.is_deep(file)


def test_what_is_written_says_nothing_but_its_profile(draw, profile_of):
    photo = Photo(draw(24, 32), icc_profile=profile_of("p3"), format=StoredFormat("avif"))

    data = encode(photo, "avif", quality=100)

    file = iso.parse(io.BytesIO(data))
    codes = [said[4:8] for said in file.said_of(1, b"colr") if said[:4] == b"nclx"]
    image = Image.open(io.BytesIO(data))
    own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    seen = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), renderingIntent=1)
    assert codes == [struct.pack(">HH", 2, 2)]  # unspecified
    assert np.abs(np.asarray(seen).astype(int) - color_of(photo)).mean() < 3


def color_of(photo):
    return np.rint(color.converter(photo).to_srgb(photo.pixels) * 255).astype(int)


@pytest.mark.parametrize(
    ("boxes", "orientation"),
    [
        ((), 1),
        ((box(b"irot", b"\3"),), 6),
        ((box(b"irot", b"\1"),), 8),
        ((box(b"imir", b"\1"),), 2),
        ((box(b"imir", b"\0"),), 4),
        ((box(b"irot", b"\1"), box(b"imir", b"\0")), 5),
        ((box(b"irot", b"\3"), box(b"imir", b"\0")), 7),
    ],
)
def test_the_boxes_say_how_a_picture_was_turned(boxes, orientation):
    file = container([infe(1, b"hvc1")], properties=[(1, each) for each in boxes])

    assert isocontent.orientation_of(file) == orientation


def test_an_avif_is_not_turned_by_what_xmp_says(draw):
    buffer = io.BytesIO()
    packet = b'<x:xmpmeta><a tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(draw(48, 64)).save(buffer, "AVIF", xmp=packet)

    assert read(io.BytesIO(buffer.getvalue())).pixels.shape == (48, 64, 3)
