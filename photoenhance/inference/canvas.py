"""One photo's pixels, cut for the generator on one side and painted on the other."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from photoenhance.imaging.color import ColorConverter, converter
from photoenhance.imaging.photo import Photo
from photoenhance.inference import tiles
from photoenhance.inference.budget import Plan
from photoenhance.networks.extension import mirrored
from photoenhance.networks.generator import Generator, Tile
from photoenhance.networks.histogram import ColorTransform
from photoenhance.tensors import Pixels, floats_of, image_of, image_of_floats, pixels_of

# Standard deviations in 8-bit levels. A model may make white of all that is bright, as the bundled
# uegan does from level 225 on, so what deviates by no more than two halves 32 levels apart may
# become flat. Two neighbouring levels, which count as one colour, deviate by 0.5 at most.
CONTRAST = 16.0
FLAT = 0.6


class Canvas:
    """Takes pieces of one photo to the generator and its results back.

    The image is the photo extended as the generator wants it; integers become floats one piece at a
    time.

    Args:
        photo: what the pieces are cut from.
        generator: whose results are painted.
        device: where it computes.
        strength: share of the generator's change, from 0 to 1.
        transform: what the photo's histogram asks for, to which the generator's change is added.

    Attributes:
        pixels: what is painted.
        size: height and width of the extended image.
    """

    def __init__(
        self,
        photo: Photo,
        generator: Generator,
        device: torch.device,
        *,
        strength: float,
        transform: ColorTransform | None,
    ) -> None:
        self.source: Pixels = photo.pixels
        self.pixels: Pixels = np.empty_like(photo.pixels)
        self.generator = generator
        self.device = device
        self.strength = strength
        self.transform = transform
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
        """Say what is wrong with the result, if anything is.

        That nothing is left of a photo is a fault only where there was something to be seen: blank
        pages and photos of the dark pass.
        """
        if not self._is_finite:
            return "values that are no numbers"
        if _deviation(self.pixels) < FLAT and _deviation(self.source) > CONTRAST:
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
        enhanced = enhanced.to(before.dtype)
        if self.transform is not None:
            enhanced = (enhanced + self.transform.change(before)).clamp(0, 1)
        after = torch.lerp(before, enhanced, self.strength)
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


def _deviation(pixels: Pixels) -> float:
    """Return the standard deviation of the channel that has most, in 8-bit levels."""
    _, deviations = cv2.meanStdDev(pixels)
    return float(deviations.max()) * 255 / np.iinfo(pixels.dtype).max
