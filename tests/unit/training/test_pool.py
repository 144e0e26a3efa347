import pytest
import torch

from photoenhance.training.ema import ExponentialMovingAverage
from photoenhance.training.pool import ImagePool


def numbered(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def test_a_pool_that_is_not_full_gives_back_what_it_is_shown() -> None:
    pool, random = ImagePool(3), torch.Generator().manual_seed(0)

    shown = numbered(1, 2, 3)

    assert torch.equal(pool.query(shown, random), shown)


def test_a_full_pool_gives_back_old_images_half_of_the_time_and_keeps_the_new_ones() -> None:
    pool, random = ImagePool(50), torch.Generator().manual_seed(0)
    pool.query(numbered(*range(50)), random)

    returned = pool.query(numbered(*range(1000, 2000)), random)[:, 0, 0, 0]

    news = (returned == torch.arange(1000, 2000)).sum()
    assert 430 < news < 570
    assert (returned != torch.arange(1000, 2000)).any()
    assert len(pool.images) == 50


def test_pooled_images_carry_no_gradient() -> None:
    pool, random = ImagePool(2), torch.Generator().manual_seed(0)

    returned = pool.query(numbered(1, 2).clone().requires_grad_(), random)

    assert not returned.requires_grad


def test_the_average_trails_the_weights() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(module.weight)
    average = ExponentialMovingAverage(module, 0.9)
    torch.nn.init.ones_(module.weight)

    values = []
    for _ in range(200):
        average.update(module)
        values.append(float(average.module.weight))

    assert values == sorted(values)
    assert values[0] == pytest.approx(1 - 1 / 10)
    assert 1 - values[-1] < 1e-6
