import pytest
import torch
from torch import Tensor

from photoenhance.losses.adversarial import Wasserstein
from photoenhance.losses.fidelity import log_mse, mse_inside
from photoenhance.losses.gradient_penalty import (
    AdaptiveWeight,
    GrowingWeight,
    gradient_norms,
    one_sided_penalty,
    two_sided_penalty,
)


def square_sum(image: Tensor) -> Tensor:
    """A critic whose gradient is the image itself."""
    return (image**2).sum(dim=(1, 2, 3)) / 2


def test_a_slope_is_measured_between_real_and_fake() -> None:
    real, fake = torch.zeros(2, 3, 2, 2), torch.ones(2, 3, 2, 2)

    norms = gradient_norms(square_sum, real, fake, torch.tensor([0.25, 1.0]))

    torch.testing.assert_close(norms.detach(), torch.tensor([0.25, 1.0]) * 12**0.5)


def test_the_penalty_trains_the_critic_and_nothing_else() -> None:
    steepness = torch.tensor(3.0, requires_grad=True)
    real = torch.rand(2, 3, 2, 2, requires_grad=True)

    norms = gradient_norms(
        lambda image: steepness * image[:, 0, 0, 0], real, torch.rand(2, 3, 2, 2), torch.rand(2)
    )
    one_sided_penalty(norms).backward()

    assert float(steepness.grad) == pytest.approx(1)
    assert real.grad is None


def test_one_side_forgives_what_two_sides_do_not() -> None:
    norms = torch.tensor([0.5, 3.0])

    assert float(one_sided_penalty(norms)) == pytest.approx((0 + 2) / 2)
    assert float(two_sided_penalty(norms)) == pytest.approx((0.25 + 4) / 2)


def test_wasserstein_by_hand() -> None:
    real, fake = torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0])

    assert float(Wasserstein().discriminator(real, fake)) == pytest.approx(0.5 - 2)
    assert float(Wasserstein().generator(real, fake)) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("norm", "expected"), [(1.06, 20.0), (1.049, 10.0), (1.02, 10.0), (1.002, 10.0), (0.9, 5.0)]
)
def test_fifty_steps_outside_both_bounds_change_the_weight_once(
    norm: float, expected: float
) -> None:
    controller = AdaptiveWeight(10.0)

    for _ in range(49):
        controller.update(torch.tensor([norm - 0.5, norm + 0.5], dtype=torch.float64))
    before = controller.weight
    controller.update(torch.tensor([norm], dtype=torch.float64))
    after = controller.weight
    controller.update(torch.tensor([norm], dtype=torch.float64))

    assert (before, after, controller.weight) == (10.0, expected, expected)


def test_the_window_slides_while_all_is_well() -> None:
    controller = AdaptiveWeight(10.0)
    for _ in range(60):
        controller.update(torch.tensor([1.02]))

    for _ in range(50):
        controller.update(torch.tensor([2.0]))
        if controller.weight != 10:
            break

    # Two steps of 2.0 among fifty lift the mean to 1.059.
    assert controller.weight == 20
    assert len(controller.state_dict()["norms"]) == 0


@pytest.mark.parametrize(("norm", "limit"), [(0.1, 0.1), (9.0, 1000.0)])
def test_the_weight_stays_in_the_range_that_the_paper_starts_from(
    norm: float, limit: float
) -> None:
    controller = AdaptiveWeight(10.0)

    for _ in range(50 * 20):
        controller.update(torch.tensor([norm]))

    assert controller.weight == limit


@pytest.mark.parametrize("kind", [AdaptiveWeight, GrowingWeight])
def test_a_controller_resumes_where_it_was(kind: type) -> None:
    norms = 1 + torch.rand(400, 3, generator=torch.Generator().manual_seed(1)) / 4
    straight, first, second = kind(3.0), kind(3.0), kind()

    for norm in norms:
        straight.update(norm)
    for norm in norms[:120]:
        first.update(norm)
    second.load_state_dict(first.state_dict())
    for norm in norms[120:]:
        second.update(norm)

    assert second.state_dict() == straight.state_dict()
    assert straight.weight > 3


def test_only_the_photo_in_the_square_counts() -> None:
    image, wanted = torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4)
    image[0, :, :2, :3] = 0.5  # inside
    image[0, :, 2:] = 9.0  # below the photo
    image[1, 0, 0, 0] = 1.0

    errors = mse_inside(image, wanted, torch.tensor([[2, 3], [4, 4]]))

    torch.testing.assert_close(errors, torch.tensor([0.25, 1 / 48]))


def test_the_logarithm_is_a_tenth_of_the_psnr() -> None:
    image = torch.tensor([0.1, 0.01]).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    sizes = torch.tensor([[4, 4], [4, 4]])

    loss = log_mse(image, torch.zeros(2, 3, 4, 4), sizes)

    assert float(loss) == pytest.approx(-(20 + 40) / 2 / 10)
    assert float(log_mse(image, image, sizes)) == pytest.approx(-10)
