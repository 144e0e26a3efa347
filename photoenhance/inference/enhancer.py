"""Enhancer: made once, enhances many."""

import logging
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from photoenhance.errors import DeviceError, ImageError
from photoenhance.imaging.color import converter
from photoenhance.imaging.photo import Photo
from photoenhance.inference import budget, cutout, guided, tone
from photoenhance.inference.budget import AskedRendering, Plan, Rendering
from photoenhance.inference.canvas import Canvas
from photoenhance.inference.device import MEMORY_ERRORS, is_out_of_memory
from photoenhance.networks.generator import Generator, Scheme
from photoenhance.networks.histogram import ColorTransform, quantiles
from photoenhance.tensors import Pixels

logger = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

GUIDED_ABOVE = 3_000_000  # pixels; the same for every device, so that the picture is
WORK_SIZE = 512
# What the pass over a small copy counts on, whatever is free: its plan is the same everywhere, and
# so is the picture, to the last bit.
SMALL_COPY_BYTES = 2 << 30
SAMPLED_PIXELS = 1 << 18  # of a photo at most, of which its histogram is made
LOCAL_SHARES = {"guided": 1.0, "tone": 0.0}
INVISIBLE = "nothing was changed: the whole photo is transparent"


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A photo after enhancement, and how it was made.

    Attributes:
        photo: as the one that went in, with other pixels.
        rendering: "guided", "tone", or "blend" of both; or how the exact result was made; "none"
            where the strength was 0.
        tile: rows of a strip or longer side of a tile of an exact result; None for the whole image
            at once.
        precision: of the arithmetic that made the result.
        notes: what the user should know, such as a tile that had to be halved.
    """

    photo: Photo
    rendering: Rendering | Literal["guided", "tone", "blend", "none"]
    tile: int | None
    precision: Precision
    notes: tuple[str, ...]


class Enhancer:
    """Enhances photos of any size with one generator, in bounded memory.

    A result is exact, which is the generator's for the whole photo, or made of its change to a
    small copy: carried to the photo locally, see `guided`, or as one colour transform for all of
    it, see `tone`. Those come fast, and a generator that learnt from small photos sees in a small
    copy what it knows. Exact results have its work on each pixel. What a photo hides under alpha is
    not shown to the generator, and stays as it is.

    Args:
        generator: the network; moved to `device`.
        device: where to compute.
        precision: of the arithmetic; a photo that comes out broken is done once more in fp32.
        rendering: "auto" is guided for photos of more than `GUIDED_ABOVE` pixels, and exact for
            others; with a generator that has a work size of its own, it is that generator's
            blend of guided and tone for all. "exact" is what of "whole", "strips" and "tiles" fits
            the free memory.
        tile: rows of a strip or sides of a tile in pixels; None fits the free memory.
        work_size: short side in pixels of the small copy; None is the generator's own, or else
            `WORK_SIZE`. Smaller photos are their own copy, and exact where they would be guided.
        strength: from 0 (the photo as it was) to 1 (the generator's result).
    """

    def __init__(  # noqa: PLR0913 (each is a choice of its own)
        self,
        generator: Generator,
        device: torch.device,
        *,
        precision: Precision = "fp32",
        rendering: AskedRendering = "auto",
        tile: int | None = None,
        work_size: int | None = None,
        strength: float = 1.0,
    ) -> None:
        self.generator = generator.to(device).eval().requires_grad_(requires_grad=False)
        self.device = device
        self.precision: Precision = precision
        self.rendering = rendering
        self.tile = tile
        self.work_size = work_size or generator.work_size or WORK_SIZE
        self.strength = strength

    def enhance(self, photo: Photo) -> Enhanced:
        """Enhance one photo.

        Raises:
            ImageError: the generator gives nothing usable for this photo.
            DeviceError: the memory does not even suffice for the smallest tile.
        """
        if self.strength == 0:
            return Enhanced(photo, "none", None, self.precision, ())
        if photo.alpha is not None and not photo.alpha.any():
            return Enhanced(photo, "none", None, self.precision, (INVISIBLE,))
        height, width = photo.pixels.shape[:2]
        size = guided.small_size(height, width, self.work_size)
        share = self._local_share(height * width)
        if share is None or (share == 1 and size == (height, width)):
            return self._exact(photo)
        return self._from_small_copy(photo, size, share)

    def _local_share(self, area: int) -> float | None:
        """Return how much local work is kept on a photo of so many pixels; None if it is exact."""
        if self.rendering in LOCAL_SHARES:
            return LOCAL_SHARES[self.rendering]
        if self.rendering != "auto":
            return None
        if self.generator.work_size is not None:
            return self.generator.local_share
        return LOCAL_SHARES["guided"] if area > GUIDED_ABOVE else None

    def _from_small_copy(self, photo: Photo, size: tuple[int, int], share: float) -> Enhanced:
        """Let the generator work on a small copy, and carry its change to the photo.

        Args:
            photo: as it is.
            size: height and width of the copy.
            share: of the local work that is kept.
        """
        source, hidden = photo.pixels, _hiding_alpha(photo)
        if hidden is None:
            small = guided.reduced(source, size)
        else:
            small = cutout.reduced(source, hidden, size)
        copy = replace(photo, pixels=small)
        made = self._painted(copy, SMALL_COPY_BYTES, self._transform(photo))
        result, rendering = _carried(source, small, made.photo.pixels, share)
        if hidden is not None:
            cutout.restore(source, hidden, result)
        enhanced = replace(photo, pixels=result)
        return replace(made, photo=enhanced, rendering=rendering, tile=None)

    def _exact(self, photo: Photo) -> Enhanced:
        source, hidden = photo.pixels, _hiding_alpha(photo)
        free, transform = budget.available_bytes(self.device), self._transform(photo)
        if hidden is None:
            return self._painted(photo, free, transform)
        seen = cutout.filled(source, hidden)
        made = self._painted(replace(photo, pixels=seen), free, transform)
        cutout.carry(source, hidden, seen, made.photo.pixels)
        return made

    def _painted(self, photo: Photo, free: int, transform: ColorTransform | None) -> Enhanced:
        """Give a photo's pixels, hidden or not, to the generator."""
        canvas = Canvas(
            photo,
            self.generator,
            self.device,
            strength=self.strength,
            transform=transform,
        )
        schemes = self.generator.schemes(*photo.pixels.shape[:2])
        plan = budget.plan(
            self.generator,
            schemes,
            canvas.size,
            rendering=self.rendering,
            tile=self.tile,
            free=free,
        )
        precision, notes = self.precision, []
        while True:
            try:
                canvas.paint(plan, self._arithmetic(precision))
            except MEMORY_ERRORS as error:
                plan = self._smaller(plan, schemes, error)
                notes.append(f"out of memory: went on in {plan.rendering} of {max(plan.tile)}")
                continue
            fault = canvas.fault()
            if fault is None:
                break
            if precision == "fp32":
                raise ImageError(f"the model gives {fault}", hint="Try another --model.")
            notes.append(f"{precision} gave {fault}: done again in fp32")
            precision = "fp32"
        tile = None if plan.scheme is None else _told(plan)
        enhanced = replace(photo, pixels=canvas.pixels)
        return Enhanced(enhanced, plan.rendering, tile, precision, tuple(notes))

    @torch.inference_mode()
    def _transform(self, photo: Photo) -> ColorTransform | None:
        """Predict what a photo's histogram asks for, by a sample of the pixels that are seen."""
        if self.generator.histogram is None:
            return None
        height, width = photo.pixels.shape[:2]
        step = math.ceil((height * width / SAMPLED_PIXELS) ** 0.5)
        sample = photo.pixels[::step, ::step]
        if photo.alpha is not None:
            is_seen = photo.alpha[::step, ::step] > 0
            sample = sample[is_seen if is_seen.any() else slice(None)].reshape(1, -1, 3)
        profiled = converter(photo)
        if profiled is None:
            image = (sample / np.float32(np.iinfo(sample.dtype).max)).astype(np.float32)
        else:
            image = profiled.to_srgb(sample)
        transform: ColorTransform = self.generator.histogram(
            torch.from_numpy(quantiles(image))[None].to(self.device)
        )
        return transform

    def _arithmetic(self, precision: Precision) -> AbstractContextManager[None]:
        return torch.autocast(
            self.device.type, DTYPES[precision], enabled=precision != "fp32", cache_enabled=False
        )

    def _smaller(self, plan: Plan, schemes: Sequence[Scheme], error: Exception) -> Plan:
        if not is_out_of_memory(error):
            raise error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        smaller = budget.smaller(plan, schemes)
        if smaller is None:
            msg = f"device {self.device}: out of memory even for tiles of {max(plan.tile)}"
            hint = "Close other programs, or choose another --device."
            raise DeviceError(msg, hint=hint) from error
        logger.info("out of memory: trying %s of %s", smaller.rendering, smaller.tile)
        return smaller


def _carried(
    source: Pixels, small: Pixels, made: Pixels, share: float
) -> tuple[Pixels, Literal["guided", "tone", "blend"]]:
    """Carry what became of a small copy to the photo; name how."""
    if share == 1:
        return guided.fit(small, made).applied(source), "guided"
    transform = tone.fit(small, made)
    if share == 0:
        return transform.applied(source), "tone"
    result = guided.fit(small, made).applied(source)
    tone.blend(result, transform, source, share)
    return result, "blend"


def _hiding_alpha(photo: Photo) -> Pixels | None:
    """Return a photo's alpha if it hides anything."""
    return photo.alpha if cutout.hides(photo.alpha) else None


def _told(plan: Plan) -> int:
    return plan.tile[0] if plan.rendering == "strips" else max(plan.tile)
