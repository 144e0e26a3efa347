"""The contract between the networks and the engine that renders photos of any size."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

SchemeName = Literal["strips", "tiles"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of an image, cut with its halo.

    Attributes:
        image: `(1, 3, h, w)`, values in [0, 1].
        top: row of the piece's first pixel in the whole image.
        left: column of that pixel.
        height: rows of the whole image.
        width: columns of the whole image.
        interior: the rows and the columns of the piece that are not halo.
    """

    image: Tensor
    top: int
    left: int
    height: int
    width: int
    interior: tuple[slice, slice]


class Scheme(ABC):
    """One exact way to enhance an image tile by tile: survey every tile once, then render each.

    What `render` gives inside a tile's interior equals the generator's result on the whole image
    up to rounding. Tiles of both passes begin on multiples of the generator's `multiple`.

    Attributes:
        name: "strips" where tiles should span the whole width, "tiles" where any shape will do.
        survey_halo: pixels of context that `survey` needs around an interior.
        halo: pixels of context that `render` needs.
        held_bytes: memory that a survey keeps, per pixel of the whole image.
        tile_bytes: working memory per pixel of a tile, its halo included.
    """

    name: SchemeName
    survey_halo: int
    halo: int
    held_bytes: float
    tile_bytes: float

    @abstractmethod
    def survey(self, tiles: Iterable[Tile]) -> Any:
        """See every tile once; return what each of them must know of the whole image."""

    @abstractmethod
    def render(self, tile: Tile, survey: Any) -> Tensor:
        """Enhance one tile; `(1, 3, h, w)`, of which only the interior means anything."""


class Generator(nn.Module, ABC):
    """Maps an image to its enhanced version: same shape, values in [0, 1].

    Attributes:
        multiple: both sides of an input are multiples of this many pixels.
        smallest: neither side of an input is shorter than this many pixels.
        whole_bytes: working memory of `forward` per pixel of one image, without gradients.
    """

    multiple: ClassVar[int]
    smallest: ClassVar[int]
    whole_bytes: float

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Enhance whole images; `(N, 3, H, W)`. This result is the definition of right."""

    @abstractmethod
    def schemes(self) -> Sequence[Scheme]:
        """List the exact ways to work tile by tile, the fastest first, the most frugal last."""
