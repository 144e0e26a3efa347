"""The discriminator's and the generator's loss of one step, as named terms."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from photoenhance.losses.adversarial import RelativisticHinge
from photoenhance.losses.color import chroma_l1
from photoenhance.losses.fidelity import multiscale_l1
from photoenhance.losses.perceptual import FidelityLoss
from photoenhance.training.config import Losses
from photoenhance.training.data import Batch


@dataclass(frozen=True, slots=True)
class OneWayObjective:
    """Source to target, and nothing back: the objective of UEGAN, and ours built on it.

    Attributes:
        generator: enhances.
        discriminator: returns one map of logits a scale.
        fidelity: compares the structure of two images.
        weights: of the generator's terms.
    """

    generator: nn.Module
    discriminator: nn.Module
    fidelity: FidelityLoss
    weights: Losses

    def discriminator_terms(self, batch: Batch, pooled: Tensor) -> dict[str, Tensor]:
        """Tell targets from earlier enhanced images, and from the sources as they are.

        Source: Ni et al. 2020 (UEGAN), section III-D, eq. 5.
        """
        hinge = RelativisticHinge()
        real = self.discriminator(batch.target)
        enhanced = self.discriminator(pooled)
        source = self.discriminator(batch.source)
        return {
            "real_enhanced": _over_scales(hinge.discriminator, real, enhanced),
            "real_source": _over_scales(hinge.discriminator, real, source),
        }

    def generator_terms(self, batch: Batch, enhanced: Tensor) -> dict[str, Tensor]:
        """Pass for a target, keep the source's structure, leave targets alone; each weighted.

        With `reconstruction` or `color`, made sources are held to their originals instead of to
        their own structure.
        """
        weights, terms = self.weights, {}
        made = len(batch.original)
        if weights.adversarial:
            real = self.discriminator(batch.target)
            fake = self.discriminator(enhanced)
            terms["adversarial"] = _over_scales(RelativisticHinge().generator, real, fake)
        free = made if weights.reconstruction or weights.color else 0
        if weights.fidelity and free < len(enhanced):
            terms["fidelity"] = self.fidelity(enhanced[free:], batch.source[free:])
        if weights.identity:
            terms["identity"] = multiscale_l1(self.generator(batch.target), batch.target)
        if weights.reconstruction and made:
            terms["reconstruction"] = multiscale_l1(enhanced[:made], batch.original)
        if weights.color and made:
            terms["color"] = chroma_l1(enhanced[:made], batch.original)
        return {name: getattr(weights, name) * term for name, term in terms.items()}


def _over_scales(
    loss: Callable[[Tensor, Tensor], Tensor], real: list[Tensor], fake: list[Tensor]
) -> Tensor:
    return torch.stack([loss(r, f) for r, f in zip(real, fake, strict=True)]).sum()
