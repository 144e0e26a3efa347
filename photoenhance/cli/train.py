"""`photoenhance train`."""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from photoenhance.cli import run_report, train_check, train_options
from photoenhance.cli.command import Command, about, refuse_faults, tell_unknown_variables
from photoenhance.cli.interrupts import leaving_at_once, saving_first
from photoenhance.cli.options import Device
from photoenhance.cli.publication import check_page
from photoenhance.cli.render import logged, tell
from photoenhance.errors import ConfigError, ExitCode, PhotoEnhanceError, TrainingError

if TYPE_CHECKING:
    from photoenhance.training import events
    from photoenhance.training.config import TrainConfig
    from photoenhance.training.distributed import Processes
    from photoenhance.training.loop import Run

app = typer.Typer(invoke_without_command=True)
app.command("check", cls=Command)(train_check.check)

_WHAT = "Photos"
_HOW = "How"
_RUN = "The run"


@app.callback()
def train(  # noqa: PLR0913 (Typer reads the options from the signature)
    context: typer.Context,
    *,
    target: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of photos that look as you wish, about thirty or more; the only option "
            "that is needed.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    source: train_options.Source = None,
    val_pairs: train_options.ValPairs = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="RUN",
            help="Folder for the model, samples and report; without it, --target my_style makes "
            "my_style-model.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    model: train_options.Model = "uegan",
    recipe: train_options.Recipe = None,
    list_recipes: Annotated[
        bool,
        typer.Option(
            "--list-recipes",
            help="List the recipes, ours first, and do nothing else.",
            rich_help_panel=_HOW,
        ),
    ] = False,
    steps: train_options.Steps = None,
    width: train_options.Width = None,
    crop: train_options.Crop = None,
    batch: train_options.Batch = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Number that all random choices begin with: the same number gives the same run.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    set: train_options.Set = None,
    init: train_options.Init = None,
    perceptual: train_options.Perceptual = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the interrupted run in the output folder, and fail if there is none. "
            "Without this option such a run goes on, too, and a new one begins if there is none.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    override: Annotated[
        bool,
        typer.Option(
            "--override",
            help="Go on with an interrupted run although its settings or photos have changed.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    device: Device = "auto",
    precision: train_options.Arithmetic = "auto",
    cache_gb: train_options.CacheGb = 2.0,
    workers: train_options.Workers = 1,
    save_every: Annotated[
        int,
        typer.Option(
            min=1,
            help="Save everything after so many steps: what a crash can cost at most.",
            rich_help_panel=_RUN,
        ),
    ] = 500,
    keep: Annotated[
        int,
        typer.Option(
            min=1, help="How many of the saved states to keep on disk.", rich_help_panel=_RUN
        ),
    ] = 2,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Also write the curves for TensorBoard.",
            rich_help_panel=_RUN,
        ),
    ] = False,
) -> None:
    """Learn the look of a folder of photos; `enhance --model RUN` gives it to others.

    photoenhance train --target my_style begins with the bundled model and
    says first how long it takes. Ctrl-C saves everything, and the same
    command goes on from there.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    refuse_faults(context)
    tell_unknown_variables(context)
    with leaving_at_once():
        from photoenhance.inference.device import choose
        from photoenhance.training import config, distributed, precisions
        from photoenhance.training.loop import Run

    if list_recipes:
        train_options.list_recipes(config.recipes())
        return
    with logged(logging.WARNING), distributed.joined() as processes:
        if target is None:
            raise ConfigError("train: no --target", hint="Name a folder of photos with your look.")
        sizes = {"steps": steps, "width": width, "crop": crop, "batch": batch}
        overrides = {**sizes, "seed": seed, "init": init}
        settings = config.load(train_options.recipe_of(recipe, model), overrides, set or ())
        folder = output or train_options.folder_of(target)
        with about("device"):
            chosen = choose(device)
        with saving_first(processes.rank, processes.count) as is_interrupted:
            run = Run(
                target=target,
                source=source,
                output=folder,
                perceptual=perceptual,
                pairs=val_pairs,
                device=chosen,
                precision=precisions.best(chosen) if precision == "auto" else precision,
                cache_bytes=int(cache_gb * 2**30),
                workers=workers,
                save_every=save_every,
                keep=keep,
                override=override,
                interrupted=is_interrupted,
            )
            _check_folder(settings, run, resume=resume)
            _follow(settings, run, processes, tensorboard=tensorboard)


def _refuse_options(context: typer.Context) -> None:
    """Refuse options before a sub-command's name: they would be passed over."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            command = f"train {context.invoked_subcommand}"
            raise ConfigError(
                f"--{name.replace('_', '-')}: stands before {context.invoked_subcommand}",
                hint=f"Write the options behind it: photoenhance {command} --target DIR ...",
            )


