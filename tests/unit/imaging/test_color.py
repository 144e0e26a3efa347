import io

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.color import deltaE_ciede2000, rgb2lab

from photoenhance.imaging import color
from photoenhance.imaging.photo import Photo, StoredFormat
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode

WIDE = ["adobe", "p3", "prophoto", "swapped"]
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


def converted(pixels, profile):
    """Convert 8-bit pixels to sRGB by littleCMS."""
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(Image.fromarray(pixels), own, target, renderingIntent=INTENT)
    return np.asarray(image)


def to_8_bits(pixels):
    return np.rint(pixels / 257).astype(np.uint8)


def wide_version(pixels, profile):
    """Return an sRGB picture as 16-bit pixels of a profile's space, as our converter sees it."""
    photo = Photo(np.full(pixels.shape, 32768, np.uint16), icc_profile=profile)
    own = color.converter(photo)
    start = own.to_srgb(photo.pixels)
    return own.apply_change(photo.pixels, start, (pixels / 255).astype(np.float32))


def enhanced(image):
    """Do what enhancers do: lift shadows, deepen colours."""
    lifted = image**0.8
    grey = lifted.mean(axis=-1, keepdims=True)
    return np.clip(grey + (lifted - grey) * 1.15, 0, 1).astype(np.float32)


@pytest.mark.parametrize("name", WIDE)
def test_a_profile_gives_the_same_srgb_as_littlecms(name, profile_of, draw):
    profile = profile_of(name)
    pixels = draw(90, 120)

    ours = color.converter(Photo(pixels, icc_profile=profile)).to_srgb(pixels)

    difference = np.abs(ours * 255 - converted(pixels, profile))
    assert ours.dtype == np.float32
    assert difference.max() < 1.3
    assert difference.mean() < 0.35


def test_a_profile_of_tables_gives_the_same_srgb_as_littlecms(table_profile, draw):
    pixels = draw(90, 120)

    ours = color.converter(Photo(pixels, icc_profile=table_profile)).to_srgb(pixels)

    assert np.abs(ours * 255 - converted(pixels, table_profile)).mean() < 1


