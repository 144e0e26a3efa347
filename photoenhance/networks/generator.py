"""The contract between the networks and the engine that renders photos of any size."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from photoenhance.networks.extension import Extension, towards_the_end
from photoenhance.networks.histogram import HistogramHead

SchemeName = Literal["strips", "tiles"]

LEAST_WORK_SIZE = 64


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


def check_small_copy(work_size: int, local: float) -> None:
    """Refuse values of a config that say how a small copy is worked on and cannot be.

    Args:
        work_size: as `Generator.work_size`, 0 for None.
        local: as `Generator.local_share`.

    Raises:
        ValueError: one of them is out of its range.
    """
    if work_size and work_size < LEAST_WORK_SIZE:
        msg = f"work_size: expected 0 or at least {LEAST_WORK_SIZE}, found {work_size}"
        raise ValueError(msg)
    if not 0 <= local <= 1:
        raise ValueError(f"local: expected a number from 0 to 1, found {local}")


class Generator(nn.Module, ABC):
    """Maps an image to its enhanced version: same shape, values in [0, 1].

    Attributes:
        multiple: tiles begin on multiples of this many pixels, and so do extended images end.
        smallest: no side of an extended image is shorter than this many pixels.
        whole_bytes: working memory of `forward` per pixel of one image, without gradients.
        truncates: whether integers are cut off from the result, as some published scripts do,
            which darkens shadows by a level; or rounded.
        work_size: short side of the whole photos that the weights learnt from, where larger ones
            show the network too little of themselves at a time; None if there is no such limit.
        local_share: how much of the network's local work is kept where it works on a small copy,
            from 0, one colour transform for the whole photo, to 1, all of it.
        histogram: predicts a colour transform from the photo's histogram, to which what the network
            changes in the photo is added by whoever knows the whole photo; None if there is none.
    """

    multiple: ClassVar[int]
    smallest: ClassVar[int]
    whole_bytes: float
    truncates: bool = False
    work_size: int | None = None
    local_share: float = 1.0
    histogram: HistogramHead | None

    def __init__(self) -> None:
        super().__init__()
        self.histogram = None

    def extension(self, height: int, width: int) -> Extension:
        """Say how an image of this size is continued beyond its borders before it is tiled."""
        return towards_the_end(height, width, multiple=self.multiple, smallest=self.smallest)

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor:
        """Enhance whole images of any size; `(N, 3, H, W)`. This is the definition of right."""

    def unclamped(self, image: Tensor) -> Tensor:
        """Enhance like `forward`, but as the paper's losses see it; by default, they see the same.

        Args:
            image: `(N, 3, H, W)` in [0, 1]; the result may leave that range.
        """
        return self(image)

    @abstractmethod
    def initialise(self, *, gain: float, last: float) -> None:
        """Draw orthogonal weights of this gain, no biases; scale the last convolution by `last`.

        A small `last` begins near the identity.
        """

    @abstractmethod
    def initialise_as_published(self) -> None:
        """Draw weights as the authors did."""

    @abstractmethod
    def schemes(self, height: int, width: int) -> Sequence[Scheme]:
        """List the exact ways to work tile by tile, the fastest first, the most frugal last.

        Args:
            height: of the image before its extension; tiles are cut from the extended one.
            width: likewise.
        """
