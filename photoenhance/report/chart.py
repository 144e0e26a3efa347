"""A curve -> what an SVG needs to draw it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from photoenhance.report.run_rows import Curve

WIDTH, HEIGHT = 360, 180  # of a drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 46, 350, 12, 156  # of the field that the curve is in
MOST = 300  # points of a path: more are no longer seen
MANY = 24  # points, from which on they jitter enough to be worth a smooth line
SPAN = 0.06  # of the curve that a smooth line takes in, to both sides
TICKS = 4

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark beside an axis: where, and what it says."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of `WIDTH` by `HEIGHT`.

    Attributes:
        curve: what it shows.
        path: an SVG path through the values.
        smooth: another one through their running medians; empty for few points.
        across: marks below.
        up: marks on the left.
        best: place of the step that was given out, or None.
        last: the last value, written out.
        spots: of each point of the path: its place, its step, its value written out.
    """

    curve: Curve
    path: str
    smooth: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    best: tuple[float, float] | None
    last: str
    spots: tuple[tuple[float, float, int, str], ...]


def chart(curve: Curve, steps: tuple[int, int]) -> Chart | None:
    """Draw a curve.

    Args:
        curve: the numbers.
        steps: the first and the last of the run, so that all its charts have one axis.

    Returns:
        None where there is no number to draw.
    """
    known = [(step, value) for step, value in curve.points if math.isfinite(value)]
    if not known:
        return None
    points = bucketed(known, MOST)
    low, high = _range([value for _, value in points])
    begin, end = steps

    def place(step: float, value: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * (step - begin) / max(end - begin, 1)
        y = BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)
        return round(x, 1), round(max(y, TOP - 4), 1)  # a peak of the beginning may be cut off

    at_best = [place(*point) for point in known if point[0] == curve.best]
    return Chart(
        curve,
        path=_path([place(*point) for point in points]),
        smooth=_path([place(*point) for point in _smooth(points)]),
        across=tuple(Tick(place(s, low)[0], f"{s:,.0f}") for s in _ticks(begin, end, TICKS + 1)),
        up=tuple(Tick(place(begin, v)[1], written(v, "")) for v in _ticks(low, high, TICKS)),
        best=at_best[0] if at_best else None,
        last=written(known[-1][1], curve.unit),
        spots=tuple((*place(s, v), round(s), written(v, curve.unit)) for s, v in points),
    )


def bucketed(points: Points, most: int) -> list[tuple[float, float]]:
    """Average neighbours until no more points are left than wanted."""
    size = -(-len(points) // most)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [(group[-1][0], sum(value for _, value in group) / len(group)) for group in groups]


def written(value: float, unit: str) -> str:
    """Write a number with as many digits as mean something."""
    size = abs(value)
    if size >= 100:
        text = f"{value:,.0f}"
    elif size == 0 or size >= 1e-3:
        text = f"{value:.3g}"
    else:
        power = math.floor(math.log10(size))
        text = f"{value / 10**power:.2g}e{power}"
    return text.replace("-", "\N{MINUS SIGN}") + unit


def _smooth(points: Points) -> Points:
    if len(points) < MANY:
        return []
    reach = max(2, round(SPAN * len(points)))
    values = [value for _, value in points]
    middles = []
    for index, (step, _) in enumerate(points):
        # Towards the ends it follows more closely: a run's first losses fall steeply.
        near = max(min(reach, index, len(points) - 1 - index), reach // 3)
        window = values[max(index - near, 0) : index + near + 1]
        middles.append((step, statistics.median(window)))
    return middles


def _path(places: Points) -> str:
    if len(places) == 1:
        places = [places[0], places[0]]  # with round caps, a line of no length is a dot
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places) if places else ""


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return what the axis spans; a few high values, as of the beginning, may go beyond it."""
    ordered = sorted(values)
    low, high = ordered[0], ordered[-1]
    common = ordered[int(0.97 * (len(ordered) - 1))]
    high = min(high, low + 2 * (common - low)) if common > low else high
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (0.0 if 0 <= low < 0.3 * high else low - margin), high + margin


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers within a range, at most so many intervals apart."""
    span = (high - low) or 1.0
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]
