import pytest
import torch
import torch.nn.functional as F

from photoenhance.networks import bands as rows_module
from photoenhance.networks.bands import Window, bands, stacked


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "BAND_VALUES", 1)
    monkeypatch.setattr(rows_module, "FEWEST_ROWS", 6)


@pytest.mark.parametrize("height", [2, 5, 6, 7, 12, 13, 40])
def test_bands_cover_every_row_once_and_the_last_says_so(height: int) -> None:
    found = list(bands(height, 30, 8))

    assert [row for band in found for row in range(band.rows.start, band.rows.stop)] == [
        *range(height)
    ]
    assert [band.is_last for band in found] == [False] * (len(found) - 1) + [True]
    assert all((band.rows.stop - band.rows.start) % 2 == 0 for band in found) or height % 2


@pytest.mark.parametrize(("stride", "kept"), [(1, 2), (2, 1)])
@pytest.mark.parametrize("multiple", [1, 4])
@pytest.mark.parametrize("height", [6, 16, 38])
def test_frames_convolve_to_the_whole_reflected_map(
    stride: int, kept: int, multiple: int, height: int
) -> None:
    features = torch.rand(1, 5, height, 12, dtype=torch.float64)
    weight = torch.rand(4, 5, 3, 3, dtype=torch.float64)
    window = Window(kept, multiple=multiple if stride == 1 else 1)

    whole = F.conv2d(F.pad(features, (1, 1, 1, 1), "reflect"), weight, stride=stride)
    pieces = []
    for band in bands(height, 12, 5):
        parts = features[:, :2, band.rows], features[:, 2:, band.rows]
        frame = window.framed(parts, is_last=band.is_last)
        pieces.append(F.conv2d(frame, weight, stride=stride))

    torch.testing.assert_close(stacked(pieces, height // stride), whole)
    if stride == 1:
        assert all(piece.shape[2] % multiple == 0 for piece in pieces[:-1])
