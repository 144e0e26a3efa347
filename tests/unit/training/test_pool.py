import pytest
import torch

from photoenhance.training.ema import ExponentialMovingAverage
from photoenhance.training.pool import ImagePool

CPU = torch.device("cpu")


def numbered(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def test_a_pool_that_is_not_full_gives_back_what_it_is_shown() -> None:
    pool, random = ImagePool(3, CPU), torch.Generator().manual_seed(0)

    shown = numbered(1, 2, 3)

    assert torch.equal(pool.query(shown, random), shown)


def test_a_full_pool_gives_back_old_images_half_of_the_time_and_keeps_the_new_ones() -> None:
    pool, random = ImagePool(50, CPU), torch.Generator().manual_seed(0)
    pool.query(numbered(*range(50)), random)

    returned = pool.query(numbered(*range(1000, 2000)), random)[:, 0, 0, 0]

    news = (returned == torch.arange(1000, 2000)).sum()
    assert 430 < news < 570
    assert (returned != torch.arange(1000, 2000)).any()
    assert pool.count == 50


def test_a_resumed_pool_is_where_its_images_are_shown() -> None:
    # The device "meta" holds no values, and refuses to mix with others as a GPU does.
    before = ImagePool(3, CPU)
    before.query(numbered(1, 2, 3), torch.Generator())
    pool = ImagePool(3, torch.device("meta"))
    pool.load_state_dict(before.state_dict())

    returned = pool.query(numbered(*range(8)).to("meta"), torch.Generator().manual_seed(0))

    assert returned.device.type == "meta"
    assert returned.shape == (8, 3, 2, 2)


def test_a_pool_goes_on_from_its_state_bit_for_bit() -> None:
    pool, again = ImagePool(5, CPU), ImagePool(5, CPU)
    pool.query(numbered(1, 2, 3), torch.Generator())
    again.load_state_dict(pool.state_dict())

    for shown in (numbered(4, 5, 6), numbered(*range(7, 30))):
        one = pool.query(shown, torch.Generator().manual_seed(1))
        other = again.query(shown, torch.Generator().manual_seed(1))
        assert torch.equal(one, other)


def test_a_smaller_pool_takes_as_many_images_as_it_holds() -> None:
    before, pool = ImagePool(5, CPU), ImagePool(2, CPU)
    before.query(numbered(1, 2, 3), torch.Generator())

    pool.load_state_dict(before.state_dict())

    assert torch.equal(pool.state_dict()["images"], numbered(1, 2))


def test_images_of_another_size_begin_the_pool_anew() -> None:
    pool, random = ImagePool(2, CPU), torch.Generator().manual_seed(0)
    pool.query(numbered(1, 2), random)

    shown = torch.rand(1, 3, 4, 4)

    assert torch.equal(pool.query(shown, random), shown)
    assert pool.count == 1


def test_pooled_images_carry_no_gradient() -> None:
    pool, random = ImagePool(2, CPU), torch.Generator().manual_seed(0)

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
