import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import get_sampling

from photoenhance.errors import ImageError
from photoenhance.imaging import color
from photoenhance.imaging.photo import Metadata, Photo, StoredFormat, Text
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode, losses, write

SAID = Metadata(
    xmp=b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>Sea</a></x:xmpmeta>',
    iptc=b"\x1c\x02\x05\x00\x03Sea",
    dpi=(300.0, 200.0),
)


def opened(data):
    return Image.open(io.BytesIO(data))


def jpeg(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("quality", [30, 77, 96])
@pytest.mark.parametrize(("subsampling", "number"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
def test_a_jpeg_keeps_its_quantisation_and_subsampling(quality, subsampling, number, draw):
    source = jpeg(draw(64, 64), quality=quality, subsampling=subsampling)

    written = opened(encode(read(source), "jpeg"))

    assert written.quantization == Image.open(source).quantization
    assert get_sampling(written) == number


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_stays_progressive_or_not(progressive, draw):
    source = jpeg(draw(64, 64), progressive=progressive)

    assert ("progressive" in opened(encode(read(source), "jpeg")).info) is progressive


def test_another_format_becomes_a_jpeg_of_quality_95_without_subsampling(draw):
    pixels = draw(64, 64)

    written = opened(encode(Photo(pixels), "jpeg"))

    expected = Image.open(jpeg(pixels, quality=95, subsampling=0))
    assert written.quantization == expected.quantization
    assert get_sampling(written) == 0


def test_an_asked_quality_outranks_the_files_own(draw):
    photo = read(jpeg(draw(64, 64), quality=95, subsampling="4:2:0"))

    written = opened(encode(photo, "jpeg", quality=20))

    assert written.quantization == Image.open(jpeg(draw(64, 64), quality=20)).quantization
    assert get_sampling(written) == 2


@pytest.mark.parametrize("name", ["jpeg", "png", "tiff", "bmp"])
def test_grey_stays_grey_even_when_its_channels_came_to_differ(name, draw):
    pixels = draw(20, 20)
    photo = Photo(pixels, format=StoredFormat("jpeg", is_grey=True))

    written = opened(encode(photo, name))

    luma = pixels @ np.array([0.2126, 0.7152, 0.0722])
    assert written.mode == "L"
    assert np.abs(np.asarray(written) - luma).max() < (12 if name == "jpeg" else 1)


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_grey_has_no_tint_where_a_format_holds_only_colour(name, draw):
    photo = Photo(draw(20, 20), format=StoredFormat("png", is_grey=True))

    written = np.asarray(opened(encode(photo, name))).astype(int)

    assert np.ptp(photo.pixels.astype(int), axis=-1).max() > 50
    assert np.ptp(written, axis=-1).max() <= 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_equal_channels_give_exactly_their_value_as_grey(dtype):
    grey = np.arange(0, np.iinfo(dtype).max + 1, 1, dtype).reshape(16, -1)
    pixels = np.repeat(grey[..., None], 3, axis=2)
    photo = Photo(pixels, format=StoredFormat("png", is_grey=True))

    np.testing.assert_array_equal(read(io.BytesIO(encode(photo, "png"))).pixels, pixels)


@pytest.mark.parametrize("name", ["jpeg", "png", "tiff", "webp", "avif"])
def test_metadata_and_profile_survive(name, draw, exif_of, profile_of):
    said = replace(SAID, exif=exif_of())
    photo = Photo(draw(20, 30), icc_profile=profile_of("adobe"), metadata=said)

    back = read(io.BytesIO(encode(photo, name)))

    tags = Image.Exif()
    tags.load(back.metadata.exif)
    assert tags[0x010F] == "Acme Ltd."
    assert tags.get_ifd(0x8769)[0x829A] == 1 / 250
    assert tags.get_ifd(0x8825)[1] == "N"
    assert back.metadata.xmp == said.xmp
    assert back.icc_profile == photo.icc_profile
    if name in ("jpeg", "png", "tiff"):
        assert back.metadata.iptc == said.iptc
        assert back.metadata.dpi == pytest.approx(said.dpi, abs=0.02)


@pytest.mark.parametrize("name", ["jpeg", "png", "tiff", "webp", "avif"])
def test_stripped_files_keep_nothing_but_the_profile(name, draw, exif_of, profile_of):
    said = replace(
        SAID, exif=exif_of(), comments=(b"hello", b"again"), text=(Text("Title", "Sea"),)
    )
    photo = Photo(draw(20, 30), icc_profile=profile_of("adobe"), metadata=said)

    data = encode(photo, name, strip_metadata=True)

    back = read(io.BytesIO(data))
    assert (back.metadata.exif, back.metadata.xmp, back.metadata.iptc) == (None, None, None)
    assert back.icc_profile == photo.icc_profile
    assert not any(word in data for word in (b"Acme", b"Sea", b"hello"))


def test_a_jpegs_comment_and_extended_xmp_and_a_pngs_texts_survive(draw):
    part = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<more/>"
    texts = (Text("Title", "Sea"), Text("Author", "\u017deljko"))
    said = Metadata(comments=(b"hello", b"again"), extended_xmp=(part,), text=texts)

    from_jpeg = read(io.BytesIO(encode(Photo(draw(8, 8), metadata=said), "jpeg")))
    from_png = read(io.BytesIO(encode(Photo(draw(8, 8), metadata=said), "png")))

    assert from_jpeg.metadata.comments == (b"hello", b"again")
    assert from_jpeg.metadata.extended_xmp == (part,)
    assert from_png.metadata.text == texts


@pytest.mark.parametrize("name", ["png", "tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_comes_back_unchanged(name, dtype):
    random = np.random.default_rng(3)
    top = np.iinfo(dtype).max
    pixels = random.integers(0, top, (19, 23, 3), dtype, endpoint=True)
    alpha = random.integers(0, top, (19, 23), dtype, endpoint=True)

    back = read(io.BytesIO(encode(Photo(pixels, alpha), name)))

    np.testing.assert_array_equal(back.pixels, pixels)
    np.testing.assert_array_equal(back.alpha, alpha)


def test_a_lossless_webp_stays_lossless_under_transparency_too():
    random = np.random.default_rng(3)
    pixels = random.integers(0, 255, (19, 23, 3), np.uint8)
    alpha = np.zeros((19, 23), np.uint8)
    photo = Photo(pixels, alpha, format=StoredFormat("webp", is_lossless=True))

    back = read(io.BytesIO(encode(photo, "webp")))

    assert back.format.is_lossless
    np.testing.assert_array_equal(back.pixels, pixels)


def test_a_lossy_webp_is_read_as_lossy(draw):
    back = read(io.BytesIO(encode(Photo(draw(32, 32)), "webp")))

    assert not back.format.is_lossless


@pytest.mark.parametrize("name", ["webp", "avif"])
def test_a_grey_profile_is_converted_where_a_format_holds_no_grey(name, draw, profile_of):
    pixels = np.repeat(draw(20, 20)[..., :1], 3, axis=2)
    photo = Photo(pixels, icc_profile=profile_of("grey"), format=StoredFormat("jpeg", is_grey=True))

    back = read(io.BytesIO(encode(photo, name)))

    expected = color.converter(photo).to_srgb(pixels) * 255
    assert back.icc_profile is None
    assert np.abs(back.pixels - expected).mean() < 3


def test_a_bmp_which_holds_no_profile_is_written_in_srgb(draw, profile_of):
    photo = Photo(draw(20, 20), icc_profile=profile_of("prophoto"))

    back = read(io.BytesIO(encode(photo, "bmp")))

    expected = color.converter(photo).to_srgb(photo.pixels) * 255
    assert np.abs(back.pixels - expected).max() <= 0.5


def test_16_bits_are_rounded_to_8_where_a_format_has_no_more():
    pixels = np.full((4, 4, 3), 32767, np.uint16)

    back = read(io.BytesIO(encode(Photo(pixels), "bmp")))

    assert (back.pixels == 127).all()


def test_losses_are_what_a_format_cannot_hold(draw, exif_of):
    deep = Photo(draw(4, 4).astype(np.uint16), np.zeros((4, 4), np.uint16), metadata=SAID)
    long = Photo(draw(4, 4), metadata=Metadata(xmp=b"<x/>" * 20_000))

    assert len(losses(deep, "jpeg")) == 2
    assert losses(deep, "tiff") == ()
    assert "IPTC" in losses(deep, "webp")[-1]
    assert "no metadata" in losses(deep, "bmp")[-1]
    assert "too long" in losses(long, "jpeg")[0]
    texts = Photo(draw(4, 4), metadata=Metadata(text=(("Title", "Sea"),)))
    assert losses(texts, "jpeg") == ("jpeg holds no texts: left out",)
    assert losses(texts, "png") == losses(texts, "jpeg", strip_metadata=True) == ()
    assert read(io.BytesIO(encode(long, "jpeg"))).metadata.xmp is None


def test_a_suffix_chooses_the_format_and_the_folder_holds_nothing_else(tmp_path, draw):
    photo = Photo(draw(8, 8))

    for name in ("a.JPG", "b.png", "c.tif", "d.webp", "e.avif", "f.bmp"):
        write(photo, tmp_path / name)

    names = {path.name: read(path).format.name for path in tmp_path.iterdir()}
    assert names == {"a.JPG": "jpeg", "b.png": "png", "c.tif": "tiff", "d.webp": "webp",
                     "e.avif": "avif", "f.bmp": "bmp"}  # fmt: skip


@pytest.mark.parametrize("name", ["photo.gif", "photo", "photo.nef"])
def test_a_name_without_a_writable_format_is_refused_with_the_choice(tmp_path, name, draw):
    with pytest.raises(ImageError, match="photo") as caught:
        write(Photo(draw(4, 4)), tmp_path / name)

    assert ".jpg, .png" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_picture_too_large_for_its_format_is_refused_and_leaves_no_file(tmp_path):
    photo = Photo(np.zeros((1, 16384, 3), np.uint8))
    path = tmp_path / "photo.webp"

    with pytest.raises(ImageError, match="16384x1 is too large for webp") as caught:
        write(photo, path)

    assert caught.value.message.startswith(f"{path}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (2000, 3)])
@pytest.mark.parametrize("name", ["jpeg", "png", "tiff", "webp", "avif", "bmp"])
def test_tiny_and_narrow_pictures_survive(size, name, draw):
    pixels = draw(*size)

    assert read(io.BytesIO(encode(Photo(pixels), name))).pixels.shape == pixels.shape


def test_the_same_photo_gives_the_same_bytes(draw, exif_of):
    photo = Photo(draw(50, 50), metadata=replace(SAID, exif=exif_of()))

    assert all(encode(photo, name) == encode(photo, name) for name in ("jpeg", "png", "tiff"))


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_out_of_range_is_a_mistake_of_ours(quality, draw):
    with pytest.raises(ValueError, match=r"1\.\.100"):
        encode(Photo(draw(4, 4)), "jpeg", quality=quality)
