"""Sees when a run goes wrong although its losses are numbers."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from photoenhance.errors import TrainingError

PATIENCE = 200  # steps in a row that something must be wrong
WON = 1e-3  # a discriminator's loss below which nothing is left to learn from it
FLAT = 1e-3  # deviation of enhanced images below which they are one flat colour
JUDGES = ("real_enhanced", "photos")  # terms of a discriminator that has won when they are near 0


class Watch:
    """Ends a run whose discriminator has won for good.

    The Wasserstein critic of DPE is not watched: its score has no lowest value.
    Its count stays on the device until somebody checks it, so that no step waits for a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._won = torch.zeros((), dtype=torch.int64, device=device)
        self._longest = self._won.clone()

    def look(self, terms: Mapping[str, Tensor]) -> None:
        """Take note of a step's terms."""
        losses = [terms[name].detach() for name in JUDGES if name in terms]
        if losses:
            has_won = torch.stack(losses).max() < WON
            self._won = torch.where(has_won, self._won + 1, torch.zeros_like(self._won))
            self._longest = torch.maximum(self._longest, self._won)

    def check(self) -> None:
        """Check that the discriminator has something left to learn.

        Raises:
            TrainingError: it has won for many steps in a row.
        """
        if int(self._longest) >= PATIENCE:
            raise TrainingError(
                f"the discriminator has won: its loss was below {WON} for {PATIENCE} steps",
                hint="Try a lower --set optimiser.discriminator_rate, or more photos; what was "
                "saved before is untouched.",
            )

    def state_dict(self) -> dict[str, Any]:
        """Return for how many steps it has won."""
        return {"won": int(self._won)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._won.fill_(state["won"])
        self._longest.fill_(state["won"])


def is_flat(images: Tensor) -> bool:
    """Whether every image of `(N, 3, H, W)` is one flat colour."""
    return bool((images.float().std(dim=(2, 3)).amax(dim=1) < FLAT).all())
