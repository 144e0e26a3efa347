"""The objective of EnlightenGAN."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from photoenhance.losses.adversarial import LeastSquares, RelativisticLeastSquares
from photoenhance.losses.perceptual import SelfFeaturePreserving
from photoenhance.networks.enlightengan import (
    EnlightenGANGenerator,
    patch_discriminator,
    photo_discriminator,
)
from photoenhance.training.batches import Batch
from photoenhance.training.config import TrainConfig
from photoenhance.training.objective import Objective, Turn, Workplace
from photoenhance.training.players import Player, frozen

PATCH = 32
PATCHES = 6  # the code takes one, and five more
DIVISORS = (200, 400)  # hundredths by which a source is darkened, both included


class EnlightenGANObjective(Objective):
    """The generator learns first; then one discriminator of photos and one of patches.

    Source: Jiang et al. 2021, section 3, in the order and with the weights of the authors' code:
    relativistic least squares on photos, least squares on patches, and the features of the source
    kept, whole and in patches.
    Differs: the pool of earlier images that the code fills, and never uses, is left out.
    """

    def __init__(self, config: TrainConfig, workplace: Workplace) -> None:
        super().__init__(config, workplace)
        generator = workplace.generator
        assert isinstance(generator, EnlightenGANGenerator)
        assert workplace.features is not None
        self.preserving = SelfFeaturePreserving(workplace.features).to(self.device)
        rates = config.optimiser
        self.generator = self.player(generator, rates.generator_rate)
        photos, patches = (
            photo_discriminator(generator.config),
            patch_discriminator(generator.config),
        )
        for network in (photos, patches):
            network.initialise_as_published()
        self.photos = self.player(photos, rates.discriminator_rate)
        self.patches = self.player(patches, rates.discriminator_rate)

    def players(self) -> Mapping[str, Player]:
        """Name the generator and both discriminators."""
        return {"generator": self.generator, "photos": self.photos, "patches": self.patches}

    def turns(self, batch: Batch, step: int, random: torch.Generator) -> Iterator[Turn]:
        """Yield the generator's terms, then each discriminator's, on the same enhanced images."""
        del step
        source = self._darkened(batch.source, random)
        kept = torch.cat([batch.original, batch.source[len(batch.original) :]])
        enhanced = self.enhancer.unclamped(source).float()
        places = _places(batch.source, random)
        fake, real = _patches(enhanced, places), _patches(batch.target, places)
        with frozen(self.photos.network, self.patches.network):
            yield Turn(self.generator, self._generator_terms(batch, enhanced, fake, kept, places))

        enhanced, fake = enhanced.detach(), fake.detach()
        photos = RelativisticLeastSquares().discriminator(
            self._everywhere(self.photos, batch.target), self._everywhere(self.photos, enhanced)
        )
        yield Turn(self.photos, {"photos": photos})
        patches = LeastSquares().discriminator(
            self.patches.network(real).float(), self.patches.network(fake).float()
        )
        yield Turn(self.patches, {"patches": patches})

    def _generator_terms(
        self, batch: Batch, enhanced: Tensor, fake: Tensor, kept: Tensor, places: Tensor
    ) -> dict[str, Tensor]:
        weights = self.weights
        real_logits = self._everywhere(self.photos, batch.target)
        fake_logits = self._everywhere(self.photos, enhanced)
        adversarial = RelativisticLeastSquares().generator(real_logits, fake_logits)
        local = LeastSquares().generator(self.patches.network(fake).float())
        whole = self.preserving(enhanced, kept)
        pieces = self.preserving(fake, _patches(kept, places))
        return {
            "adversarial": weights.adversarial * adversarial,
            "local": weights.local * local,
            "fidelity": weights.fidelity * (whole + pieces),
        }

    def _everywhere(self, judge: Player, image: Tensor) -> Tensor:
        return self.processes.gathered(judge.network(image).float())

    def _darkened(self, source: Tensor, random: torch.Generator) -> Tensor:
        """Divide a share of the sources by 2 to 4; what they were is what is to be preserved."""
        chosen = torch.rand(len(source), generator=random) < self.config.framing.brightness
        low, high = DIVISORS
        divisors = torch.randint(low, high + 1, (len(source),), generator=random) / 100
        divisors = torch.where(chosen, divisors, 1.0).to(source.device)
        return source / divisors.view(-1, 1, 1, 1)


def _places(image: Tensor, random: torch.Generator) -> Tensor:
    """Draw the corners of the patches, `(PATCHES, 2)`, one set for the whole batch.

    Differs: the last place along each side is drawn too; the code forgets it.
    """
    height, width = image.shape[2:]
    rows = torch.randint(height - PATCH + 1, (PATCHES, 1), generator=random)
    columns = torch.randint(width - PATCH + 1, (PATCHES, 1), generator=random)
    return torch.cat([rows, columns], dim=1)


def _patches(image: Tensor, places: Tensor) -> Tensor:
    """Cut `(PATCHES * N, 3, 32, 32)` out of `(N, 3, H, W)`, patch by patch."""
    cut = [image[:, :, top : top + PATCH, left : left + PATCH] for top, left in places.tolist()]
    return torch.cat(cut)
