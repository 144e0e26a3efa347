"""`photoenhance models`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from photoenhance.cli.choice import is_kept, kept_file
from photoenhance.cli.command import LenientCommand
from photoenhance.cli.downloads import shown_download
from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.render import SCHEMA, printable, tell
from photoenhance.errors import ConfigError, WeightsError
from photoenhance.metrics.catalog import METRICS, MetricCard
from photoenhance.zoo import inventory, store
from photoenhance.zoo.catalog import CATALOG, DEFAULT_MODEL

app = typer.Typer(help="The models that can enhance photos.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Errors only.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of `models list`.")]
AnyModel = Annotated[str, typer.Argument(metavar="NAME|FILE|RUN", help="As for `enhance --model`.")]
STATES = {  # of models, and of the files that metrics need
    "bundled": "comes with photoenhance",
    "downloaded": "downloaded",
    "available": "not downloaded",
    "imported": "imported",
    "file": "a file",
    "here": "here",
    "missing": "missing",
}


@app.command("list", cls=LenientCommand)
def list_models(*, as_json: Json = False) -> None:
    """List the models that can be had by name."""
    models = inventory.listed()
    if as_json:
        for model in models:
            _record("model", asdict(model))
        return
    widths = [
        max(map(len, column))
        for column in zip(*((model.name, STATES[model.state]) for model in models), strict=True)
    ]
    for model in models:
        default = " (default)" if model.is_default else ""
        state = STATES[model.state]
        typer.echo(
            f"{model.name:{widths[0]}}  {state:{widths[1]}}  {printable(model.summary)}{default}"
        )


@app.command("show", cls=LenientCommand)
def show(name: AnyModel = DEFAULT_MODEL, *, as_json: Json = False) -> None:
    """Show what is known of one model: licence, source, training data, size, how to cite it.

    Of a metric that needs a file, such as nima, show which one, and where it belongs.
    """
    card = METRICS.get(name)
    facts = _facts_of_metric(card) if card and card.file else inventory.facts(name)
    if as_json:
        _record("model", facts)
        return
    if facts.get("state") in ("available", "downloaded") and not facts["original_sha256"]:
        facts["original_sha256"] = (
            "nobody has published it; that of the first valid download is kept, and later ones "
            "must match"
        )
    for key, value in facts.items():
        if value not in (None, [], ()):
            typer.echo(f"{_title(key) + ':':15} {printable(_told(key, value))}")


def _facts_of_metric(card: MetricCard) -> dict[str, object]:
    assert card.file is not None
    place = kept_file(card)
    return {
        "name": card.name,
        "summary": f"{card.meaning}, for `evaluate --metrics {card.name}`",
        "file": card.file.name,
        "state": "here" if is_kept(card) else "missing",
        "source": card.file.origin,
        "place": f"{place}, or name it with {card.file.option}",
    }


@app.command("download", cls=LenientCommand)
def download(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Of `models list`.")],
    *,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Download models, check and convert them; print each one's path last."""
    with leaving_at_once():
        from photoenhance.zoo import install
    for name in names:
        if name not in CATALOG:
            raise WeightsError(
                f"{name}: no model of this name",
                hint=f"{store.nearest(name, CATALOG)}Choose one of: {', '.join(CATALOG)}.",
            )
    for name in names:
        with shown_download(name, quiet=quiet) as progress:
            _give_path(name, install.ready(name, progress), as_json=as_json)


@app.command("verify", cls=LenientCommand)
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME|FILE|RUN]...", help="All that are here, if none is named."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Hash the models that are here again, and name what is damaged."""
    here = [model.name for model in inventory.listed() if model.state != "available"]
    damaged, absent = [], []
    for name in names or here:
        problems = _problems(name)
        if isinstance(problems, WeightsError):
            absent.append(problems)
            problems = [problems.message.removeprefix(f"{name}: ")]
        if problems:
            damaged.append(name)
        if as_json:
            _record("model", {"name": name, "is_whole": not problems, "problems": problems})
        else:
            typer.echo(f"{name}: {printable('; '.join(problems)) or 'whole'}")
    if absent and len(absent) == len(damaged):
        raise WeightsError(f"{', '.join(damaged)}: not here", hint=absent[0].hint)
    if damaged:
        raise WeightsError(
            f"{', '.join(damaged)}: damaged or missing",
            hint="Remove them with `photoenhance models remove`, and get them again.",
        )


