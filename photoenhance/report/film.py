"""Files of sample grids -> pictures for the page of a run, within its bytes."""

from collections.abc import Mapping
from pathlib import Path

from photoenhance.errors import ImageError
from photoenhance.imaging.preview import preview
from photoenhance.imaging.read import read
from photoenhance.imaging.write import encode
from photoenhance.report.run_rows import Sample

MOST = 24  # grids on a page: more would show no more
SIDE = 2400
QUALITY = 82  # of WebP, as the report's pictures


def film(files: Mapping[int, Path]) -> tuple[Sample, ...]:
    """Take grids that are evenly spread over a run, the first and the last among them.

    Args:
        files: by their steps; those that cannot be read are passed over, as they may be moved.
    """
    samples = []
    for step in thinned(sorted(files), MOST):
        try:
            small = preview(read(files[step]), SIDE)
        except ImageError:
            continue
        height, width = small.pixels.shape[:2]
        samples.append(Sample(step, (width, height), encode(small, "webp", quality=QUALITY)))
    return tuple(samples)


def thinned(steps: list[int], most: int) -> list[int]:
    """Choose some of many, evenly, the first and the last among them."""
    if len(steps) <= most:
        return steps
    places = [round(number * (len(steps) - 1) / (most - 1)) for number in range(most)]
    return [steps[place] for place in places]