@pytest.mark.parametrize("name", [*WIDE, "tables"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_change_gives_the_very_pixels_back(name, dtype, profile_of, table_profile):
    profile = table_profile if name == "tables" else profile_of(name)
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(1).integers(0, top, (64, 50, 3), dtype, endpoint=True)
    own = color.converter(Photo(pixels, icc_profile=profile))

    same = own.apply_change(pixels, own.to_srgb(pixels), own.to_srgb(pixels))

    assert same.dtype == dtype
    np.testing.assert_array_equal(same, pixels)


@pytest.mark.parametrize("name", WIDE)
def test_a_change_in_a_wide_space_looks_as_the_same_change_in_srgb(name, profile_of, draw):
    profile = profile_of(name)
    plain = draw(120, 160)
    wide = wide_version(plain, profile)
    own = color.converter(Photo(wide, icc_profile=profile))
    before = own.to_srgb(wide)

    changed = own.apply_change(wide, before, enhanced(before))

    reference = enhanced((plain / 255).astype(np.float32))
    unclipped = ((reference > 0.01) & (reference < 0.99)).all(axis=-1)
    seen = rgb2lab(converted(to_8_bits(changed), profile))
    assert unclipped.mean() > 0.5
    assert deltaE_ciede2000(seen, rgb2lab(reference))[unclipped].mean() < 0.7


@pytest.mark.parametrize("name", WIDE)
def test_a_wide_picture_without_change_is_seen_as_its_srgb_original(name, profile_of, draw):
    profile = profile_of(name)
    plain = draw(60, 80)

    wide = wide_version(plain, profile)

    seen = rgb2lab(converted(to_8_bits(wide), profile))
    assert deltaE_ciede2000(seen, rgb2lab(plain)).mean() < 0.5


def test_a_smooth_16_bit_ramp_keeps_its_depth_through_a_change(profile_of):
    ramp = np.linspace(0, 65535, 8192).round().astype(np.uint16)
    pixels = np.repeat(ramp[None, :, None], 3, axis=2)
    own = color.converter(Photo(pixels, icc_profile=profile_of("prophoto")))
    before = own.to_srgb(pixels)

    changed = own.apply_change(pixels, before, before ** np.float32(0.8))

    assert all(np.unique(changed[..., channel]).size > 8000 for channel in range(3))


def test_colours_outside_srgb_keep_their_distance_to_it(profile_of):
    pixels = np.array([[[10, 250, 10], [60, 200, 60]]], np.uint8)  # the first is outside
    own = color.converter(Photo(pixels, icc_profile=profile_of("prophoto")))
    before = own.to_srgb(pixels)

    changed = own.apply_change(pixels, before, np.clip(before + np.float32(0.01), 0, 1))

    assert before[0, 0, 0] == 0
    assert changed[0, 0, 0] < 30  # clipped into sRGB it would be 137
    assert np.abs(changed[0, 1].astype(int) - pixels[0, 1]).max() < 8


def test_what_a_space_cannot_hold_is_clipped_and_does_not_wrap(profile_of):
    pixels = np.array([[[250, 250, 250], [3, 3, 3]]], np.uint8)
    own = color.converter(Photo(pixels, icc_profile=profile_of("p3")))
    before = own.to_srgb(pixels)
    after = np.array([[[1, 1, 1], [0, 0, 0]]], np.float32)

    changed = own.apply_change(pixels, before, after)

    np.testing.assert_array_equal(changed, [[[255] * 3, [0] * 3]])


@pytest.mark.parametrize("make", [None, "ours", "littlecms"])
def test_srgb_needs_no_converter(make, profile_of):
    littlecms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = {None: None, "ours": profile_of("srgb"), "littlecms": littlecms}[make]

    assert color.converter(Photo(np.zeros((2, 2, 3), np.uint8), icc_profile=profile)) is None


def test_a_grey_profile_converts_grey_and_leaves_it_grey(profile_of):
    pixels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    photo = Photo(pixels, icc_profile=profile_of("grey"), format=StoredFormat("jpeg", is_grey=True))
    own = color.converter(photo)

    image = own.to_srgb(pixels)
    changed = own.apply_change(pixels, image, np.clip(image * np.float32(1.1), 0, 1))

    assert image[0, 128, 0] * 255 == pytest.approx(146.4, abs=0.1)  # (128 / 255) ** 1.8 in sRGB
    assert (changed == changed[..., :1]).all()


@pytest.mark.parametrize(
    ("profile", "is_grey", "usable"),
    [("p3", False, True), ("p3", True, True), ("grey", True, True), ("grey", False, False)],
)
def test_a_profile_must_fit_the_pixels(profile, is_grey, usable, profile_of):
    assert color.is_usable(profile_of(profile), is_grey=is_grey) is usable


def test_every_cut_of_a_profile_is_refused_without_a_crash(profile_of):
    profile = profile_of("adobe")

    usable = [color.is_usable(profile[:size], is_grey=False) for size in range(0, len(profile), 7)]

    assert usable.count(True) <= 1  # the last cut may take off nothing but padding


def test_the_srgb_curve_and_its_inverse_agree_and_go_on_below_black():
    values = np.linspace(-0.5, 1.5, 401).astype(np.float32)

    back = color.encode_srgb(color.decode_srgb(values))

    np.testing.assert_allclose(back, values, atol=1e-6)
    assert color.encode_srgb(np.float32([0.5]))[0] == pytest.approx(0.735357, abs=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_scanners_profile_that_leads_one_way_gives_the_colours_all_the_same(
    dtype, draw, table_profile
):
    one_way = table_profile.replace(b"B2A0", b"xxxx").replace(b"mntr", b"scnr")
    pixels = draw(20, 30).astype(dtype) * (257 if dtype == np.uint16 else 1)
    space = color.converter(Photo(pixels, icc_profile=table_profile))

    photo = read(io.BytesIO(encode(Photo(pixels, icc_profile=one_way), "tiff")))

    assert space is not None
    assert photo.icc_profile is None
    assert np.abs(photo.pixels / 255 - space.to_srgb(pixels)).max() < 1.5 / 255
    assert "converted to sRGB" in photo.notes[0]
    assert bool(photo.left_out) == (dtype == np.uint16)
