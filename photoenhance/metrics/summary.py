"""Many photos' values of one metric, in a few numbers."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

WORST = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of one metric over many photos.

    Attributes:
        count: photos that it could judge.
        mean: nan without any.
        median: nan without any.
        inflated_mean: the sum over `count - 1`, which some published code calls the mean; nan
            below two photos.
        worst: up to three photos by name with their values, the worst first; none for a metric
            that is a matter of taste.
    """

    count: int
    mean: float
    median: float
    inflated_mean: float
    worst: tuple[tuple[str, float], ...]


def summarise(
    values: Mapping[str, float], better: Literal["higher", "lower"] | None = None
) -> Summary:
    """Sum up one metric's values by photo; nan is left out.

    Args:
        values: by the photos' names.
        better: which of them are better, if any are.
    """
    known = {name: value for name, value in values.items() if not math.isnan(value)}
    count = len(known)
    if not count:
        return Summary(0, math.nan, math.nan, math.nan, ())
    ranked = sorted(known.items(), key=lambda item: item[1], reverse=better == "lower")
    total = math.fsum(known.values())
    return Summary(
        count=count,
        mean=total / count,
        median=statistics.median(known.values()),
        inflated_mean=total / (count - 1) if count > 1 else math.nan,
        worst=tuple(ranked[:WORST]) if better else (),
    )
