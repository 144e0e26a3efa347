"""What two photos are compared by, in numbers that a photographer knows."""

import math
from collections.abc import Callable

from photoenhance.imaging.photo import Photo
from photoenhance.metrics import tone
from photoenhance.metrics.image import Image, image_of, luma
from photoenhance.report.rows import Measure


def measures(before: Photo, after: Photo) -> tuple[Measure, ...]:
    """Measure two previews; always the same measures in the same order."""
    source, image = image_of(before), image_of(after)
    sharper = float("nan")
    if source.shape == image.shape:
        sharper = tone.sharpness_change(image, source)
    return (
        *(
            Measure(name, judge(source), judge(image), digits, unit, meaning)
            for name, digits, unit, meaning, judge in _SEEN_ALONE
        ),
        Measure("Sharpness", None, sharper, 0, " %", "More fine detail than before, or less"),
    )


def mean(column: list[float]) -> float:
    """Return the mean of the numbers that are any; nan where none is."""
    known = [value for value in column if math.isfinite(value)]
    return sum(known) / len(known) if known else float("nan")


def _brightness(image: Image) -> float:
    return float(100 * luma(image).mean())


_SEEN_ALONE: tuple[tuple[str, int, str, str, Callable[[Image], float]], ...] = (
    ("Brightness", 0, " %", "Mean luma, from black, 0 %, to white, 100 %", _brightness),
    ("Contrast", 0, " %", "Deviation of luma from its mean", tone.contrast),
    ("Colour", 0, "", "Colourfulness: 15 is slight, 45 average, 109 extreme", tone.colourfulness),
    ("Black", 1, " %", "Pixels of which every channel is black", tone.clipped_shadows),
    ("White", 1, " %", "Pixels of which every channel is white", tone.clipped_highlights),
)
