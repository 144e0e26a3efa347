"""`photoenhance doctor`."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import typer

from photoenhance.cli import checks, command, options, packages
from photoenhance.cli.findings import Finding
from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.render import SCHEMA, printable
from photoenhance.errors import ExitCode
from photoenhance.zoo.catalog import DEFAULT_MODEL

_WORDS = {"ok": "ok", "missing": "-", "warning": "warning", "failed": "FAILED"}


def doctor(
    context: typer.Context,
    *,
    model: options.Model = DEFAULT_MODEL,
    device: options.Device = "auto",
    self_test: Annotated[
        bool,
        typer.Option("--self-test/--no-self-test", help="Enhance a drawn photo; takes seconds."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")] = False,
) -> None:
    """Find out what works here, what does not and why, and what could be added.

    Looks at folders, programs, formats, devices, engines and models, then enhances a drawn photo
    and checks the result. Exits with 0 if all is well, 1 if something is broken, 2 if no device has
    such a name, 3 if it is the model and 4 if it is the device. Nothing is changed, and nothing
    leaves the machine.
    """
    findings: list[Finding] = []
    sections = command.sections(context.find_root().command)
    with leaving_at_once():
        looks = _found(model, device, has_self_test=self_test)
        for finding in chain(checks.settings_files(sections), looks):
            is_first = not findings or findings[-1].group != finding.group
            typer.echo(_record(finding) if as_json else _lines(finding, has_heading=is_first))
            findings.append(finding)
    code = _exit_code(findings)
    counts = {status: sum(f.status == status for f in findings) for status in _WORDS}
    if as_json:
        summary = {"schema": SCHEMA, "record": "summary", **counts, "exit_code": code}
        typer.echo(json.dumps(summary))
    else:
        typer.echo(_conclusion(counts))
    raise typer.Exit(code)


def _found(model: str, device: str, *, has_self_test: bool) -> Iterator[Finding]:
    """Look at one thing after the other; what needs something broken is not tried."""
    yield from checks.folders()
    programs = list(packages.programs())
    yield from programs
    if _has_failed(programs):
        return
    yield from checks.formats()
    yield from checks.metrics()
    needed: list[Finding] = []
    for finding in chain(checks.devices(device), packages.engines(), checks.models(model)):
        needed.append(finding)
        yield finding
    if has_self_test and not _has_failed(needed):
        yield from checks.self_test(model, device)


def _has_failed(findings: list[Finding]) -> bool:
    return any(finding.status == "failed" for finding in findings)


def _exit_code(findings: list[Finding]) -> ExitCode:
    """Choose what must be put right first: a broken package breaks models and devices too."""
    codes = {finding.exit_code for finding in findings}
    order = (ExitCode.FAILED, ExitCode.USAGE, ExitCode.WEIGHTS, ExitCode.DEVICE)
    return next((code for code in order if code in codes), ExitCode.OK)


def _lines(finding: Finding, *, has_heading: bool) -> str:
    lines = [f"\n{finding.group}"] if has_heading else []
    word = _WORDS[finding.status]
    lines.append(f"  {word:7}  {printable(finding.name):23} {printable(finding.value)}".rstrip())
    if finding.hint:
        lines.append(f"{'':34} {printable(finding.hint)}")
    return "\n".join(lines)


def _record(finding: Finding) -> str:
    return json.dumps(
        {
            "schema": SCHEMA,
            "record": "check",
            "group": finding.group.lower(),
            "name": printable(finding.name),
            "status": finding.status,
            "value": printable(finding.value),
            "hint": finding.hint,
        }
    )


def _conclusion(counts: dict[str, int]) -> str:
    if counts["failed"]:
        return f"\n{counts['failed']} of these must be put right."
    extras = f"; {counts['missing']} optional things are not here" if counts["missing"] else ""
    return f"\nphotoenhance works here{extras}."
