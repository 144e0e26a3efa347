import numpy as np
import pytest
import torch
from torch import Tensor

from photoenhance.imaging.photo import Photo
from photoenhance.inference.enhancer import Enhancer
from photoenhance.networks.histogram import SHARES, HistogramHead, quantiles
from photoenhance.networks.uegan import UEGANConfig, UEGANGenerator

CPU = torch.device("cpu")


def _still(*, work_size: int = 0, local: float = 1.0) -> UEGANGenerator:
    """A generator that changes nothing by itself, and stretches levels by the histogram."""
    generator = UEGANGenerator(UEGANConfig(width=8, work_size=work_size, local=local, histogram=8))
    generator.initialise(gain=1.0, last=0.1)
    with torch.no_grad():
        for parameter in generator.dec5[1].parameters():
            parameter.zero_()
    generator.histogram = _stretching()
    return generator


def _stretching() -> HistogramHead:
    """A head that stretches levels all the way, and does nothing else."""
    head = HistogramHead(8).eval()
    with torch.no_grad():
        head.perceptron[-1].bias[0] = 20.0
    return head


def _bending() -> HistogramHead:
    """A head that asks for something else for each photo, as a trained one does."""
    torch.manual_seed(1)
    head = HistogramHead(8).eval()
    with torch.no_grad():
        head.perceptron[-1].weight.normal_(0, 0.05)
    return head


def _flat(draw, low: int, high: int, side: int = 150) -> np.ndarray:
    """A drawn photo whose 0.5 and 99.5 percentiles are these levels."""
    pixels = draw(side, side).astype(float)
    bottom, top = np.percentile(pixels, (0.5, 99.5))
    pixels = low + (pixels - bottom) / (top - bottom) * (high - low)
    return pixels.round().clip(0, 255).astype(np.uint8)


def _percentiles(pixels: np.ndarray) -> list[float]:
    return [float(each) for each in np.percentile(pixels / 255, (0.5, 99.5))]


def _image(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("rendering", ["auto", "tone", "guided", "exact", "strips"])
def test_levels_that_fall_short_are_stretched_in_every_rendering(draw, rendering) -> None:
    flat = _flat(draw, 70, 160)
    generator = _still(work_size=64, local=0.0)

    enhanced = Enhancer(generator, CPU, rendering=rendering).enhance(Photo(flat)).photo.pixels

    assert _percentiles(enhanced) == pytest.approx([0.04, 0.95], abs=0.05)


def test_a_photo_that_uses_the_whole_range_stays_as_it_is(draw) -> None:
    whole = _flat(draw, 0, 255)
    generator = _still(work_size=64, local=0.0)

    enhanced = Enhancer(generator, CPU).enhance(Photo(whole)).photo.pixels

    np.testing.assert_allclose(enhanced.astype(int), whole, atol=1)


def test_the_blackest_pixels_count_even_where_a_small_copy_has_lost_them(draw) -> None:
    photo = _flat(draw, 60, 250, side=512)
    photo[::8, ::8] = 0  # fine texture, of which averages keep nothing
    generator = _still(work_size=64, local=0.0)

    enhanced = Enhancer(generator, CPU).enhance(Photo(photo)).photo.pixels

    np.testing.assert_allclose(enhanced[1::8, 1::8].astype(int), photo[1::8, 1::8], atol=2)


def test_hidden_colours_do_not_count(draw) -> None:
    photo = _flat(draw, 70, 160)
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[:20] = 0
    hidden = photo.copy()
    hidden[:10], hidden[10:20] = 0, 255
    enhancer = Enhancer(_still(work_size=64, local=0.0), CPU)

    one, other = (
        enhancer.enhance(Photo(pixels, alpha=alpha)).photo.pixels[20:] for pixels in (photo, hidden)
    )

    np.testing.assert_allclose(one.astype(int), other, atol=1)


def test_half_the_strength_stretches_half_as_far(draw) -> None:
    flat = _flat(draw, 70, 160)
    generator = _still()

    whole, half = (
        Enhancer(generator, CPU, strength=strength).enhance(Photo(flat)).photo.pixels.astype(int)
        for strength in (1.0, 0.5)
    )

    np.testing.assert_allclose(half, (flat + whole) / 2, atol=1)


def test_each_image_is_stretched_by_its_own_levels(draw) -> None:
    photos = [_flat(draw, 70, 160), _flat(draw, 0, 100)]
    images = torch.cat([_image(photo) for photo in photos])
    measured = np.stack([quantiles(photo / np.float32(255)) for photo in photos])

    with torch.no_grad():
        stretched = images + _stretching()(torch.from_numpy(measured)).change(images)

    for image in stretched:
        low, high = torch.quantile(image.flatten(), torch.tensor([0.005, 0.995]))
        assert float(low) <= 0.045
        assert float(high) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("low", "high"), [(244, 252), (253, 255), (128, 128), (10, 26)])