def _check_folder(settings: "TrainConfig", run: "Run", *, resume: bool) -> None:
    """Refuse to resume what is not there, and to begin where something is."""
    from photoenhance.training import outputs, state

    check_page(run.output / run_report.PAGE)
    latest = state.latest(run.output)
    if latest is None and resume:
        raise ConfigError(
            f"{run.output}: holds no interrupted run", hint="Leave out --resume to begin one."
        )
    has_ended = latest is not None and _has_ended(latest, settings.steps)
    # A run writes its state before its model, so that a model alone is none that could go on.
    if has_ended or (latest is None and (run.output / outputs.CHECKPOINT).exists()):
        msg = f"{run.output}: holds a trained model already"
        raise ConfigError(
            msg,
            hint="Name another folder with --output, move that one away, or go on with more "
            "--steps and --override.",
        )


def _has_ended(latest: Path, steps: int) -> bool:
    """Whether a run has done all its steps and has written its model; a disk may have been full."""
    from photoenhance.training import outputs, state

    done = state.step_of(latest)
    if done < steps:
        return False
    try:
        best = state.read(latest).parts["outputs"]["step"]
    except TrainingError:  # of another version
        return True
    return outputs.is_complete(latest.parent, best or done)


def _follow(
    settings: "TrainConfig", run: "Run", processes: "Processes", *, tensorboard: bool
) -> None:
    """Run, show what happens and keep it in the run's folder."""
    from photoenhance.training import curves, events, grid, loop, outputs

    training = loop.train(settings, run, processes)
    if not processes.is_first:  # which reports for all
        for _ in training:
            pass
        return
    console = Console(stderr=True, highlight=False)
    began, started = time.monotonic(), None
    _advise(settings, run)
    log = curves.Curves(run.output, tensorboard=tensorboard)
    ended = None
    with _bar(console, settings.steps) as bar, closing(training):
        for event in training:
            log.add(event)
            started = event if isinstance(event, events.Started) else started
            ended = event if isinstance(event, events.Ended) else ended
            _show(event, started, console, bar, settings.steps)
    is_interrupted = ended is not None and ended.reason == "interrupted"
    if not is_interrupted:
        _tell_written("before and after", lambda: grid.write(settings, run))
    values = settings.model_dump(mode="json")
    _tell_written("curves and samples", lambda: run_report.write(run.output, values))
    if ended is not None and is_interrupted:
        again = "the same command goes on from here"
        tell(f"Interrupted after step {ended.step}; everything is in {run.output}: {again}.")
        raise typer.Exit(ExitCode.INTERRUPTED)
    tell(f"Done in {_minutes(time.monotonic() - began)}. Now give the look to other photos:")
    tell(f"  photoenhance enhance --model {quote(str(run.output))} PHOTOS")
    typer.echo(run.output / outputs.CHECKPOINT)


def _tell_written(what: str, write: Callable[[], Path]) -> None:
    """Write a picture or a page for people, and say where it is."""
    from photoenhance.inference.device import MEMORY_ERRORS

    try:
        tell(f"{what}: {write()}")
    except PhotoEnhanceError as error:  # the model is there, and that is what matters
        tell(f"note: {error.message}")
    except (OSError, *MEMORY_ERRORS) as error:
        tell(f"note: {what}: cannot be made: {error}")


