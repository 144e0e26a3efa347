"""What was found before a training run -> text with a table, or one JSON line."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from photoenhance.cli.render import SCHEMA, printable, terminal, valid
from photoenhance.training.advice import Advice
from photoenhance.training.census import MEASURES, NAMED, Census, Overlap, duplicates
from photoenhance.training.loop import Run
from photoenhance.training.pace import Pace
from photoenhance.training.preflight import Preflight

COLUMNS = 36  # of the plot
UNITS = {"brightness": " %", "contrast": " %", "colour": "", "warmth": ""}
ENDS = {
    "brightness": "dark to light",
    "contrast": "flat to hard",
    "colour": "grey to colourful",
    "warmth": "bluish to yellowish",
}


def show(found: Preflight, run: Run) -> None:
    """Print everything for a person, the verdict last."""
    console = terminal()
    for name, census in _folders(found).items():
        for line in _counted(name, census):
            _say(console, line)
    if found.shared is not None and found.shared.count:
        _say(console, f"in both folders: {found.shared.count} of the sources")
        for one, other in found.shared.examples:
            _say(console, f"  {one} is {other}")
    if any(not census.is_empty for census in _folders(found).values()):
        console.print(_table(found))
    if found.pace is not None:
        _say(console, _paced(found.pace, run))
    for each in found.advice:
        _say(console, advised(each))
    if found.is_pointless:
        _say(console, "Training would be pointless like this.")
    elif found.advice:
        _say(console, "Training is possible; what is said above would make it better.")
    else:
        _say(console, "Nothing speaks against training.")


def advised(advice: Advice) -> str:
    """Return one piece of advice as a line, with its mark."""
    return f"{'!!' if advice.is_grave else ' !'} {advice.finding}. {advice.hint}".rstrip()


def record(found: Preflight, run: Run) -> str:
    """Return everything as one line of JSON."""
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "record": "check",
        "verdict": "pointless" if found.is_pointless else "go",
        "target": _values(found.target),
        "source": None if found.source is None else _values(found.source),
        "shared": None if found.shared is None else asdict(found.shared),
        "distances": found.distances,
        "device": str(run.device),
        "precision": run.precision,
        "pace": None if found.pace is None else asdict(found.pace),
        "advice": [asdict(each) for each in found.advice],
    }
    return json.dumps(_encodable(values))


def _folders(found: Preflight) -> dict[str, Census]:
    folders = {"target": found.target, "source": found.source}
    return {name: census for name, census in folders.items() if census is not None}


def _counted(name: str, census: Census) -> Iterator[str]:
    counts = f"{name}: {census.count} photos in {census.folder}"
    if not census.is_empty:
        smallest, middle, largest = _sizes(census)
        counts += f", {_size(smallest)} to {_size(largest)}, half of them above {_size(middle)}"
    yield counts
    for reason in census.broken[:NAMED]:
        yield f"  left out: {reason}"
    if len(census.broken) > NAMED:
        yield f"  left out: {len(census.broken) - NAMED} more"
    if census.grey:
        yield f"  black and white: {census.grey}"
    repeated = duplicates(census)
    if repeated.count:
        yield f"  the same picture again: {repeated.count}"
        for one, other in repeated.examples:
            yield f"    {one} is {other}"


def _sizes(census: Census) -> list[tuple[int, int]]:
    """Return height and width of the smallest photo, the middle one and the largest, by area."""
    order = np.argsort(census.sizes.astype(np.int64).prod(axis=1), kind="stable")
    chosen = census.sizes[order[[0, len(order) // 2, -1]]]
    return [(int(height), int(width)) for height, width in chosen]


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"


def _table(found: Preflight) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("")
    for heading in ("a tenth below", "half", "nine tenths"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("four fifths of the photos", no_wrap=True)
    folders = {name: each for name, each in _folders(found).items() if not each.is_empty}
    for measure in MEASURES:
        spreads = {name: census.spread(measure) for name, census in folders.items()}
        low, high = _scale(measure, list(spreads.values()))
        for index, (name, spread) in enumerate(spreads.items()):
            numbers = [f"{value:.0f}{UNITS[measure]}" for value in spread]
            is_last = index == len(spreads) - 1
            ends = f"  {ENDS[measure]}" if index == 0 else ""
            label = "" if index else measure
            strip = _strip(spread, low, high) + ends
            table.add_row(label, name, *numbers, Text(strip), end_section=is_last)
    return table


def _scale(measure: str, spreads: Sequence[tuple[float, ...]]) -> tuple[float, float]:
    low, high = min(map(min, spreads)), max(map(max, spreads))
    if measure in ("brightness", "contrast"):
        low, high = 0.0, 100.0 if measure == "brightness" else max(high, 40.0)
    margin = max((high - low) * 0.05, 0.5)
    return (low, high) if measure == "brightness" else (low - margin, high + margin)


def _strip(spread: tuple[float, ...], low: float, high: float) -> str:
    """Draw a line from the first to the third value, with a dot at the second."""
    first, dot, last = (round((value - low) / (high - low) * (COLUMNS - 1)) for value in spread)
    cells = ["·"] * COLUMNS
    cells[first : last + 1] = "━" * (last + 1 - first)
    cells[dot] = "●"
    return "".join(cells)


def _paced(pace: Pace, run: Run) -> str:
    return (
        f"a step takes {pace.seconds:.2f} s on {run.device} in {run.precision} (the median of "
        f"{pace.measured}): about {_duration(pace.total_seconds)} for {pace.steps} steps"
    )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(round(seconds), 1)} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _values(census: Census) -> dict[str, Any]:
    values: dict[str, Any] = {
        "folder": str(census.folder),
        "photos": census.count,
        "unreadable": len(census.broken),
        "reasons": census.broken[:NAMED],
        "black_and_white": census.grey,
        "duplicates": _told(duplicates(census)),
    }
    if census.is_empty:
        return values
    sizes = zip(("smallest", "median", "largest"), _sizes(census), strict=True)
    values["sizes"] = {name: [width, height] for name, (height, width) in sizes}
    for measure in MEASURES:
        names = ("tenth", "median", "nine_tenths")
        values[measure] = dict(zip(names, census.spread(measure), strict=True))
    return values


def _told(overlap: Overlap) -> dict[str, Any]:
    return {"count": overlap.count, "examples": overlap.examples}


def _encodable(value: Any) -> Any:
    """Replace what JSON cannot hold: bytes of names that are no UTF-8."""
    match value:
        case str():
            return valid(value)
        case dict():
            return {key: _encodable(each) for key, each in value.items()}
        case list() | tuple():
            return [_encodable(each) for each in value]
        case _:
            return value


def _say(console: Console, line: str) -> None:
    console.print(Text(printable(line)), soft_wrap=True)
