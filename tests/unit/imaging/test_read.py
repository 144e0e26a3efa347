import io
import os
import sys
import threading

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoenhance.errors import ImageError, UnsupportedError
from photoenhance.imaging import formats
from photoenhance.imaging import read as reading
from photoenhance.imaging.read import read

LOSSLESS = [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True}), ("BMP", {})]
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def file_of(image, name, **options):
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    buffer.seek(0)
    return buffer


def stored(pixels, orientation):
    """Turn a picture as a camera held askew stores it."""
    image = Image.fromarray(pixels)
    turn = TURNS[orientation]
    return image if turn is None else image.transpose(turn)


def exif_with(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize(("name", "options"), LOSSLESS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_come_as_they_are_in_the_file(name, options, mode, draw):
    image = Image.fromarray(draw(33, 47)).convert(mode)

    photo = read(file_of(image, name, **options))

    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    assert photo.alpha is None
    assert photo.format.name == name.lower()
    assert photo.format.is_grey == (mode == "L" and name != "WEBP")
    assert photo.notes == ()


@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_held_apart(name, draw):
    pixels = np.dstack([draw(20, 30), np.arange(600, dtype=np.uint8).reshape(20, 30)])

    photo = read(
        file_of(
            Image.fromarray(pixels),
            name,
            **({"lossless": True, "exact": True} if name == "WEBP" else {}),
        )
    )

    np.testing.assert_array_equal(photo.pixels, pixels[..., :3])
    np.testing.assert_array_equal(photo.alpha, pixels[..., 3])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["PNG", "TIFF", "WEBP", "JPEG", "AVIF"])
def test_each_orientation_comes_out_upright_once(orientation, name, draw):
    upright = draw(32, 48)
    options = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 98, "subsampling": 0},
        "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    }.get(name, {})

    image = stored(upright, orientation)
    photo = read(file_of(image, name, exif=exif_with(orientation), **options))

    tolerance = {"JPEG": 3, "AVIF": 4}.get(name, 0)
    assert photo.pixels.shape == upright.shape
    assert np.abs(photo.pixels.astype(int) - upright).mean() <= tolerance
    assert exif_said(photo).get(0x0112, 1) == 1


def exif_said(photo):
    exif = Image.Exif()
    exif.load(photo.metadata.exif or b"")
    return exif


def test_a_large_picture_is_turned_across_its_strips(draw, monkeypatch):
    upright = draw(1500, 1100)

    photo = read(file_of(stored(upright, 7), "PNG", exif=exif_with(7)))

    np.testing.assert_array_equal(photo.pixels, upright)


def test_orientation_in_xmp_alone_counts(draw):
    upright = draw(20, 30)
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="8"/></x:xmpmeta>'

    photo = read(file_of(stored(upright, 8), "WEBP", lossless=True, xmp=packet))

    np.testing.assert_array_equal(photo.pixels, upright)
    assert b'Orientation="1"' in photo.metadata.xmp


def test_exif_outranks_xmp(draw):
    upright = draw(20, 30)
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="8"/></x:xmpmeta>'

    image = stored(upright, 6)
    photo = read(file_of(image, "WEBP", lossless=True, xmp=packet, exif=exif_with(6)))

    np.testing.assert_array_equal(photo.pixels, upright)


def test_the_name_is_not_believed_but_the_content(tmp_path, draw):
    path = tmp_path / "photo.jpg"
    path.write_bytes(file_of(Image.fromarray(draw(8, 9)), "PNG").getvalue())

    assert read(path).format.name == "png"


def test_cmyk_is_converted_to_srgb_with_a_note(draw):
    image = Image.fromarray(draw(24, 24)).convert("CMYK")

    photo = read(file_of(image, "TIFF"))

    assert photo.notes == ("CMYK was converted to RGB",)
    assert photo.icc_profile is None
    assert np.abs(photo.pixels.astype(int) - np.asarray(image.convert("RGB"))).max() == 0


def test_lab_is_converted_to_srgb_by_its_own_colours(draw):
    colours = np.full((8, 8, 3), (200, 90, 40), np.uint8)
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    image = ImageCms.applyTransform(Image.fromarray(colours), transform)

    photo = read(file_of(image, "TIFF"))

    assert photo.notes == ("Lab was converted to RGB",)
    assert np.abs(photo.pixels.astype(int) - colours).max() <= 3


@pytest.mark.parametrize("name", ["PNG", "TIFF", "BMP"])
def test_a_palette_is_converted_with_a_note_and_keeps_its_colours(name, draw):
    image = Image.fromarray(draw(40, 40)).quantize(60)

    photo = read(file_of(image, name))

    np.testing.assert_array_equal(photo.pixels, np.asarray(image.convert("RGB")))
    assert photo.notes == ("palette colours were converted to RGB",)


def test_a_transparent_entry_of_a_palette_becomes_alpha(draw):
    image = Image.fromarray(draw(40, 40)).quantize(60)

    photo = read(file_of(image, "PNG", transparency=3))

    np.testing.assert_array_equal(photo.alpha == 0, np.asarray(image) == 3)


def test_one_bit_is_widened_with_a_note():
    bits = np.random.default_rng(0).random((20, 20)) > 0.5

    photo = read(file_of(Image.fromarray(bits), "PNG"))

    np.testing.assert_array_equal(photo.pixels[..., 1], bits * 255)
    assert photo.format.is_grey
    assert len(photo.notes) == 1


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF"])
def test_an_animation_is_refused_with_the_number_of_its_frames(name, draw):
    frames = [Image.fromarray(draw(16, 16)), Image.fromarray(draw(16, 16)[::-1].copy())]

    with pytest.raises(UnsupportedError, match="an animation of 2 frames"):
        read(file_of(frames[0], name, save_all=True, append_images=frames[1:], duration=100))


