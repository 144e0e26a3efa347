import pytest
import torch
from skimage.color import rgb2lab
from torch import nn

from photoenhance.losses.adversarial import RelativisticHinge
from photoenhance.losses.color import chroma_l1, srgb_to_lab
from photoenhance.losses.fidelity import multiscale_l1
from photoenhance.losses.perceptual import FidelityLoss


class Planes(nn.Module):
    """The image itself as its two feature maps."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [image, image * 2]


def test_lab_agrees_with_scikit_image() -> None:
    image = torch.rand(1, 3, 20, 30)

    ours = srgb_to_lab(image)[0].permute(1, 2, 0).numpy()

    assert abs(ours - rgb2lab(image[0].permute(1, 2, 0).numpy())).max() < 0.02


def test_half_precision_takes_nothing_from_colours() -> None:
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    expected = srgb_to_lab(image)

    with torch.autocast("cpu", torch.bfloat16):
        found = srgb_to_lab(image)

    torch.testing.assert_close(found, expected)


def test_chroma_of_a_known_pair() -> None:
    grey = torch.full((1, 3, 2, 2), 0.5)
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)

    # sRGB red has a* = 80.1, b* = 67.2; grey has neither.
    assert float(chroma_l1(red, grey)) == pytest.approx((80.1 + 67.2) / 2 / 100, rel=5e-3)


def test_chroma_has_a_gradient_at_black() -> None:
    image = torch.zeros(1, 3, 2, 2, requires_grad=True)

    chroma_l1(image, torch.rand(1, 3, 2, 2)).backward()

    assert torch.isfinite(image.grad).all()


def test_relativistic_hinge_by_hand() -> None:
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0])

    # Means 2 and -1. Real: relu(1-2)=0, relu(1-4)=0. Fake: relu(1+0-2)=0, relu(1-2-2)=0.
    assert float(RelativisticHinge().discriminator(real, fake)) == 0
    # Swapped. Fake: relu(1-(0-2))=3, relu(1-(-2-2))=5, mean 4. Real: relu(1+1+1)=3, 5, mean 4.
    assert float(RelativisticHinge().generator(real, fake)) == pytest.approx(4)


def test_multiscale_l1_of_a_constant_difference() -> None:
    image = torch.full((1, 3, 8, 8), 0.6)

    loss = multiscale_l1(image, torch.full((1, 3, 8, 8), 0.5))

    assert float(loss) == pytest.approx(2 * 0.1 * (1 + 1 / 2 + 1 / 4), rel=1e-5)


def test_fidelity_ignores_tone_and_sees_structure() -> None:
    source = torch.rand(1, 3, 16, 16)
    loss = FidelityLoss(Planes())

    assert float(loss(source * 0.5 + 0.2, source)) < 1e-3
    assert float(loss(torch.rand(1, 3, 16, 16), source)) > 1


def test_fewer_layers_weigh_as_much_as_all() -> None:
    source, other = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)

    two_equal_maps = FidelityLoss(Planes())(other, source)

    distance = torch.nn.functional.mse_loss(
        torch.nn.functional.instance_norm(other), torch.nn.functional.instance_norm(source)
    )
    assert float(two_equal_maps) == pytest.approx(float(distance) * 1.09375, rel=1e-3)
