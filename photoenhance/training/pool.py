"""Earlier enhanced images, which keep the discriminator from forgetting."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Gives back some of the images it was shown before in place of new ones.

    Until it is full, it stores and returns each new image. Then, with probability 1/2, the new
    image takes the place of a stored one, which is returned; else the new one is returned. Images
    of another size begin it anew.

    Source: Shrivastava et al. 2017, section 2.3, https://arxiv.org/abs/1612.07828.

    Args:
        size: how many images it stores.
        device: where it stores them; what it is shown is there, too.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.size = size
        self.count = 0
        self._device = device
        self._images: Tensor | None = None  # (size, 3, H, W), of which the first `count` are in use

    def query(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Show `(N, 3, H, W)`; return as many, none with a gradient."""
        shown = images.detach()
        if self._images is None or self._images.shape[1:] != shown.shape[1:]:
            self._images = shown.new_empty((self.size, *shown.shape[1:]))
            self.count = 0
        stored, returned = self._images, shown.clone()
        for index in range(len(shown)):
            if self.count < self.size:
                stored[self.count] = shown[index]
                self.count += 1
            elif torch.rand((), generator=random) >= 1 / 2:
                place = int(torch.randint(self.size, (), generator=random))
                returned[index] = stored[place]
                stored[place] = shown[index]
        return returned

    def state_dict(self) -> dict[str, Any]:
        """Return the images, on the CPU."""
        return {
            "images": None if self._images is None else self._images[: self.count].cpu().clone()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the images of a state, as many as there is place for."""
        images = state["images"]
        self._images, self.count = None, 0
        if images is not None:
            images = images[: self.size]
            self.count = len(images)
            room = torch.empty((self.size - self.count, *images.shape[1:]))
            self._images = torch.cat([images, room]).to(self._device)
