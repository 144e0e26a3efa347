"""The measurements as one SVG picture, drawn by hand: seconds per megapixel over megapixels."""

import math
from collections.abc import Callable, Sequence

Row = dict[str, float | str]

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 30, 60
COLORS = ("#444444", "#b35806", "#2166ac", "#1b7837", "#762a83", "#c51b7d")


def svg(rows: Sequence[Row]) -> str:
    """Draw one line a case, both axes logarithmic."""
    sizes = sorted({float(row["megapixels"]) for row in rows})
    times = [float(row["seconds_per_megapixel"]) for row in rows]
    across = _scale(sizes[0], sizes[-1], LEFT, WIDTH - RIGHT)
    up = _scale(min(times), max(times), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2 - RIGHT / 2, HEIGHT - 15, "megapixels", "middle"),
        _text(8, 18, "seconds per megapixel", "start"),
    ]
    for size in sizes:
        x = across(size)
        parts.append(_line(x, TOP, x, HEIGHT - BOTTOM))
        parts.append(_text(x, HEIGHT - BOTTOM + 20, f"{size:.0f}", "middle"))
    for tick in _ticks(min(times), max(times)):
        y = up(tick)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y))
        parts.append(_text(LEFT - 8, y + 4, f"{tick:g}", "end"))
    cases = list(dict.fromkeys(str(row["case"]) for row in rows))
    for case, color in zip(cases, COLORS, strict=False):
        points = [
            (across(float(row["megapixels"])), up(float(row["seconds_per_megapixel"])))
            for row in rows
            if row["case"] == case
        ]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        x, y = points[-1]
        parts.append(_text(x + 8, y + 4, case, "start", color))
    return "\n".join([*parts, "</svg>", ""])


def _scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    spread = math.log(high / low) or 1.0
    return lambda value: start + (stop - start) * math.log(value / low) / spread


def _ticks(low: float, high: float) -> list[float]:
    steps = [m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5)]
    return [step for step in steps if low <= step <= high]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, anchor: str, color: str = "#222222") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}">{text}</text>'
