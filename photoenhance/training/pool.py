"""Earlier enhanced images, which keep the discriminator from forgetting."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Gives back some of the images it was shown before in place of new ones.

    Until it is full, it stores and returns each new image. Then, with probability 1/2, the new
    image takes the place of a stored one, which is returned; else the new one is returned.

    Source: Shrivastava et al. 2017, section 2.3, https://arxiv.org/abs/1612.07828.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def query(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Show `(N, 3, H, W)`; return as many, none with a gradient."""
        chosen = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image.clone())
                chosen.append(image)
            elif torch.rand((), generator=random) < 1 / 2:
                chosen.append(image)
            else:
                place = int(torch.randint(self.size, (), generator=random))
                chosen.append(self.images[place])
                self.images[place] = image.clone()
        return torch.stack(chosen)

    def state_dict(self) -> dict[str, Any]:
        """Return the images."""
        return {"images": self.images}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the images of a state."""
        self.images = list(state["images"])
