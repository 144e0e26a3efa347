"""`photoenhance train check`."""

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from photoenhance.cli import train_options as options
from photoenhance.cli.command import about
from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.options import Device, Json
from photoenhance.errors import ExitCode


def check(  # noqa: PLR0913 (Typer reads the options from the signature)
    *,
    target: options.Target,
    source: options.Source = None,
    val_pairs: options.ValPairs = None,
    model: options.Model = "uegan",
    recipe: options.Recipe = None,
    steps: options.Steps = None,
    width: options.Width = None,
    crop: options.Crop = None,
    batch: options.Batch = None,
    set: options.Set = None,
    init: options.Init = None,
    perceptual: options.Perceptual = None,
    device: Device = "auto",
    precision: options.Arithmetic = "auto",
    cache_gb: options.CacheGb = 2.0,
    workers: options.Workers = 1,
    json: Json = False,
) -> None:
    """Look at the photos and at this machine before a long run; write nothing.

    Takes the options of the run itself. Ends with 1 where training would be pointless.
    """
    with leaving_at_once():
        from photoenhance.cli import train_findings
        from photoenhance.inference.device import choose
        from photoenhance.training import config, precisions, preflight
        from photoenhance.training.loop import Run

    overrides = {"steps": steps, "width": width, "crop": crop, "batch": batch, "init": init}
    settings = config.load(options.recipe_of(recipe, model), overrides, set or ())
    with about("device"):
        chosen = choose(device)
    run = Run(
        target=target,
        source=source,
        output=options.folder_of(target),  # only to be passed over: no step writes there
        perceptual=perceptual,
        pairs=val_pairs,
        device=chosen,
        precision=precisions.best(chosen) if precision == "auto" else precision,
        cache_bytes=int(cache_gb * 2**30),
        workers=workers,
    )
    photos = preflight.listed(settings, run)
    with _bar(sum(len(paths) for _, paths in photos.values())) as bar:
        found = preflight.check(settings, run, photos, seen=lambda: bar.advance(bar.tasks[0].id))
    if json:
        typer.echo(train_findings.record(found, run))
    else:
        train_findings.show(found, run)
    raise typer.Exit(ExitCode.FAILED if found.is_pointless else ExitCode.OK)


def _bar(photos: int) -> Progress:
    console = Console(stderr=True, highlight=False)
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("photos, then some steps"),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    bar.add_task("", total=photos)
    return bar
