import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from photoenhance.training.validation import SIDE, Validator, reduced

CPU = torch.device("cpu")


class Lighter(nn.Module):
    """Makes images lighter by a power, and blurs them if asked."""

    def __init__(self, power: float, blur: int = 1) -> None:
        super().__init__()
        self.power = power
        self.blur = blur

    def forward(self, image: Tensor) -> Tensor:
        lighter = image**self.power
        return nn.functional.avg_pool2d(lighter, self.blur, 1, self.blur // 2)


@pytest.fixture
def light(draw) -> list[np.ndarray]:
    return [draw(64, 80 + 8 * k) for k in range(3)]


@pytest.fixture
def dark(light) -> list[np.ndarray]:
    return [((pixels / 255) ** 2 * 255).astype(np.uint8) for pixels in light]


def test_what_changes_nothing_is_as_far_from_the_look_as_before(light, dark) -> None:
    judged = Validator(dark, light, [], None, CPU).judge(nn.Identity())

    assert judged.look == pytest.approx(1)
    assert judged.content == pytest.approx(1, abs=1e-5)
    assert judged.psnr is None


def test_what_reaches_the_look_scores_best(light, dark) -> None:
    validator = Validator(dark, light, [], None, CPU)

    scores = [validator.judge(Lighter(power)).score for power in (1.0, 0.75, 0.5)]

    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.1


def test_a_look_that_costs_the_structure_scores_worse(light, dark) -> None:
    validator = Validator(dark, light, [], None, CPU)

    sharp, blurred = (validator.judge(Lighter(0.5, blur)) for blur in (1, 9))

    assert blurred.content < 0.9 < sharp.content
    assert blurred.score > sharp.score + 0.1


def test_with_references_the_psnr_decides(light, dark) -> None:
    judged = Validator(dark, light, light, None, CPU).judge(nn.Identity())

    differences = [(a / 255 - b / 255) ** 2 for a, b in zip(dark, light, strict=True)]
    expected = np.mean([-10 * np.log10(each.mean()) for each in differences])
    assert judged.psnr == pytest.approx(expected, rel=1e-4)
    assert judged.score == -judged.psnr


def test_features_count_for_the_look(light, dark) -> None:
    class Mean(nn.Module):
        def forward(self, image: Tensor) -> list[Tensor]:
            return [image]

    plain = Validator(dark, light, [], None, CPU)
    with_features = Validator(dark, light, [], Mean(), CPU)

    assert len(with_features.wanted) == len(plain.wanted) + 1
    assert with_features.judge(nn.Identity()).look == pytest.approx(1)


def test_photos_are_judged_small(draw) -> None:
    assert reduced(draw(2 * SIDE, 3 * SIDE)).shape == (SIDE, 3 * SIDE // 2, 3)
    small = draw(20, 30)
    assert reduced(small) is small
    assert cv2.mean(reduced(draw(2 * SIDE, 2 * SIDE)))[0] > 0
