"""Sees when a run goes wrong although its losses are numbers."""

from collections.abc import Mapping

from torch import Tensor

from photoenhance.errors import TrainingError

PATIENCE = 200  # steps in a row that something must be wrong
WON = 1e-3  # a discriminator's loss below which nothing is left to learn from it
FLAT = 1e-3  # deviation of enhanced images below which they are one flat colour
JUDGES = ("real_enhanced", "photos")  # terms of a discriminator that has won when they are near 0


class Watch:
    """Ends a run whose discriminator has won for good.

    The Wasserstein critic of DPE is not watched: its score has no lowest value.
    """

    def __init__(self) -> None:
        self.won = 0

    def look(self, terms: Mapping[str, Tensor]) -> None:
        """Take note of a step's terms.

        Raises:
            TrainingError: the discriminator has nothing left to learn.
        """
        judged = [float(terms[name].detach()) for name in JUDGES if name in terms]
        self.won = self.won + 1 if judged and max(judged) < WON else 0
        if self.won >= PATIENCE:
            raise TrainingError(
                f"the discriminator has won: its loss was below {WON} for {PATIENCE} steps",
                hint="Try a lower --set optimiser.discriminator_rate, or more photos; the last "
                "checkpoint is good.",
            )


def is_flat(images: Tensor) -> bool:
    """Whether every image of `(N, 3, H, W)` is one flat colour."""
    return bool((images.float().std(dim=(2, 3)).amax(dim=1) < FLAT).all())
