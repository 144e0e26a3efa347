from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from photoenhance.networks.generator import Generator, Scheme
from photoenhance.training.validation import (
    SIDE,
    OriginalValidator,
    ReferenceValidator,
    UnpairedValidator,
    reduced,
)

CPU = torch.device("cpu")


class Fake(Generator):
    """Enhances by a function."""

    multiple = 1
    smallest = 1
    whole_bytes = 1.0

    def __init__(self, change=lambda image: image) -> None:
        super().__init__()
        self.change = change
        self.layer = nn.Conv2d(1, 1, 1)

    def initialise(self, *, gain: float, last: float) -> None:
        del gain, last

    def initialise_as_published(self) -> None:
        pass

    def forward(self, image: Tensor) -> Tensor:
        return self.change(image).clamp(0, 1)

    def schemes(self, height: int, width: int) -> Sequence[Scheme]:
        del height, width
        return []


class Mean(nn.Module):
    """Takes an image for its only feature map."""

    def forward(self, image: Tensor) -> list[Tensor]:
        return [image]


def lighter(power: float) -> Fake:
    return Fake(lambda image: image**power)


def tinted(red: float, green: float, blue: float) -> Fake:
    return Fake(lambda image: image + torch.tensor([red, green, blue])[:, None, None])


@pytest.fixture
def light(draw) -> list[np.ndarray]:
    return [draw(64, 80 + 8 * k) for k in range(6)]


@pytest.fixture
def dark(light) -> list[np.ndarray]:
    return [((pixels / 255) ** 2 * 255).astype(np.uint8) for pixels in light]


@pytest.fixture
def unpaired(light, dark) -> UnpairedValidator:
    return UnpairedValidator(dark[:3], light[3:], None, CPU)


@pytest.fixture
def made(light, dark) -> OriginalValidator:
    return OriginalValidator(dark, light, CPU)


def test_what_changes_nothing_is_as_far_from_the_look_as_before(unpaired) -> None:
    judged = unpaired.judge(Fake())

    assert judged.look == judged.score == 1
    assert judged.content == pytest.approx(1, abs=1e-5)
    assert judged.known is judged.psnr is None


def test_what_comes_near_the_look_scores_better(unpaired) -> None:
    scores = [unpaired.judge(lighter(power)).score for power in (1.0, 0.75, 0.5)]

    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.6


def test_a_look_that_costs_the_structure_scores_worse(unpaired) -> None:
    blurring = Fake(lambda image: nn.functional.avg_pool2d(image**0.5, 9, 1, 4))

    sharp, blurred = (unpaired.judge(each) for each in (lighter(0.5), blurring))

    assert blurred.content < 0.9 < sharp.content
    assert blurred.score > sharp.score + 0.1


def test_folders_of_one_look_are_apart_by_no_more_than_chance(light) -> None:
    same = UnpairedValidator(light[:3], light[:3], Mean(), CPU)
    alike = UnpairedValidator(light[:3], light[3:], Mean(), CPU)

    for validator in (same, alike):
        assert all(distance > 0 for distance in validator.before)
        assert validator.judge(Fake()).look == 1
        assert validator.judge(lighter(0.98)).look < 1.25


def test_one_distance_alone_does_not_decide(light) -> None:
    grey = [pixels.mean(axis=2, keepdims=True).repeat(3, axis=2).astype("u1") for pixels in light]

    judged = UnpairedValidator(grey[:3], grey[3:], None, CPU).judge(tinted(0.2, 0, 0))

    assert judged.look <= 1.25


def test_features_count_for_the_look(light, dark) -> None:
    without = UnpairedValidator(dark[:3], light[3:], None, CPU)
    with_features = UnpairedValidator(dark[:3], light[3:], Mean(), CPU)

    assert len(with_features.before) == len(without.before) + 1
    assert with_features.judge(Fake()).look == pytest.approx(1)


def test_with_references_the_psnr_decides(light, dark) -> None:
    judged = ReferenceValidator(dark, light, CPU).judge(Fake())

    differences = [(a / 255 - b / 255) ** 2 for a, b in zip(dark, light, strict=True)]
    expected = np.mean([-10 * np.log10(each.mean()) for each in differences])
    assert judged.psnr == judged.psnr_before == pytest.approx(expected, rel=1e-4)
    assert judged.score == -judged.psnr
    assert judged.known == "references"


def test_photos_made_worse_are_judged_by_their_originals(made) -> None:
    nothing, halfway, restored = (made.judge(each) for each in map(lighter, (1.0, 0.7, 0.5)))

    assert nothing.score > halfway.score > 5 * restored.score
    assert nothing.psnr == nothing.psnr_before < halfway.psnr < restored.psnr
    assert nothing.difference == nothing.difference_before
    assert restored.known == "originals"
    assert restored.look is None


def test_a_photo_that_was_hardly_made_worse_does_not_decide(light, dark) -> None:
    made = OriginalValidator([light[0], *dark[1:]], light, CPU)

    assert made.judge(lighter(0.7)).score < made.judge(Fake()).score


@pytest.mark.parametrize(
    ("generator", "towards"),
    [
        (tinted(0.04, 0, 0.04), "magenta"),
        (tinted(0, 0.06, 0), "green"),
        (tinted(0.04, 0.04, 0), "yellow"),
    ],
)
def test_a_cast_that_grows_is_seen(light, generator, towards) -> None:
    grey = [pixels.mean(axis=2, keepdims=True).repeat(3, axis=2).astype("u1") for pixels in light]

    for validator in (
        OriginalValidator(grey, grey, CPU),
        UnpairedValidator(grey[:3], grey[3:], None, CPU),
    ):
        found = validator.judge(generator).cast

        assert found.grows
        assert found.towards == towards
        assert 2 < found.strength < 12
        assert not validator.judge(tinted(0.004, 0, 0.004)).cast.grows


def test_a_cast_that_was_there_does_not_grow(light) -> None:
    green = [np.clip(pixels + np.array([0, 25, 0]), 0, 255).astype("u1") for pixels in light]
    made = OriginalValidator(green, light, CPU)

    unchanged, worse = (made.judge(each).cast for each in (Fake(), tinted(0, 0.1, 0)))

    assert unchanged.strength > 4
    assert not unchanged.grows
    assert worse.grows


def test_a_generator_that_is_broken_gets_no_score(made, unpaired) -> None:
    for change in (lambda image: image * torch.nan, lambda image: image * 0 + 0.5):
        for validator in (made, unpaired):
            judged = validator.judge(Fake(change))

            assert judged.score is None
            assert "the model gives" in judged.fault


def test_a_generator_is_judged_in_the_size_in_which_it_is_used(light, dark) -> None:
    seen = set()
    generator = Fake(lambda image: seen.add(min(image.shape[2:])) or image**0.5)
    generator.work_size = 32

    judged = OriginalValidator(dark, light, CPU).judge(generator)

    assert seen == {32}
    assert judged.psnr > judged.psnr_before + 5


def test_a_generator_is_left_as_it_was(made) -> None:
    generator = Fake().train()

    first, second = made.judge(generator), made.judge(generator)

    assert first == second
    assert generator.training
    assert generator.layer.weight.requires_grad


def test_photos_are_judged_small(draw) -> None:
    assert reduced(draw(2 * SIDE, 3 * SIDE)).shape == (SIDE, 3 * SIDE // 2, 3)
    small = draw(20, 30)
    assert reduced(small) is small
