import numpy as np
import pytest
import torch

from photoenhance.imaging.photo import Photo
from photoenhance.inference.device import choose, keep_digits
from photoenhance.inference.enhancer import Enhancer


def test_only_nvidias_gpus_are_told_to_keep_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)

    keep_digits(torch.device("cpu"))
    before = torch.backends.cudnn.allow_tf32
    keep_digits(torch.device("cuda"))

    assert before
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_exact_results_are_those_of_the_cpu(
    generator, draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    photo, device = Photo(draw(300, 400)), choose("cuda")
    keep_digits(device)

    expected = Enhancer(generator, choose("cpu"), rendering="strips").enhance(photo).photo.pixels
    found = Enhancer(generator, device, rendering="strips").enhance(photo).photo.pixels
    generator.cpu()

    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_half_precision_moves_few_samples_by_more_than_a_level(generator, draw) -> None:
    photo, device = Photo(draw(300, 400)), choose("cuda")

    full = Enhancer(generator, device).enhance(photo).photo.pixels.astype(int)
    half = Enhancer(generator, device, precision="fp16").enhance(photo).photo.pixels
    generator.cpu()

    assert (np.abs(half - full) <= 1).mean() >= 0.999
