"""Source to target, and nothing back: the objective of UEGAN, and ours built on it."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from photoenhance.losses.adversarial import RelativisticHinge, RelativisticLeastSquares
from photoenhance.losses.color import chroma_l1
from photoenhance.losses.fidelity import charbonnier, log_mse, multiscale_l1
from photoenhance.losses.perceptual import FidelityLoss
from photoenhance.losses.tone import tone_distance
from photoenhance.networks import ARCHITECTURES
from photoenhance.networks.histogram import ColorTransform, quantiles
from photoenhance.networks.uegan import UEGANDiscriminator
from photoenhance.training.batches import Batch
from photoenhance.training.config import TrainConfig
from photoenhance.training.objective import Objective, Turn, Workplace, weighted
from photoenhance.training.players import Player, frozen
from photoenhance.training.pool import ImagePool
from photoenhance.training.state import Stateful

RELATIVISTIC: dict[str, type[RelativisticHinge] | type[RelativisticLeastSquares]] = {
    "hinge": RelativisticHinge,
    "least-squares": RelativisticLeastSquares,
}


class OneWayObjective(Objective):
    """The discriminator learns first, then the generator; both see the same enhanced images.

    With `reconstruction`, `color`, `tone` or `log_mse`, made sources are held to their originals
    instead of to their own structure. Any generator will do, and any discriminator that returns
    logits or a list of them, one a scale.
    """

    def __init__(self, config: TrainConfig, workplace: Workplace) -> None:
        super().__init__(config, workplace)
        self.generator = self.player(workplace.generator, config.optimiser.generator_rate)
        self.adversarial = RELATIVISTIC[config.losses.relativistic]()
        self.fidelity = None if workplace.features is None else FidelityLoss(workplace.features)
        self.pool = ImagePool(config.pool, workplace.device)
        self.judge: Player | None = None
        if config.losses.adversarial:
            build = ARCHITECTURES[config.architecture].discriminator
            network = build(workplace.generator.config)
            if isinstance(network, UEGANDiscriminator):
                network.initialise(gain=config.gain)
            self.judge = self.player(network, config.optimiser.discriminator_rate)

    def players(self) -> Mapping[str, Player]:
        """Name the generator and, where the loss has one, the discriminator."""
        judges = {} if self.judge is None else {"discriminator": self.judge}
        return {"generator": self.generator, **judges}

    def own_memory(self) -> Mapping[str, Stateful]:
        """Name the pool of earlier enhanced images."""
        return {"pool": self.pool}

    def turns(self, batch: Batch, step: int, random: torch.Generator) -> Iterator[Turn]:
        """Yield the discriminator's terms, then the generator's."""
        del step
        enhanced = self._enhanced(batch.source, batch.source_quantiles)
        if self.judge is not None and self._unjudged(batch) < len(enhanced):
            pooled = self.pool.query(enhanced[self._unjudged(batch) :], random)
            yield Turn(self.judge, self.discriminator_terms(self.judge, batch, pooled))
        with frozen(*([] if self.judge is None else [self.judge.network])):
            yield Turn(self.generator, self.generator_terms(batch, enhanced))

    def discriminator_terms(self, judge: Player, batch: Batch, pooled: Tensor) -> dict[str, Tensor]:
        """Tell targets from earlier enhanced images, and from the sources as they are.

        Source: Ni et al. 2020 (UEGAN), section III-D, eq. 5.
        """
        real = self._logits(judge, batch.target)
        enhanced = self._logits(judge, pooled)
        source = self._logits(judge, batch.source[self._unjudged(batch) :])
        return {
            "real_enhanced": _over_scales(self.adversarial.discriminator, real, enhanced),
            "real_source": _over_scales(self.adversarial.discriminator, real, source),
        }

    def generator_terms(self, batch: Batch, enhanced: Tensor) -> dict[str, Tensor]:
        """Pass for a target, keep the source's structure, leave targets alone; each weighted."""
        made = len(batch.original)
        free = (
            made if self.weights.know_originals else 0
        )  # those before are held to their originals instead
        terms: dict[str, Callable[[], Tensor]] = {
            "identity": lambda: self._identity(batch.target),
        }
        if self._unjudged(batch) < len(enhanced):
            terms["adversarial"] = lambda: self._adversarial(batch, enhanced)
        if self.fidelity is not None and free < len(enhanced):
            terms["fidelity"] = lambda: self._fidelity(enhanced[free:], batch.source[free:])
        if made:
            terms["reconstruction"] = lambda: multiscale_l1(enhanced[:made], batch.original)
            terms["color"] = lambda: chroma_l1(enhanced[:made], batch.original)
            source = batch.source[:made]
            terms["tone"] = lambda: tone_distance(source, enhanced[:made], batch.original)
            extent = batch.source_extent[:made]
            terms["log_mse"] = lambda: log_mse(enhanced[:made], batch.original, extent)
        return weighted(terms, self.weights)

    def _enhanced(self, image: Tensor, measured: Tensor | None = None) -> Tensor:
        """Enhance whole photos, or crops that pass for them, not clamped.

        Args:
            image: `(N, 3, H, W)`.
            measured: `(N, 8, 13)`, their quantiles; None measures them in the image.
        """
        enhanced = self.enhancer.unclamped(image).float()
        if self.enhancer.histogram is None:
            return enhanced
        measured = _quantiles(image) if measured is None else measured
        transform: ColorTransform = self.enhancer.histogram(measured)
        return enhanced + transform.change(image)

    def _unjudged(self, batch: Batch) -> int:
        """How many images, the first of the batch, the discriminator does not judge."""
        return len(batch.original) if self.weights.judged == "sources" else 0

    def _adversarial(self, batch: Batch, enhanced: Tensor) -> Tensor:
        assert self.judge is not None
        real = self._logits(self.judge, batch.target)
        fake = self._logits(self.judge, enhanced[self._unjudged(batch) :])
        return _over_scales(self.adversarial.generator, real, fake)

    def _identity(self, target: Tensor) -> Tensor:
        again = self._enhanced(target)
        compare = {"l1": multiscale_l1, "charbonnier": charbonnier}[self.weights.identity_form]
        return compare(again, target)

    def _fidelity(self, enhanced: Tensor, source: Tensor) -> Tensor:
        assert self.fidelity is not None
        return self.fidelity(enhanced, source)

    def _logits(self, judge: Player, image: Tensor) -> list[Tensor]:
        logits = judge.network(image)
        scales = logits if isinstance(logits, list) else [logits]
        return [self.processes.gathered(scale.float()) for scale in scales]


def _over_scales(
    loss: Callable[[Tensor, Tensor], Tensor], real: list[Tensor], fake: list[Tensor]
) -> Tensor:
    return torch.stack([loss(r, f) for r, f in zip(real, fake, strict=True)]).sum()


def _quantiles(image: Tensor) -> Tensor:
    """Measure the quantiles of whole images, `(N, 8, 13)`; as near as averaged pixels tell them."""
    pixels = image.detach().float().permute(0, 2, 3, 1).cpu().numpy()
    return torch.from_numpy(np.stack([quantiles(each) for each in pixels])).to(image.device)