def _advise(settings: "TrainConfig", run: "Run") -> None:
    """Say what a quick look at the photos speaks against."""
    from photoenhance.cli.train_findings import advised
    from photoenhance.training import preflight

    found = preflight.quick_advice(settings, run)
    for each in found:
        tell(advised(each))
    if any(each.is_grave for each in found):
        tell("!! Training would be pointless like this. It begins all the same; Ctrl-C ends it.")


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
    bar.add_task("finding out how long it takes", total=steps)
    return bar


def _show(
    event: "events.Event",
    started: "events.Started | None",
    console: Console,
    bar: Progress,
    steps: int,
) -> None:
    from photoenhance.training import events

    match event:
        case events.Note(text=text):
            tell(text)
        case events.Estimated(left=left) if started is not None:
            tell(_beginning(started, left))
            tell(_judging(started))
        case events.Resumed(step=step, path=path, changes=changes):
            bar.update(bar.tasks[0].id, completed=step)
            changed = f", with other settings: {'; '.join(changes)}" if changes else ""
            tell(f"goes on after step {step}, from {path}{changed}")
        case events.Progress(step=step, terms=terms, seconds=seconds):
            told = " ".join(f"{name} {value:.4f}" for name, value in terms.items())
            bar.update(bar.tasks[0].id, completed=step, description=f"{seconds:.2f} s each")
            if not console.is_terminal:
                minutes = (steps - step) * seconds / 60
                tell(f"{step}/{steps} {told}, {seconds:.2f} s a step, {minutes:.0f} min left")
        case events.Validated():
            tell(_judged(event))
        case events.CheckpointSaved(step=step, path=path):
            tell(f"{step}: saved {path}")
        case events.SampleSaved(step=step, path=path):
            tell(f"{step}: samples in {path}")
        case events.Ended():
            _tell_end(event)


def _tell_end(event: "events.Ended") -> None:
    if event.reason == "settled":
        tell(f"{event.step}: ended, since nothing became better for long")
    if event.best != event.step:
        tell(f"the model is that of step {event.best}, the best by validation")


def _beginning(event: "events.Started", left: float) -> str:
    """Say what is learnt from, how long it takes, and where."""
    if event.sources is None:
        targets, ordinary = event.targets + event.held, ""
        held = f", {event.held} held out" if event.held else ""
    else:
        targets, ordinary = event.targets, f" and {event.sources} ordinary ones"
        held = f", {event.held} more held out" if event.held else ""
    several = f", {event.processes} processes" if event.processes > 1 else ""
    where = f"on {event.device} in {event.precision}{several}"
    photos = f"{targets} photo{'s' * (targets != 1)} of your style"
    return f"{photos}{ordinary}{held}; about {_minutes(left)} {where}"


def _minutes(seconds: float) -> str:
    if seconds < 90:
        count, unit = max(round(seconds), 1), "second"
    elif seconds < 90 * 60:
        count, unit = round(seconds / 60), "minute"
    else:
        count, unit = round(seconds / 3600), "hour"
    return f"{count} {unit}{'s' * (count != 1)}"


def _judging(event: "events.Started") -> str:
    """Say by what the best model is found, and in what structure is compared."""
    judged = "nothing to judge by, so the last model is the one given out"
    if event.judged_by is not None:
        judged = f"the best model is found by {event.judged_by}"
    return f"{judged}; structure is compared in {event.features}" if event.features else judged


def _judged(event: "events.Validated") -> str:
    found = event.judgement
    if found.fault is not None:
        return f"{event.step}: {found.fault}, so this step is never the best"
    parts = []
    if found.psnr is not None:
        parts.append(
            f"{found.psnr:.2f} dB and a colour difference of {found.difference:.2f} to the "
            f"{found.known} (before: {found.psnr_before:.2f} and {found.difference_before:.2f})"
        )
    if found.look is not None:
        parts.append(f"{100 * found.look:.0f} % of the distance to the targets' look is left")
    if found.content is not None:
        parts.append(f"{100 * found.content:.1f} % of the structure kept")
    if found.cast is not None and found.cast.grows:
        parts.append(f"a cast grows: {found.cast.strength:.1f} towards {found.cast.towards}")
    best = "; the best so far, saved" if event.is_best else ""
    return f"{event.step}: {', '.join(parts)}{best}"
