"""Adversarial losses: each a pair of functions, one a side."""

import torch.nn.functional as F
from torch import Tensor


class RelativisticHinge:
    """Relativistic average hinge loss: each logit counts against the other side's mean logit.

    Source: Jolicoeur-Martineau 2018, the variant named RaHingeGAN, https://arxiv.org/abs/1807.00734.
    Differs: half the sum, as UEGAN trains with it.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Push real logits above, and fake logits below, the other side's mean by 1."""
        real_shortfall = F.relu(1 - (real - fake.mean()))
        fake_shortfall = F.relu(1 + (fake - real.mean()))
        return (real_shortfall.mean() + fake_shortfall.mean()) / 2

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Swap the two sides."""
        return self.discriminator(fake, real)


class Wasserstein:
    """The difference of mean scores, for a critic whose slope something else confines.

    Source: Arjovsky et al. 2017 (WGAN), eq. 2, https://arxiv.org/abs/1701.07875.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Score real images high and fake ones low."""
        return fake.mean() - real.mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Raise the fake images' scores; the real ones' do not depend on the generator."""
        del real
        return -fake.mean()


class RelativisticLeastSquares:
    """Relativistic average least squares: logits are held 1 above or at the other side's mean.

    Source: Jiang et al. 2021 (EnlightenGAN), eq. 3 and 4, https://arxiv.org/abs/1906.06972.
    Differs: half the sum, and no sigmoid, as in the authors' code.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Hold real logits 1 above, and fake logits at, the other side's mean."""
        real_error = (real - fake.mean() - 1).square().mean()
        fake_error = (fake - real.mean()).square().mean()
        return (real_error + fake_error) / 2

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Swap the two sides."""
        return self.discriminator(fake, real)


class LeastSquares:
    """Least squares loss: real logits are to be 1, fake ones 0.

    Source: Mao et al. 2017, eq. 9, https://arxiv.org/abs/1611.04076.
    Differs: the generator's is not halved, as in EnlightenGAN's code.
    """

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Pull real logits to 1, fake ones to 0."""
        return ((real - 1).square().mean() + fake.square().mean()) / 2

    def generator(self, fake: Tensor) -> Tensor:
        """Pull fake logits to 1."""
        return (fake - 1).square().mean()
