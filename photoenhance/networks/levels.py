"""Where things lie at the levels of UEGAN, each half as large as the one before."""

from dataclasses import dataclass

from photoenhance.networks.generator import Tile

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece lies in its image, and the image's size, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @staticmethod
    def of(tile: Tile) -> "Place":
        """Return where a tile lies."""
        return Place(tile.top, tile.left, tile.height, tile.width)

    def corner(self, level: int) -> tuple[int, int]:
        """Row and column of the piece's first sample in the map of a level, 1 to 5."""
        return self.top >> level - 1, self.left >> level - 1

    def size(self, level: int) -> tuple[int, int]:
        """Height and width of the whole map of a level."""
        return self.height >> level - 1, self.width >> level - 1


def reach(held: int) -> tuple[int, int]:
    """Return the halos of the survey and of the rendering if a level is held, in pixels.

    Both follow from the kernels, towards the top and the left, where aligned corners make the
    reach longer: the convolutions at the end need 4 samples, each decoder 1 more, each upsampling
    from (a-1)//2 on, each encoder step from 2a-1 on, and the first convolution 3.
    """

    def pixels(level: int, samples: int) -> int:
        for _ in range(level - 1):
            samples = 2 * samples + 1
        return samples + 3

    finest = min(held, LEVELS)
    survey, render, samples = pixels(finest, 0), 0, 4
    for level in range(1, min(held - 1, LEVELS) + 1):
        if level < LEVELS:
            samples += 1
        render = max(render, pixels(level, samples))
        samples = (samples + 2) // 2
    step = 2 ** (finest - 1)
    return -(-survey // step) * step, -(-render // step) * step


def at_level(tile: Tile, level: int) -> tuple[slice, slice]:
    """Return the rows and columns of a tile's interior in its map of a level."""
    scale = level - 1
    rows, columns = tile.interior
    return (
        slice(rows.start >> scale, rows.stop >> scale),
        slice(columns.start >> scale, columns.stop >> scale),
    )
