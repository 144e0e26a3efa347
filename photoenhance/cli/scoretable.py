"""Judged photos -> tables for a person."""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from photoenhance.cli.render import printable
from photoenhance.cli.scores import Scores
from photoenhance.metrics.catalog import MetricCard
from photoenhance.metrics.summary import Summary

LONGEST_NAME = 48
GAP = 3  # at most, between two columns

Kind = Literal["mean", "median", "sum/(n-1)", "judged"]


def print_scores(scores: Scores, console: Console) -> None:
    """Print every photo's values, mean and median, and then each metric's worst photos."""
    if not scores.judged:
        return
    if scores.setting.maker:
        console.print(_text(f"inputs: results of {scores.setting.maker}"))
    for cards in _blocks(scores, console.width):
        console.print(_values(scores, cards))
    worst = _worst(scores)
    if worst.row_count:
        console.print(worst)


def _blocks(scores: Scores, width: int) -> Iterator[tuple[MetricCard, ...]]:
    """Part the metrics into as many tables as the terminal's width demands."""
    labels = [printable(each.pair.name) for each in scores.judged]
    room = width - _width([*labels, f"sum/(n-1) of {len(labels)}"])
    if len(scores.setting.candidates) > 1:
        room -= _width(list(map(printable, scores.setting.candidates)))
    block: list[MetricCard] = []
    used = 0
    for card in scores.setting.cards:
        needed = _width([card.title, _told(100, card)])
        if block and used + needed > room:
            yield tuple(block)
            block, used = [], 0
        block.append(card)
        used += needed
    yield tuple(block)


def _width(cells: Sequence[str]) -> int:
    return min(LONGEST_NAME, max(map(cell_len, cells))) + GAP


def _values(scores: Scores, cards: Sequence[MetricCard]) -> Table:
    setting = scores.setting
    is_compared = len(setting.candidates) > 1
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("photo", overflow="fold", max_width=LONGEST_NAME)
    if is_compared:
        table.add_column("as", overflow="fold", max_width=LONGEST_NAME)
    for card in cards:
        table.add_column(card.title, justify="right", no_wrap=True)
    before = None
    for each in scores.judged:
        name = "" if each.pair.name == before else each.pair.name
        before = each.pair.name
        cells = [_told(each.values[card.name], card) for card in cards]
        table.add_row(_text(name), *([_text(each.candidate)] if is_compared else []), *cells)
    table.add_section()
    for kind in _kinds(scores):
        for index, candidate in enumerate(setting.candidates):
            cells = [_summed(scores.summary(candidate, card), card, kind) for card in cards]
            of = f" of {len(scores.of(candidate))}"
            label = kind + of if index == 0 or scores.broken else ""
            table.add_row(label, *([_text(candidate)] if is_compared else []), *cells)
    return table


def _kinds(scores: Scores) -> tuple[Kind, ...]:
    values = (
        each.values[card.name]
        for each in scores.judged
        for card in scores.setting.cards
        if card.needs != "source"
    )
    inflated: tuple[Kind, ...] = ("sum/(n-1)",) if scores.setting.protocol.inflates_mean else ()
    # Means of fewer photos than there are should not look like those of all.
    counted: tuple[Kind, ...] = ("judged",) if any(map(math.isnan, values)) else ()
    return ("mean", "median", *inflated, *counted)


def _summed(summary: Summary, card: MetricCard, kind: Kind) -> str:
    match kind:
        case "mean":
            return _told(summary.mean, card)
        case "median":
            return _told(summary.median, card)
        case "sum/(n-1)":
            return _told(summary.inflated_mean, card)
        case "judged":
            return str(summary.count)


def _worst(scores: Scores) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("worst")
    for candidate in scores.setting.candidates:
        table.add_column(_text(candidate), overflow="fold")
    for card in scores.setting.cards:
        cells = []
        for candidate in scores.setting.candidates:
            worst = scores.summary(candidate, card).worst
            lines = [f"{_told(value, card):>6} {printable(name)}" for name, value in worst]
            cells.append(Text("\n".join(lines)))
        if any(cells):
            table.add_row(card.title, *cells)
    return table


def _told(value: float, card: MetricCard) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.{card.decimals}f}"


def _text(name: str) -> Text:
    return Text(printable(name))