def test_blank_pages_nights_and_flat_colours_stay_what_they_are(draw, low, high) -> None:
    blank = _flat(draw, low, high)
    generator = _still(work_size=64, local=0.0)

    enhanced = Enhancer(generator, CPU).enhance(Photo(blank)).photo.pixels

    np.testing.assert_allclose(enhanced.astype(int), blank, atol=1)


def test_how_far_levels_are_stretched_has_no_jump() -> None:
    ranges = torch.linspace(0, 1, 2001)[:, None, None]
    measured = 0.5 + ranges * (torch.linspace(0, 1, 13) - 0.5).expand(2001, 8, 13)

    with torch.no_grad():
        ends = _bending()(measured).change(torch.full((2001, 3, 1, 1), 0.6))

    assert float(ends[1:].sub(ends[:-1]).abs().max()) < 0.01


def test_a_part_of_a_photo_changes_as_it_does_within_the_whole(draw) -> None:
    whole = _image(_flat(draw, 20, 200))
    transform = _bending()(torch.from_numpy(quantiles(draw(64, 64) / np.float32(255)))[None])

    with torch.no_grad():
        changed, part = transform.change(whole), transform.change(whole[..., 30:70, 10:90])

    torch.testing.assert_close(part, changed[..., 30:70, 10:90])
    assert float(changed.abs().max()) > 0.01


def test_half_precision_takes_nothing_from_the_transform(draw) -> None:
    image = _image(_flat(draw, 20, 200))
    measured = torch.from_numpy(quantiles(draw(64, 64) / np.float32(255)))[None]
    head = _bending()
    with torch.no_grad():
        expected = head(measured).change(image)

        with torch.autocast("cpu", torch.bfloat16):
            found = head(measured).change(image)

    torch.testing.assert_close(found, expected)


def test_quantiles_are_those_of_all_channels_and_of_colours() -> None:
    red = np.zeros((10, 10, 3), np.float32)
    red[..., 0], red[..., 2] = 0.9, 0.2

    found = quantiles(red)

    assert found.shape == (8, 13)
    assert (found[0, 0], found[0, -1]) == pytest.approx((0.0, 0.9))  # of all values together
    medians = [0.2, 0.9, 0.0, 0.2, 0.2126 * 0.9 + 0.0722 * 0.2, 0.9, 0.9, 0.2]
    assert found[:, 6].tolist() == pytest.approx(medians)


def test_a_model_without_a_head_has_none() -> None:
    assert UEGANGenerator(UEGANConfig(width=8)).histogram is None


def test_a_negative_number_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="histogram: expected 0 or more, found -1"):
        UEGANConfig(histogram=-1)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (37, 41)])
def test_quantiles_are_interpolated_as_numpy_does(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(3).random((*shape, 3), dtype=np.float32)

    found = quantiles(image)

    assert found[0] == pytest.approx(np.quantile(image, SHARES), abs=1e-6)
    for channel in range(3):
        expected = np.quantile(image[..., channel], SHARES)
        assert found[1 + channel] == pytest.approx(expected, abs=1e-6)
