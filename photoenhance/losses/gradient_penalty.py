"""How steep a critic may be, and controllers that weigh the penalty for being steeper."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def gradient_norms(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """Return how steep a critic is between real and fake, `(N,)`: a norm over all values.

    Args:
        critic: maps `(N, 3, H, W)` to one score an image, which no other image touches.
        real: `(N, 3, H, W)`.
        fake: same shape; neither gets a gradient.
        mix: `(N,)` in [0, 1]; 0 looks at the real images, 1 at the fake ones.

    Source: Gulrajani et al. 2017 (WGAN-GP), algorithm 1, https://arxiv.org/abs/1704.00028.
    """
    real, fake = real.detach(), fake.detach()
    between = torch.lerp(real, fake, mix.view(-1, 1, 1, 1)).requires_grad_()
    with torch.enable_grad():
        score = critic(between).sum()
        (gradient,) = torch.autograd.grad(score, between, create_graph=True)
    return torch.linalg.vector_norm(gradient.flatten(1), dim=1)


def one_sided_penalty(norms: Tensor) -> Tensor:
    """Mean excess of gradient norms `(N,)` over 1; a gentler slope costs nothing.

    Source: Chen et al. 2018 (DPE), section 4.2, A-WGAN.
    """
    return F.relu(norms - 1).mean()


def two_sided_penalty(norms: Tensor) -> Tensor:
    """Mean squared distance of gradient norms `(N,)` from 1.

    Source: Gulrajani et al. 2017 (WGAN-GP), eq. 3, https://arxiv.org/abs/1704.00028.
    """
    return ((norms - 1) ** 2).mean()


class AdaptiveWeight:
    """Doubles a penalty's weight while the critic is too steep, halves it while it is too tame.

    Source: Chen et al. 2018 (DPE), section 4.2: the mean gradient norm over the last 50 steps is
    held between 1.001 and 1.05.
    Differs: after a change the next 50 steps are awaited, so that they show what it did; and the
    weight stays in the range from which the paper starts. A new critic is tame for thousands of
    steps, and would otherwise have no penalty left when it no longer is.

    Attributes:
        weight: of the penalty in the next step.
    """

    WINDOW = 50
    LOWER, UPPER = 1.001, 1.05
    LEAST, MOST = 0.1, 1000.0

    def __init__(self, weight: float = 10.0) -> None:
        self.weight = weight
        self._norms: list[float] = []

    def update(self, norms: Tensor) -> None:
        """Take note of the gradient norms `(N,)` of a step that the weight was used in."""
        self._norms.append(float(norms.detach().mean()))
        if len(self._norms) < self.WINDOW:
            return
        average = sum(self._norms) / self.WINDOW
        if average > self.UPPER or average < self.LOWER:
            changed = self.weight * 2 if average > self.UPPER else self.weight / 2
            self.weight = min(max(changed, self.LEAST), self.MOST)
            self._norms.clear()
        else:
            self._norms.pop(0)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"weight": self.weight, "norms": list(self._norms)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another controller was."""
        self.weight, self._norms = state["weight"], list(state["norms"])


class GrowingWeight:
    """Doubles a penalty's weight while the penalty itself is too high; never halves it.

    Source: the released code of Chen et al. 2018 (DPE). It averages the excess over 1, leaves the
    first step out, and after a change lets 50 steps pass.

    Attributes:
        weight: of the penalty in the next step.
    """

    DECAY = 0.99
    UPPER = 0.05
    WAIT = 50

    def __init__(self, weight: float = 10.0) -> None:
        self.weight = weight
        self._average = 0.0
        self._wait = 0
        self._is_first = True

    @property
    def average(self) -> float:
        """The running average of the penalty since the last change."""
        return self._average

    def update(self, norms: Tensor) -> None:
        """Take note of the gradient norms `(N,)` of a step that the weight was used in."""
        if self._is_first:
            self._is_first = False
            return
        penalty = float(one_sided_penalty(norms.detach()))
        self._average = self.DECAY * self._average + (1 - self.DECAY) * penalty
        if self._average > self.UPPER and self._wait == 0:
            self.weight *= 2
            self._average = 0.0
            self._wait = self.WAIT
        self._wait = max(self._wait - 1, 0)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {
            "weight": self.weight,
            "average": self._average,
            "wait": self._wait,
            "is_first": self._is_first,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another controller was."""
        self.weight, self._average = state["weight"], state["average"]
        self._wait, self._is_first = state["wait"], state["is_first"]
