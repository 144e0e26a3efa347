"""A training run -> one HTML file that needs nothing else, as the report of photos."""

import json
from collections.abc import Iterator

from markupsafe import Markup

from photoenhance.report import chart
from photoenhance.report.chart import Chart
from photoenhance.report.markup import GENERATOR, environment, own, policy
from photoenhance.report.run_rows import Group, RunReport


def render(report: RunReport) -> Iterator[bytes]:
    """Yield the page in pieces, the pictures last.

    Whatever names and settings hold, they stay text; nothing runs or loads but the page's own.
    """
    pictures = (*report.samples, *(() if report.result is None else (report.result,)))
    shapes = {size: f"shape-{number}" for number, size in enumerate({s.size for s in pictures})}
    ratios = [f".{name} {{ --ratio: {w / h:.5f}; }}" for (w, h), name in shapes.items()]
    style = "\n".join((own("style.css"), own("run.css"), *ratios))
    script = own("run.js")
    charts = _charts(report)
    template = environment().get_template("run.html")
    pieces = template.generate(
        report=report,
        charts=charts,
        spots=_spots([each for _, drawn in charts for each in drawn]),
        generator=GENERATOR,
        policy=policy(style, script, has_links=False),
        style=Markup(style),  # noqa: S704 (our own files, as they lie beside this one)
        script=Markup(script),  # noqa: S704 (likewise)
        shapes=shapes,
        field=chart,
    )
    for piece in pieces:
        # File names may hold bytes that are no UTF-8.
        yield piece.encode("utf-8", "backslashreplace")


def _charts(report: RunReport) -> list[tuple[Group, list[Chart]]]:
    """Draw what there is to draw, all over the same steps."""
    steps = [step for group in report.groups for curve in group.curves for step, _ in curve.points]
    if not steps:
        return []
    span = (0, max(steps))
    drawn = [
        (group, [each for curve in group.curves if (each := chart.chart(curve, span)) is not None])
        for group in report.groups
    ]
    return [(group, charts) for group, charts in drawn if charts]


def _spots(charts: list[Chart]) -> Markup:
    """Write the charts' points for the script; in JSON that cannot end its element."""
    text = json.dumps([each.spots for each in charts], separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 (numbers, and no end of an element)
