"""A report -> one HTML file that needs nothing else, asks for nothing, and runs nothing foreign."""

import math
from collections.abc import Iterator
from dataclasses import replace

from markupsafe import Markup

from photoenhance.report.histogram import BINS, HEIGHT
from photoenhance.report.markup import GENERATOR, environment, own, policy
from photoenhance.report.measures import mean
from photoenhance.report.rows import Measure, Report, Row

MINUS = "\N{MINUS SIGN}"


def render(report: Report) -> Iterator[bytes]:
    """Yield the page in pieces, the pictures last, so that text and layout stand at once.

    Whatever names, notes and settings hold, they stay text: the template escapes them, and the
    page's own Content-Security-Policy lets nothing run or load but the style and the script whose
    hashes it names, and pictures that the page itself holds or that lie beside it.
    """
    sizes = dict.fromkeys(row.size for row in report.rows)
    shapes = {size: f"shape-{number}" for number, size in enumerate(sizes)}
    ratios = [f".{name} {{ --ratio: {w / h:.5f}; }}" for (w, h), name in shapes.items()]
    style, script = "\n".join((own("style.css"), *ratios)), own("slider.js")
    linked = any(row.before.link for row in report.rows)
    template = environment().get_template("template.html")
    pieces = template.generate(
        report=report,
        averages=averages(report.rows),
        generator=GENERATOR,
        policy=policy(style, script, has_links=linked),
        style=Markup(style),  # noqa: S704 (our own file, as it lies beside this one)
        script=Markup(script),  # noqa: S704 (likewise)
        shapes=shapes,
        linked=linked,
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


def _number(measure: Measure, value: float) -> str:
    """Write a number; one that is a change has its sign."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:{'+' if measure.before is None else ''}.{measure.digits}f}"
    shown = "0" if float(text) == 0 else text.replace("-", MINUS)
    return f"{shown}{measure.unit}"
