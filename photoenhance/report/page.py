"""A report -> one HTML file that needs nothing else, asks for nothing, and runs nothing foreign."""

import base64
import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from photoenhance.report.histogram import BINS, HEIGHT
from photoenhance.report.measures import mean
from photoenhance.report.rows import Measure, Report, Row

ROOM = Path(__file__).parent
MINUS = "\N{MINUS SIGN}"


def render(report: Report) -> Iterator[bytes]:
    """Yield the page in pieces, the pictures last, so that text and layout stand at once.

    Whatever names, notes and settings hold, they stay text: the template escapes them, and the
    page's own Content-Security-Policy lets nothing run or load but the style and the script whose
    hashes it names, and pictures that the page itself holds or that lie beside it.
    """
    shapes = {size: f"shape-{number}" for number, size in enumerate({r.size for r in report.rows})}
    ratios = [f".{name} {{ --ratio: {w / h:.5f}; }}" for (w, h), name in shapes.items()]
    style, script = "\n".join((_own("style.css"), *ratios)), _own("slider.js")
    linked = any(row.before.link for row in report.rows)
    environment = Environment(
        loader=FileSystemLoader(ROOM),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    pieces = environment.get_template("template.html").generate(
        report=report,
        averages=averages(report.rows),
        policy=_policy(style, script, has_links=linked),
        style=Markup(style),  # noqa: S704 (our own file, as it lies beside this one)
        script=Markup(script),  # noqa: S704 (likewise)
        shapes=shapes,
        number=_number,
        box=f"0 0 {BINS} {HEIGHT}",
    )
    for piece in pieces:
        # File names may hold bytes that are no UTF-8.
        yield piece.encode("utf-8", "backslashreplace")


def averages(rows: tuple[Row, ...]) -> tuple[Measure, ...]:
    """Return each measure's mean over all photos."""
    columns = zip(*(row.measures for row in rows), strict=True)
    return tuple(
        replace(
            column[0],
            before=mean(known) if (known := _known(column)) else None,
            after=mean([each.after for each in column]),
        )
        for column in columns
    )


def _known(column: tuple[Measure, ...]) -> list[float]:
    return [each.before for each in column if each.before is not None]


def _own(name: str) -> str:
    return (ROOM / name).read_text(encoding="utf-8")


def _policy(style: str, script: str, *, has_links: bool) -> str:
    pictures = "'self' file: blob:" if has_links else "blob:"
    return (
        f"default-src 'none'; img-src {pictures}; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _number(measure: Measure, value: float) -> str:
    """Write a number; one that is a change has its sign."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:{'+' if measure.before is None else ''}.{measure.digits}f}"
    shown = "0" if float(text) == 0 else text.replace("-", MINUS)
    return f"{shown}{measure.unit}"
