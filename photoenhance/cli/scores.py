"""Judged photos -> records, a table of commas, and sums."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoenhance.cli.render import SCHEMA, printable, valid
from photoenhance.errors import ConfigError, ExitCode, ImageError
from photoenhance.imaging.atomic import replacing
from photoenhance.metrics.catalog import MetricCard
from photoenhance.metrics.evaluate import INPUTS, Broken, Judged
from photoenhance.metrics.pairs import Pair
from photoenhance.metrics.protocol import Protocol
from photoenhance.metrics.summary import Summary, summarise


@dataclass(frozen=True, slots=True)
class Setting:
    """What is judged, and by what.

    Attributes:
        pairs: the photos.
        cards: the metrics, in the order of the columns.
        files: SHA-256 of the files that metrics need, by metric.
        protocol: of PSNR and SSIM.
        models: SHA-256 of the weights, by the models' names.
        device: where they run; None without any.
        precision: of their arithmetic.
        strength: 0 (the original) to 1.
        maker: what made the inputs, where all say that they are results of the same.
    """

    pairs: tuple[Pair, ...]
    cards: tuple[MetricCard, ...]
    files: Mapping[str, str]
    protocol: Protocol
    models: Mapping[str, str]
    device: str | None
    precision: str
    strength: float
    maker: str | None = None

    @property
    def candidates(self) -> tuple[str, ...]:
        """What is compared: the inputs, and each model's results."""
        return (INPUTS, *self.models)


class Scores:
    """All that is known by now."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.judged: list[Judged] = []
        self.broken: list[Broken] = []

    def add(self, event: Judged | Broken) -> None:
        """Take in one result."""
        if isinstance(event, Judged):
            self.judged.append(event)
        else:
            self.broken.append(event)

    def of(self, candidate: str) -> list[Judged]:
        """One candidate's results."""
        return [each for each in self.judged if each.candidate == candidate]

    def summary(self, candidate: str, card: MetricCard) -> Summary:
        """One metric of one candidate over all photos."""
        values = {each.pair.name: each.values[card.name] for each in self.of(candidate)}
        if card.needs == "source" and candidate == INPUTS:
            values = {}
        return summarise(values, card.better)

    @property
    def exit_code(self) -> ExitCode:
        """What the command ends with."""
        return ExitCode.FAILED if self.broken else ExitCode.OK


def start_record(setting: Setting) -> dict[str, Any]:
    """The first JSON record."""
    return {
        "schema": SCHEMA,
        "record": "start",
        "photos": len(setting.pairs),
        "models": [
            {"model": valid(name), "weights_sha256": sha256}
            for name, sha256 in setting.models.items()
        ],
        "metrics": [card.name for card in setting.cards],
        "metric_files_sha256": dict(setting.files),
        "protocol": setting.protocol.name,
        "device": setting.device,
        "precision": setting.precision,
        "strength": setting.strength,
        "inputs_by": setting.maker,
    }


def file_record(event: Judged | Broken) -> dict[str, Any]:
    """The JSON record of one photo; `model` is null for the inputs as they are."""
    pair, candidate = event.pair, event.candidate
    record = {
        "schema": SCHEMA,
        "record": "file",
        "input": valid(str(pair.input)),
        "reference": valid(str(pair.reference)) if pair.reference else None,
        "model": None if candidate in (None, INPUTS) else valid(str(candidate)),
    }
    if isinstance(event, Judged):
        values = {name: _number(value) for name, value in event.values.items()}
        is_same = math.isinf(event.values.get("psnr", 0))
        done = {"status": "ok", "metrics": values, "equals_reference": is_same}
        return record | done | {"seconds": event.seconds}
    error = event.error
    failed = {"status": "failed", "error_class": type(error).__name__}
    return record | failed | {"message": valid(error.message), "hint": error.hint}


def summary_record(scores: Scores) -> dict[str, Any]:
    """The last JSON record; `mean`, `median` and `worst` are by model and metric."""
    candidates = []
    for candidate in scores.setting.candidates:
        cards = scores.setting.cards
        sums = {card.name: scores.summary(candidate, card) for card in cards}
        candidates.append(
            {
                "model": None if candidate == INPUTS else valid(candidate),
                "photos": len(scores.of(candidate)),
                "metrics": {
                    name: _summed(each, is_inflated=scores.setting.protocol.inflates_mean)
                    for name, each in sums.items()
                },
            }
        )
    return {
        "schema": SCHEMA,
        "record": "summary",
        "ok": len(scores.judged),
        "failed": len(scores.broken),
        "exit_code": scores.exit_code,
        "candidates": candidates,
    }


def write_csv(path: Path, scores: Scores) -> None:
    """Write a line for each photo and candidate, with an error where there are no values.

    Raises:
        ConfigError: the file cannot be written.
    """
    text = io.StringIO()
    names = [card.name for card in scores.setting.cards]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["photo", "model", *names, "error"])
    for each in scores.judged:
        values = [each.values[name] for name in names]
        cells = ["" if math.isnan(value) else repr(float(value)) for value in values]
        writer.writerow([printable(each.pair.name), printable(each.candidate), *cells, ""])
    for failure in scores.broken:
        blank = [""] * len(names)
        name, candidate = printable(failure.pair.name), printable(failure.candidate or "")
        writer.writerow([name, candidate, *blank, printable(failure.error.message)])
    try:
        with replacing(path) as file:
            file.write(text.getvalue().encode())
    except ImageError as error:
        raise ConfigError(error.message, hint="Name another file after --csv.") from error


def _summed(summary: Summary, *, is_inflated: bool) -> dict[str, Any]:
    return {
        "count": summary.count,
        "mean": _number(summary.mean),
        "median": _number(summary.median),
        "inflated_mean": _number(summary.inflated_mean) if is_inflated else None,
        "worst": [{"photo": valid(name), "value": _number(value)} for name, value in summary.worst],
    }


def _number(value: float) -> float | None:
    # JSON has neither infinity nor "not a number".
    return value if math.isfinite(value) else None
