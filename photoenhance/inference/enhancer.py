"""Enhancer: made once, enhances many."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from photoenhance.errors import DeviceError, ImageError
from photoenhance.imaging.color import ColorConverter, converter
from photoenhance.imaging.photo import Photo
from photoenhance.inference import budget, tiles
from photoenhance.inference.budget import Plan, Rendering
from photoenhance.networks.generator import Generator, Tile
from photoenhance.tensors import Pixels, floats_of, image_of, image_of_floats, pixels_of

logger = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A photo after enhancement, and how it was made.

    Attributes:
        photo: as the one that went in, with other pixels.
        rendering: "whole", "strips" or "tiles"; "none" where the strength was 0.
        tile: rows of a strip or longer side of a tile; None for the whole image at once.
        precision: of the arithmetic that made the result.
        notes: what the user should know, such as a tile that had to be halved.
    """

    photo: Photo
    rendering: Rendering | Literal["none"]
    tile: int | None
    precision: Precision
    notes: tuple[str, ...]


class Enhancer:
    """Enhances photos of any size with one generator, in bounded memory.

    Args:
        generator: the network; moved to `device`.
        device: where to compute.
        precision: of the arithmetic; a photo that comes out broken is done once more in fp32.
        rendering: "auto" fits the free memory.
        tile: rows of a strip or sides of a tile in pixels; None fits the free memory.
        strength: from 0 (the photo as it was) to 1 (the generator's result).
    """

    def __init__(
        self,
        generator: Generator,
        device: torch.device,
        *,
        precision: Precision = "fp32",
        rendering: Literal["auto", "whole", "strips", "tiles"] = "auto",
        tile: int | None = None,
        strength: float = 1.0,
    ) -> None:
        self.generator = generator.to(device).eval().requires_grad_(requires_grad=False)
        self.schemes = generator.schemes()
        self.device = device
        self.precision: Precision = precision
        self.rendering = rendering
        self.tile = tile
        self.strength = strength

    def enhance(self, photo: Photo) -> Enhanced:
        """Enhance one photo.

        Raises:
            ImageError: the generator gives nothing usable for this photo.
            DeviceError: the memory does not even suffice for the smallest tile.
        """
        if self.strength == 0:
            return Enhanced(photo, "none", None, self.precision, ())
        canvas = _Canvas(photo, self.generator, self.device, self.strength)
        free = budget.available_bytes(self.device)
        plan = budget.plan(
            self.generator,
            self.schemes,
            canvas.size,
            rendering=self.rendering,
            tile=self.tile,
            free=free,
        )
        precision, notes = self.precision, []
        while True:
            try:
                canvas.paint(plan, self._arithmetic(precision))
            except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
                plan = self._smaller(plan, error)
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

    def _arithmetic(self, precision: Precision) -> AbstractContextManager[None]:
        return torch.autocast(
            self.device.type, DTYPES[precision], enabled=precision != "fp32", cache_enabled=False
        )

    def _smaller(self, plan: Plan, error: Exception) -> Plan:
        if not _is_out_of_memory(error):
            raise error
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        smaller = budget.smaller(plan, self.schemes)
        if smaller is None:
            msg = f"device {self.device}: out of memory even for tiles of {max(plan.tile)}"
            hint = "Close other programs, or choose another --device."
            raise DeviceError(msg, hint=hint) from error
        logger.info("out of memory: trying %s of %s", smaller.rendering, smaller.tile)
        return smaller


def _is_out_of_memory(error: Exception) -> bool:
    # The CPU's allocator has no exception class of its own.
    return not isinstance(error, RuntimeError) or (
        isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
    )


def _told(plan: Plan) -> int:
    return plan.tile[0] if plan.rendering == "strips" else max(plan.tile)


class _Canvas:
    """One photo's pixels, cut for the generator on one side and painted on the other.

    The image is the photo reflected at the right and the bottom to sides that the generator takes;
    integers become floats one piece at a time.
    """

    def __init__(
        self, photo: Photo, generator: Generator, device: torch.device, strength: float
    ) -> None:
        self.source: Pixels = photo.pixels
        self.pixels: Pixels = np.empty_like(photo.pixels)
        self.generator = generator
        self.device = device
        self.strength = strength
        self.converter: ColorConverter | None = converter(photo)
        height, width = self.source.shape[:2]
        self.size = (self._padded(height), self._padded(width))
        self._is_finite = True

    def _padded(self, length: int) -> int:
        return tiles.padded(
            length, multiple=self.generator.multiple, smallest=self.generator.smallest
        )

    @torch.inference_mode()
    def paint(self, plan: Plan, arithmetic: AbstractContextManager[None]) -> None:
        """Render the whole photo as planned."""
        self._is_finite = True
        with arithmetic:
            if plan.scheme is None:
                for window, tile in self._tiles(plan, 0):
                    self._put(window, tile.image, self.generator(tile.image))
                return
            survey = plan.scheme.survey(
                tile for _, tile in self._tiles(plan, plan.scheme.survey_halo)
            )
            for window, tile in self._tiles(plan, plan.scheme.halo):
                self._put(window, tile.image, plan.scheme.render(tile, survey))

    def fault(self) -> str | None:
        """Say what is wrong with the result, if anything is."""
        if not self._is_finite:
            return "values that are no numbers"
        if self.pixels.min() == self.pixels.max() and self.source.min() != self.source.max():
            return "one flat colour"
        return None

    def _tiles(self, plan: Plan, halo: int) -> Iterator[tuple[tiles.Window, Tile]]:
        multiple = self.generator.multiple
        for window in tiles.windows(self.size, plan.tile, halo=halo, multiple=multiple):
            image = self._cut(window.rows, window.columns)
            top, left = window.rows.start, window.columns.start
            yield window, Tile(image, top, left, *self.size, window.interior)

    def _cut(self, rows: slice, columns: slice) -> Tensor:
        height, width = self.source.shape[:2]
        piece = self.source[tiles.reflected(rows, height)][:, tiles.reflected(columns, width)]
        if self.converter is None:
            return image_of(piece, self.device)
        return image_of_floats(self.converter.to_srgb(piece), self.device)

    def _put(self, window: tiles.Window, image: Tensor, enhanced: Tensor) -> None:
        height, width = self.source.shape[:2]
        rows = slice(window.inner_rows.start, min(window.inner_rows.stop, height))
        columns = slice(window.inner_columns.start, min(window.inner_columns.stop, width))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        inner_rows, inner_columns = window.interior
        inside = (
            slice(inner_rows.start, inner_rows.start + rows.stop - rows.start),
            slice(inner_columns.start, inner_columns.start + columns.stop - columns.start),
        )
        before = image[..., *inside]
        after = torch.lerp(before, enhanced[..., *inside].to(before.dtype), self.strength)
        self._is_finite = self._is_finite and bool(torch.isfinite(after).all())
        if self.converter is None:
            self.pixels[rows, columns] = pixels_of(after, self.source.dtype)
        else:
            self.pixels[rows, columns] = self.converter.apply_change(
                self.source[rows, columns], floats_of(before), floats_of(after)
            )
