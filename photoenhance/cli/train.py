"""`photoenhance train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from photoenhance.cli.interrupts import leaving_at_once
from photoenhance.cli.options import Device
from photoenhance.cli.render import tell
from photoenhance.errors import ConfigError

if TYPE_CHECKING:
    from photoenhance.training import events

_WHAT = "Photos"
_HOW = "How"

DirectoryOption = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Photos that look as you wish.", rich_help_panel=_WHAT),
]


def train(  # noqa: PLR0913 (Typer reads the options from the signature)
    *,
    target: DirectoryOption,
    source: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Ordinary photos to learn from as well. Without them, all sources are target "
            "photos made worse.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="RUN",
            help="Folder for the model and samples; without it, my_style/ goes to my_style-model/.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            metavar="photo|uegan",
            help="photo: sources are made of targets, so that the result can be compared; "
            "uegan: as its authors train, with two folders.",
            rich_help_panel=_HOW,
        ),
    ] = "photo",
    steps: Annotated[int | None, typer.Option(help="Updates.", rich_help_panel=_HOW)] = None,
    width: Annotated[
        int | None,
        typer.Option(help="Of the network: 16 is fast, 32 the paper's.", rich_help_panel=_HOW),
    ] = None,
    crop: Annotated[
        int | None, typer.Option(help="Side of the crops in pixels.", rich_help_panel=_HOW)
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Sources and targets a step.", rich_help_panel=_HOW)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of everything random.", rich_help_panel=_HOW)
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Any other value of the recipe, as in optimiser.generator_rate=2e-4. "
            "May be repeated.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="A model to begin with, as for enhance.", rich_help_panel=_HOW
        ),
    ] = None,
    perceptual: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A truncated VGG (.safetensors) for the fidelity loss. Without it, torchvision's "
            "VGG-19 or, where that cannot be had, the bundled model's encoder.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    device: Device = "auto",
    precision: Annotated[
        Literal["fp32", "bf16"],
        typer.Option(help="bf16 is faster where the processor knows it.", rich_help_panel=_HOW),
    ] = "fp32",
    save_every: Annotated[
        int,
        typer.Option(min=1, help="Steps between saved models and samples.", rich_help_panel=_HOW),
    ] = 500,
) -> None:
    """Learn the look of a folder of photos; `enhance --model RUN` then gives it to others."""
    with leaving_at_once():
        from photoenhance.inference.device import choose
        from photoenhance.training import config, loop

    overrides = {"steps": steps, "width": width, "crop": crop, "batch": batch, "seed": seed}
    settings = config.load(recipe, overrides, set or ())
    folder = output or target.with_name(f"{target.resolve().name}-model")
    checkpoint = folder / loop.CHECKPOINT
    if checkpoint.exists():
        msg = f"{folder}: holds a trained model already"
        raise ConfigError(msg, hint="Name another folder with --output, or move that one away.")
    run = loop.Run(
        target=target,
        source=source,
        output=folder,
        perceptual=perceptual,
        start=init,
        device=choose(device),
        precision=precision,
        save_every=save_every,
    )
    console = Console(stderr=True, highlight=False)
    try:
        with _bar(console, settings.steps) as bar:
            for event in loop.train(settings, run):
                _show(event, console, bar, settings.steps)
    except KeyboardInterrupt:
        if checkpoint.exists():
            tell(f"What was learnt so far is in {folder}: photoenhance enhance --model {folder}")
        raise
    tell(f"Done: photoenhance enhance --model {folder} PHOTOS")
    typer.echo(checkpoint)


def _bar(console: Console, steps: int) -> Progress:
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TextColumn("{task.description}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    bar.add_task("", total=steps)
    return bar


def _show(event: "events.Event", console: Console, bar: Progress, steps: int) -> None:
    from photoenhance.training import events

    match event:
        case events.Started(targets=targets, sources=sources, features=features):
            made = "no sources (made of targets)" if sources is None else f"{sources} sources"
            compared = f"; fidelity in {features}" if features else ""
            where = f"on {event.device} in {event.precision}"
            tell(f"{targets} targets, {made}, {where}{compared}")
        case events.Progress(step=step, terms=terms, seconds=seconds):
            told = " ".join(f"{name} {value:.4f}" for name, value in terms.items())
            bar.update(bar.tasks[0].id, completed=step, description=f"{told}, {seconds:.2f} s each")
            if not console.is_terminal:
                minutes = (steps - step) * seconds / 60
                tell(f"{step}/{steps} {told}, {seconds:.2f} s a step, {minutes:.0f} min left")
        case events.CheckpointSaved(step=step, path=path):
            tell(f"{step}: saved {path}")
        case events.SampleSaved(step=step, path=path):
            tell(f"{step}: samples in {path}")
