"""Memory -> rendering and tile size; what to do when memory runs out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import psutil
import torch

from photoenhance.errors import ConfigError
from photoenhance.inference import cgroups
from photoenhance.networks.generator import Generator, Scheme

Rendering = Literal["whole", "strips", "tiles"]
AskedRendering = Literal["auto", "exact", "guided", "tone", "whole", "strips", "tiles"]

MOST_BYTES = 3 << 30  # what `auto` takes at most, however much is free
SHARE = 0.5  # of the free memory that `auto` takes at most
WORK_BYTES = 192 << 20  # working memory of one strip: more is slower, since caches overflow
STRIP_ROWS = 128  # of thinner strips, too much would be halo: wide photos' strips are cut instead
TILE_BYTES = 1 << 30  # working memory of one tile: more has less of its work in halos
SMALLEST_TILE = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """How one image is rendered.

    Attributes:
        scheme: of the generator, or None for the whole image at once.
        tile: the most rows and columns of an interior.
        size: rows and columns of the whole image.
    """

    scheme: Scheme | None
    tile: tuple[int, int]
    size: tuple[int, int]

    @property
    def rendering(self) -> Rendering:
        """The name that the user knows it by."""
        return self.scheme.name if self.scheme else "whole"


def available_bytes(device: torch.device) -> int:
    """Return how much memory is free on a device, within this process' limits."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(min(psutil.virtual_memory().available, cgroups.free_memory()))


def plan(
    generator: Generator,
    schemes: Sequence[Scheme],
    size: tuple[int, int],
    *,
    rendering: AskedRendering,
    tile: int | None,
    free: int,
) -> Plan:
    """Choose a rendering that fits the memory.

    Args:
        generator: what renders.
        schemes: its schemes.
        size: height and width of the image, multiples of the generator's.
        rendering: "whole", "strips" or "tiles" is taken whether it fits or not. The others take the
            first that fits: whole images no larger than one strip, then the generator's schemes in
            their order.
        tile: rows of a strip and sides of a tile, or None for what fits.
        free: bytes that may be had.

    Raises:
        ConfigError: the generator has no scheme of that name.
    """
    budget = min(int(free * SHARE), MOST_BYTES)
    height, width = size
    area = height * width
    if rendering == "whole":
        return Plan(None, size, size)
    is_named = rendering in ("strips", "tiles")
    if not is_named and tile is None and area * generator.whole_bytes <= WORK_BYTES:
        return Plan(None, size, size)
    asked = [scheme for scheme in schemes if not is_named or rendering == scheme.name]
    if not asked:
        raise ConfigError(
            f"rendering {rendering}: this model has no such way to work",
            hint=f"Choose one of: {', '.join({scheme.name: None for scheme in schemes})}; or auto.",
        )
    fitting = [scheme for scheme in asked if area * scheme.held_bytes <= budget]
    scheme = (fitting or asked[-1:])[0]
    work = max(budget - area * scheme.held_bytes, 0)
    return Plan(scheme, _tile(scheme, size, tile, int(work), generator.multiple), size)


def _tile(
    scheme: Scheme, size: tuple[int, int], asked: int | None, work: int, multiple: int
) -> tuple[int, int]:
    """Return the most rows and columns of an interior, so that a tile with its halo fits."""
    height, width = size
    halos = 2 * scheme.halo
    if scheme.name == "strips":
        pixels = min(WORK_BYTES, work) / scheme.tile_bytes
        rows = asked or pixels / width - halos
        if asked or rows >= STRIP_ROWS:
            return _rounded(rows, height, multiple), width
        columns = pixels / (STRIP_ROWS + halos) - halos
        return _rounded(STRIP_ROWS, height, multiple), _rounded(columns, width, multiple)
    side = (min(TILE_BYTES, work) / scheme.tile_bytes) ** 0.5 - halos
    return (
        _rounded(asked or side, height, multiple),
        _rounded(asked or side, width, multiple),
    )


def _rounded(length: float, most: int, multiple: int) -> int:
    return min(max(int(length) // multiple * multiple, SMALLEST_TILE), most)


def smaller(plan: Plan, schemes: Sequence[Scheme]) -> Plan | None:
    """Return a plan that needs less memory: half the tile, or a more frugal scheme; or None."""
    rows, columns = plan.tile
    if plan.scheme is None:
        return Plan(schemes[0], (_halved(rows), columns), plan.size)
    if plan.scheme.name == "strips":
        if rows > SMALLEST_TILE:
            return Plan(plan.scheme, (_halved(rows), columns), plan.size)
    elif max(rows, columns) > SMALLEST_TILE:
        return Plan(plan.scheme, (_halved(rows), _halved(columns)), plan.size)
    following = schemes[schemes.index(plan.scheme) + 1 :]
    return Plan(following[0], (rows, columns), plan.size) if following else None


def _halved(length: int) -> int:
    return max(length // 2 // SMALLEST_TILE * SMALLEST_TILE, SMALLEST_TILE)