def _problems(name: str) -> list[str] | WeightsError:
    """Say what is damaged of a model, or give the error of one that is not here at all."""
    try:
        store.find(name)
    except WeightsError as error:
        return error
    try:
        return inventory.problems(name)
    except WeightsError as error:
        return [error.message.removeprefix(f"{name}: ")]


@app.command("path", cls=LenientCommand)
def path(name: AnyModel = DEFAULT_MODEL, *, as_json: Json = False) -> None:
    """Print where a model's file lies; fail if it is not here."""
    _give_path(name, store.find(name), as_json=as_json)


@app.command("import", cls=LenientCommand)
def import_model(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|RUN",
            help="A published .pth, .onnx, TensorFlow .index or .zip, ours, or a training run.",
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(help="What to call it; a catalogue's name for the file that it means."),
    ] = None,
    member: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Of several models in a zip, a part of one's path."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Convert a file of weights, and keep it as a model; print its path last.

    Nothing in the file is executed.
    """
    with leaving_at_once():
        from photoenhance.zoo import install
    imported = install.import_file(file, name, member)
    _give_path(name or imported.stem, imported, as_json=as_json)


@app.command("remove", cls=LenientCommand)
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Of `models list`.")],
    *,
    forget: Annotated[
        bool, typer.Option("--forget", help="Let the next download be another file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove models that were downloaded or imported."""
    with leaving_at_once():
        from photoenhance.zoo import install
    for name in names:
        for file in install.remove(name, forget=forget):
            if as_json:
                _record("removed", {"name": name, "file": str(file)})
            else:
                tell(f"Removed {file}")


@app.command("export", cls=LenientCommand)
def export(  # noqa: PLR0913 (Typer reads the options from the signature)
    name: AnyModel,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Without it, NAME.onnx.", show_default=False
        ),
    ] = None,
    format: Annotated[
        Literal["onnx"], typer.Option(help="Of the file; needs the extra `onnx`.")
    ] = "onnx",
    model_option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="As for `enhance`: context=native for DPE."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a model for other programs, for photos of any size; print the file's path last."""
    output = output or Path(f"{Path(name).stem or name}.{format}")
    if output.exists() and not overwrite:
        raise ConfigError(f"{output}: exists already", hint="Name another with -o, or --overwrite.")
    with leaving_at_once():
        from photoenhance.zoo.export import export_onnx
        from photoenhance.zoo.load import load_generator
    with shown_download(name, quiet=quiet) as progress:
        model = load_generator(name, progress, model_option or ())
    export_onnx(model, output, model_option or ())
    _give_path(name, output, as_json=as_json)


def _give_path(name: str, file: Path, *, as_json: bool) -> None:
    if as_json:
        _record("model", {"name": name, "file": str(file), "sha256": store.sha256(file)})
    else:
        typer.echo(file)


def _record(kind: str, values: dict[str, object]) -> None:
    typer.echo(json.dumps({"schema": SCHEMA, "record": kind, **values}))


def _title(key: str) -> str:
    return {"sha256": "SHA-256", "citation": "cite"}.get(key, key.replace("_", " ")).replace(
        "sha256", "SHA-256"
    )


def _told(key: str, value: object) -> str:
    if key in ("size", "original_size"):
        return f"{value / 1e6:.1f} MB" if isinstance(value, int) else str(value)
    if key == "state":
        return STATES[str(value)]
    match value:
        case dict():
            return ", ".join(f"{name} {each}" for name, each in value.items())
        case list():
            return ", ".join(map(str, value))
        case int():
            return f"{value:,}"
    return str(value)
