"""Enhancer: made once, enhances many."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photoenhance.errors import DeviceError, ImageError
from photoenhance.imaging.color import ColorConverter, converter
from photoenhance.imaging.photo import Photo
from photoenhance.inference import budget, tiles
from photoenhance.inference.budget import Plan, Rendering
from photoenhance.networks.extension import mirrored
from photoenhance.networks.generator import Generator, Scheme, Tile
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
        schemes = self.generator.schemes(*photo.pixels.shape[:2])
        free = budget.available_bytes(self.device)
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
            except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
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

    def _arithmetic(self, precision: Precision) -> AbstractContextManager[None]:
        return torch.autocast(
            self.device.type, DTYPES[precision], enabled=precision != "fp32", cache_enabled=False
        )

    def _smaller(self, plan: Plan, schemes: Sequence[Scheme], error: Exception) -> Plan:
        if not _is_out_of_memory(error):
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


def _is_out_of_memory(error: Exception) -> bool:
    # The CPU's allocator has no exception class of its own.
    return not isinstance(error, RuntimeError) or (
        isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
    )


def _told(plan: Plan) -> int:
    return plan.tile[0] if plan.rendering == "strips" else max(plan.tile)


class _Canvas:
    """One photo's pixels, cut for the generator on one side and painted on the other.

    The image is the photo extended as the generator wants it; integers become floats one piece at a
    time.
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
        self.extension = generator.extension(height, width)
        self.size = self.extension.size(height, width)
        self._is_finite = True

    @torch.inference_mode()
    def paint(self, plan: Plan, arithmetic: AbstractContextManager[None]) -> None:
        """Render the whole photo as planned."""
        self._is_finite = True
        with arithmetic:
            if plan.scheme is None:
                self._put_whole()
                return
            survey = plan.scheme.survey(
                tile for _, tile in self._tiles(plan, plan.scheme.survey_halo)
            )
            for window, tile in self._tiles(plan, plan.scheme.halo):
                self._put_interior(window, tile.image, plan.scheme.render(tile, survey))

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
        """Return rows and columns of the extended image."""
        height, width = self.source.shape[:2]
        inside = self._places(rows, height, self.extension.rows[0])
        across = self._places(columns, width, self.extension.columns[0])
        piece = self.source[inside][:, across]
        if self.converter is None:
            return image_of(piece, self.device)
        return image_of_floats(self.converter.to_srgb(piece), self.device)

    def _places(self, run: slice, length: int, before: int) -> slice | NDArray[np.intp]:
        run = slice(run.start - before, run.stop - before)
        if run.start >= 0 and run.stop <= length:
            return run  # a view, where an array of places makes a copy
        return mirrored(run, length, repeats_edge=self.extension.repeats_edge)

    def _put_whole(self) -> None:
        height, width = self.source.shape[:2]
        top, left = self.extension.rows[0], self.extension.columns[0]
        image = self._cut(slice(top, top + height), slice(left, left + width))
        self._put((slice(0, height), slice(0, width)), image, self.generator(image))

    def _put_interior(self, window: tiles.Window, image: Tensor, enhanced: Tensor) -> None:
        """Put what of a tile's interior belongs to the photo."""
        height, width = self.source.shape[:2]
        top, left = self.extension.rows[0], self.extension.columns[0]
        rows = _within(window.inner_rows, top, height)
        columns = _within(window.inner_columns, left, width)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        down, right = top - window.rows.start, left - window.columns.start
        inside = (
            slice(rows.start + down, rows.stop + down),
            slice(columns.start + right, columns.stop + right),
        )
        self._put((rows, columns), image[..., *inside], enhanced[..., *inside])

    def _put(self, place: tuple[slice, slice], before: Tensor, enhanced: Tensor) -> None:
        after = torch.lerp(before, enhanced.to(before.dtype), self.strength)
        self._is_finite = self._is_finite and bool(torch.isfinite(after).all())
        if self.converter is None:
            truncates = self.generator.truncates
            self.pixels[place] = pixels_of(after, self.source.dtype, 0.0 if truncates else 0.5)
        else:
            self.pixels[place] = self.converter.apply_change(
                self.source[place], floats_of(before), floats_of(after)
            )


def _within(run: slice, before: int, length: int) -> slice:
    """Return the part of a run of the extended image that lies in the photo, in its coordinates."""
    return slice(max(run.start - before, 0), min(run.stop - before, length))