def test_the_first_picture_of_an_mpo_is_used_and_said_so(draw):
    frames = [Image.fromarray(draw(16, 24)), Image.fromarray(draw(16, 24)[::-1].copy())]

    photo = read(file_of(frames[0], "MPO", save_all=True, append_images=frames[1:]))

    assert photo.pixels.shape == (16, 24, 3)
    assert np.abs(photo.pixels.astype(int) - np.asarray(frames[0])).mean() < 8
    assert photo.left_out == ("only the first picture of the file was used (MPO)",)


def test_a_picture_over_the_limit_is_refused_with_the_limit_and_the_option(draw):
    with pytest.raises(
        ImageError, match=r"40x30 is 1,200 pixels, and the limit is 1,199"
    ) as caught:
        read(file_of(Image.fromarray(draw(30, 40)), "PNG"), max_pixels=1199)

    assert "--max-pixels" in caught.value.hint


@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "BMP"])
def test_a_file_cut_short_is_an_image_error(name, draw):
    whole = file_of(Image.fromarray(draw(64, 64)), name).getvalue()

    for part in (0.2, 0.5, 0.8):
        with pytest.raises(ImageError):
            read(io.BytesIO(whole[: int(len(whole) * part)]))


def test_messages_name_the_file_and_what_is_wrong(tmp_path):
    empty, text = tmp_path / "empty.jpg", tmp_path / "text.jpg"
    empty.touch()
    text.write_text("no photo")

    with pytest.raises(ImageError) as of_empty:
        read(empty)
    with pytest.raises(ImageError) as of_text:
        read(text)
    with pytest.raises(ImageError) as of_absent:
        read(tmp_path / "absent.jpg")
    with pytest.raises(ImageError) as of_folder:
        read(tmp_path)

    assert of_empty.value.message == f"{empty}: empty, 0 bytes"
    assert of_text.value.message == f"{text}: not a photo in a supported format"
    assert "jpeg, png" in of_text.value.hint
    assert of_absent.value.message.startswith(f"{tmp_path / 'absent.jpg'}: cannot be opened")
    assert of_folder.value.message.startswith(f"{tmp_path}: cannot be opened")


def test_files_that_are_no_photos_are_told_from_faulty_ones(tmp_path):
    for content, is_faulty in ((b"no photo", False), (b"", True), (b"\xff\xd8\xff\xe0", True)):
        with pytest.raises(ImageError) as caught:
            read(io.BytesIO(content))

        assert isinstance(caught.value, UnsupportedError) != is_faulty


def test_only_what_is_installed_is_said_to_be_supported(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "rawpy" else "here")

    with pytest.raises(UnsupportedError) as caught:
        read(io.BytesIO(b"no photo"))

    assert caught.value.hint == "Supported are jpeg, png, tiff, webp, avif, bmp, heif."


def test_a_format_that_needs_an_extra_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    with pytest.raises(UnsupportedError, match="HEIF is not supported by this installation") as no:
        read(io.BytesIO(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60)))

    assert no.value.hint == "pip install 'photoenhance[heif]'"


def test_a_stream_is_called_standard_input():
    with pytest.raises(ImageError, match=r"^standard input: empty"):
        read(io.BytesIO())


@pytest.mark.parametrize("name", ["png", "jpeg", "tiff", "webp", "avif"])
def test_an_icc_profile_is_kept(name, draw, profile_of):
    profile = profile_of("p3")

    photo = read(file_of(Image.fromarray(draw(8, 8)), name.upper(), icc_profile=profile))

    assert photo.icc_profile == profile


def test_a_broken_profile_is_left_out_with_a_note(draw):
    photo = read(file_of(Image.fromarray(draw(8, 8)), "JPEG", icc_profile=b"no profile" * 20))

    assert photo.icc_profile is None
    assert "colour profile cannot be used" in photo.notes[0]


@pytest.mark.parametrize(
    ("extra", "head"),
    [
        ("heif", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)),
        ("raw", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(40)),
    ],
)
def test_a_format_of_an_absent_extra_names_the_install(extra, head, monkeypatch):
    monkeypatch.setitem(sys.modules, {"heif": "pillow_heif", "raw": "rawpy"}[extra], None)

    with pytest.raises(ImageError, match="not supported by this installation") as caught:
        read(io.BytesIO(head))

    assert caught.value.hint == f"pip install 'photoenhance[{extra}]'"


def test_every_format_that_is_recognised_has_a_reader():
    assert set(reading._OPENERS) == set(reading.FORMATS)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_read_like_a_file(tmp_path, draw):
    path, pixels = tmp_path / "pipe.png", draw(12, 10)
    os.mkfifo(path)
    data = file_of(Image.fromarray(pixels), "PNG").getvalue()
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()

    photo = read(path)

    writer.join()
    np.testing.assert_array_equal(photo.pixels, pixels)


def test_a_picture_that_does_not_fit_into_memory_says_so(draw, monkeypatch):
    def full(stream, max_pixels):
        raise MemoryError

    monkeypatch.setitem(reading._OPENERS, "png", full)

    with pytest.raises(ImageError, match="do not fit into the memory") as caught:
        read(file_of(Image.fromarray(draw(4, 4)), "PNG"))

    assert caught.value.hint
