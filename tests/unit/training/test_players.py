import pytest
import torch
from torch import nn

from photoenhance.errors import TrainingError
from photoenhance.networks.enlightengan import EnlightenGANConfig, EnlightenGANGenerator
from photoenhance.training.config import Optimiser
from photoenhance.training.distributed import Processes
from photoenhance.training.players import Player, keep_statistics, player, share_of_rate
from photoenhance.training.watch import PATIENCE, Watch, is_flat

CPU = torch.device("cpu")


def optimiser(**changes: object) -> Optimiser:
    values = {
        "generator_rate": 0.1,
        "discriminator_rate": 0.1,
        "betas": (0.5, 0.999),
        "weight_decay": 0.0,
        "constant": 0.5,
    }
    return Optimiser(**{**values, **changes})


@pytest.fixture
def linear() -> Player:
    torch.manual_seed(0)
    return player(nn.Conv2d(3, 3, 1), 0.1, optimiser(), CPU, Processes())


def test_the_rate_is_constant_and_then_falls_to_nearly_nothing() -> None:
    shares = [share_of_rate(optimiser(), step, 100) for step in range(1, 101)]

    assert shares[:51] == [1.0] * 51
    assert shares[75] == pytest.approx(0.5)
    assert shares[-1] == pytest.approx(0.02)


def test_the_rate_falls_by_epochs() -> None:
    shares = [share_of_rate(optimiser(epoch=10), step, 100) for step in range(1, 101)]

    assert shares[:60] == [1.0] * 60
    assert shares[60:70] == [pytest.approx(0.8)] * 10
    assert shares[-1] == pytest.approx(0.2)


def test_uegans_code_sets_each_rate_a_step_late_and_wastes_its_last_epoch() -> None:
    epochs, each = 100, 225
    late = optimiser(epoch=each, late=True)

    def share(epoch: int, iteration: int) -> float:
        return share_of_rate(late, epoch * each + iteration + 1, epochs * each)

    # ../shared/specs/uegan.md, section 6.4
    assert share(49, 224) == 1
    assert share(50, 0) == 1
    assert share(50, 1) == pytest.approx(0.98)
    assert share(99, 0) == pytest.approx(0.02)
    assert share(99, 1) == 0


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_loss_that_is_no_number_changes_nothing(linear: Player, value: float) -> None:
    before = linear.network.weight.clone()

    with pytest.raises(TrainingError, match="identity: the loss is"):
        linear.update({"identity": linear.network(torch.ones(1, 3, 2, 2)).sum() * value})

    assert torch.equal(linear.network.weight, before)


def test_a_gradient_that_is_no_number_changes_nothing(linear: Player) -> None:
    before = linear.network.weight.clone()
    shortfall = (linear.network(torch.ones(1, 3, 2, 2)) * 0).abs().sqrt().sum()

    with pytest.raises(TrainingError, match="color: the gradient is nan"):
        linear.update({"color": shortfall})

    assert torch.equal(linear.network.weight, before)


def test_long_gradients_are_clipped_when_asked() -> None:
    network = nn.Conv2d(3, 3, 1)
    clipped = player(network, 0.1, optimiser(clip=1.0), CPU, Processes())

    clipped.update({"color": 1e6 * network(torch.ones(1, 3, 2, 2)).sum()})

    total = sum(float(p.grad.square().sum()) for p in network.parameters())
    assert total == pytest.approx(1, rel=1e-4)


def test_kept_statistics_do_not_move_and_are_used() -> None:
    torch.manual_seed(0)
    generator = EnlightenGANGenerator(EnlightenGANConfig(width=4)).train()
    image = torch.rand(2, 3, 32, 32)
    keep_statistics(generator)
    before = generator.bn1_1.running_mean.clone()

    learning = generator.unclamped(image)

    assert torch.equal(generator.bn1_1.running_mean, before)
    torch.testing.assert_close(generator.eval().unclamped(image), learning)


def test_a_discriminator_that_has_won_for_long_ends_the_run() -> None:
    watch = Watch(CPU)
    for _ in range(PATIENCE - 1):
        watch.look({"real_enhanced": torch.tensor(1e-4)})
    watch.check()

    watch.look({"real_enhanced": torch.tensor(1e-4)})

    with pytest.raises(TrainingError, match="the discriminator has won"):
        watch.check()


def test_a_discriminator_that_recovers_is_left_alone() -> None:
    watch = Watch(CPU)

    for step in range(3 * PATIENCE):
        watch.look({"real_enhanced": torch.tensor(1.0 if step % 50 == 0 else 1e-4)})

    watch.check()


def test_flat_images_are_seen() -> None:
    assert is_flat(torch.full((2, 3, 8, 8), 0.3))
    assert not is_flat(torch.rand(2, 3, 8, 8))
