"""The commands and how they hang together."""

from typing import Annotated

import typer

from photoenhance import __version__
from photoenhance.cli import config, doctor, enhance, evaluate, models, report, train
from photoenhance.cli.command import Command, CommandGroup, LenientCommand, Program

app = typer.Typer(
    cls=Program,
    help="Make photos better, at any size and with nothing else of them lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("enhance", cls=Command)(enhance.enhance)
app.command("evaluate", cls=Command)(evaluate.evaluate)
app.command("report", cls=Command)(report.report)
app.command("doctor", cls=LenientCommand)(doctor.doctor)
app.add_typer(train.app, name="train", cls=CommandGroup)
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"photoenhance {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version
