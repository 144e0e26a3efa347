"""What a training run told -> the page in its folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photoenhance.errors import ImageError

if TYPE_CHECKING:
    from photoenhance.report.run_rows import Group

PAGE = "report.html"
GRID = "before-after.png"
ENDS = {
    "done": "ran to its end",
    "settled": "ended by itself, since nothing became better for long",
    "interrupted": "was interrupted, and can go on",
}

Told = Sequence[Mapping[str, Any]]


def write(folder: Path, settings: Mapping[str, Any] | None = None) -> Path:
    """Write the page of a run from the log in its folder; return where it is.

    Args:
        folder: of the run.
        settings: of the run as plain values, if they are at hand.

    Raises:
        ImageError: the page cannot be written, or the log not read.
    """
    from photoenhance.imaging.atomic import replacing
    from photoenhance.report.film import film
    from photoenhance.report.run_page import render
    from photoenhance.report.run_rows import RunReport
    from photoenhance.training.curves import LOG

    told = _read(folder / LOG)
    samples = {
        int(each["step"]): folder / Path(each["path"]).name for each in _of(told, "SampleSaved")
    }
    report = RunReport(
        title=folder.resolve().name,
        lead=_lead(told, settings or {}),
        facts=tuple(_facts(told)),
        groups=(_judged(told), _losses(told), _pace(told)),
        samples=film(samples),
        settings=(*_beginning(told), *_flat(settings or {})),
        result=next(iter(film({0: folder / GRID})), None),
    )
    with replacing(folder / PAGE) as file:
        for piece in render(report):
            file.write(piece)
    return folder / PAGE


def _read(log: Path) -> Told:
    events = []
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError as error:  # a full disk may have kept it from being written
        raise ImageError(f"{log}: cannot be read: {error.strerror}") from error
    for line in text.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:  # cut short by a kill
            continue
    return events


def _of(told: Told, kind: str) -> list[Mapping[str, Any]]:
    return [each for each in told if each.get("event") == kind]


def _lead(told: Told, settings: Mapping[str, Any]) -> str:
    ended, recipe = _of(told, "Ended"), settings.get("recipe")
    by = f" by the recipe {recipe}" if recipe else ""
    if not ended:
        return f"A run{by} that has not ended."
    last = ended[-1]
    model = "" if last["best"] == last["step"] else f" The model is that of step {last['best']:,}."
    return f"{last['step']:,} steps{by}; the run {ENDS[last['reason']]}.{model}"


def _facts(told: Told) -> list[tuple[str, str]]:
    facts = []
    judged = _of(told, "Validated")
    if judged:
        best = [each for each in judged if each["is_best"]] or judged
        facts.append(("Best step", f"{best[-1]['step']:,}"))
        facts += _judgement(best[-1]["judgement"])
    progress = _of(told, "Progress")
    if progress:
        before = [0, *(each["step"] for each in progress)]
        steps = zip(progress, before, strict=False)
        seconds = sum(each["seconds"] * (each["step"] - since) for each, since in steps)
        facts += [
            ("A step", f"{seconds / progress[-1]['step']:.2f} s"),
            ("In all", f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"),
        ]
    return facts


def _judgement(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name what was found; logs of earlier versions have fewer values."""
    known = f"To the {found.get('known') or 'references'}"
    named = (
        ("psnr", known, "{:.2f} dB", 1),
        ("difference", "Colour difference", "{:.2f}", 1),
        ("content", "Structure kept", "{:.1f} %", 100),
        ("look", "Distance to the look", "{:.0f} %", 100),
    )
    values = ((name, form, factor, found.get(key)) for key, name, form, factor in named)
    return [
        (name, form.format(factor * value))
        for name, form, factor, value in values
        if value is not None
    ]


def _judged(told: Told) -> "Group":
    from photoenhance.report.run_rows import Curve, Group

    judged = _of(told, "Validated")
    best = max((each["step"] for each in judged if each["is_best"]), default=0)

    def curve(key: str, name: str, meaning: str, unit: str) -> Curve:
        factor = 100 if unit == " %" else 1
        values = [(each["step"], each["judgement"].get(key)) for each in judged]
        known = tuple((step, factor * value) for step, value in values if value is not None)
        return Curve(name, known, meaning, unit, best)

    known = next((each["judgement"].get("known") for each in judged), None) or "references"
    casts = [(each["step"], each["judgement"].get("cast")) for each in judged]
    strengths = tuple((step, cast["strength"]) for step, cast in casts if cast is not None)
    return Group(
        "Judged by photos that were held out",
        "The ring is the step whose model was given out.",
        (
            curve("psnr", f"To the {known}", "Peak signal to noise ratio of what was made of "
                  f"the photos, to their {known}", " dB"),
            curve("difference", "Colour difference", "Mean distance in CIE L*a*b* of what was made "
                  f"of the photos, to their {known}", ""),
            curve("look", "Distance to the look", "Of tone, colour, local contrast and "
                  "features from the targets': 100 % changed nothing", " %"),
            curve("content", "Structure kept", "Structure of the photos that is still there", " %"),
            Curve("Colour cast", strengths, "By how much all photos together are tinted, in units "
                  "of CIE L*a*b*: 2 is visible"),
        ),
    )  # fmt: skip


def _losses(told: Told) -> "Group":
    from photoenhance.report.run_rows import Curve, Group

    names = list(dict.fromkeys(name for each in _of(told, "Progress") for name in each["terms"]))
    curves = [
        Curve(name, tuple((each["step"], each["terms"][name]) for each in _of(told, "Progress")
                          if name in each["terms"]))
        for name in names
    ]  # fmt: skip
    meaning = (
        "Each term as it is weighted. Losses of networks that learn against each other need not "
        "fall: the samples and the judgement above tell more."
    )
    return Group("Losses", meaning, tuple(curves))


def _pace(told: Told) -> "Group":
    from photoenhance.report.run_rows import Curve, Group

    progress = _of(told, "Progress")
    rates = tuple((each["step"], each["rate"]) for each in progress)
    seconds = tuple((each["step"], each["seconds"]) for each in progress)
    curves = (Curve("Learning rate", rates), Curve("A step", seconds, unit=" s"))
    return Group("Pace", "", curves)


def _beginning(told: Told) -> list[tuple[str, str]]:
    started = _of(told, "Started")
    if not started:
        return []
    first = started[-1]
    named = {
        "targets": first["targets"],
        "sources": "made of targets" if first["sources"] is None else first["sources"],
        "held out": first["held"],
        "judged by": first.get("judged_by"),
        "features": first["features"],
        "device": first["device"],
        "precision": first["precision"],
        "processes": first["processes"],
    }
    return [(name, str(value)) for name, value in named.items() if value is not None]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for key, value in settings.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", str(value)))
    return rows
