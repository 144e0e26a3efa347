"""What `enhance` told, live or in its log -> what a report is to show."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoenhance.batch.events import Event, PhotoDone, Settings, Started
from photoenhance.cli.render import tell
from photoenhance.errors import ConfigError
from photoenhance.zoo.catalog import CATALOG

if TYPE_CHECKING:
    from photoenhance.report.rows import Failure, Pair

STANDARD = "-"
_LABELS = {"weights_sha256": "SHA-256 of the weights"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is to show.

    Attributes:
        title: the headline.
        pairs: photos with their results.
        failures: photos without.
        settings: what they were made with, in words.
        models: that made them, by the names that the user gave them.
    """

    title: str
    pairs: "tuple[Pair, ...]"
    failures: "tuple[Failure, ...]" = ()
    settings: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = ()


def read_log(source: str) -> Iterator[Event]:
    """Read what `enhance --json` or `--log` wrote.

    Args:
        source: a file; "-" is standard input.

    Raises:
        ConfigError: the log cannot be read, or holds something else.
    """
    try:
        data = sys.stdin.buffer.read() if source == STANDARD else Path(source).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{source}: the log cannot be read: {error.strerror}", hint="Check the path."
        ) from error
    cut: list[int] = []
    seen = 0
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            event = _event(json.loads(line))
        except ValueError:  # no JSON: cut short, as by a kill or a full disk
            cut.append(number)
            continue
        except (TypeError, KeyError) as error:
            raise _no_log(source, number) from error
        seen += 1
        if event:
            yield event
    if cut and not seen:
        raise _no_log(source, cut[0])
    if cut:
        lines = f"line{'s' if len(cut) > 1 else ''} {', '.join(map(str, cut))}"
        tell(f"note: {source}: passed over, since cut short: {lines}")


def _no_log(source: str, number: int) -> ConfigError:
    return ConfigError(
        f"{source}: line {number} is no record of `enhance --json`",
        hint="Name a log, or the folder of the originals and that of the results.",
    )


def contents_of(events: Iterable[Event]) -> Contents:
    """Gather what one or several runs did; where a photo was done twice the last time counts."""
    from photoenhance.report.rows import Failure

    last: dict[str, tuple[PhotoDone, Settings]] = {}
    settings: Settings | None = None
    for event in events:
        if isinstance(event, Started):
            settings = event.settings
        elif isinstance(event, PhotoDone) and settings and _is_shown(event):
            last[event.input if event.output == STANDARD else event.output] = event, settings
    used = list(dict.fromkeys(settings for _, settings in last.values()))
    names = _names([done.input for done, _ in last.values()])
    pairs, failures = [], []
    for done, settings in last.values():
        name, missing = names[done.input], _missing(done)
        if missing:
            failures.append(Failure(name, missing, done.hint))
        else:
            pairs.append(_pair(name, done, settings if len(used) > 1 else None))
    models = tuple(dict.fromkeys(each.model for each in used))
    title = _title([done.input for done, _ in last.values()])
    return Contents(title, tuple(pairs), tuple(failures), _described(used, models), models)


def contents_by_marks(pairs: "tuple[Pair, ...]") -> Contents:
    """Gather what results say of themselves, where there is no log."""
    from photoenhance.imaging.mark import read_mark

    marks = [read_mark(pair.after) for pair in pairs]
    used = list(dict.fromkeys((mark.model, mark.settings) for mark in marks if mark))
    models = tuple(dict.fromkeys(model for model, _ in used))
    facts = list(_cards(models))
    for label, values in (
        ("Settings", [settings for _, settings in used]),
        (_LABELS["weights_sha256"], [mark.weights_sha256 for mark in marks if mark]),
        ("Version", [mark.version for mark in marks if mark]),
    ):
        if values:
            facts.append((label, "; ".join(dict.fromkeys(values))))
    if len(used) > 1:
        pairs = tuple(
            replace(pair, facts=(mark.words(), *pair.facts) if mark else pair.facts)
            for pair, mark in zip(pairs, marks, strict=True)
        )
    return Contents("", pairs, settings=tuple(facts), models=models)


def _event(record: Mapping[str, Any]) -> Event | None:
    match record["record"]:
        case "start":
            return Started(record["photos"], Settings(**_known(Settings, record)))
        case "file":
            return PhotoDone(**_known(PhotoDone, record))
    return None


def _known(kind: type[Settings] | type[PhotoDone], record: Mapping[str, Any]) -> dict[str, Any]:
    """Take what this version knows of a record, which may be another version's."""
    known = {each.name: record[each.name] for each in fields(kind) if each.name in record}
    # JSON has no tuples.
    return {name: tuple(v) if isinstance(v, list) else v for name, v in known.items()}


def _is_shown(done: PhotoDone) -> bool:
    return done.status != "dry-run" and done.reason not in ("result", "unsupported")


def _missing(done: PhotoDone) -> str | None:
    """Why there is nothing to show of a photo, if so."""
    if done.status == "failed":
        return done.message or "failed"
    if STANDARD in (done.input, done.output):
        return "went through a pipe, so that no file is left to show"
    if done.input == done.output:
        return "was replaced by its result, so that the original is gone"
    return None


def _pair(name: str, done: PhotoDone, settings: Settings | None) -> "Pair":
    from photoenhance.report.rows import Pair

    facts = []
    if settings:
        facts.append(f"{settings.model}, strength {settings.strength:g}")
    if done.rendering and done.rendering != "none":
        facts.append(f"{done.rendering} of {done.tile}" if done.tile else done.rendering)
    if done.status == "ok":
        facts.append(f"{done.seconds:.1f} s")
    return Pair(name, Path(done.input), Path(done.output), tuple(facts), done.warnings)


def _names(inputs: list[str]) -> dict[str, str]:
    """Shorten paths to what tells them apart."""
    folders = {os.path.dirname(path) for path in inputs}  # noqa: PTH120 (pathlib forgets ./)
    common = os.path.commonpath(map(os.path.abspath, folders)) if folders else ""
    return {path: os.path.relpath(path, common) for path in inputs}


def _title(inputs: list[str]) -> str:
    folders = {Path(path).absolute().parent for path in inputs}
    if len(inputs) == 1:
        return Path(inputs[0]).name
    return (Path(os.path.commonpath(folders)).name if folders else "") or "Photos"


def _described(used: list[Settings], models: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Tell everything that the photos were made with, models first."""
    facts = list(_cards(models))
    columns = [asdict(settings) for settings in used]
    for key in columns[0] if columns else ():
        values = dict.fromkeys(_in_words(each[key]) for each in columns)
        if key != "model" and set(values) != {""}:
            label = _LABELS.get(key, key.replace("_", " ").capitalize())
            facts.append((label, ", ".join(value for value in values if value)))
    return tuple(facts)


def _cards(models: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in models:
        yield "Model", name
        card = CATALOG.get(name)
        if card:
            yield "Summary", card.summary
            yield "Licence", card.licence
            yield "Training data", card.training_data
            yield "Cite", card.citation


def _in_words(value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "yes"
    return f"{value:g}" if isinstance(value, float) else str(value)
