import pytest
import torch
import torch.nn.functional as F

from photoenhance.networks.layers import upsample, upsample_window
from photoenhance.networks.moments import Moments


@pytest.mark.parametrize(("height", "width"), [(1, 2), (5, 8), (33, 17)])
def test_the_window_of_everything_is_the_whole(height: int, width: int) -> None:
    features = torch.rand(1, 4, height, width)

    window = (slice(0, 2 * height), slice(0, 2 * width))
    doubled = upsample_window(features, (0, 0), window, (height, width))

    torch.testing.assert_close(doubled, upsample(features), rtol=0, atol=1e-6)


def test_windows_of_a_long_axis_agree_with_torch_far_from_the_origin() -> None:
    features = torch.rand(1, 2, 3000, 6)
    whole = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=True)

    window = (slice(5400, 5440), slice(2, 8))
    piece = upsample_window(features[:, :, 2690:2730, 0:5], (2690, 0), window, (3000, 6))

    torch.testing.assert_close(piece, whole[:, :, 5400:5440, 2:8], rtol=0, atol=1e-6)


@pytest.mark.parametrize("window", [(0, 12, 0, 34), (2, 8, 10, 34), (6, 12, 0, 2)])
def test_windows_without_aligned_corners_agree_with_torch(window: tuple[int, ...]) -> None:
    features = torch.rand(1, 2, 6, 17, dtype=torch.float64)
    top, bottom, left, right = window

    whole = upsample(features, aligned=False)
    rows, columns = slice(top, bottom), slice(left, right)
    piece = upsample_window(features, (0, 0), (rows, columns), (6, 17), aligned=False)

    torch.testing.assert_close(piece, whole[:, :, rows, columns], rtol=0, atol=1e-14)


def test_moments_of_pieces_are_those_of_the_whole() -> None:
    features = torch.randn(1, 3, 40, 30, dtype=torch.float64) + 1000

    whole = Moments.of(features)
    merged = Moments.of(features[:, :, :7]).merged(Moments.of(features[:, :, 7:]))

    assert merged.count == whole.count
    torch.testing.assert_close(merged.mean, whole.mean)
    torch.testing.assert_close(merged.squares, whole.squares)


def test_scale_and_shift_normalise() -> None:
    features = 5 * torch.randn(1, 2, 50, 50, dtype=torch.float64) + 3

    scale, shift = Moments.of(features).scale_and_shift(0.0)
    normalised = scale[:, None, None] * features + shift[:, None, None]

    assert normalised.mean(dim=(0, 2, 3)) == pytest.approx([0, 0], abs=1e-9)
    assert normalised.var(dim=(0, 2, 3), correction=0) == pytest.approx([1, 1])
