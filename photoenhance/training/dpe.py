"""The objectives of DPE: in one direction, in both, and with the answers given."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from photoenhance.losses.adversarial import Wasserstein
from photoenhance.losses.color import chroma_l1
from photoenhance.losses.fidelity import log_mse, mse_inside
from photoenhance.losses.gradient_penalty import (
    AdaptiveWeight,
    GrowingWeight,
    gradient_norms,
    one_sided_penalty,
)
from photoenhance.networks.dpe import DPEDiscriminator, DPEGenerator
from photoenhance.training.batches import Batch
from photoenhance.training.config import TrainConfig
from photoenhance.training.objective import Objective, Turn, Workplace, weighted
from photoenhance.training.players import Player, frozen
from photoenhance.training.state import Stateful

PENALTY_RULES: dict[str, type[AdaptiveWeight] | type[GrowingWeight]] = {
    "paper": AdaptiveWeight,
    "released": GrowingWeight,
}
REAL, MADE = 0, 1  # sets of norms: of photos, and of what the other generator made of photos


class OneWayDPEObjective(Objective):
    """A critic of targets with a penalty that adapts itself; every source stays near itself.

    Source: Chen et al. 2018 (DPE), section 4: A-WGAN.
    """

    def __init__(self, config: TrainConfig, workplace: Workplace) -> None:
        super().__init__(config, workplace)
        generator = workplace.generator
        assert isinstance(generator, DPEGenerator)
        self.network = generator
        optimiser = config.optimiser
        self.generator = self.player(generator, optimiser.generator_rate)
        critic = DPEDiscriminator(generator.config)
        self.critic = self.player(critic, optimiser.discriminator_rate)
        self.penalty = PENALTY_RULES[config.losses.penalty_rule](config.losses.penalty)

    def players(self) -> Mapping[str, Player]:
        """Name the generator and the critic."""
        return {"generator": self.generator, "critic": self.critic}

    def memory(self) -> Mapping[str, Stateful]:
        """Name what weighs the penalty."""
        return {"penalty": self.penalty}

    def turns(self, batch: Batch, step: int, random: torch.Generator) -> Iterator[Turn]:
        """Yield the critic's terms in every step, the generator's in the first of some."""
        with torch.no_grad(), _evaluating(self.network):
            fake = self.network.unclamped(batch.source).float()
        mix = torch.rand(len(fake), generator=random).to(self.device)
        network = self.critic.network
        score = Wasserstein().discriminator(network(batch.target), network(fake))
        norms = gradient_norms(network, batch.target, fake, mix)
        penalty = self.penalty.weight * one_sided_penalty(norms)
        yield Turn(self.critic, {"score": score.float(), "penalty": penalty})
        self.penalty.update(self.processes.mean(norms.detach()))
        if (step - 1) % self.config.optimiser.critic_steps == 0:
            enhanced = self.network.unclamped(batch.source).float()
            with frozen(network):
                yield Turn(self.generator, self._generator_terms(batch, enhanced))

    def _generator_terms(self, batch: Batch, enhanced: Tensor) -> dict[str, Tensor]:
        made = len(batch.original)
        extent = batch.source_extent
        return weighted(
            {
                "adversarial": lambda: -self.critic.network(enhanced).float().mean(),
                "identity": lambda: mse_inside(enhanced, batch.source, extent).mean(),
                "reconstruction": lambda: (enhanced[:made] - batch.original).abs().mean(),
                "color": lambda: chroma_l1(enhanced[:made], batch.original),
            },
            self.weights,
        )


class TwoWayDPEObjective(Objective):
    """Two generators and two critics: there, back, and there and back again.

    Source: Chen et al. 2018 (DPE), sections 4 and 5; the order of the moves is the authors' code's.
    Each generator has two sets of norms: one for photos, one for what the other generator made.
    """

    def __init__(self, config: TrainConfig, workplace: Workplace) -> None:
        super().__init__(config, workplace)
        forth = workplace.generator
        assert isinstance(forth, DPEGenerator)
        self.forth, self.back = forth, DPEGenerator(forth.config)
        self.to_target = DPEDiscriminator(forth.config)
        self.to_source = DPEDiscriminator(forth.config)
        # One optimiser for each pair, as in the code.
        rate = config.optimiser.generator_rate
        self.generator = self.player(nn.ModuleList([self.forth, self.back]), rate)
        rate = config.optimiser.discriminator_rate
        self.critics = self.player(nn.ModuleList([self.to_target, self.to_source]), rate)
        rule = PENALTY_RULES[config.losses.penalty_rule]
        self.penalties = [rule(config.losses.penalty) for _ in range(2)]

    def players(self) -> Mapping[str, Player]:
        """Name the pair of generators and the pair of critics."""
        return {"generators": self.generator, "critics": self.critics}

    def memory(self) -> Mapping[str, Stateful]:
        """Name what weighs the penalties."""
        return dict(zip(("penalty_target", "penalty_source"), self.penalties, strict=True))

    def turns(self, batch: Batch, step: int, random: torch.Generator) -> Iterator[Turn]:
        """Yield the critics' terms in every step, the generators' in the first of some."""
        with torch.no_grad(), _evaluating(self.forth), _evaluating(self.back):
            fakes = [self.forth.unclamped(batch.source), self.back.unclamped(batch.target)]
        mixes = torch.rand(2, len(batch.source), generator=random).to(self.device)
        terms, slopes = self._critic_terms(batch, fakes, mixes)
        yield Turn(self.critics, terms)
        for penalty, slope in zip(self.penalties, slopes, strict=True):
            penalty.update(self.processes.mean(slope))
        if (step - 1) % self.config.optimiser.critic_steps == 0:
            with frozen(self.to_target, self.to_source):
                yield Turn(self.generator, self._generator_terms(batch))

    def _critic_terms(
        self, batch: Batch, fakes: list[Tensor], mixes: Tensor
    ) -> tuple[dict[str, Tensor], list[Tensor]]:
        critics, reals = (self.to_target, self.to_source), (batch.target, batch.source)
        score, cost, slopes = torch.zeros(()), torch.zeros(()), []
        for critic, real, fake, mix, penalty in zip(
            critics, reals, fakes, mixes, self.penalties, strict=True
        ):
            score = score + Wasserstein().discriminator(critic(real), critic(fake.float()))
            slopes.append(gradient_norms(critic, real, fake.float(), mix))
            cost = cost + penalty.weight * one_sided_penalty(slopes[-1])
        return {"score": score, "penalty": cost}, slopes

    def _generator_terms(self, batch: Batch) -> dict[str, Tensor]:
        source, target = batch.source, batch.target
        to_target = self.forth.unclamped(source, REAL).float()
        to_source = self.back.unclamped(target, REAL).float()
        source_again = self.back.unclamped(to_target.clamp(0, 1), MADE).float()
        target_again = self.forth.unclamped(to_source.clamp(0, 1), MADE).float()
        of_source, of_target = batch.source_extent, batch.target_extent

        def error(image: Tensor, wanted: Tensor, extent: Tensor) -> Tensor:
            return mse_inside(image, wanted, extent).mean()

        return weighted(
            {
                "adversarial": lambda: (
                    -self.to_target(to_target).mean() - self.to_source(to_source).mean()
                ),
                "identity": lambda: (
                    error(to_target, source, of_source) + error(to_source, target, of_target)
                ),
                "cycle": lambda: (
                    error(source_again, source, of_source) + error(target_again, target, of_target)
                ),
            },
            self.weights,
        )


class SupervisedObjective(Objective):
    """The answers are known: each source has its original.

    Source: the code of Chen et al. 2018 (DPE), supervised training: the logarithm of the error.
    """

    def __init__(self, config: TrainConfig, workplace: Workplace) -> None:
        super().__init__(config, workplace)
        self.generator = self.player(workplace.generator, config.optimiser.generator_rate)

    def players(self) -> Mapping[str, Player]:
        """Name the generator."""
        return {"generator": self.generator}

    def turns(self, batch: Batch, step: int, random: torch.Generator) -> Iterator[Turn]:
        """Yield the generator's one term."""
        del step, random
        made = len(batch.original)
        enhanced = self.enhancer.unclamped(batch.source[:made]).float()
        error = log_mse(enhanced, batch.original, batch.source_extent[:made])
        yield Turn(self.generator, {"log_mse": self.weights.log_mse * error})


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Use a network's running statistics for a while: the critics' fakes are made so.

    Afterwards each module is in its former mode: some norms may have to keep their statistics.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
